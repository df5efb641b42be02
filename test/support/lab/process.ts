// Processes that the lab starts and is answerable for: each in a process group of its own, so that it can be stopped,
// continued and killed with its children, and nothing that somebody else started is ever touched.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { appendFile } from "node:fs/promises";
import { REPOSITORY } from "./roots.ts";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  /** Name for the log file and for messages; the command's own by default. */
  readonly name?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working folder; the repository by default (so `node --import tsx` works). */
  readonly cwd?: string;
  /** Called with each line of standard output. Standard output then goes here and to the log. */
  readonly onLine?: (line: string) => void;
}

export interface LabProcess {
  readonly name: string;
  readonly pid: number;
  /** Standard output and standard error, together. */
  readonly logFile: string;
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<Exit>;
  running(): boolean;
  /** What the log holds now. */
  log(): string;
  /** Sends a signal to the process and its children; does nothing once it has ended. SIGTERM by default. */
  kill(signal?: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after `graceMs` (default 3000); resolves when it has ended. Works on stopped processes too. */
  end(graceMs?: number): Promise<Exit>;
}

/** Starts a process. Rejects when the command can't be started. */
export async function startProcess(command: string, args: readonly string[], logFile: string, options: SpawnOptions = {}): Promise<LabProcess> {
  const logFd = openSync(logFile, "a");
  const child = spawn(command, args, {
    cwd: options.cwd ?? REPOSITORY,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ["ignore", options.onLine === undefined ? logFd : "pipe", logFd],
  });
  closeSync(logFd);
  let over = false;
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      over = true;
      resolve({ code, signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`${command} could not be started`, { cause })));
  });
  const { pid, stdout } = child;
  if (pid === undefined) throw new Error(`${command} has no process id`);
  if (stdout !== null) {
    createInterface({ input: stdout }).on("line", (line) => {
      options.onLine?.(line);
      appendFile(logFile, `${line}\n`).catch(() => undefined);
    });
  }
  const kill = (signal: NodeJS.Signals = "SIGTERM"): void => {
    if (!over) killGroup(pid, signal);
  };
  return {
    name: options.name ?? command,
    pid,
    logFile,
    exited,
    running: () => !over,
    log: () => readFileSync(logFile, "utf8"),
    kill,
    end: async (graceMs = 3000) => {
      kill("SIGTERM");
      kill("SIGCONT");
      const timer = setTimeout(() => kill("SIGKILL"), graceMs);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
  };
}

/** Signals a process group that we started. A group that has just ended is fine. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
