/**
 * The history of moves: one bounded JSON file in STATE_DIR, readable by the operators' group, because `nodectl history`
 * must be able to tell it while no agent runs.
 */
import { mkdir, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { moveSchema, type MoveRecord } from "../core/moves.ts";
import { AgentError } from "../errors.ts";
import type { History } from "../ports.ts";
import { writeFileAtomically } from "./atomic-file.ts";

/** The file's name inside STATE_DIR. */
export const HISTORY_FILE = "history.json";

const MODE = 0o640;
const fileSchema = z.object({ version: z.literal(1), moves: z.array(moveSchema) });

export class FileHistory implements History {
  readonly #path: string;
  /** The save under way, so that two never overtake each other. */
  #last: Promise<void> = Promise.resolve();

  /** @param path the file, inside STATE_DIR; its folder is made when it is missing */
  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<readonly MoveRecord[]> {
    const moves = await readHistory(this.#path);
    if (moves !== "damaged") return moves;
    throw new AgentError("AGENT_STATE_UNREADABLE", `The history of moves, ${this.#path}, is damaged; ${await this.#setAside()}.`);
  }

  save(moves: readonly MoveRecord[]): Promise<void> {
    const text = `${JSON.stringify({ version: 1, moves }, null, 1)}\n`;
    const mine = this.#last.then(async () => {
      try {
        await mkdir(dirname(this.#path), { recursive: true, mode: 0o750 });
        await writeFileAtomically(this.#path, text, MODE);
      } catch (error) {
        throw new AgentError("AGENT_STATE_UNWRITABLE", `The history of moves can't be written to ${this.#path}: ${reasonOf(error)}`, error);
      }
    });
    this.#last = mine.catch(() => undefined); // The caller of this save is told; the next one starts afresh.
    return mine;
  }

  async #setAside(): Promise<string> {
    const aside = `${this.#path}.damaged`;
    try {
      await rename(this.#path, aside);
      return `it was set aside as ${aside}, and a new one begins`;
    } catch (error) {
      return `and it could not be set aside: ${reasonOf(error)}`;
    }
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
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw new AgentError("AGENT_STATE_UNREADABLE", `The history of moves, ${path}, can't be read: ${reasonOf(error)}`, error);
  }
  try {
    return fileSchema.parse(JSON.parse(text)).moves;
  } catch {
    return "damaged"; // Told by the caller: the agent sets it aside, nodectl leaves it alone.
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
