/** The inside of a worker thread: a mutant comes in, what caught it goes out. */
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { runMutant, type Order } from "./mutant-run.ts";
import { Worlds, type Sources } from "./world.ts";

/** A mutant to try; `file` null is the core as it is. */
export interface MutantRun {
  readonly file: string | null;
  readonly code: string;
  readonly order: Order;
}

// Property tests draw the same cases for every mutant, so that a result can be repeated; nobody asks for the smallest case that fails.
const require = createRequire(join(process.cwd(), "package.json"));
const fastCheck = require("fast-check") as { readonly configureGlobal: (options: { readonly seed: number; readonly numRuns: number; readonly endOnFailure: boolean }) => void };
fastCheck.configureGlobal({ seed: 1, numRuns: 50, endOnFailure: true });

const worlds = new Worlds(workerData as Sources, require);

parentPort?.on("message", ({ file, code, order }: MutantRun) => {
  void runMutant(worlds, file, code, order).then((outcome) => { parentPort?.postMessage(outcome); });
});
