/**
 * The processes that the demo starts. Each is a process group of its own, and writes itself down in the demo's folder before
 * it does anything else, so that guard.mjs can end it however the demo itself ends.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { startProcess, type LabProcess, type SpawnOptions } from "../support/lab/process.ts";

/** Time for an orderly end; nothing that the demo starts needs it (ms). */
const GRACE_MS = 1_000;
/** Notes its own process id, which is its group's too, and becomes the command. Without the folder there is nothing to become. */
const NOTED = 'echo "+$$" >> "$0" && exec "$@"';
/** Of the log of a process that has failed. */
const TAIL_LINES = 12;

export class Children {
  readonly #folder: string;
  readonly #all = new Set<LabProcess>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts a process; its output goes to `NAME.log` in the demo's folder. */
  async start(name: string, command: string, args: readonly string[], options: SpawnOptions = {}): Promise<LabProcess> {
    const list = join(this.#folder, "children");
    const child = await startProcess("/bin/sh", ["-c", NOTED, list, command, ...args], join(this.#folder, `${name}.log`), { name, ...options });
    this.#all.add(child);
    void child.exited.then(() => {
      // Synchronous: a note that comes after the demo's own end is of no use.
      appendFileSync(list, `-${child.pid}\n`);
    });
    return child;
  }

  /** The last lines of each process that has ended, for the message when the demo can't go on. */
  obituaries(): readonly string[] {
    const dead = [...this.#all].filter((child) => !child.running());
    return dead.flatMap((child) => [`${child.name} has ended; its last words:`, ...child.log().trimEnd().split("\n").slice(-TAIL_LINES).map((line) => `  ${line}`)]);
  }

  /** Ends a process that nobody needs any more; its end is no failure. */
  async discard(child: LabProcess): Promise<void> {
    this.#all.delete(child);
    await child.end(GRACE_MS);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((child) => child.end(GRACE_MS)));
  }
}
