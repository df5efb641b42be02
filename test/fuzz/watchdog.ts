/**
 * A case that computes for ever can't be interrupted from within its own thread. This watches from another one, and ends
 * the process with the seed that brings the case back.
 */
import { Worker } from "node:worker_threads";

/** No sign of life for so long (ms): an endless loop, or a machine that nobody can work on. */
const SILENT_MAX_MS = 60_000;

const WATCHER = `
const { parentPort, workerData } = require("node:worker_threads");
const beat = new Int32Array(workerData.shared);
let what = "nothing yet", last = -1, since = Date.now();
parentPort.on("message", (text) => { what = text; since = Date.now(); });
setInterval(() => {
  const now = Atomics.load(beat, 0);
  if (now !== last) { last = now; since = Date.now(); return; }
  if (what !== "" && Date.now() - since > ${SILENT_MAX_MS}) { require("node:fs").writeSync(2, "\\nHANGS: no case has ended for ${SILENT_MAX_MS / 1000} s in " + what + "\\n"); process.exit(1); }
}, 1000).unref();
`;

export interface Watchdog {
  /** Before every case. */
  beat(): void;
  /** What is under way, for the message; empty while nothing is. */
  about(what: string): void;
  stop(): Promise<unknown>;
}

export function startWatchdog(): Watchdog {
  const shared = new SharedArrayBuffer(4);
  const beat = new Int32Array(shared);
  // A worker's process.exit ends only the worker; the message that it has ended ends us.
  const worker = new Worker(WATCHER, { eval: true, workerData: { shared } });
  worker.unref();
  return {
    beat: () => void Atomics.add(beat, 0, 1),
    about: (what) => worker.postMessage(what),
    stop: () => worker.terminate(),
  };
}
