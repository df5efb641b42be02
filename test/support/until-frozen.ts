/** SIGSTOP takes effect a moment after it was sent; a test that asks in that moment is still answered. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { waitUntil } from "./wait-until.ts";

/** Resolves when every thread of a process that was sent SIGSTOP has stopped. */
export async function untilFrozen(pid: number): Promise<void> {
  await waitUntil(`process ${pid} to stop`, () => threadStates(pid).every((state) => state.startsWith("T")), 10_000);
}

function threadStates(pid: number): string[] {
  const tasks = `/proc/${pid}/task`;
  // Where there is no /proc (macOS), the process's own state must do.
  if (!existsSync(tasks)) return [execFileSync("ps", ["-o", "state=", "-p", String(pid)]).toString().trim()];
  // The name of the program comes before the state, in parentheses, and may contain anything.
  return readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/stat`, "utf8").replace(/^.*\) /s, ""));
}
