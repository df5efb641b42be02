// What the lab needs from the machine it runs on: root, a Debian, and a handful of commands, which it installs itself.
// All of this is checked before anything is created, so a machine that can't run the lab says so in one sentence.
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { run } from "./run.ts";

/** Each command that the lab calls, and the Debian package that brings it. */
const TOOLS = {
  debootstrap: "debootstrap",
  nft: "nftables",
  ip: "iproute2",
  conntrack: "conntrack",
  sysctl: "procps",
  nsenter: "util-linux",
  unshare: "util-linux",
  flock: "util-linux",
} as const;

/**
 * Makes sure that this machine can run the lab; installs missing commands with apt-get.
 * Throws an error that names the remedy when it isn't Linux, isn't root, or has no apt-get.
 */
export async function ensureHostTools(log: (line: string) => void): Promise<void> {
  if (process.platform !== "linux") throw new Error("The lab needs Linux: it is made of network namespaces. Run it in a Debian machine or VM.");
  if (process.getuid?.() !== 0) throw new Error("The lab needs root: it makes namespaces and mounts. Run it again with sudo.");
  const missing: string[] = [];
  for (const [command, name] of Object.entries(TOOLS)) if (!(await isOnPath(command))) missing.push(name);
  if (missing.length === 0) return;
  const names = [...new Set(missing)].sort();
  if (!(await isOnPath("apt-get"))) throw new Error(`The lab needs a Debian: ${names.join(", ")} missing and there is no apt-get. Install them by hand.`);
  log(`installing ${names.join(", ")}`);
  await run("apt-get", ["update"], { timeoutMs: 300_000 });
  await run("env", ["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends", ...names], { timeoutMs: 600_000 });
}

async function isOnPath(command: string): Promise<boolean> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    try {
      await access(join(folder, command));
      return true;
    } catch {
      // Not in this folder; the next one may have it.
    }
  }
  return false;
}
