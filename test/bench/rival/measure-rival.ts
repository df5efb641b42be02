/** All runs of the comparison, one after the other on one lab; a run that fails is told, and the next one gets a new lab. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openPair, type Pair } from "../../support/lab/pair.ts";
import { ensureRoot } from "../../support/lab/roots.ts";
import { run } from "../../support/lab/run.ts";
import { FAULT_KNOBS } from "../lab-knobs.ts";
import { agentContender } from "./agent-contender.ts";
import { keepalivedContender } from "./keepalived-contender.ts";
import { RIVAL_FAULTS } from "./rival-faults.ts";
import { rivalPage, rivalResultsSchema, rivalTable, type RivalResults } from "./rival-report.ts";
import { rivalRun, type RivalRun } from "./rival-runs.ts";

/** Those that can be named with --rival. */
export const RIVALS = ["keepalived"] as const;

export interface RivalOptions {
  /** How many times each fault is made for each contender. */
  readonly runs: number;
  /** Names of faults; all when it is empty. */
  readonly faults: readonly string[];
  /** Where RIVAL.md and rival.json are written, after every run. */
  readonly folder: string;
  /** The machine, in words. */
  readonly machine: string;
  readonly say: (line: string) => void;
}

/** Measures, writes the page, and returns the table for the terminal. */
export async function measureRival(options: RivalOptions): Promise<string> {
  const contenders = [agentContender(), keepalivedContender()];
  const chosen = RIVAL_FAULTS.filter(({ name }) => options.faults.length === 0 || options.faults.includes(name));
  const names = chosen.map(({ name }) => name);
  // Faults that are not measured now keep what was measured before.
  const before = earlierRuns(options.folder).filter((run) => !names.includes(run.fault));
  const runs: RivalRun[] = [...before];
  const failures: string[] = [];
  const results: RivalResults = { machine: options.machine, day: new Date().toISOString().slice(0, 10), keepalived: await keepalivedVersion(), knobs: FAULT_KNOBS, runs, failures };
  let pair: Pair | null = null;
  try {
    for (let number = 1; number <= options.runs; number += 1) {
      for (const fault of chosen) {
        for (const contender of contenders) {
          const label = `${fault.name} ${number}/${options.runs} ${contender.name}`;
          try {
            pair ??= await openPair({ knobs: FAULT_KNOBS });
            const done = await rivalRun(pair, contender, fault);
            runs.push(done);
            options.say(`${label}: out for ${done.outageMs === null ? "good" : `${Math.round(done.outageMs)} ms`}, ${done.needlessMoves} needless move(s)${done.askew ? ", left askew" : ""}${done.stranded ? ", STRANDED" : ""}, load ${done.load.toFixed(1)}`);
          } catch (error) {
            const sentence = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, 300);
            failures.push(`${label}: ${sentence}`);
            options.say(`${label}: ${sentence}`);
            await pair?.close();
            pair = null;
          }
          write(options.folder, results);
        }
      }
    }
  } finally {
    await pair?.close();
  }
  return rivalTable(results);
}

function earlierRuns(folder: string): readonly RivalRun[] {
  const file = join(folder, "rival.json");
  return existsSync(file) ? rivalResultsSchema.parse(JSON.parse(readFileSync(file, "utf8"))).runs : [];
}

function write(folder: string, results: RivalResults): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "rival.json"), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(join(folder, "RIVAL.md"), rivalPage(results));
}

async function keepalivedVersion(): Promise<string> {
  const root = await ensureRoot("telephony", (line) => process.stderr.write(`lab: ${line}\n`));
  const { stdout, stderr } = await run("chroot", [root, "keepalived", "--version"]);
  return `${stdout}\n${stderr}`.split("\n").find((line) => line.startsWith("Keepalived"))?.split(" (")[0] ?? "keepalived";
}
