/**
 * Who is heard, who is late, who is lost, and when we must doubt ourselves instead. The arithmetic is pure: `now` is a
 * parameter. A node whose own clock tick came late does not accuse others with what it missed meanwhile (promise S7).
 */
import { canServe } from "./health.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { CoreConfig } from "./settings.ts";
import type { MemberView, State } from "./state.ts";
import type { MonotonicMs, NodeId } from "./types.ts";

/** heard: a heartbeat within PEER_LATE_AFTER_MS. late: younger than lost. lost: silent for PEER_LOST_AFTER_MS. never: none yet. */
export type Hearing = "never" | "heard" | "late" | "lost";

export function hearing(member: MemberView | undefined, nowMs: MonotonicMs, config: CoreConfig): Hearing {
  if (member === undefined || member.heardAtMs === null) return "never";
  const ageMs = nowMs - member.heardAtMs;
  if (ageMs < config.peerLateAfterMs) return "heard";
  return ageMs < config.peerLostAfterMs ? "late" : "lost";
}

/** The newest heartbeat of a member, if it is young enough to act on. */
export function freshHeartbeat(state: Pick<State, "members" | "nowMs" | "doubtedAtMs">, id: NodeId, config: CoreConfig): Heartbeat | null {
  const member = state.members[id];
  if (member?.heartbeat == null || member.heardAtMs === null || member.heardAtMs < state.doubtedAtMs) return null;
  return state.nowMs - member.heardAtMs < config.peerLostAfterMs ? member.heartbeat : null;
}

/** A node that says so could take calls: its Asterisk serves, and no operator has told it to refuse them. */
export function takesCalls(heartbeat: Heartbeat | null): boolean {
  return heartbeat !== null && canServe(heartbeat.serving) && !heartbeat.draining;
}

/** It was sent by somebody who had heard us since we started or last doubted ourselves; so it is no older than that. */
export function answersUs(heartbeat: Heartbeat, state: Pick<State, "doubtedSequence" | "sequence">): boolean {
  return heartbeat.echo !== null && heartbeat.echo.sequence > state.doubtedSequence && heartbeat.echo.sequence <= state.sequence;
}

export function initialMember(atMs: MonotonicMs): MemberView {
  return { heardAtMs: null, heartbeat: null, incarnationSinceMs: null, rttMs: null, absentSinceMs: atMs, unheardSinceMs: null };
}

/** How late an event shows our own clock tick to be: what lies beyond one interval since the last tick. */
export function lateByMs(tickedAtMs: MonotonicMs, atMs: MonotonicMs, config: CoreConfig): number {
  return Math.max(0, atMs - tickedAtMs - config.tickIntervalMs);
}

/** Folds a heartbeat that arrived. `sentAtMs` is when we sent the one that it echoes, if we still know. */
export function foldHeartbeat(member: MemberView, heartbeat: Heartbeat, atMs: MonotonicMs, sentAtMs: MonotonicMs | undefined): MemberView {
  const rttMs = heartbeat.echo === null || sentAtMs === undefined ? member.rttMs : Math.max(0, atMs - sentAtMs - heartbeat.echo.heldMs);
  const known = member.heartbeat?.incarnation === heartbeat.incarnation;
  return { heardAtMs: atMs, heartbeat, incarnationSinceMs: known ? member.incarnationSinceMs : atMs, rttMs, absentSinceMs: null, unheardSinceMs: member.unheardSinceMs };
}

/**
 * Updates what depends on the passing of time: absence, and whether either side misses the other. A member that has
 * just started has `never` heard anybody; it gets PEER_LOST_AFTER_MS before that counts, as at our own start.
 */
export function ageMember(member: MemberView, state: Pick<State, "nowMs" | "doubtedAtMs" | "startedAtMs">, config: CoreConfig): MemberView {
  const { nowMs } = state;
  const quietSinceMs = Math.max(member.heardAtMs ?? state.startedAtMs, state.doubtedAtMs);
  const lost = nowMs - quietSinceMs >= config.peerLostAfterMs;
  const absentSinceMs = member.absentSinceMs ?? (lost ? nowMs : null);
  const unheard = unheardNow(member, state, lost, config);
  const unheardSinceMs = unheard ? (member.unheardSinceMs ?? nowMs) : null;
  return absentSinceMs === member.absentSinceMs && unheardSinceMs === member.unheardSinceMs ? member : { ...member, absentSinceMs, unheardSinceMs };
}

function unheardNow(member: MemberView, state: Pick<State, "nowMs" | "startedAtMs">, lost: boolean, config: CoreConfig): boolean {
  const ours = hearing(member, state.nowMs, config);
  if (ours === "never" || ours === "lost") return lost;
  const theirs = member.heartbeat?.hearsYou ?? "never";
  const settled = state.nowMs - (member.incarnationSinceMs ?? state.nowMs) >= config.peerLostAfterMs;
  return ours === "late" || theirs === "late" || theirs === "lost" || (theirs === "never" && settled);
}
