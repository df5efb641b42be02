/**
 * Refusals on the heartbeat port, told once: a line when the first of a kind comes from a sender, and one when they
 * have stopped, with their number. Whoever can reach the port could otherwise fill the disk. What a sender claims is
 * untrusted: it is bounded, and logged under `untrusted`.
 */
import { inWords } from "./core/in-words.ts";
import type { Tell } from "./log.ts";
import type { Refusal } from "./ports.ts";

/** Without another one for this long, a row of refusals is over. A misconfigured peer redials every few seconds. */
const OVER_AFTER_MS = 60_000;
/** Rows told separately; senders beyond share one row for each kind of refusal. */
const ROWS_MAX = 64;
const CLAIMED_MAX = 96;

interface Row {
  readonly refusal: Refusal;
  readonly sender: string;
  readonly sinceMs: number;
  lastMs: number;
  count: number;
}

export interface RefusalBook {
  readonly note: (refusal: Refusal, claimed: string | null, remoteAddress: string, nowMs: number) => void;
  /** Tells the rows that are over. */
  readonly expire: (nowMs: number) => void;
  /** Since the start, by kind. */
  readonly counts: () => Readonly<Record<string, number>>;
}

export function makeRefusalBook(tell: Tell): RefusalBook {
  const rows = new Map<string, Row>();
  const counts: Record<string, number> = {};
  return {
    note: (refusal, claimed, remoteAddress, nowMs) => {
      counts[refusal] = (counts[refusal] ?? 0) + 1;
      const identity = claimed === null ? null : claimed.slice(0, CLAIMED_MAX);
      const named = `${refusal} ${identity ?? ""} ${remoteAddress}`;
      const many = rows.size >= ROWS_MAX && !rows.has(named);
      const key = many ? refusal : named;
      const known = rows.get(key);
      if (known !== undefined) {
        known.lastMs = nowMs;
        known.count += 1;
        return;
      }
      rows.set(key, { refusal, sender: many ? "many senders" : remoteAddress, sinceMs: nowMs, lastMs: nowMs, count: 1 });
      const untrusted = many ? {} : { untrusted: { claimed: identity, address: remoteAddress } };
      const code = refusal === "version" ? "AGENT_PEER_VERSION_MISMATCH" : "AGENT_PEER_REFUSED";
      tell("warn", "peer-refused", { refusal, err: { code, message: refusal }, ...untrusted }, `Refused on the heartbeat port: ${refusal}, from ${many ? "many senders" : remoteAddress}. Told once; its end will be told too.`);
    },
    expire: (nowMs) => {
      for (const [key, row] of rows) {
        if (nowMs - row.lastMs < OVER_AFTER_MS) continue;
        rows.delete(key);
        const lastedMs = Math.round(row.lastMs - row.sinceMs);
        tell("info", "peer-refusals-ended", { refusal: row.refusal, count: row.count, lastedMs }, `No more refusals (${row.refusal}) from ${row.sender}: ${row.count} in ${inWords(lastedMs)}.`);
      }
    },
    counts: () => ({ ...counts }),
  };
}
