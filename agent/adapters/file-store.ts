/** The Store port over one JSON file in STATE_DIR: what must survive a restart (promise N2). */
import { mkdir, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { persistedSchema, type PersistedState } from "../core/persisted.ts";
import { AgentError } from "../errors.ts";
import type { Store } from "../ports.ts";
import { writeFileAtomically } from "./atomic-file.ts";

export class FileStore implements Store {
  readonly #path: string;
  /** The save under way, so that two never overtake each other. */
  #last: Promise<void> = Promise.resolve();

  /** @param path the file, inside STATE_DIR; its folder is made when it is missing */
  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<PersistedState | null> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if (isMissing(error)) return null;
      throw new AgentError("AGENT_STATE_UNREADABLE", `${this.#path}: ${reasonOf(error)}`, error);
    }
    try {
      return persistedSchema.parse(JSON.parse(text));
    } catch (error) {
      throw new AgentError("AGENT_STATE_UNREADABLE", `${this.#path} is damaged; ${await this.#setAside()}`, error);
    }
  }

  save(state: PersistedState): Promise<void> {
    const text = `${JSON.stringify(state, null, 1)}\n`;
    const mine = this.#last.then(async () => {
      try {
        await mkdir(dirname(this.#path), { recursive: true, mode: 0o750 });
        await writeFileAtomically(this.#path, text);
      } catch (error) {
        throw new AgentError("AGENT_STATE_UNWRITABLE", `${this.#path}: ${reasonOf(error)}`, error);
      }
    });
    this.#last = mine.catch(() => undefined); // The caller of this save is told; the next one starts afresh.
    return mine;
  }

  /** One `.damaged` file is kept, the latest: enough to look at, and nothing that grows. */
  async #setAside(): Promise<string> {
    const aside = `${this.#path}.damaged`;
    try {
      await rename(this.#path, aside);
      return `it was set aside as ${aside}`;
    } catch (error) {
      return `and it could not be set aside: ${reasonOf(error)}`;
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
