/**
 * All runs of the comparison. Each lab makes its share of the faults one after the other, the contenders taking turns; a
 * run that fails is told, and the next one gets a new lab. What was measured is written after every run, so that a
 * comparison that is stopped early has not been for nothing.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openPair, type Pair } from "../../support/lab/pair.ts";
import { ensureRoot } from "../../support/lab/roots.ts";
import { run } from "../../support/lab/run.ts";
import { FAULT_KNOBS } from "../lab-knobs.ts";
import { agentContender } from "./agent-contender.ts";
import { keepalivedContender } from "./keepalived-contender.ts";
import { RIVAL_FAULTS, type RivalFault } from "./rival-faults.ts";
import { rivalPage, rivalResultsSchema, rivalTable, type RivalResults } from "./rival-report.ts";
import { rivalRun, type RivalRun } from "./rival-runs.ts";

/** Those that can be named with --rival. */
export const RIVALS = ["keepalived"] as const;

/** The names of the faults, for --faults. */
export const RIVAL_FAULT_NAMES = RIVAL_FAULTS.map(({ name }) => name);

/** An error's words may be pages long; of these, so many characters are told. */
const FAILURE_MAX = 300;

export interface RivalOptions {
  /** How many times each fault is made for each contender. */
  readonly runs: number;
  /** Names of faults. Those that are not among them keep what was measured before. */
  readonly faults: readonly string[];
  /** How many labs work side by side, each on faults of its own. */
  readonly labs: number;
  /** After so much time (ms) no further round of runs is begun. */
  readonly withinMs: number;
  /** Where RIVAL.md and rival.json are written. */
  readonly folder: string;
  /** The machine, in words. */
  readonly machine: string;
  readonly say: (line: string) => void;
}

/** Where the runs of all labs come together. */
interface Book {
  readonly runs: RivalRun[];
  readonly failures: string[];
  write(): void;
}

/** Measures, writes the page, and returns the table for the terminal. */
export async function measureRival(options: RivalOptions): Promise<string> {
  const chosen = RIVAL_FAULTS.filter(({ name }) => options.faults.includes(name));
  const runs = earlierRuns(options.folder).filter(({ fault }) => !options.faults.includes(fault));
  const failures: string[] = [];
  const results: RivalResults = { machine: options.machine, day: new Date().toISOString().slice(0, 10), keepalived: await keepalivedVersion(), labs: options.labs, knobs: FAULT_KNOBS, runs, failures };
  const book: Book = { runs, failures, write: () => write(options.folder, results) };
  const untilMs = performance.now() + options.withinMs;
  const labs = Array.from({ length: options.labs }, (_, lab) => chosen.filter((_fault, index) => index % options.labs === lab));
  await Promise.all(labs.map((faults) => measureInOneLab(faults, book, untilMs, options)));
  return rivalTable(results);
}

async function measureInOneLab(faults: readonly RivalFault[], book: Book, untilMs: number, { runs, say }: RivalOptions): Promise<void> {
  const contenders = [agentContender(), keepalivedContender()];
  let pair: Pair | null = null;
  try {
    for (let number = 1; number <= runs && performance.now() < untilMs; number += 1) {
      for (const fault of faults) {
        for (const contender of contenders) {
          const label = `${fault.name} ${number}/${runs} ${contender.name}`;
          try {
            pair ??= await openPair({ knobs: FAULT_KNOBS });
            const done = await rivalRun(pair, contender, fault);
            book.runs.push(done);
            say(`${label}: ${inWords(done)}`);
          } catch (error) {
            const sentence = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, FAILURE_MAX);
            book.failures.push(`${label}: ${sentence}`);
            say(`${label}: ${sentence}`);
            await pair?.close();
            pair = null;
          }
          book.write();
        }
      }
    }
  } finally {
    await pair?.close();
  }
}

function inWords({ outageMs, needlessMoves, askew, stranded, load }: RivalRun): string {
  return `out for ${outageMs === null ? "good" : `${Math.round(outageMs)} ms`}, ${needlessMoves} needless move(s)${askew ? ", left askew" : ""}${stranded ? ", STRANDED" : ""}, load ${load.toFixed(1)}`;
}

function earlierRuns(folder: string): RivalRun[] {
  const file = join(folder, "rival.json");
  return existsSync(file) ? rivalResultsSchema.parse(JSON.parse(readFileSync(file, "utf8"))).runs : [];
}

function write(folder: string, results: RivalResults): void {
  mkdirSync(folder, { recursive: true });
  const rounded = (_: string, value: unknown): unknown => (typeof value === "number" ? Math.round(value * 100) / 100 : value);
  writeFileSync(join(folder, "rival.json"), `${JSON.stringify(results, rounded, 1)}\n`);
  writeFileSync(join(folder, "RIVAL.md"), rivalPage(results));
}

async function keepalivedVersion(): Promise<string> {
  const root = await ensureRoot("telephony", (line) => process.stderr.write(`lab: ${line}\n`));
  const { stdout, stderr } = await run("chroot", [root, "keepalived", "--version"]);
  return `${stdout}\n${stderr}`.split("\n").find((line) => line.startsWith("Keepalived"))?.split(" (")[0] ?? "keepalived";
}
