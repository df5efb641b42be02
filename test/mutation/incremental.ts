/**
 * What has become of every mutant so far, on disk: a run that is cut goes on where it was, and who has written a test asks
 * only the survivors again. A catch holds while its file, and the list of its mutants, stay as they are. A survivor is asked again when the tests have
 * changed, but for one whose reason is written down.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { LAYERS, type Layer } from "./layers.ts";

/** Who caught a mutant, or that nobody did; null where it has not been asked. */
export type MutantStatus = Layer | "hang" | "survived" | null;

/** One letter for each mutant of a file, in the order of its text. */
const LETTERS: readonly (readonly [string, MutantStatus])[] = [[".", null], ["-", "survived"], ["h", "hang"], ["u", "unit"], ["s", "scenarios"], ["c", "simulation"]];
if (LETTERS.length !== LAYERS.length + 3) throw new Error("every layer needs its letter");

const fileSchema = z.object({ tests: z.string(), files: z.record(z.string(), z.object({ source: z.string(), statuses: z.string() })) });
type Contents = z.infer<typeof fileSchema>;

export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

const letterOf = (status: MutantStatus): string => LETTERS.find(([, value]) => value === status)?.[0] ?? ".";
const statusOf = (letter: string | undefined): MutantStatus => LETTERS.find(([name]) => name === letter)?.[1] ?? null;

/** A file with its text and the keys of its mutants, in order. */
export interface MutatedFile {
  readonly file: string;
  readonly text: string;
  readonly keys: readonly string[];
}

/** The statuses go by the order of the keys, so those must be the same, too. */
const sourceOf = ({ text, keys }: Pick<MutatedFile, "text" | "keys">): string => digestOf([text, ...keys].join("\n"));

export class IncrementalResults {
  readonly #path: URL | string;
  readonly #tests: string;
  readonly #mutatedFiles: readonly MutatedFile[];
  readonly #statuses = new Map<string, MutantStatus>();

  /**
   * @param tests all the tests as text: survivors have survived these
   * @param hasReason whether a survivor of that key is explained
   */
  constructor(path: URL | string, mutatedFiles: readonly MutatedFile[], tests: string, hasReason: (key: string) => boolean) {
    this.#path = path;
    this.#tests = digestOf(tests);
    this.#mutatedFiles = mutatedFiles;
    const kept: Contents = existsSync(path) ? fileSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : { tests: "", files: {} };
    for (const { file, text, keys } of mutatedFiles) {
      const entry = kept.files[file];
      const statuses = entry?.source === sourceOf({ text, keys }) ? entry.statuses : "";
      keys.forEach((key, index) => {
        const status = statusOf(statuses[index]);
        this.#statuses.set(key, status === "survived" && kept.tests !== this.#tests && !hasReason(key) ? null : status);
      });
    }
  }

  /** What is known of the mutant of that key. */
  of(key: string): MutantStatus {
    return this.#statuses.get(key) ?? null;
  }

  note(key: string, status: MutantStatus): void {
    this.#statuses.set(key, status);
  }

  save(): void {
    const files = Object.fromEntries(this.#mutatedFiles.map(({ file, text, keys }) => [file, { source: sourceOf({ text, keys }), statuses: keys.map((key) => letterOf(this.of(key))).join("") }]));
    writeFileSync(this.#path, `${JSON.stringify({ tests: this.#tests, files } satisfies Contents, null, 1)}\n`);
  }
}
