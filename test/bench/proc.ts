/** What the kernel says of a process: memory, time on the core, and time spent waiting for one (the machine was busy). */
import { readFileSync } from "node:fs";
import { run } from "../support/lab/run.ts";

/** All in MB (10^6 bytes). `file` is shared with other processes of the same program; `anonymous` is the process's own. */
export interface Memory {
  readonly resident: number;
  readonly anonymous: number;
  readonly file: number;
  readonly peak: number;
}

const BYTES_PER_KIB = 1_024;
const BYTES_PER_MB = 1_000_000;

/** From the text of /proc/PID/status. */
export function parseMemory(status: string): Memory {
  const field = (name: string): number => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    if (kib === undefined) throw new Error(`the kernel does not tell ${name}`);
    return (Number(kib) * BYTES_PER_KIB) / BYTES_PER_MB;
  };
  return { resident: field("VmRSS"), anonymous: field("RssAnon"), file: field("RssFile"), peak: field("VmHWM") };
}

/** Time on a core, user and system, of all threads, in the kernel's ticks; from the text of /proc/PID/stat. */
export function parseCpuTicks(stat: string): number {
  // The name in parentheses may hold spaces and parentheses; the fields after the last one are numbers.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isFinite(ticks)) throw new Error("the kernel does not tell the process's time");
  return ticks;
}

/** How long the main thread was ready to run and had no core (ms); from the text of /proc/PID/schedstat. */
export function parseWaitedMs(schedstat: string): number {
  const waitedNs = Number(schedstat.trim().split(" ")[1]);
  if (!Number.isFinite(waitedNs)) throw new Error("the kernel does not tell the process's waiting");
  return waitedNs / 1e6;
}

/** Throws when the process has ended. */
export const memoryOf = (pid: number): Memory => parseMemory(readFileSync(`/proc/${pid}/status`, "utf8"));

/** null when the process has ended, or on a kernel that doesn't count it. */
export function waitedMsOf(pid: number): number | null {
  try {
    return parseWaitedMs(readFileSync(`/proc/${pid}/schedstat`, "utf8"));
  } catch {
    return null;
  }
}

/** Seconds on a core since the process began. Throws when it has ended. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const { stdout } = await run("getconf", ["CLK_TCK"]);
  return parseCpuTicks(readFileSync(`/proc/${pid}/stat`, "utf8")) / Number(stdout.trim());
}

/** Total time (ms) in which at least one process of the machine waited for a core; null where the kernel doesn't tell. */
export function cpuPressureMs(): number | null {
  try {
    const total = /^some .*total=(\d+)$/m.exec(readFileSync("/proc/pressure/cpu", "utf8"))?.[1];
    return total === undefined ? null : Number(total) / 1_000;
  } catch {
    return null;
  }
}
