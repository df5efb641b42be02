/**
 * Replaces a file so that, whatever happens at whatever moment, it afterwards holds the old text or the new, whole: the
 * text goes to a temporary file, is forced to the disk, and takes the name in one step, which is forced to the disk too.
 */
import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** What temporary files begin with; left-overs of a crash may be removed by whoever owns the folder. */
export const TEMPORARY_PREFIX = ".tmp-";

let counter = 0;

/** @param mode of the file, whatever the umask. Rejects with the file system's error; the old file is then untouched. */
export async function writeFileAtomically(path: string, text: string, mode = 0o600): Promise<void> {
  const folder = dirname(path);
  counter += 1;
  const temporary = join(folder, `${TEMPORARY_PREFIX}${basename(path)}.${process.pid}.${counter}`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      if (mode !== 0o600) await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // Best effort: the error that matters is the one above.
    throw error;
  }
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
