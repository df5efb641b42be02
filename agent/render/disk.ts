/**
 * The few things that the renderer does to a disk, each a step of its own: a test can make any of them fail, or end the process
 * before it. Every file gets mode 0640 and the group that lets Asterisk read it, before it has its name.
 */
import { chown, lstat, mkdir, open, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import process from "node:process";
import { AgentError } from "../errors.ts";

/** Told before every step that changes the disk; what it throws is that step's failure. */
export type Probe = (step: string) => void;

export const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;
const GROUP_NAME = "asterisk";

/** The owner of what is written; null leaves it to the kernel. */
export interface Ownership {
  readonly uid: number | null;
  readonly gid: number | null;
}

export interface Disk {
  /** Makes a file that is not there yet, and forces it to the disk. */
  create(path: string, text: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a link; content when there is none. */
  remove(path: string): Promise<void>;
  /** Makes a folder; content when there is one. */
  makeFolder(path: string): Promise<void>;
  /** Makes a link that is not there yet. */
  link(target: string, path: string): Promise<void>;
  /** Forces the names in a folder to the disk. */
  syncFolder(path: string): Promise<void>;
}

export function makeDisk(owner: Ownership, probe: Probe = () => undefined): Disk {
  const step = async <T>(what: string, path: string, run: () => Promise<T>): Promise<T> => {
    try {
      probe(`${what} ${path}`);
      return await run();
    } catch (error) {
      throw unwritable(path, what, error);
    }
  };
  const give = async (path: string): Promise<void> => {
    if (owner.uid !== null || owner.gid !== null) await step("chown", path, () => chown(path, owner.uid ?? -1, owner.gid ?? -1));
  };
  return {
    create: async (path, text) => {
      const file = await step("create", path, () => open(path, "wx", FILE_MODE));
      try {
        // The process's umask may have taken more away than it should.
        await step("chmod", path, () => file.chmod(FILE_MODE));
        await give(path);
        await step("write", path, () => file.writeFile(text));
        await step("sync", path, () => file.sync());
      } finally {
        await file.close();
      }
    },
    rename: (from, to) => step("rename", to, () => rename(from, to)),
    remove: (path) => step("remove", path, () => rm(path, { force: true })),
    makeFolder: async (path) => {
      if (await lstat(path).then((facts) => facts.isDirectory(), () => false)) return;
      await step("mkdir", path, () => mkdir(path, { mode: FOLDER_MODE }));
      await give(path);
    },
    link: (target, path) => step("link", path, () => symlink(target, path)),
    syncFolder: (path) => step("syncfolder", path, async () => {
      const handle = await open(path, "r");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }),
  };
}

/**
 * Who shall own the files: as root, root and the group `asterisk` (the folder's group on a machine without such a group); as
 * another user, that user, and the same group if it may give it away. On a node the folder passes its group on by itself.
 */
export async function ownershipFor(folder: string): Promise<Ownership> {
  const root = process.geteuid?.() === 0;
  const gid = (await groupId(GROUP_NAME)) ?? (await stat(folder)).gid;
  if (root) return { uid: 0, gid };
  const mine = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return { uid: null, gid: mine.includes(gid) ? gid : null };
}

async function groupId(name: string): Promise<number | null> {
  const groups = await readFile("/etc/group", "utf8").catch(() => "");
  const id = groups.split("\n").map((line) => line.split(":")).find(([each]) => each === name)?.[2];
  return id === undefined ? null : Number(id);
}

/** The text of a regular file; null when there is none. Anything else under that name counts as none: it will be replaced. */
export async function textOf(path: string): Promise<{ readonly text: string; readonly mode: number; readonly gid: number } | null> {
  try {
    const facts = await lstat(path);
    if (facts.isDirectory()) throw new AgentError("AGENT_RENDER_UNWRITABLE", `${path} is a folder; a file of ours must lie there`);
    return facts.isFile() ? { text: await readFile(path, "utf8"), mode: facts.mode & 0o7777, gid: facts.gid } : null;
  } catch (error) {
    if (error instanceof AgentError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw unwritable(path, "read", error);
  }
}

export function unwritable(path: string, what: string, cause: unknown): AgentError {
  if (cause instanceof AgentError) return cause;
  return new AgentError("AGENT_RENDER_UNWRITABLE", `${path}: ${what} failed (${cause instanceof Error && "code" in cause ? String(cause.code) : cause instanceof Error ? cause.message : "unknown"})`, cause);
}
