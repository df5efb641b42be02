/** Tries mutants in worker threads, on all cores. One that makes the core run for ever is caught by the clock. */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import type { MutantRun } from "./mutate-worker.ts";
import { Expectations } from "./expectations.ts";
import type { Catch, Order, Outcome } from "./mutant-run.ts";
import { coreCode, coreText } from "./sources.ts";
import { mutated, type Mutant } from "./mutants.ts";
import type { Sources } from "./world.ts";

/** A mutant that takes so many times what the core as it is takes runs for ever; and never less than this (ms). */
const HANG_TIMES = 3;
const HANG_LEAST_MS = 60_000;
/** The core as it is gets this long (ms): the machine may be busy. */
const SOUND_MS = 900_000;

/** A mutant with what became of it. */
export interface MutantResult {
  readonly mutant: Mutant;
  readonly caught: Catch | null;
}

class MutantRunner {
  readonly #sources: Sources;
  readonly #code: string;
  #worker: Worker | null = null;

  constructor(sources: Sources, code: string) {
    this.#sources = sources;
    this.#code = code;
  }

  try(run: MutantRun, withinMs: number): Promise<Outcome> {
    const worker = (this.#worker ??= new Worker(this.#code, { eval: true, workerData: this.#sources }));
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        clearTimeout(clock);
        worker.off("message", answered).off("error", failed);
        then();
      };
      const answered = (outcome: Outcome): void => { settle(() => { resolve(outcome); }); };
      const failed = (error: Error): void => { settle(() => { reject(error); }); };
      const clock = setTimeout(() => {
        this.#worker = null;
        void worker.terminate();
        answered({ caught: { layer: "hang", test: `no answer within ${Math.round(withinMs / 1_000)} s` }, passed: {} });
      }, withinMs);
      worker.on("message", answered).on("error", failed);
      worker.postMessage(run);
    });
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
  }
}

/** As text: that starts faster than loading TypeScript in every thread. */
async function workerCode(): Promise<string> {
  const entry = fileURLToPath(new URL("mutate-worker.ts", import.meta.url));
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, platform: "node", format: "cjs", target: "node20", packages: "external", logLevel: "error" });
  return outputFiles[0]?.text ?? "";
}

/** Tries the core as it is. Rejects when a test fails. */
async function provenSound(runner: MutantRunner, order: Order): Promise<Outcome> {
  const outcome = await runner.try({ file: null, code: "", order }, SOUND_MS);
  if (outcome.caught !== null) throw new Error(`the core as it is fails in ${outcome.caught.layer}: ${outcome.caught.test}`);
  return outcome;
}

/** Tries all of them and tells each as it is done, in no particular order. Rejects when the core as it is does not pass. */
export async function runMutants(mutants: readonly Mutant[], sources: Sources, onResult: (result: MutantResult) => void, threads = availableParallelism()): Promise<void> {
  const worker = await workerCode();
  const texts = new Map([...new Set(mutants.map(({ file }) => file))].map((file) => [file, coreText(file)]));
  const runners = Array.from({ length: Math.max(1, Math.min(threads, mutants.length)) }, () => new MutantRunner(sources, worker));
  try {
    const startedAtMs = performance.now();
    const { passed } = await provenSound(runners[0] as MutantRunner, {});
    const expectations = new Expectations(passed);
    const soundMs = performance.now() - startedAtMs;
    // In another order, too: a test that needs those before it would count as having caught what it has not.
    await provenSound(runners[0] as MutantRunner, expectations.orderFor(""));
    const hangMs = Math.max(HANG_LEAST_MS, HANG_TIMES * soundMs);
    let next = 0;
    const workThrough = async (runner: MutantRunner): Promise<void> => {
      for (let mutant = mutants[next++]; mutant !== undefined; mutant = mutants[next++]) {
        const code = await coreCode(mutated(texts.get(mutant.file) ?? "", mutant));
        const { caught } = await runner.try({ file: mutant.file, code, order: expectations.orderFor(mutant.file) }, hangMs);
        if (caught !== null) expectations.note(mutant.file, caught);
        onResult({ mutant, caught });
      }
    };
    await Promise.all(runners.map(workThrough));
  } finally {
    await Promise.all(runners.map((runner) => runner.end()));
  }
}
