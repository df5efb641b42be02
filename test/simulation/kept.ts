/** Runs a batch and says what of it broke, with the commands that replay it. */
import { runBatch, type Batch } from "./pool.ts";
import type { RunResult } from "./story.ts";

/** What a batch came to. */
export interface Kept {
  readonly runs: number;
  readonly claims: number;
  readonly simulatedMs: number;
  /** One report for each broken run, by seed: its sentences, its command, and the end of its transcript. */
  readonly broken: readonly string[];
}

/** Runs all seeds of the batch. */
export async function runAndJudge(batch: Batch): Promise<Kept> {
  const results: RunResult[] = [];
  await runBatch(batch, (result) => results.push(result));
  const broken = results.filter((result) => result.broken.length > 0).toSorted((a, b) => a.seed - b.seed);
  return {
    runs: results.length,
    claims: results.reduce((sum, result) => sum + Object.values(result.claims).reduce((all, times) => all + times, 0), 0),
    simulatedMs: results.reduce((sum, result) => sum + result.simulatedMs, 0),
    broken: broken.map((result) => `seed ${result.seed}: ${result.broken.join("; ")}\n  npm run simulate -- --seed ${result.seed} --seeds 1 --minutes ${batch.minutes} --transcript\n${result.transcript.slice(-40).join("\n")}`),
  };
}
