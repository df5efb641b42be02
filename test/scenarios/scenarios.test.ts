/**
 * Runs every story in this folder. The transcript must be exactly what the program does; REWRITE=1 writes it anew, and
 * the difference is then reviewed like code. Expectations are never rewritten.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { TRANSITIONS } from "../../agent/core/transitions.ts";
import { runScenario } from "./scenario.ts";

const folder = new URL(".", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".txt")).toSorted();
const rewrite = process.env["REWRITE"] === "1";
const fired = new Set<string>();
let ran = 0;

/** The heading without its mark, as the test's name. */
const headingOf = (text: string): string => (text.split("\n")[0] ?? "").replace(/^# */, "");

describe("scenarios", () => {
  for (const name of files) {
    const url = new URL(name, folder);
    const text = readFileSync(url, "utf8");
    it(`${name}: ${headingOf(text)}`, () => {
      const outcome = runScenario(text);
      ran += 1;
      for (const row of outcome.rows) fired.add(row);
      if (rewrite && outcome.text !== text) writeFileSync(url, outcome.text);
      assert.deepEqual(outcome.failures, []);
      if (!rewrite) assert.equal(outcome.text, text, `${name}: the transcript differs. If the new one is what should happen, run with REWRITE=1 and review the difference.`);
      assert.match(text, /^expect /m, "a scenario without an expectation promises nothing");
    });
  }

  // After all of them, in whatever order they ran; asked only where none was left out.
  after(() => {
    const missing = TRANSITIONS.map((row) => row.name).filter((name) => !fired.has(name));
    if (ran === files.length) assert.deepEqual(missing, [], "no scenario fires these rows of the table of transitions");
  });
});
