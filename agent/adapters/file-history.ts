/**
 * The history of moves: one bounded JSON file in STATE_DIR, readable by the operators' group, because `nodectl history`
 * must be able to tell it while no agent runs.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { moveSchema, type MoveRecord } from "../core/moves.ts";
import { AgentError } from "../errors.ts";
import type { History } from "../ports.ts";
import { isMissing, KeptFile, reasonOf } from "./kept-file.ts";

/** The file's name inside STATE_DIR. */
export const HISTORY_FILE = "history.json";

const MODE = 0o640;
const fileSchema = z.object({ version: z.literal(1), moves: z.array(moveSchema) });

export class FileHistory implements History {
  readonly #file: KeptFile;

  /** @param path the file, inside STATE_DIR; its folder is made when it is missing */
  constructor(path: string) {
    this.#file = new KeptFile(path, `The history of moves can't be written to ${path}`, MODE);
  }

  async load(): Promise<readonly MoveRecord[]> {
    const moves = await readHistory(this.#file.path);
    if (moves !== "damaged") return moves;
    throw new AgentError("AGENT_STATE_UNREADABLE", `The history of moves, ${this.#file.path}, is damaged; ${await this.#file.setAside()}.`);
  }

  save(moves: readonly MoveRecord[]): Promise<void> {
    return this.#file.save(`${JSON.stringify({ version: 1, moves }, null, 1)}\n`);
  }
}

/**
 * Reads the file without touching it; empty when there is none.
 * @throws AGENT_STATE_UNREADABLE when it can't be opened
 */
export async function readHistory(path: string): Promise<readonly MoveRecord[] | "damaged"> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return [];
    throw new AgentError("AGENT_STATE_UNREADABLE", `The history of moves, ${path}, can't be read: ${reasonOf(error)}`, error);
  }
  try {
    return fileSchema.parse(JSON.parse(text)).moves;
  } catch {
    return "damaged"; // Told by the caller: the agent sets it aside, nodectl leaves it alone.
  }
}
