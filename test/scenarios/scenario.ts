/**
 * A scenario is a text file that a telephony engineer can read: a heading, plain sentences that happen to a simulated
 * cluster (test/simulation/commands.ts), and indented below each block what the agents did, as they logged it: the
 * milliseconds since the cluster was last steady, who, and the sentence. `expect` lines are promises: they are checked
 * and never rewritten (expectations.ts).
 */
import type { SimCluster } from "../simulation/cluster.ts";
import { clusterFrom, perform } from "../simulation/commands.ts";
import { watchPromises, type Findings } from "../simulation/promises.ts";
import { checkExpectation } from "./expectations.ts";

/** What expectations are checked against; "since zero" means since the last `run until steady`. */
export interface Stage {
  readonly cluster: SimCluster;
  readonly findings: Findings;
  /** World time of zero (ms). */
  zeroMs: number;
  /** EC2 calls before zero, by kind, and moves before zero. */
  callsBefore: ReadonlyMap<string, number>;
  movesBefore: number;
  /** Rows of the table that fired since the beginning. */
  readonly rows: Set<string>;
}

/** What running a scenario gave. */
export interface Outcome {
  /** The file as it should be. */
  readonly text: string;
  /** Expectations that do not hold, and promises that broke. */
  readonly failures: readonly string[];
  /** Rows of the table that fired. */
  readonly rows: ReadonlySet<string>;
}

const INDENT = "    ";

/** Runs the scenario in `text`. Throws on a line that is no sentence of the language. */
export function runScenario(text: string): Outcome {
  const lines = text.trimEnd().split("\n").filter((line) => !line.startsWith(INDENT));
  const failures: string[] = [];
  const output: string[] = [];
  let stage: Stage | null = null;
  let told = 0;
  const tell = (): void => {
    if (stage === null) return;
    const { cluster, zeroMs } = stage;
    for (const { atMs, who, says } of cluster.lines.slice(told)) output.push(`${INDENT}${String(Math.round(atMs - zeroMs)).padStart(7)}  ${who.padEnd(9)}  ${says}`);
    told = cluster.lines.length;
  };
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim();
    if (line === "") tell();
    output.push(raw);
    if (line === "" || line.startsWith("#")) continue;
    try {
      if (line.startsWith("cluster")) stage = openStage(line);
      else if (stage === null) throw new Error("the first sentence must describe the cluster");
      else if (line.startsWith("expect ")) checkExpectation(stage, line.slice("expect ".length));
      else act(stage, line);
    } catch (error) {
      failures.push(`line ${index + 1}, ${line}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  tell();
  failures.push(...(stage?.findings.broken ?? ["the scenario has no cluster"]));
  return { text: `${output.join("\n")}\n`, failures, rows: stage?.rows ?? new Set() };
}

function openStage(line: string): Stage {
  const cluster = clusterFrom(line);
  const stage: Stage = { cluster, findings: watchPromises(cluster), zeroMs: 0, callsBefore: new Map(), movesBefore: 0, rows: new Set() };
  cluster.onStep((_member, _before, _event, { actions }) => {
    for (const action of actions) if (action.type === "roleChanged") stage.rows.add(action.row);
  });
  return stage;
}

function act(stage: Stage, sentence: string): void {
  perform(stage.cluster, sentence);
  if (sentence !== "run until steady") return;
  stage.zeroMs = stage.cluster.time.nowMs;
  stage.callsBefore = new Map(stage.cluster.cloud.calls);
  stage.movesBefore = stage.cluster.moves.length;
  stage.findings.restart();
}
