/**
 * The ledger of dropped calls: one file a failover, readable by the agent's user alone, because it names callers. The age of a
 * file is in its name, so that a copy back from a backup does not make it young again.
 */
import { mkdir, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { DroppedCalls } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { Ledger } from "../ports.ts";
import { writeFileAtomically } from "./atomic-file.ts";

const DAY_MS = 86_400_000;
const OURS = /^\d{4}-\d{2}-\d{2}T.*\.json$/;

export class FileLedger implements Ledger {
  readonly #folder: string;
  readonly #keepDays: number;
  readonly #wallMs: () => number;

  /** @param options.folder inside STATE_DIR, used by nothing else */
  constructor(options: { readonly folder: string; readonly keepDays: number; readonly wallMs: () => number }) {
    this.#folder = options.folder;
    this.#keepDays = options.keepDays;
    this.#wallMs = options.wallMs;
  }

  /** The same failover recorded twice is one file. */
  async record(dropped: DroppedCalls): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const name = `${new Date(dropped.atWallMs).toISOString().replaceAll(":", "-")}-${dropped.from}.json`;
      const record = { from: dropped.from, at: new Date(dropped.atWallMs).toISOString(), reason: dropped.reason, calls: dropped.calls.map((call) => ({ id: call.id, party: call.party, since: new Date(call.sinceWallMs).toISOString() })) };
      await writeFileAtomically(join(this.#folder, name), `${JSON.stringify(record, null, 2)}\n`);
    } catch (error) {
      throw new AgentError("AGENT_STATE_UNWRITABLE", `the ledger of dropped calls can't be written to ${this.#folder}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  async forgetOld(): Promise<void> {
    const oldest = new Date(this.#wallMs() - this.#keepDays * DAY_MS).toISOString().replaceAll(":", "-");
    try {
      for (const name of await readdir(this.#folder)) if (OURS.test(name) && name < oldest) await unlink(join(this.#folder, name));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return; // Nothing was ever recorded, or somebody else was faster.
      throw new AgentError("AGENT_STATE_UNWRITABLE", `old ledgers of dropped calls can't be removed from ${this.#folder}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }
}
