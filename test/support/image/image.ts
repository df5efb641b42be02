// The node image's root folder, built by Packer from packer/ as an operator would build it, and kept in the cache under a hash of
// everything that goes into it. Building takes a minute, and some more when Asterisk itself must be compiled.
import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { cacheDir, REPOSITORY } from "../lab/roots.ts";
import { run } from "../lab/run.ts";

/** What of the repository an image is made of. */
const INPUTS = ["packer/host", "packer/keys", "packer/rootfs", "packer/scripts", "packer/build.pkr.hcl", "packer/sources.pkr.hcl", "packer/variables.pkr.hcl", "packer/versions.env", "agent", "asterisk-config", "ecosystem.config.js", "package.json", "package-lock.json", "test/support/build-bundle.ts"];

/** Commands that building and booting need, and the Debian package of each. */
const TOOLS = { packer: "packer", debootstrap: "debootstrap", "systemd-nspawn": "systemd-container", nft: "nftables", flock: "util-linux", shellcheck: "shellcheck", gpg: "gnupg" } as const;

const BUILD_WITHIN_MS = 3_600_000;

/** Installs what is missing of the tools for building and booting images. Rejects with a remedy where that can't be done. */
export async function ensureImageTools(log: (line: string) => void): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("Building and booting an image needs root: it mounts and makes namespaces. Run it again with sudo.");
  const missing: string[] = [];
  for (const [command, name] of Object.entries(TOOLS)) {
    const { code } = await run("sh", ["-c", 'command -v "$1"', "sh", command], { accept: [1, 127] });
    if (code !== 0) missing.push(name);
  }
  if (missing.length === 0) return;
  log(`installing ${missing.join(", ")}`);
  await run("apt-get", ["update"], { timeoutMs: 300_000 });
  await run("env", ["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends", ...missing], { timeoutMs: 600_000 });
}

/** The folder of the finished image, or null when it was not built from these very files yet. */
export async function cachedImage(): Promise<string | null> {
  const image = join(cacheDir(), "image", `rootfs-${await inputsHash()}`);
  return access(image).then(() => image, () => null);
}

/** Returns the folder of the finished image and builds it first if it isn't there. Two builders wait for each other. */
export async function ensureImage(log: (line: string) => void = (line) => process.stderr.write(`image: ${line}\n`)): Promise<string> {
  await ensureImageTools(log);
  const folder = join(cacheDir(), "image");
  await mkdir(folder, { recursive: true });
  const name = `rootfs-${await inputsHash()}`;
  const image = join(folder, name);
  // The lock is the kernel's: it ends with the build, however that ends.
  const build = 'test -d "$1" || { rm -rf --one-file-system "$1.building" && ASTERISK_TARBALL=debian packer/host/build.sh rootfs "$1.building" && mv "$1.building.manifest.json" "$1.manifest.json" && mv "$1.building" "$1"; }';
  await run("flock", ["--exclusive", join(folder, "lock"), "env", "-C", REPOSITORY, "bash", "-c", build, "bash", image], { timeoutMs: BUILD_WITHIN_MS, onLine: log });
  await forgetOthers(folder, name);
  return image;
}

/** Every change of an input makes an image of its own; those before it are in nobody's way but the disk's. */
async function forgetOthers(folder: string, keep: string): Promise<void> {
  const others = (await readdir(folder)).filter((name) => /^rootfs-[0-9a-f]{12}$/.test(name) && name !== keep);
  for (const other of others) {
    // Renamed first: a folder of that name is always whole. One that a machine still runs from stays until the next time.
    const { stdout } = await run("cat", ["/proc/self/mounts"]);
    if (stdout.includes(join(folder, other))) continue;
    const gone = await rename(join(folder, other), join(folder, `${other}.old`)).then(() => false, (error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return true;
      throw error;
    });
    // Somebody else who waited for the same lock is clearing up, too.
    if (gone) continue;
    await run("rm", ["-rf", "--one-file-system", join(folder, `${other}.old`), join(folder, `${other}.manifest.json`)], { timeoutMs: 120_000 });
  }
}

async function inputsHash(): Promise<string> {
  const hash = createHash("sha256");
  for (const input of INPUTS) {
    for (const file of await filesOf(join(REPOSITORY, input))) hash.update(file.slice(REPOSITORY.length)).update("\0").update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 12);
}

async function filesOf(path: string): Promise<readonly string[]> {
  await access(path);
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => null);
  if (entries === null) return [path];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
}
