/**
 * Many files change as one. Each goes to a temporary file beside its place and is forced to the disk; then a journal that names
 * them all takes its own name, and with that the change is decided; then the files take their names, one after the other, and
 * the journal goes. A process that ends before the journal has changed nothing. One that ends after it, or a rename that
 * fails, leaves a set of which some files are old and some new, each of them whole; the journal says so, and the next
 * render completes the set before anything else, without asking anybody.
 */
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { textOf, type Disk } from "./disk.ts";

/** What was rendered last, and of what; in the folder itself. */
export const MANIFEST = ".render.json";
/** While it is there, the folder holds a change that is decided and not complete. */
export const JOURNAL = ".render-pending.json";
const TEMPORARY = ".render-new-";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().regex(/^(?:[A-Za-z0-9_-]+\/)*[A-Za-z0-9][A-Za-z0-9_.-]*$/);

const manifestSchema = z.object({
  format: z.literal(1),
  /** Of the secret; what SecretSource calls it. */
  secretVersion: z.string(),
  /** Every rendered file to the SHA-256 of its text. */
  files: z.record(name, hash),
  /** Modules that the agent must still reload for what it rendered. */
  reload: z.array(z.string()),
});

/** A record of the last render. The hashes are of files that only Asterisk's group may read, and are kept as those are. */
export type Manifest = z.infer<typeof manifestSchema>;

const journalSchema = z.object({ format: z.literal(1), write: z.record(name, hash), remove: z.array(name), manifest: manifestSchema });

export interface Changes {
  /** Paths below the folder, and their texts. */
  readonly write: readonly { readonly name: string; readonly text: string }[];
  readonly remove: readonly string[];
  readonly manifest: Manifest;
}

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const temporaryOf = (folder: string, file: string): string => join(folder, dirname(file), `${TEMPORARY}${basename(file)}`);

/** The last render's record; null when this folder was never rendered, or the record can't be read. */
export async function readManifest(folder: string): Promise<Manifest | null> {
  return manifestSchema.nullable().catch(null).parse(parse((await textOf(join(folder, MANIFEST)))?.text));
}

/** Is there a change that was decided and not completed? */
export async function isPending(folder: string): Promise<boolean> {
  return (await textOf(join(folder, JOURNAL))) !== null;
}

/**
 * Completes what an earlier render decided, and clears away what it left. Needs the lock. Resolves with whether there was
 * something to complete. @throws AGENT_RENDER_UNWRITABLE
 */
export async function completePending(folder: string, disk: Disk): Promise<boolean> {
  const text = (await textOf(join(folder, JOURNAL)))?.text;
  const journal = journalSchema.nullable().catch(null).parse(parse(text));
  if (journal !== null) {
    for (const [file, wanted] of Object.entries(journal.write)) {
      // Not there: it has its name already. Another text: the disk lied; the render that follows writes the file anew.
      const staged = await textOf(temporaryOf(folder, file));
      if (staged !== null && hashOf(staged.text) === wanted) await disk.rename(temporaryOf(folder, file), join(folder, file));
    }
    await finish(folder, journal.remove, journal.manifest, Object.keys(journal.write), disk);
  } else if (text !== undefined) await disk.remove(join(folder, JOURNAL));
  for (const left of await leftovers(folder)) await disk.remove(left);
  return journal !== null;
}

/** Makes the changes. Needs the lock, and nothing pending. @throws AGENT_RENDER_UNWRITABLE; then `isPending` tells whether they were decided */
export async function commit(folder: string, changes: Changes, disk: Disk): Promise<void> {
  const { write, remove, manifest } = changes;
  try {
    for (const sub of foldersOf(write.map((file) => file.name))) await disk.makeFolder(join(folder, sub));
    for (const file of write) await disk.create(temporaryOf(folder, file.name), file.text);
    for (const sub of new Set(["", ...foldersOf(write.map((file) => file.name))])) await disk.syncFolder(join(folder, sub));
    const journal = { format: 1, write: Object.fromEntries(write.map((file) => [file.name, hashOf(file.text)])), remove: [...remove], manifest } satisfies z.infer<typeof journalSchema>;
    await replace(folder, JOURNAL, JSON.stringify(journal), disk);
  } catch (error) {
    // Not decided, unless the journal had its name and only forcing that to the disk failed: then the next render completes it.
    if (!(await isPending(folder))) for (const left of await leftovers(folder)) await disk.remove(left).catch(() => undefined);
    throw error;
  }
  for (const file of write) await disk.rename(temporaryOf(folder, file.name), join(folder, file.name));
  await finish(folder, remove, manifest, write.map((file) => file.name), disk);
}

/** Writes the record anew, without any other change. Needs the lock. */
export async function writeManifest(folder: string, manifest: Manifest, disk: Disk): Promise<void> {
  await replace(folder, MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`, disk);
}

/** The end of a change: what goes, goes; the record follows; and only then the journal. */
async function finish(folder: string, remove: readonly string[], manifest: Manifest, written: readonly string[], disk: Disk): Promise<void> {
  for (const file of remove) await disk.remove(join(folder, file));
  for (const sub of foldersOf([...written, ...remove])) await disk.syncFolder(join(folder, sub));
  await writeManifest(folder, manifest, disk);
  await disk.remove(join(folder, JOURNAL));
  await disk.syncFolder(folder);
}

async function replace(folder: string, file: string, text: string, disk: Disk): Promise<void> {
  await disk.remove(temporaryOf(folder, file));
  await disk.create(temporaryOf(folder, file), text);
  await disk.rename(temporaryOf(folder, file), join(folder, file));
  await disk.syncFolder(folder);
}

/** The folders below in which these files lie, outer ones first. */
function foldersOf(files: readonly string[]): readonly string[] {
  const folders = new Set<string>();
  for (const file of files) {
    const parts = file.split("/").slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) folders.add(parts.slice(0, depth).join("/"));
  }
  return [...folders].toSorted();
}

/** Files lie at most this many folders deep. */
const DEPTH_MAX = 2;

async function leftovers(folder: string, depth = 0): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const below = depth === DEPTH_MAX ? [] : entries.filter((entry) => entry.isDirectory()).map((entry) => leftovers(join(folder, entry.name), depth + 1));
  const here = entries.filter((entry) => entry.isFile() && entry.name.startsWith(TEMPORARY)).map((entry) => join(folder, entry.name));
  return [...here, ...(await Promise.all(below)).flat()];
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    // Not ours, or damaged: as good as none.
    return null;
  }
}
