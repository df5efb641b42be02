// Runs a command "inside" one of the Debian roots without ever writing to it: a private mount namespace, an overlay whose
// writable side is in memory, and the folders that should outlive the process bound in from outside.
// The mounts belong to the process and vanish with it, however it ends; no cleaning up, nothing to leak.
import { join } from "node:path";

export interface RootedCommand {
  /** Folder of the root, from `ensureRoot`. */
  readonly root: string;
  /** An empty folder to mount the overlay on; stays empty as seen from outside. */
  readonly mountpoint: string;
  /** Files or folders of the host, and where they appear inside. */
  readonly binds?: Readonly<Record<string, string>>;
  /** Shell lines to run inside the root (as root) before the command. */
  readonly prepare?: string;
  /** Host name inside; the machine's own by default. */
  readonly hostname?: string;
  readonly command: string;
  readonly args: readonly string[];
}

// The copies of /run/netns are let go first: they would keep other labs' deleted namespaces alive.
// Every step replaces the one before it (exec), so the process id that the lab knows is the command's own.
const ENTER = `
set -e
root=$1 at=$2 hostname=$3 prepare=$4 binds=$5; shift 5
umount -R -l /run/netns 2>/dev/null || true
if [ -n "$hostname" ]; then hostname "$hostname"; fi
mount -t tmpfs -o mode=755 lab "$at"
mkdir "$at/upper" "$at/work" "$at/root"
mount -t overlay -o "lowerdir=$root,upperdir=$at/upper,workdir=$at/work" overlay "$at/root"
mount -t proc proc "$at/root/proc"
mount --rbind /dev "$at/root/dev"
while [ "$binds" -gt 0 ]; do
  if [ -d "$1" ]; then mkdir -p "$at/root$2"; else mkdir -p "$(dirname "$at/root$2")"; touch "$at/root$2"; fi
  mount --bind "$1" "$at/root$2"
  shift 2; binds=$((binds - 1))
done
if [ -n "$prepare" ]; then chroot "$at/root" sh -ec "$prepare"; fi
exec chroot "$at/root" "$@"
`;

/** The command line that runs `spec` (to be given to `lab.spawn` or `spawn`). */
export function rootedCommand(spec: RootedCommand): { readonly command: string; readonly args: readonly string[] } {
  const binds = Object.entries(spec.binds ?? {});
  return {
    command: "unshare",
    args: [
      "--mount", "--uts", "--propagation", "private", "sh", "-c", ENTER, "sh",
      spec.root, join(spec.mountpoint), spec.hostname ?? "", spec.prepare ?? "", String(binds.length),
      ...binds.flat(), spec.command, ...spec.args,
    ],
  };
}

/** The command line that runs a command beside a process which `rootedCommand` started: in its root, mounts and network. */
export function besideCommand(pid: number, command: string, args: readonly string[]): { readonly command: string; readonly args: readonly string[] } {
  return { command: "nsenter", args: [`--target=${pid}`, "--mount", "--uts", "--net", "--root", "--wd", "--", command, ...args] };
}
