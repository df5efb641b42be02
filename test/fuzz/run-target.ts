/**
 * Feeds a target: in batches, each with a seed of its own, so that a failure names a batch that is quickly run again. What
 * fails is shrunk by fast-check. Beyond what the target itself checks, no case may take long, leave an error that nobody
 * waits for, or make the heap grow without end.
 */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import type { Subject, Target } from "./target.ts";
import { watchForTroubles, type Troubles } from "./troubles.ts";

/** A case that has not ended by then hangs (ms of real time: generous, because the machine may be busy) … */
const HANGS_AFTER_MS = 30_000;
/** … and one that computes for so long would keep heartbeats from being sent (ms of this process's CPU time). */
const CPU_MAX_MS = 1_000;
/** Only looked at when a case took this long in real time: asking for the CPU time costs as much as a quick case. */
const SUSPICIOUS_MS = 250;
/** The heap may grow by caches and compiled code, not with the number of cases. */
const GROWTH_MAX_MIB = 48;

const MIB = 1_048_576;

export interface RunOptions {
  readonly cases: number;
  readonly seed: number;
  readonly batch?: number;
  /** After every batch. */
  readonly onProgress?: (done: number) => void;
  /** After every case; for the watchdog. */
  readonly onCase?: () => void;
}

export interface Failure {
  readonly seed: number;
  /** The smallest input that was found; null when the failure belongs to a whole batch. */
  readonly input: unknown;
  readonly error: string;
}

export interface RunResult {
  readonly cases: number;
  readonly elapsedMs: number;
  /** How many cases the subject took for good. */
  readonly accepted: number;
  /** From after the first batch to the end, garbage collected. */
  readonly grownMib: number;
  /** The most memory that the whole process had, looked at after every batch. */
  readonly rssMaxMib: number;
  readonly failure: Failure | null;
}

/** What a test has to say about a target after so many cases, with the seed and the input to run again; null when all is well. */
export async function complaintAbout(target: Target, cases: number, seed: number): Promise<string | null> {
  const { failure, accepted } = await runTarget(target, { cases, seed });
  if (failure !== null) return `seed ${failure.seed}, input ${JSON.stringify(failure.input)}:\n${failure.error}`;
  return accepted > 0 ? null : `seed ${seed}: everything was refused, so nothing behind the door was tried`;
}

/** Runs until all cases are done or one fails. */
export async function runTarget(target: Target, options: RunOptions): Promise<RunResult> {
  const { cases, seed, batch = Math.max(1, Math.min(5_000, Math.ceil(cases / 4))) } = options;
  const startedAtMs = performance.now();
  const troubles = watchForTroubles();
  const subject = await target.open();
  let done = 0;
  let accepted = 0;
  let settledMib: number | null = null;
  let rssMaxMib = 0;
  let failure: Failure | null = null;
  try {
    while (done < cases && failure === null) {
      const size = Math.min(batch, cases - done);
      failure = await runBatch(target, subject, troubles, { seed: seed + done, size, onCase: (taken) => {
        accepted += taken ? 1 : 0;
        options.onCase?.();
      } });
      done += size;
      settledMib ??= heapMib();
      rssMaxMib = Math.max(rssMaxMib, process.memoryUsage().rss / MIB);
      options.onProgress?.(done);
    }
  } finally {
    await subject.close?.();
    troubles.stop();
  }
  const grownMib = heapMib() - (settledMib ?? 0);
  if (failure === null && grownMib > GROWTH_MAX_MIB) failure = { seed, input: null, error: `the heap has grown by ${grownMib.toFixed(0)} MiB in ${done} cases` };
  return { cases: done, elapsedMs: performance.now() - startedAtMs, accepted, grownMib, rssMaxMib, failure };
}

/** Feeds one kept input. Rejects when what must hold does not. */
export async function replay(target: Target, input: unknown): Promise<void> {
  const troubles = watchForTroubles();
  const subject = await target.open();
  try {
    await feedOne(subject, troubles, input);
    await subject.afterwards?.();
    await turn();
    assert.deepEqual(troubles.take(), [], "an error that nobody waited for");
  } finally {
    await subject.close?.();
    troubles.stop();
  }
}

async function runBatch(target: Target, subject: Subject<unknown>, troubles: Troubles, { seed, size, onCase }: { readonly seed: number; readonly size: number; readonly onCase: (accepted: boolean) => void }): Promise<Failure | null> {
  const property = fc.asyncProperty(target.inputs, async (input) => {
    onCase(await feedOne(subject, troubles, input));
  });
  const details = await fc.check(property, { seed, numRuns: size });
  if (details.failed) return { seed, input: details.counterexample?.[0] ?? null, error: inspect(details.errorInstance) };
  try {
    await subject.afterwards?.();
    await turn();
    assert.deepEqual(troubles.take(), [], "an error that nobody waited for");
  } catch (error) {
    return { seed, input: null, error: inspect(error) };
  }
  return null;
}

/** Whether it was accepted. */
async function feedOne(subject: Subject<unknown>, troubles: Troubles, input: unknown): Promise<boolean> {
  const startedAtMs = performance.now();
  const cpu = process.cpuUsage();
  const fed = subject.feed(input);
  const accepted = typeof fed === "boolean" ? fed : await unlessHung(fed);
  // An error that nobody waits for is told a turn later.
  if (typeof fed !== "boolean") await turn();
  const left = troubles.take();
  assert.equal(left.length, 0, `an error that nobody waited for: ${inspect(left[0])}`);
  if (performance.now() - startedAtMs < SUSPICIOUS_MS) return accepted;
  const { user, system } = process.cpuUsage(cpu);
  assert.ok((user + system) / 1_000 < CPU_MAX_MS, `one case took ${Math.round((user + system) / 1_000)} ms of CPU time`);
  return accepted;
}

async function unlessHung<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: no end within ${HANGS_AFTER_MS} ms`)), HANGS_AFTER_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

let collect: (() => void) | null = null;

/** What is in use after a full collection. */
function heapMib(): number {
  if (collect === null) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  return process.memoryUsage().heapUsed / MIB;
}
