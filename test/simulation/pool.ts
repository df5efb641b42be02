/**
 * Runs many seeds on all cores. The campaign is bundled once and handed to worker threads as text: that starts faster
 * than loading TypeScript in every thread, and runs a good deal faster.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import type { RunResult } from "./story.ts";

/** What to run. */
export interface Batch {
  readonly firstSeed: number;
  readonly seeds: number;
  /** Simulated minutes of a run. */
  readonly minutes: number;
  /** Keep the transcripts of all runs, not only of broken ones. */
  readonly transcripts: boolean;
  readonly threads?: number;
  /** Only seeds for which this is true count. */
  readonly only?: (seed: number) => boolean;
}

/** A run that is asked of a worker. */
export interface Job {
  readonly seed: number;
  readonly minutes: number;
  readonly transcript: boolean;
}

/** Runs the batch and tells each result as it comes, in no particular order. Rejects when a worker fails, which is a defect. */
export async function runBatch(batch: Batch, onResult: (result: RunResult) => void): Promise<void> {
  const code = await workerCode();
  let next = batch.firstSeed;
  let left = batch.seeds;
  const job = (): Job | null => {
    if (left === 0) return null;
    left -= 1;
    while (batch.only?.(next) === false) next += 1;
    return { seed: next++, minutes: batch.minutes, transcript: batch.transcripts };
  };
  const threads = Math.min(batch.threads ?? availableParallelism(), batch.seeds);
  await Promise.all(Array.from({ length: threads }, () => workThrough(code, job, onResult)));
}

function workThrough(code: string, job: () => Job | null, onResult: (result: RunResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true });
    const ask = (): void => {
      const todo = job();
      if (todo !== null) worker.postMessage(todo);
      else worker.terminate().then(() => resolve(), reject);
    };
    worker.on("message", (result: RunResult) => {
      onResult(result);
      ask();
    });
    worker.on("error", reject);
    ask();
  });
}

async function workerCode(): Promise<string> {
  const entry = fileURLToPath(new URL("campaign-worker.ts", import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, platform: "node", format: "cjs", target: "node20", logLevel: "silent" });
  return outputFiles[0]?.text ?? "";
}
