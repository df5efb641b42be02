/**
 * What has become of every mutant so far, on disk: a run that is cut goes on where it was, and who has written a test asks
 * only the survivors again. A catch holds while its file stays as it is. A survivor is asked again when the tests have
 * changed, but for one whose reason is written down.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { LAYERS, type Layer } from "./layers.ts";

/** Who caught a mutant, or that nobody did; null where it has not been asked. */
export type Known = Layer | "hang" | "survived" | null;

/** One letter for each mutant of a file, in the order of its text. */
const LETTERS: readonly (readonly [string, Known])[] = [[".", null], ["-", "survived"], ["h", "hang"], ["u", "unit"], ["s", "scenarios"], ["c", "simulation"]];
if (LETTERS.length !== LAYERS.length + 3) throw new Error("every layer needs its letter");

const bookSchema = z.object({ tests: z.string(), files: z.record(z.string(), z.object({ source: z.string(), verdicts: z.string() })) });
type Kept = z.infer<typeof bookSchema>;

export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

const letterOf = (known: Known): string => LETTERS.find(([, value]) => value === known)?.[0] ?? ".";
const meaningOf = (letter: string | undefined): Known => LETTERS.find(([name]) => name === letter)?.[1] ?? null;

/** A file with its text and the keys of its mutants, in order. */
export interface Accused {
  readonly file: string;
  readonly text: string;
  readonly keys: readonly string[];
}

export class VerdictBook {
  readonly #path: URL | string;
  readonly #tests: string;
  readonly #accused: readonly Accused[];
  readonly #known = new Map<string, Known>();

  /**
   * @param tests all the tests as text: survivors have survived these
   * @param hasReason whether a survivor of that key is explained
   */
  constructor(path: URL | string, accused: readonly Accused[], tests: string, hasReason: (key: string) => boolean) {
    this.#path = path;
    this.#tests = digestOf(tests);
    this.#accused = accused;
    const kept: Kept = existsSync(path) ? bookSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : { tests: "", files: {} };
    for (const { file, text, keys } of accused) {
      const entry = kept.files[file];
      const verdicts = entry?.source === digestOf(text) ? entry.verdicts : "";
      keys.forEach((key, index) => {
        const known = meaningOf(verdicts[index]);
        this.#known.set(key, known === "survived" && kept.tests !== this.#tests && !hasReason(key) ? null : known);
      });
    }
  }

  /** What is known of the mutant of that key. */
  of(key: string): Known {
    return this.#known.get(key) ?? null;
  }

  note(key: string, known: Known): void {
    this.#known.set(key, known);
  }

  save(): void {
    const files = Object.fromEntries(this.#accused.map(({ file, text, keys }) => [file, { source: digestOf(text), verdicts: keys.map((key) => letterOf(this.of(key))).join("") }]));
    writeFileSync(this.#path, `${JSON.stringify({ tests: this.#tests, files } satisfies Kept, null, 1)}\n`);
  }
}
