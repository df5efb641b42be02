/** A file in STATE_DIR that the agent keeps: replaced whole, one save after the other, and set aside when what it holds makes no sense. */
import { mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { AgentError } from "../errors.ts";
import { writeFileAtomically } from "./atomic-file.ts";

/** One file; only one object may have it. */
export class KeptFile {
  readonly path: string;
  readonly #unwritable: string;
  readonly #mode: number;
  /** The save under way, so that two never overtake each other. */
  #last: Promise<void> = Promise.resolve();

  /**
   * @param path the file, inside STATE_DIR; its folder is made when it is missing
   * @param unwritable begins the sentence when it can't be written
   * @param mode who may read it
   */
  constructor(path: string, unwritable: string, mode = 0o600) {
    this.path = path;
    this.#unwritable = unwritable;
    this.#mode = mode;
  }

  /** @throws AGENT_STATE_UNWRITABLE; the file is then what it was */
  save(text: string): Promise<void> {
    const mine = this.#last.then(async () => {
      try {
        await mkdir(dirname(this.path), { recursive: true, mode: 0o750 });
        await writeFileAtomically(this.path, text, this.#mode);
      } catch (error) {
        throw new AgentError("AGENT_STATE_UNWRITABLE", `${this.#unwritable}: ${reasonOf(error)}`, error);
      }
    });
    this.#last = mine.catch(() => undefined); // The caller of this save is told; the next one starts afresh.
    return mine;
  }

  /** Resolves with what became of it, for a sentence. One `.damaged` file is kept, the latest: enough to look at, and nothing that grows. */
  async setAside(): Promise<string> {
    const aside = `${this.path}.damaged`;
    try {
      await rename(this.path, aside);
      return `it was set aside as ${aside}, and a new one begins`;
    } catch (error) {
      return `and it could not be set aside: ${reasonOf(error)}`;
    }
  }
}

/** There is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** What went wrong, in its own words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
