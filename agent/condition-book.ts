/**
 * Conditions, told when they begin and when they end, with how long they lasted, and never in between. One that is back
 * within seconds has not ended, so that a flapping one makes two lines and not two a second.
 */
import type { Condition } from "./core/condition-list.ts";
import { inWords } from "./core/in-words.ts";
import type { Tell } from "./log.ts";

/** Absent for this long, it is over. */
const LINGER_MS = 5_000;

interface Open {
  readonly condition: Condition;
  readonly sinceMs: number;
  lastSeenMs: number;
}

export interface ConditionBook {
  /** Takes in everything that holds now, and tells what has begun or ended. */
  readonly note: (holding: readonly Condition[], nowMs: number) => void;
  /** The names of those that have begun and not ended. */
  readonly open: () => readonly string[];
}

export function makeConditionBook(tell: Tell): ConditionBook {
  const rows = new Map<string, Open>();
  return {
    note: (holding, nowMs) => {
      for (const condition of holding) {
        const key = `${condition.name} ${condition.about ?? ""}`;
        const known = rows.get(key);
        if (known !== undefined) {
          known.lastSeenMs = nowMs;
          continue;
        }
        rows.set(key, { condition, sinceMs: nowMs, lastSeenMs: nowMs });
        tell(condition.severity, "condition-began", { condition: condition.name, about: condition.about }, condition.sentence);
      }
      for (const [key, { condition, sinceMs, lastSeenMs }] of rows) {
        if (nowMs - lastSeenMs < LINGER_MS) continue;
        rows.delete(key);
        const lastedMs = Math.round(lastSeenMs - sinceMs);
        tell("info", "condition-ended", { condition: condition.name, about: condition.about, lastedMs }, `Over after ${inWords(lastedMs)}: ${condition.sentence}`);
      }
    },
    open: () => [...rows.values()].map((row) => row.condition.name),
  };
}
