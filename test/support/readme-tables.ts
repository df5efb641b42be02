/**
 * What README.md and .env.example say about the code, made from the code: knobs, errors, metrics, transitions and the
 * worst case; and what was measured, made from the samples that the measuring commands leave behind. `npx tsx test/support/write-readme-tables.ts` writes them; test/unit/readme.test.ts compares.
 */
import { readFileSync } from "node:fs";
import { boundText, COMPARISONS, RELATIONS } from "../../agent/config-rules.ts";
import { loadConfig } from "../../agent/config.ts";
import { PRESETS, presetValue } from "../../agent/config-presets.ts";
import { nodectl } from "../../agent/cli/run.ts";
import { CONDITION_NAMES, CONDITIONS } from "../../agent/core/condition-list.ts";
import { METRIC_NAMES, METRICS } from "../../agent/core/metrics.ts";
import { TRANSITIONS } from "../../agent/core/transitions.ts";
import { ERRORS } from "../../agent/errors.ts";
import { GROUPS, KNOB_NAMES, knobRow, type Group, type Knob, type KnobName } from "../../agent/knobs.ts";
import { worstCase } from "../../agent/worst-case.ts";
import { badDayPart, badDaysSchema } from "../bench/bad-day/report.ts";
import { soakPart, soakSchema } from "../bench/soak/soak-report.ts";
import { rivalPart, rivalResultsSchema } from "../bench/rival/rival-report.ts";
import { PARTS, stories } from "./failure-table.ts";
import { resultsInWords } from "../mutation/results.ts";
import { fuzzRecordInWords } from "../fuzz/fuzz-record.ts";
import { recordInWords } from "../simulation/record.ts";

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map(cell).join(" | ")} |`).join("\n");
const cell = (text: string): string => text.replaceAll("|", "\\|");
const code = (text: string): string => `\`${text}\``;

/** Settings that are enough for a node; for the worst case and for .env.example. */
const EXAMPLE_NODE: Readonly<Record<string, string>> = Object.fromEntries(KNOB_NAMES.filter(isSetInExample).map((name) => [name, knobRow(name).example ?? ""]));

/** What an operator must fill in: the required knobs, and those of which one of two is required. */
function isSetInExample(name: KnobName): boolean {
  return knobRow(name).default === undefined || ["AWS_REGION", "SECRET_ID", "STASIS_APPS"].includes(name);
}

function knobs(): string {
  const groups = (Object.keys(GROUPS) as Group[]).map((group) => {
    const rows = KNOB_NAMES.filter((name) => knobRow(name).group === group).map((name) => knobCells(name, knobRow(name)));
    return `### ${GROUPS[group].title}\n\n${table(["knob", "default", "cautious", "accepted", "what it trades"], rows)}`;
  });
  const comparisons = COMPARISONS.map((rule) => [`${code(rule.left)} ${rule.is} ${boundText(rule)}`, rule.why]);
  const relations = RELATIONS.map((rule) => [rule.needs.map(code).join(", "), rule.why]);
  return [...groups, `### Rules between knobs\n\n${table(["rule", "because"], [...comparisons, ...relations])}`].join("\n\n");
}

function knobCells(name: KnobName, row: Knob): readonly string[] {
  const preset = presetValue("cautious", name);
  const notes = [...(row.on === "node" ? [row.cold === true ? "nodes, and witnesses with COLD_STANDBY" : "nodes only"] : []), ...(row.same === true ? ["equal in the whole cluster"] : [])];
  return [code(name), defaultText(row), preset === null ? "" : String(preset), acceptedText(row), `${row.says}${notes.length === 0 ? "" : ` (${notes.join("; ")})`}`];
}

function defaultText(row: Knob): string {
  if (row.default === undefined) return "must be set";
  if (row.default === null) return "none";
  return row.default === "" ? "empty" : code(String(row.default));
}

function acceptedText(row: Knob): string {
  const { min, max } = row;
  switch (row.kind) {
    case "duration":
      return `${min ?? 0} to ${max ?? ""} ms`;
    case "count":
    case "port":
      return `${min ?? 0} to ${max ?? ""}`;
    case "size":
      return `${min ?? 0} to ${max ?? ""} MiB`;
    case "choice":
      return (row.choices ?? []).map(code).join(", ");
    case "flag":
      return "`true`, `false`";
    case "text":
      return row.shape ?? "text";
    case "ip":
      return "an IP address";
    case "url":
      return "`http://host:port`";
    case "listen":
    case "target":
      return "`address:port`";
    case "loopback":
      return "`address:port`, loopback";
    case "names":
      return `${min ?? 0} to ${max ?? ""} names, by commas`;
    case "references":
      return `${min ?? 0} to ${max ?? ""} \`host:port\`, by commas`;
    case "members":
      return `${min ?? 0} to ${max ?? ""} \`name=address:port\`, by commas`;
    case "instances":
      return `${min ?? 0} to ${max ?? ""} \`name=i-…\`, by commas`;
  }
}

function errors(): string {
  return table(["code", "meaning", "what to do"], Object.entries(ERRORS).map(([name, { meaning, remedy }]) => [code(name), meaning, remedy]));
}

