/** What came of the runs: a table for the terminal, a page, and the part of the README. The figures are computed here and typed nowhere. */
import { z } from "zod";
import { summarise } from "../statistics.ts";
import { RIVAL_FAULTS, type RivalFault } from "./rival-faults.ts";
import { RIVAL_SETTINGS } from "./keepalived-files.ts";
import { RECOVERED_WITHIN_MS, SERVED_AGAIN_WITHIN_MS, type RivalRun } from "./rival-runs.ts";

const runSchema = z.object({ contender: z.string(), fault: z.string(), outageMs: z.number().nullable(), needlessMoves: z.number(), askew: z.boolean(), stranded: z.boolean(), load: z.number() });

/** Everything that the page is made of. */
export const rivalResultsSchema = z.object({ machine: z.string(), day: z.string(), keepalived: z.string(), labs: z.number(), knobs: z.record(z.string(), z.string()), runs: z.array(runSchema), failures: z.array(z.string()) });
export type RivalResults = z.infer<typeof rivalResultsSchema>;

const HEAD = ["fault", "who", "runs", "outage, median", "outage, max", "never came back", "needless moves", "left askew"] as const;

const ms = (value: number | undefined): string => (value === undefined ? "-" : `${Math.round(value)} ms`);

function cells(fault: RivalFault, contender: string, all: readonly RivalRun[]): readonly string[] {
  const runs = all.filter((run) => run.fault === fault.name && run.contender === contender);
  const summary = summarise(runs.flatMap((run) => run.outageMs ?? []));
  const never = runs.filter((run) => run.outageMs === null).length;
  const worst = never > 0 ? "no end" : ms(summary?.max);
  return [fault.title, contender, String(runs.length), ms(summary?.median), worst, String(never), String(runs.reduce((sum, run) => sum + run.needlessMoves, 0)), String(runs.filter((run) => run.askew).length)];
}

function measuredFaults({ runs }: RivalResults): readonly RivalFault[] {
  return RIVAL_FAULTS.filter((fault) => runs.some((run) => run.fault === fault.name));
}

function rows(results: RivalResults): readonly (readonly string[])[] {
  const contenders = [...new Set(results.runs.map((run) => run.contender))].toSorted();
  return measuredFaults(results).flatMap((fault) => contenders.map((contender) => cells(fault, contender, results.runs)));
}

export function rivalTable(results: RivalResults): string {
  const all = [HEAD, ...rows(results)];
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) => row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ")).join("\n");
}

const row = (all: readonly string[]): string => `| ${all.join(" | ")} |`;

function table(results: RivalResults): readonly string[] {
  return [row(HEAD), row(HEAD.map(() => "---")), ...rows(results).map(row)];
}

function reasons(results: RivalResults): readonly string[] {
  return measuredFaults(results).map((fault) => `- **${capital(fault.title)}.** ${fault.why}`);
}

function columns(): readonly string[] {
  return [
    `- *never came back*: not answered within ${RECOVERED_WITHIN_MS / 1_000} s of the fault, or not even ${SERVED_AGAIN_WITHIN_MS / 1_000} s after everything had been mended.`,
    "- *needless moves*: moves of the address beyond the one that the fault warrants. Each cuts all calls in progress.",
    "- *left askew*: at the end, with everything mended, the address was not on the one node that took itself for the active.",
  ];
}

/** The part of the README: the table and the reasons. */
export function rivalPart(results: RivalResults): string {
  return [...table(results), "", ...columns(), "", "Where the differences come from:", "", ...reasons(results), "", `${results.keepalived}; ${results.day}, ${results.machine}. How it was set up and measured: \`test/bench/RIVAL.md\`.`].join("\n");
}

/** The page. */
export function rivalPage(results: RivalResults): string {
  const loads = results.runs.map((run) => run.load);
  return [
    "# The agent and keepalived, measured in the same run",
    "",
    "Made by `npm run bench -- --rival keepalived`; not edited by hand. Both run on the same two nodes with the same Asterisks, in the same",
    "network namespaces, against the same EC2 (300 ms for a call that changes something, packets follow 1000 ms later), and take turns from",
    "run to run. The caller asks the Elastic IP 20 times a second; its outage is the longest time without an answer.",
    "",
    ...table(results),
    "",
    ...columns(),
    "",
    "## Where the differences come from",
    "",
    ...reasons(results),
    "",
    "## How it was measured",
    "",
    `- ${results.keepalived}: ${RIVAL_SETTINGS}.`,
    `- The agent's settings that are not the defaults: ${Object.entries(results.knobs).map(([knob, value]) => `\`${knob}=${value}\``).join(", ")}; none of them shortens a failover.`,
    `- ${results.day}, ${results.machine}; ${results.labs === 1 ? "one lab" : `${results.labs} labs side by side, each with faults of its own`}; 1-minute load ${loads.length === 0 ? "-" : `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`}.`,
    ...results.failures.map((failure) => `- **A run without a result.** ${failure}`),
    "",
  ].join("\n");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
