/** The last fuzzing that was recorded: `npm run fuzz -- --record` writes it down, README.md shows it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { measuredOn } from "../support/measured-on.ts";
import type { RunResult } from "./run-target.ts";
import type { Target } from "./target.ts";

interface TargetRecord {
  readonly name: string;
  readonly says: string;
  readonly cases: number;
  /** Share of the cases that the program took for good. */
  readonly accepted: number;
  readonly seconds: number;
  /** How much more heap there was at the end than at the beginning (MiB). */
  readonly grownMib: number;
  readonly found: boolean;
}

/** What a run came to. Plain JSON. */
interface FuzzRecord {
  readonly date: string;
  readonly machine: string;
  readonly seed: number;
  readonly targets: readonly TargetRecord[];
}

const FILE = new URL("record.json", import.meta.url);
const round = (value: number): number => Number(value.toFixed(2));

/** Writes the record; the date and the machine are those of now and here. */
export function keepRecord(seed: number, results: ReadonlyMap<Target, RunResult>): void {
  const targets = [...results].map(([{ name, says }, { cases, accepted, elapsedMs, grownMib, failure }]): TargetRecord => ({ name, says, cases, accepted: round(accepted / cases), seconds: round(elapsedMs / 1_000), grownMib: round(grownMib), found: failure !== null }));
  writeFileSync(FILE, `${JSON.stringify({ ...measuredOn(), seed, targets } satisfies FuzzRecord, null, 2)}\n`);
}

/** The record as README.md tells it. */
export function fuzzRecordInWords(): string {
  if (!existsSync(FILE)) return "No run has been written down yet.";
  const { date, machine, seed, targets } = JSON.parse(readFileSync(FILE, "utf8")) as FuzzRecord;
  const sum = (of: (target: TargetRecord) => number): number => targets.reduce((so, target) => so + of(target), 0);
  const found = targets.filter((target) => target.found).map(({ name }) => name);
  return [
    "| target | what is fed | cases | accepted | heap, grown by | found |",
    "| --- | --- | ---: | ---: | ---: | --- |",
    ...targets.map(({ name, says, cases, accepted, grownMib, found: bad }) => `| \`${name}\` | ${says} | ${cases} | ${Math.round(100 * accepted)} % | ${grownMib.toFixed(1)} MiB | ${bad ? "YES" : "nothing"} |`),
    "",
    `${sum(({ cases }) => cases)} cases in ${(sum(({ seconds }) => seconds) / 60).toFixed(1)} minutes of one core, seed ${seed}: ${found.length === 0 ? "no crash, no hang, nothing taken that must be refused" : `a fault in ${found.join(", ")}`}. ${date}, ${machine}.`,
  ].join("\n");
}
