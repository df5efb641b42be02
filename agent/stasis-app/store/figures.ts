/** How many calls are where: for metrics, /health and nodectl. */
import type { Database } from "./database.ts";

export interface Figures {
  readonly queued: number;
  readonly dialling: number;
  readonly up: number;
  /** Attempts that ended in the last hour, by result. */
  readonly lastHour: Readonly<Record<string, number>>;
}

export async function readFigures(database: Database): Promise<Figures> {
  const states = await database.rows("SELECT state, COUNT(*) AS calls FROM app_calls WHERE state <> 'ended' GROUP BY state");
  const results = await database.rows("SELECT result, COUNT(*) AS attempts FROM app_attempts WHERE ended_at > NOW(3) - INTERVAL 1 HOUR GROUP BY result");
  const of = (state: string): number => Number(states.find((row) => row["state"] === state)?.["calls"] ?? 0);
  return { queued: of("queued"), dialling: of("dialling"), up: of("up"), lastHour: Object.fromEntries(results.map((row) => [String(row["result"]), Number(row["attempts"])])) };
}
