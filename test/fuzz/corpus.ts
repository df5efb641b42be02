/** Inputs that once made a target fail, each a small file: they are fed again in every test run, for good. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const FOLDER = join(import.meta.dirname, "corpus");

const entrySchema = z.object({
  /** What went wrong with it, in a sentence. */
  why: z.string(),
  input: z.json(),
});

/** One kept input. */
export interface CorpusEntry {
  /** The file's name. */
  readonly file: string;
  readonly why: string;
  readonly input: unknown;
}

/** What is kept for a target, by file name. */
export function corpusOf(target: string): readonly CorpusEntry[] {
  const folder = join(FOLDER, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => file.endsWith(".json")).toSorted().map((file) => ({ file, ...entrySchema.parse(JSON.parse(readFileSync(join(folder, file), "utf8"))) }));
}

/** The targets for which something is kept. */
export function corpusTargets(): readonly string[] {
  return existsSync(FOLDER) ? readdirSync(FOLDER).toSorted() : [];
}

/** Keeps an input; the same one twice is one file. Returns the path. */
export function keep(target: string, why: string, input: unknown): string {
  const folder = join(FOLDER, target);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${createHash("sha256").update(JSON.stringify(input)).digest("hex").slice(0, 12)}.json`);
  writeFileSync(file, `${JSON.stringify({ why, input }, null, 1)}\n`);
  return file;
}
