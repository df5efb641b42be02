// A machine made from the node image: its own systemd starts its own units, as on an instance. It runs on an overlay in memory, in
// the network namespace of a place of the lab, and is gone without a trace when it ends.
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Place } from "../lab/addresses.ts";
import type { Lab } from "../lab/network.ts";
import type { LabProcess } from "../lab/process.ts";
import { run, type RunOptions, type RunResult } from "../lab/run.ts";
import { waitUntil } from "../wait-until.ts";

/** Where a machine can be. */
export type MachinePlace = Exclude<Place, "igw" | "aws" | "caller">;

export interface MachineOptions {
  readonly lab: Lab;
  /** Where in the lab; also the machine's name. */
  readonly place: MachinePlace;
  /** Folder of the finished image, from `ensureImage`. It is only read. */
  readonly image: string;
  /** Files that are there before the first boot, as userdata would write them: path, and text. */
  readonly files: Readonly<Record<string, string>>;
  /** Shell lines to run inside the root (not booted yet) after that, for owners and modes. */
  readonly prepare?: string;
}

// Each step replaces the one before (exec), so the process that the lab knows is systemd-nspawn itself. Every machine gets a branch of
// control groups to itself: two in one branch would take each other's processes for their own, and wait for them to end. Inside it
// is version 2, as on an instance, whatever this machine has at /sys/fs/cgroup.
const BOOT = `
set -e
image=$1 at=$2 seed=$3 name=$4 host=$5 prepare=$6
umount -R -l /run/netns 2>/dev/null || true
mount -t cgroup2 cgroup2 "$at"
mkdir -p "$at/$name"
echo $$ > "$at/$name/cgroup.procs"
umount "$at"
if [ -d /sys/fs/cgroup/systemd ]; then
  mkdir -p "/sys/fs/cgroup/systemd/$name"
  echo $$ > "/sys/fs/cgroup/systemd/$name/cgroup.procs"
fi
mount -t tmpfs -o mode=755 machine "$at"
mkdir "$at/upper" "$at/work" "$at/root"
mount -t overlay -o "lowerdir=$image,upperdir=$at/upper,workdir=$at/work" overlay "$at/root"
cp -r "$seed/." "$at/root/"
if [ -n "$prepare" ]; then chroot "$at/root" sh -ec "$prepare"; fi
SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --quiet --register=no --keep-unit --link-journal=no --resolv-conf=off --timezone=off \\
  --capability=CAP_NET_ADMIN --machine="$name" --hostname="$host" --console=read-only -b -D "$at/root"
`;

/** Boots a machine; resolves as soon as its init runs. `machine.waitBooted()` tells when it has started its units. */
export async function bootMachine(options: MachineOptions): Promise<Machine> {
  const { lab, place } = options;
  const dir = join(lab.dir, `machine-${place}-${process.hrtime.bigint().toString(36)}`);
  const [at, seed] = [join(dir, "mount"), join(dir, "seed")];
  await mkdir(at, { recursive: true });
  await mkdir(seed);
  for (const [path, text] of Object.entries(options.files)) {
    await mkdir(dirname(join(seed, path)), { recursive: true });
    await writeFile(join(seed, path), text);
    await chmod(join(seed, path), 0o640);
  }
  const name = `${lab.name}-${place}`;
  const nspawn = await lab.spawn(place, "unshare", ["--mount", "--propagation", "private", "sh", "-c", BOOT, "sh", options.image, at, seed, name, place, options.prepare ?? ""], { name: "machine" });
  const init = await waitUntil(`the init of ${place}`, () => initBelow(nspawn), 20_000);
  return new Machine(place, nspawn, init);
}

/**
 * Removes what is left of machines that have ended, of this lab and of labs whose test process is dead: their control groups, and an
 * empty folder of systemd-nspawn's. (The lab itself removes namespaces, processes and folders.)
 */
export async function removeRemains(lab: Lab): Promise<void> {
  const script = `
    at=$(mktemp -d); mount -t cgroup2 cgroup2 "$at"
    for path in "$at"/nal-* /sys/fs/cgroup/systemd/nal-* /run/systemd/nspawn/propagate/nal-*; do
      name=$(basename "$path"); owner=$(echo "$name" | cut -d- -f2)
      case $name in "$1"-*) ;; *) if kill -0 "$owner"; then continue; fi ;; esac
      if [ -d "$path" ]; then find "$path" -depth -type d -exec rmdir {} +; fi
    done 2> /dev/null
    umount "$at"; rmdir "$at"`;
  await run("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, "sh", lab.name]);
}

/** The process that is number 1 inside: the only child of systemd-nspawn that is not one of its own helpers. */
async function initBelow(nspawn: LabProcess): Promise<number | undefined> {
  if (!nspawn.running()) throw new Error(`the machine did not boot:\n${nspawn.log()}`);
  const { stdout } = await run("pgrep", ["--parent", String(nspawn.pid), "--exact", "systemd"], { accept: [1] });
  const [pid] = stdout.split("\n").filter((line) => line !== "").map(Number);
  return pid;
}

export class Machine {
  readonly place: MachinePlace;
  readonly #nspawn: LabProcess;
  readonly #init: number;

  constructor(place: MachinePlace, nspawn: LabProcess, init: number) {
    this.place = place;
    this.#nspawn = nspawn;
    this.#init = init;
  }

  /** Runs a command inside, as root, to its end. */
  async run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    return run("nsenter", [`--target=${this.#init}`, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--", "env", "PATH=/usr/sbin:/usr/bin", command, ...args], options);
  }

  /** Resolves when systemd has started everything that it starts at boot. Failed units don't make it reject: look at `failedUnits`. */
  async waitBooted(withinMs = 60_000): Promise<void> {
    await waitUntil(`${this.place} to boot`, async () => {
      if (!this.#nspawn.running()) throw new Error(`the machine ended while booting:\n${this.#nspawn.log()}`);
      const { stdout } = await this.run("systemctl", ["is-system-running"], { accept: [1] });
      return ["running", "degraded"].includes(stdout.trim());
    }, withinMs);
  }

  /** Names of the units that failed. */
  async failedUnits(): Promise<readonly string[]> {
    const { stdout } = await this.run("systemctl", ["list-units", "--failed", "--plain", "--no-legend"]);
    return stdout.split("\n").map((line) => line.split(" ")[0] ?? "").filter((name) => name !== "");
  }

  /** A property of a unit, as `systemctl show` prints it. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.run("systemctl", ["show", unit, `--property=${name}`, "--value"])).stdout.trim();
  }

  /** The main process of a unit, numbered as inside; 0 when it has none. */
  async mainPid(unit: string): Promise<number> {
    return Number(await this.property(unit, "MainPID"));
  }

  /** Everything that the units have said since boot. */
  async journal(unit?: string): Promise<string> {
    return (await this.run("journalctl", ["--boot", "--no-pager", "--output=short-monotonic", ...(unit === undefined ? [] : [`--unit=${unit}`])])).stdout;
  }

  /** What the console showed. */
  console(): string {
    return this.#nspawn.log();
  }

  running(): boolean {
    return this.#nspawn.running();
  }

  /** The machine dies at once, as an instance does whose host fails: nothing inside gets a chance to say goodbye. */
  async die(): Promise<void> {
    // The kernel ends all processes of a machine with its first one.
    if (this.running()) process.kill(this.#init, "SIGKILL");
    await this.#nspawn.exited;
  }
}
