/**
 * Who holds the address (promise S1: only EC2 knows). EC2 is eventually consistent, so a holder is believed after two
 * consecutive reads agree; a single contrary read only starts a candidate. The same reads carry the alive mark.
 */
import type { CoreConfig } from "./settings.ts";
import type { AddressReading, Failure, Holder, InstanceState, Mark, MonotonicMs, NodeId } from "./types.ts";

export interface Ownership {
  /** The believed holder; null before two reads have agreed. */
  readonly holder: Holder | null;
  /** Who was believed to hold it before this holder. */
  readonly previous: Holder | null;
  /** Since when this holder is believed, on our clock. */
  readonly sinceMs: MonotonicMs;
  /** A holder that one read has shown and that contradicts the belief. */
  readonly candidate: Holder | null;
  readonly publicIp: string | null;
  /** When the last successful read was sent and answered; reads from before a doubt count as none. */
  readonly readSentAtMs: MonotonicMs | null;
  readonly readAnsweredAtMs: MonotonicMs | null;
  /** Consecutive failures of the read. */
  readonly failures: number;
  readonly failure: Failure | null;
  /** When the first successful read after the last failure was sent: silence counts only from an EC2 that answers. */
  readonly answeringSinceMs: MonotonicMs | null;
  /** Earliest next read after a failure (backoff). */
  readonly retryAtMs: MonotonicMs;
  /** The slowest successful read of this suspicion; a slow EC2 gets more time to show a mark. */
  readonly slowestReadMs: number;
  readonly mark: Mark | null;
  /** When the read was sent that showed the holder's mark moved; null when it has not moved in this suspicion. */
  readonly markMovedAtMs: MonotonicMs | null;
  /** EC2's view of the holder's instance, read while suspected. */
  readonly instance: { readonly node: NodeId; readonly state: InstanceState; readonly atMs: MonotonicMs } | null;
}

export function initialOwnership(atMs: MonotonicMs): Ownership {
  return {
    holder: null, previous: null, sinceMs: atMs, candidate: null, publicIp: null, readSentAtMs: null, readAnsweredAtMs: null,
    failures: 0, failure: null, answeringSinceMs: null, retryAtMs: atMs, slowestReadMs: 0, mark: null, markMovedAtMs: null, instance: null,
  };
}

/** Two holders are the same place. */
export function sameHolder(a: Holder | null, b: Holder | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === "node") return b.kind === "node" && a.node === b.node;
  if (a.kind === "stranger") return b.kind === "stranger" && a.instanceId === b.instanceId;
  return b.kind === "nobody";
}

/** The holder as an operator would say it. */
export function holderName(holder: Holder | null): string {
  if (holder === null) return "unknown";
  if (holder.kind === "node") return holder.node;
  if (holder.kind === "nobody") return "nobody";
  return `an instance outside the cluster (${holder.instanceId ?? "held through an interface"})`;
}

/**
 * Folds one successful read, sent at `sentAtMs`, into the ownership. The belief changes only when this read and the
 * one before it, both sent after the last doubt, agree. `told` is the mark that its writer last told of in a heartbeat.
 */
export function foldReading(ownership: Ownership, reading: AddressReading, sentAtMs: MonotonicMs, atMs: MonotonicMs, told: Mark | null = null): Ownership {
  const agreesWithBelief = sameHolder(ownership.holder, reading.holder);
  const agreesWithCandidate = sameHolder(ownership.candidate, reading.holder);
  const read: Ownership = {
    ...ownership,
    publicIp: reading.publicIp,
    readSentAtMs: sentAtMs,
    readAnsweredAtMs: atMs,
    failures: 0,
    failure: null,
    answeringSinceMs: ownership.answeringSinceMs ?? sentAtMs,
    retryAtMs: atMs,
    slowestReadMs: Math.max(ownership.slowestReadMs, atMs - sentAtMs),
    mark: reading.mark,
    markMovedAtMs: markMoved(ownership, reading, told) ? sentAtMs : ownership.markMovedAtMs,
  };
  if (agreesWithBelief) return { ...read, candidate: null };
  if (agreesWithCandidate) return { ...read, holder: reading.holder, previous: ownership.holder, sinceMs: atMs, candidate: null, markMovedAtMs: null, instance: null };
  return { ...read, candidate: reading.holder };
}

/**
 * Only the holder's own mark counts: a deposed node that does not know it yet may still write its own. A mark of which it
 * told us in a heartbeat was there before that heartbeat, so it is no later sign of life.
 */
function markMoved(ownership: Ownership, reading: AddressReading, told: Mark | null): boolean {
  if (reading.mark === null || reading.holder.kind !== "node" || reading.mark.node !== reading.holder.node) return false;
  return ownership.readSentAtMs !== null && !sameMark(ownership.mark, reading.mark) && !sameMark(told, reading.mark);
}

function sameMark(one: Mark | null, other: Mark): boolean {
  return one?.node === other.node && one.counter === other.counter;
}

/** Folds a failed read; `random` jitters the backoff, which doubles from the confirm interval to its maximum. */
export function foldReadFailure(ownership: Ownership, failure: Failure, atMs: MonotonicMs, random: number, config: CoreConfig): Ownership {
  const failures = ownership.failures + 1;
  const ceilingMs = Math.min(config.readBackoffMaxMs, config.ownerConfirmIntervalMs * 2 ** Math.min(failures, 10));
  return { ...ownership, failures, failure, answeringSinceMs: null, retryAtMs: atMs + ceilingMs * (0.5 + random / 2) };
}

/** A new suspicion starts with a clean slate for what is judged since its beginning. The mark itself stays as the baseline. */
export function beginSuspicion(ownership: Ownership): Ownership {
  return { ...ownership, markMovedAtMs: null, instance: null, slowestReadMs: 0 };
}

/** After a doubt the belief stays, so that a restart of evidence demotes nobody, but no old read counts for anything (promise S7). */
export function doubtOwnership(ownership: Ownership, atMs: MonotonicMs): Ownership {
  return { ...ownership, candidate: null, readSentAtMs: null, readAnsweredAtMs: null, answeringSinceMs: null, instance: null, markMovedAtMs: null, retryAtMs: atMs, failures: 0 };
}

/** True when the address is believed to be on that node. */
export function isHeldBy(ownership: Ownership, node: NodeId): boolean {
  return ownership.holder?.kind === "node" && ownership.holder.node === node;
}
