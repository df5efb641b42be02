// The Debian roots: whole file systems, built once into a cache folder, from which the lab starts real Asterisks, SIPp, an
// AWS emulator and a browser. The machine's own release is too old for them, so they come from newer suites, and never touch the
// machine: they run under chroot on an overlay, and the root itself is only read.
//
// A root is named by a hash of what is in it. A folder of that name is complete: it is built elsewhere and renamed.
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readAptMirror, readAptSettings } from "./apt-mirror.ts";
import { ensureHostTools } from "./host-tools.ts";
import { run } from "./run.ts";

/** Raised when the build steps below change, so that old roots are not taken for new ones. */
const RECIPE = 1;

/** The repository's folder: where `node --import tsx` finds what it imports. */
export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** What is installed where: Asterisk 22 and its surroundings, an AWS emulator which speaks all the protocols of SDK v3 with the real AWS CLI, and a browser. */
export const ROOTS = {
  telephony: {
    suite: "forky",
    packages: ["asterisk", "sip-tester", "mariadb-server", "keepalived", "odbc-mariadb", "unixodbc", "iproute2", "procps"],
  },
  cloud: { suite: "sid", packages: ["python3-moto", "python3-flask", "python3-flask-cors", "awscli"] },
  // From a stable release: its Chromium can always be installed. With fonts, because text without one has no size to check.
  browser: { suite: "trixie", packages: ["chromium-headless-shell", "fonts-liberation", "fonts-dejavu-core"] },
} as const satisfies Record<string, { suite: string; packages: readonly string[] }>;

export type RootName = keyof typeof ROOTS;

/** The cache folder: `.cache/` in the repository, or `LAB_CACHE_DIR` to share one between checkouts. */
export function cacheDir(): string {
  return process.env["LAB_CACHE_DIR"] ?? join(REPOSITORY, ".cache");
}

/**
 * Returns the folder of a root and builds it first if it isn't there (about half a minute each on two cores).
 * Two builders wait for each other. Throws with a remedy if the machine can't build (not root, no Debian mirror).
 */
export async function ensureRoot(name: RootName, log: (line: string) => void = () => undefined): Promise<string> {
  const { suite, packages } = ROOTS[name];
  const hash = createHash("sha256").update(JSON.stringify([RECIPE, suite, packages])).digest("hex").slice(0, 12);
  const folder = join(cacheDir(), "roots");
  const target = join(folder, `${name}-${suite}-${hash}`);
  if (await exists(target)) return target;
  await ensureHostTools(log);
  await mkdir(folder, { recursive: true });
  return withLock(`${target}.lock`, async () => {
    if (await exists(target)) return target;
    const startedMs = performance.now();
    const temporary = `${target}.building`;
    await removeRoot(temporary);
    await build(name, temporary, log);
    await rename(temporary, target);
    log(`${name}: built in ${Math.round((performance.now() - startedMs) / 1000)} s`);
    return target;
  });
}

async function build(name: RootName, root: string, log: (line: string) => void): Promise<void> {
  const { suite, packages } = ROOTS[name];
  const mirror = await readAptMirror();
  const bootstrap = ["--variant=minbase", `--keyring=${mirror.keyring}`, suite, root, mirror.url];
  // An older debootstrap doesn't know the newest suites by name; they are all built the way sid is.
  if (!(await exists(`/usr/share/debootstrap/scripts/${suite}`))) bootstrap.push("/usr/share/debootstrap/scripts/sid");
  log(`${name}: debootstrap ${suite}`);
  await run("debootstrap", bootstrap, { timeoutMs: 900_000, onLine: (line) => { if (line.startsWith("E:")) log(line); } });
  await writeFile(join(root, "etc/apt/apt.conf.d/90-as-the-machine"), await readAptSettings());
  await writeFile(join(root, "etc/dpkg/dpkg.cfg.d/unsafe-io"), "force-unsafe-io\n");
  await writeFile(join(root, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  log(`${name}: installing ${packages.join(" ")}`);
  // The mounts live in a mount namespace of their own and end with it, however the installation ends.
  const install = [
    "set -e",
    'root=$1; shift',
    'mount -t proc proc "$root/proc"',
    'mkdir -p "$root/dev/pts"',
    'mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"',
    'mount -t tmpfs tmpfs "$root/tmp"',
    'cat /etc/resolv.conf > "$root/etc/resolv.conf"',
    'export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8',
    'chroot "$root" apt-get update',
    'chroot "$root" apt-get install -y --no-install-recommends "$@"',
    'chroot "$root" apt-get clean',
    'rm -rf "$root"/var/lib/apt/lists/*',
    // In the lab there is no name server: names must fail at once, not after a timeout.
    'echo "# no name server in the lab" > "$root/etc/resolv.conf"',
  ].join("\n");
  await run("unshare", ["--mount", "--propagation", "private", "sh", "-c", install, "sh", root, ...packages], {
    timeoutMs: 1_800_000,
    onLine: (line) => { if (/^(E:|W:|dpkg: error)/.test(line)) log(line); },
  });
}

/** Removes a root and refuses to follow anything mounted in it. */
async function removeRoot(root: string): Promise<void> {
  const { stdout } = await run("cat", ["/proc/self/mounts"]);
  const mounted = stdout.split("\n").find((line) => (line.split(" ")[1] ?? "").startsWith(`${root}/`));
  if (mounted !== undefined) throw new Error(`Something is mounted in ${root}: ${mounted}. Unmount it first.`);
  await run("rm", ["-rf", "--one-file-system", root], { timeoutMs: 120_000 });
}

/** Holds a kernel file lock while `work` runs. The lock dies with this process, so it can't be left behind. */
async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo locked; cat"], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("error", reject);
      holder.once("exit", () => reject(new Error(`flock could not lock ${file}`)));
    });
    return await work();
  } finally {
    holder.stdin.end();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}
