/** The project's own files, for tests that look at the sources themselves. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Made, fetched or kept elsewhere; never looked at. */
const SKIPPED = new Set(["node_modules", "dist", ".git", ".cache", "coverage"]);
const BINARY = /\.(?:png|jpg|gif|ico|wav|sln\d*|gz|tgz|pcap|ulaw|alaw|gsm)$/;

/** All text files under a folder ("" is the whole repository), by path. */
export function textFiles(folder: string): readonly SourceFile[] {
  return walk(folder).map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

/** The TypeScript sources under a folder. */
export function sourceFiles(folder: string): readonly SourceFile[] {
  return textFiles(folder).filter(({ path }) => /\.ts$/.test(path) && !path.endsWith(".d.ts"));
}

function walk(folder: string): readonly string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries
    .flatMap((entry): readonly string[] => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (SKIPPED.has(entry.name)) return [];
      if (entry.isDirectory()) return walk(path);
      return entry.isFile() && !BINARY.test(entry.name) ? [path] : [];
    })
    .toSorted();
}
