/** The outbox: events are written in the transaction of what they tell, and leave it when the sink has them. */
import { randomUUID } from "node:crypto";
import type { CallEvent } from "../core/event.ts";
import type { Database, Statements } from "./database.ts";

/** An event that waits, and how often it has been tried. */
export interface Waiting {
  readonly id: number;
  readonly event: CallEvent;
  readonly tries: number;
}

/** Writes an event of a call within the caller's transaction, and gives it the call's next number. */
export async function tellIn(statements: Statements, node: string, callId: string, type: string, data: CallEvent["data"] = {}): Promise<void> {
  await statements.change("UPDATE app_calls SET events = events + 1 WHERE call_id = ?", [callId]);
  const [row] = await statements.rows("SELECT events, direction, campaign_id, contact_id, attempts, NOW(3) AS now FROM app_calls WHERE call_id = ?", [callId]);
  if (row === undefined) return;
  const event: CallEvent = {
    id: randomUUID(), type, callId, number: row["events"] as number, at: (row["now"] as Date).toISOString(),
    direction: row["direction"] as "out" | "in", campaignId: row["campaign_id"] as string, contactId: row["contact_id"] as string | null,
    attempt: row["attempts"] as number, node, data,
  };
  await statements.change("INSERT INTO app_outbox (event_id, call_id, type, payload, next_at) VALUES (?, ?, ?, ?, NOW(3))", [event.id, callId, type, JSON.stringify(event)]);
}

export class Outbox {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Events that are due, at most one a call: the next of a call follows only when the one before it is away. */
  async due(most: number): Promise<readonly Waiting[]> {
    const rows = await this.#database.rows(
      `SELECT id, payload, tries FROM app_outbox o WHERE next_at <= NOW(3)
        AND NOT EXISTS (SELECT 1 FROM app_outbox e WHERE e.call_id = o.call_id AND e.id < o.id) ORDER BY id LIMIT ?`,
      [most],
    );
    return rows.map((row) => ({ id: row["id"] as number, tries: row["tries"] as number, event: (typeof row["payload"] === "string" ? JSON.parse(row["payload"]) : row["payload"]) as CallEvent }));
  }

  /** The sink has them. */
  async sent(ids: readonly number[]): Promise<void> {
    if (ids.length > 0) await this.#database.change(`DELETE FROM app_outbox WHERE id IN (${ids.map(() => "?").join(", ")})`, ids);
  }

  /** The sink did not take it; its call waits. */
  async failed(id: number, waitMs: number): Promise<void> {
    await this.#database.change("UPDATE app_outbox SET tries = tries + 1, next_at = NOW(3) + INTERVAL ? MICROSECOND WHERE id = ?", [Math.round(waitMs * 1000), id]);
  }

  /** How many wait, and for how long the oldest has (ms). */
  async waiting(): Promise<{ readonly count: number; readonly oldestMs: number }> {
    const [row] = await this.#database.rows("SELECT COUNT(*) AS waiting, COALESCE(TIMESTAMPDIFF(MICROSECOND, MIN(JSON_UNQUOTE(JSON_EXTRACT(payload, '$.at'))), NOW(3)), 0) AS age FROM app_outbox");
    return { count: Number(row?.["waiting"] ?? 0), oldestMs: Math.max(0, Math.round(Number(row?.["age"] ?? 0) / 1000)) };
  }
}
