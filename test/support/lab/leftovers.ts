// What a lab leaves behind when its test process was killed: namespaces, the processes in them and its folder. A lab's name
// holds the process id of its owner, so the next lab can see that the owner is dead, and clean up after it.
import { existsSync, readFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./run.ts";
import { waitUntil } from "../wait-until.ts";

const PREFIX = "nal";

/** `nal-<pid>-<number>`: unique among the labs of this machine. */
export function labName(pid: number, number: number): string {
  return `${PREFIX}-${pid}-${number}`;
}

/** The folder of a lab: logs and per-instance files. */
export function labDir(name: string): string {
  return join(tmpdir(), name);
}

/** Removes everything that labs with dead owners left: processes in their namespaces, namespaces, folders. */
export async function sweepLeftovers(): Promise<void> {
  for (const namespace of await labNamespaces()) if (ownerIsDead(namespace)) await removeNamespace(namespace);
  for (const name of await readdir(tmpdir())) if (isLabName(name) && ownerIsDead(name)) await rm(join(tmpdir(), name), { recursive: true, force: true });
}

/** All network namespaces that labs made, of whatever owner. */
export async function labNamespaces(): Promise<string[]> {
  const { stdout } = await run("ip", ["netns", "list"]);
  return stdout.split("\n").map((line) => line.split(" ")[0] ?? "").filter(isLabName);
}

/** The ids of the processes that live in a namespace of a lab. */
async function processesIn(namespace: string): Promise<number[]> {
  const { stdout } = await run("ip", ["netns", "pids", namespace], { accept: [1, 255] });
  return stdout.split("\n").filter((line) => line !== "").map(Number);
}

/** Kills what runs in a lab's namespace (only labs put processes there) and deletes it. */
export async function removeNamespace(namespace: string): Promise<void> {
  if (!existsSync(`/run/netns/${namespace}`)) return;
  const empty = async () => {
    const pids = await processesIn(namespace);
    for (const pid of pids) tryKill(pid);
    return pids.length === 0;
  };
  await waitUntil(`the processes in ${namespace} to end`, empty, 10_000);
  await run("ip", ["netns", "delete", namespace]);
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in the meantime; the next look will not list it.
  }
}

function isLabName(name: string): boolean {
  return /^nal-\d+-\d+(-|$)/.test(name);
}

function ownerIsDead(name: string): boolean {
  return !isAlive(Number(name.split("-")[1]));
}

/** Whether a process exists and has not ended: one that only waits for its parent to take note of its end has ended. */
export function isAlive(pid: number): boolean {
  try {
    // The state follows the name, which is in parentheses and may contain anything.
    return !/\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
