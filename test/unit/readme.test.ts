import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "dotenv";
import { loadConfig } from "../../agent/config.ts";
import { METRIC_NAMES } from "../../agent/core/metrics.ts";
import { TRANSITIONS } from "../../agent/core/transitions.ts";
import { ERRORS } from "../../agent/errors.ts";
import { KNOB_NAMES, knobRow } from "../../agent/knobs.ts";
import { SETTING_NAMES } from "../../agent/stasis-app/settings.ts";
import { without } from "../support/settings.ts";
import { envExample, partsOf, README_PARTS, withFreshParts } from "../support/readme-tables.ts";

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const RENEW = "run `npm run docs` and read the difference";
/** The first cells of a generated table: what it lists. */
const listed = (part: string): readonly string[] => [...(README_PARTS[part]?.() ?? "").matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? "");

describe("README.md", () => {
  const readme = read("README.md");

  it("has every generated part once", () => {
    assert.deepEqual([...partsOf(readme)].toSorted(), Object.keys(README_PARTS).toSorted());
  });

  it("has no marker that is broken or that nothing generates", () => {
    assert.equal(readme.split("<!-- generated:").length, partsOf(readme).length + 1);
    assert.equal(readme.split("<!-- end -->").length, partsOf(readme).length + 1);
  });

  it("says in its generated parts what the code says", () => {
    assert.equal(firstDifference(readme, withFreshParts(readme)), null, RENEW);
  });

  it("names, outside its generated parts, no knob and no error that does not exist", () => {
    const prose = withoutParts(readme);
    const known = new Set<string>([...KNOB_NAMES, ...Object.keys(ERRORS), ...SETTING_NAMES, "AGENT_ENV_FILE"]);
    const named = [...prose.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map((match) => match[1] ?? "");
    assert.ok(named.length > 0);
    assert.deepEqual(named.filter((name) => !known.has(name) && !name.startsWith("AWS_")), []);
  });

  it("says of every room of the code what is in it, and of none that is not there", () => {
    const rooms = ["agent", "test"].flatMap((top) => readdirSync(new URL(`../../${top}/`, import.meta.url), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => `${top}/${entry.name}/`));
    const named = [...readme.matchAll(/^\| `((?:agent|test)\/[\w-]+\/)` \|/gm)].map((match) => match[1] ?? "");
    assert.deepEqual(named.toSorted(), rooms.toSorted());
  });

  it("has no row of a table that is split by a stray bar", () => {
    for (const [, make] of Object.entries(README_PARTS)) {
      let cells = 0;
      for (const line of make().split("\n")) {
        const count = line.startsWith("|") ? line.replaceAll("\\|", "").split("|").length : 0;
        if (count > 0 && cells > 0) assert.equal(count, cells, line);
        cells = count;
      }
    }
  });
});

describe("the generated tables", () => {
  it("list every error, metric and transition, each once and in the code's order", () => {
    assert.deepEqual(listed("errors"), Object.keys(ERRORS));
    assert.deepEqual(listed("metrics"), METRIC_NAMES);
    assert.deepEqual(listed("transitions"), TRANSITIONS.map((row) => row.name));
  });

  it("list every knob once", () => {
    const { knobs } = README_PARTS;
    const rows = (knobs?.() ?? "").split("### Rules between knobs")[0] ?? "";
    assert.deepEqual([...rows.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]).toSorted(), [...KNOB_NAMES].toSorted());
  });

  it("draw every transition", () => {
    const drawn = README_PARTS["transitions"]?.() ?? "";
    for (const row of TRANSITIONS) assert.ok(drawn.includes(`  ${row.from} --> ${row.to}: ${row.name}`), row.name);
  });

  it("are made anew, and the text around them stays", () => {
    assert.throws(() => withFreshParts("<!-- generated: gossip -->\n<!-- end -->"), /nothing generates/);
    assert.match(withFreshParts("before\n<!-- generated: errors -->\nold\n<!-- end -->\nafter"), /^before\n<!-- generated: errors -->\n\| code[\s\S]*<!-- end -->\nafter$/);
  });
});

describe(".env.example", () => {
  const example = read(".env.example");

  it("is what the table of knobs makes of it", () => {
    assert.equal(firstDifference(example, envExample()), null, RENEW);
  });

  it("is a configuration that the agent accepts as it stands", () => {
    assert.equal(loadConfig({ file: parse(example), process: {} }, "1").core.kind, "node");
  });

  it("has every knob, set or commented out", () => {
    for (const name of KNOB_NAMES) assert.match(example, new RegExp(`^#?${name}=`, "m"), name);
  });

  it("has, commented out, values that would be accepted, too", () => {
    const everything = parse(example.replace(/^#([A-Z_]+=)/gm, "$1"));
    assert.equal(loadConfig({ file: without(everything, "SECRETS_FILE"), process: {} }, "1").core.witnesses.length, 1);
    for (const name of KNOB_NAMES) assert.ok(everything[name] !== "" || knobRow(name).default === "", name);
  });
});

/** The first line in which the page is not what it should be; the whole page would be too much to read. */
function firstDifference(is: string, shouldBe: string): { readonly line: number; readonly is: string | undefined; readonly shouldBe: string | undefined } | null {
  if (is === shouldBe) return null;
  const [present, wanted] = [is.split("\n"), shouldBe.split("\n")];
  const index = Array.from({ length: Math.max(present.length, wanted.length) }).findIndex((_, each) => present[each] !== wanted[each]);
  return { line: index + 1, is: present[index], shouldBe: wanted[index] };
}

/** What people wrote. */
function withoutParts(readme: string): string {
  return readme.replace(/<!-- generated: [\s\S]*?<!-- end -->/g, "");
}
