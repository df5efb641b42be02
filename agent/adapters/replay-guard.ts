/**
 * Old news is no news. TLS already keeps a third party from replaying frames; this catches what it can't: a member's
 * duplicate, a frame that was overtaken, and the former life of a member that has restarted since. Two processes that
 * run under one NODE_ID show up here, because each supersedes the other.
 */
import type { Frame } from "../core/heartbeat.ts";

/** Former incarnations remembered per member. One that was evicted could come back, but only by hand of a key's owner. */
const REMEMBERED_INCARNATIONS = 64;

/** What has been heard of one member. */
export interface ReplayGuard {
  /** False when the frame must be refused as replayed. */
  accept(frame: Frame): boolean;
}

/** Heartbeats and operators' orders must each count upwards within an incarnation, and an incarnation that has been superseded is over. */
export function makeReplayGuard(): ReplayGuard {
  const superseded: string[] = [];
  let current: string | null = null;
  let sequence = 0;
  let operation = 0;
  return {
    accept(frame) {
      if (frame.incarnation !== current) {
        if (superseded.includes(frame.incarnation)) return false;
        if (current !== null) superseded.push(current);
        if (superseded.length > REMEMBERED_INCARNATIONS) superseded.shift();
        current = frame.incarnation;
        sequence = 0;
        operation = 0;
      }
      if (frame.kind === "roster") return true;
      if (frame.kind === "operation") {
        if (frame.operation <= operation) return false;
        operation = frame.operation;
        return true;
      }
      if (frame.sequence <= sequence) return false;
      sequence = frame.sequence;
      return true;
    },
  };
}
