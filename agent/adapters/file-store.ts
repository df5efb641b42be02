/** The Store port over one JSON file in STATE_DIR: what must survive a restart (promise N2). */
import { readFile } from "node:fs/promises";
import { persistedSchema, type PersistedState } from "../core/persisted.ts";
import { AgentError } from "../errors.ts";
import type { Store } from "../ports.ts";
import { isMissing, KeptFile, reasonOf } from "./kept-file.ts";

export class FileStore implements Store {
  readonly #file: KeptFile;

  /** @param path the file, inside STATE_DIR; its folder is made when it is missing */
  constructor(path: string) {
    this.#file = new KeptFile(path, path);
  }

  async load(): Promise<PersistedState | null> {
    let text: string;
    try {
      text = await readFile(this.#file.path, "utf8");
    } catch (error) {
      if (isMissing(error)) return null;
      throw new AgentError("AGENT_STATE_UNREADABLE", `${this.#file.path}: ${reasonOf(error)}`, error);
    }
    try {
      return persistedSchema.parse(JSON.parse(text));
    } catch (error) {
      throw new AgentError("AGENT_STATE_UNREADABLE", `${this.#file.path} is damaged; ${await this.#file.setAside()}`, error);
    }
  }

  save(state: PersistedState): Promise<void> {
    return this.#file.save(`${JSON.stringify(state, null, 1)}\n`);
  }
}