function conditions(): string {
  return table(["condition", "severity", "meaning", "what to do"], CONDITION_NAMES.map((name) => [code(name), CONDITIONS[name].severity, CONDITIONS[name].meaning, CONDITIONS[name].remedy]));
}

function metrics(): string {
  return table(["metric", "unit", "sampled", "meaning"], METRIC_NAMES.map((name) => [code(name), METRICS[name].unit, SAMPLED[METRICS[name].kind], METRICS[name].meaning]));
}

const SAMPLED = { gauge: "each second", measured: "when measured", counter: "when it happens" } as const;

function transitions(): string {
  const rows = TRANSITIONS.map((row) => [code(row.name), row.from, row.to, row.meaning]);
  const edges = TRANSITIONS.map((row) => `  ${row.from} --> ${row.to}: ${row.name}`);
  return `${table(["row", "from", "to", "when"], rows)}\n\n\`\`\`mermaid\nstateDiagram-v2\n  [*] --> ${TRANSITIONS[0]?.from ?? ""}\n${edges.join("\n")}\n\`\`\``;
}

function worstCases(): string {
  return (Object.keys(PRESETS) as (keyof typeof PRESETS)[])
    .map((preset) => {
      const { core } = loadConfig({ file: { ...EXAMPLE_NODE, TIMING: preset }, process: {} }, "0");
      return `#### \`TIMING=${preset}\`\n\n${table(["what happens", "claim sent within", "arithmetic"], worstCase(core).map(({ what, ms, how }) => [what, `${(ms / 1_000).toFixed(2)} s`, how]))}`;
    })
    .join("\n\n");
}

const measured = (file: string): unknown => JSON.parse(readFileSync(new URL(`../bench/${file}`, import.meta.url), "utf8"));
const rival = (): string => rivalPart(rivalResultsSchema.parse(measured("rival.json")));
const badDay = (): string => badDayPart(badDaysSchema.parse(measured("bad-day.json")));
const soak = (): string => soakPart(soakSchema.parse(measured("soak.json")));

/** The generated parts of README.md by the name in their marker, `<!-- generated: NAME -->` to `<!-- end -->`. */
export const README_PARTS: Readonly<Record<string, () => string>> = { knobs, errors, conditions, metrics, transitions, "worst-case": worstCases, verbs, rival, "bad-day": badDay, soak, failures, campaign: recordInWords, fuzz: fuzzRecordInWords, mutants: resultsInWords };

/** The verbs of nodectl, from the program itself. */
function verbs(): string {
  const program = nodectl({ out: () => undefined, err: () => undefined, colour: false, width: 80, env: { AGENT_ENV_FILE: "/nonexistent" } });
  return table(["verb", "what it does", "options"], program.commands.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands)).map((command) => [code(`nodectl ${command.parent === program ? "" : `${command.parent?.name() ?? ""} `}${command.name()}`), command.description(), command.options.map((option) => code(option.flags)).join(", ")]));
}

/** One row a scenario, by parts. */
function failures(): string {
  const all = stories();
  return (Object.keys(PARTS) as (keyof typeof PARTS)[])
    .map((part) => `#### ${PARTS[part]}\n\n${table(["what happens", "what the agents are held to"], all.filter((story) => story.part === part).map(({ name, heading, heldTo }) => [`[${heading}](test/scenarios/${name}.txt)`, heldTo.join("; ")]))}`)
    .join("\n\n");
}

const PART = /<!-- generated: ([a-z-]+) -->\n[\s\S]*?<!-- end -->/g;

/** The names of the parts that a README has, in order. */
export function partsOf(readme: string): readonly string[] {
  return [...readme.matchAll(PART)].map((match) => match[1] ?? "");
}

/** The README with every generated part renewed. Throws for a marker that nothing generates. */
export function withFreshParts(readme: string): string {
  return readme.replace(PART, (_, name: string) => {
    const make = README_PARTS[name];
    if (make === undefined) throw new Error(`README.md has a marker for "${name}", which nothing generates`);
    return `<!-- generated: ${name} -->\n${make()}\n<!-- end -->`;
  });
}

/** .env.example: what must be filled in, and every other knob with its default, commented out. */
export function envExample(): string {
  const head = ["# Settings of one agent: copy this to .env (development) or to /etc/asterisk-node-agent/agent.env (on a node).", "# Made from agent/knobs.ts by `npx tsx test/support/write-readme-tables.ts`. Secrets do not belong here: they are in the secret."];
  const groups = (Object.keys(GROUPS) as Group[]).map((group) => {
    const rows = KNOB_NAMES.filter((name) => knobRow(name).group === group).flatMap((name) => ["", ...wrapped(knobRow(name).says), exampleLine(name)]);
    return ["", `# ---- ${GROUPS[group].title} ----`, ...rows];
  });
  return `${[...head, ...groups.flat()].join("\n")}\n`;
}

function exampleLine(name: KnobName): string {
  const set = EXAMPLE_NODE[name];
  if (set !== undefined) return `${name}=${set}`;
  const row = knobRow(name);
  return `#${name}=${row.default === "" || row.default == null ? (row.example ?? "") : row.default}`;
}

function wrapped(sentence: string): readonly string[] {
  const lines = [""];
  for (const word of sentence.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && last.length + word.length > 110) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.map((line) => `# ${line}`);
}
