/**
 * Ended calls are kept for a time and then forgotten, with the telephone numbers that are in them: nobody needs them for ever, and
 * privacy law (GDPR article 5, storage limitation) does not want them kept. The list of numbers that must not be called stays.
 */
import { pause } from "../../adapters/interruptible.ts";
import { Rounds } from "../rounds.ts";
import type { Database } from "./database.ts";

/** So many calls go in one transaction: its locks are short. */
const AT_ONCE = 500;
const LOOK_EVERY_MS = 3_600_000;
/** Between two transactions, so that a first cleaning of a large table is noticed by nobody. */
const BREATH_MS = 200;

export interface RetentionOptions {
  readonly database: Database;
  /** Days, at least one, from the moment a call was accepted. */
  readonly keepDays: number;
  readonly isActive: () => boolean;
  readonly onForgotten: (calls: number) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** Forgets what is old, once an hour, on the active. */
export function retentionRounds({ database, keepDays, isActive, onForgotten, onTrouble }: RetentionOptions): Rounds {
  return new Rounds(async (ended) => {
    let forgotten = 0;
    try {
      while (isActive() && !ended.aborted) {
        const calls = await forgetEnded(database, keepDays);
        forgotten += calls;
        if (calls < AT_ONCE) break;
        await pause(BREATH_MS, ended);
      }
    } catch (error) {
      onTrouble("old calls could not be removed", error);
    }
    if (forgotten > 0) onForgotten(forgotten);
    await pause(LOOK_EVERY_MS, ended);
  });
}

/** Removes the oldest ended calls that were accepted so long ago, with their attempts; those whose events still wait for the sink stay. Resolves with how many. */
export function forgetEnded(database: Database, keepDays: number): Promise<number> {
  return database.together(async (statements) => {
    const rows = await statements.rows(
      `SELECT call_id FROM app_calls WHERE state = 'ended' AND created_at < NOW(3) - INTERVAL ? DAY
        AND NOT EXISTS (SELECT 1 FROM app_outbox WHERE app_outbox.call_id = app_calls.call_id) ORDER BY created_at LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED`,
      [keepDays],
    );
    const calls = rows.map((row) => String(row["call_id"]));
    if (calls.length === 0) return 0;
    const marks = calls.map(() => "?").join(", ");
    await statements.change(`DELETE FROM app_attempts WHERE call_id IN (${marks})`, calls);
    await statements.change(`DELETE FROM app_calls WHERE call_id IN (${marks})`, calls);
    return calls.length;
  });
}
