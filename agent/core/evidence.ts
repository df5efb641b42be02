/**
 * What this observer sees of the active over three independent channels (heartbeat, sip, eip), and the verdict that
 * follows. Intuition: one sign of life on any channel is proof of life; silence is proof of nothing until the channel
 * has shown that it can speak, our own side of it is known to work, and it has been silent for long enough.
 */
import type { CoreConfig } from "./settings.ts";
import type { MemberView, State } from "./state.ts";
import type { MonotonicMs, NodeId } from "./types.ts";

export type Verdict = "up" | "down" | "unknown";
export type Channel = "heartbeat" | "sip" | "eip";

/** A row of answers and misses on one probed channel. */
export interface ProbeTrack {
  readonly okAtMs: MonotonicMs | null;
  readonly misses: number;
  /** When the probe was sent that began the present row of misses. */
  readonly firstMissAtMs: MonotonicMs | null;
  /** It has answered at least once since this owner began: only then does its silence mean something. */
  readonly proven: boolean;
}

/** Does the known-good address on the same path answer? Says whether our own side works. */
export interface ReferenceTrack {
  readonly okSentAtMs: MonotonicMs | null;
  readonly failedSentAtMs: MonotonicMs | null;
  /** Since when every attempt has succeeded; null while failing. */
  readonly okSinceMs: MonotonicMs | null;
}

export interface Evidence {
  /** The node watched: whoever is believed to hold the address. null when that is nobody, a stranger, or us. */
  readonly target: NodeId | null;
  /** Since when this target is watched. */
  readonly sinceMs: MonotonicMs;
  /** Since when the target's heartbeat has not been good; null while it is. */
  readonly suspectedAtMs: MonotonicMs | null;
  readonly sip: ProbeTrack;
  readonly eip: ProbeTrack;
  readonly private: ReferenceTrack;
  readonly public: ReferenceTrack;
}

/** The verdict with what led to it. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly heartbeat: Verdict;
  readonly sip: Verdict;
  readonly eip: Verdict;
}

const SILENT: ProbeTrack = { okAtMs: null, misses: 0, firstMissAtMs: null, proven: false };
const UNTRIED: ReferenceTrack = { okSentAtMs: null, failedSentAtMs: null, okSinceMs: null };

export function initialEvidence(atMs: MonotonicMs): Evidence {
  return { target: null, sinceMs: atMs, suspectedAtMs: null, sip: SILENT, eip: SILENT, private: UNTRIED, public: UNTRIED };
}

/** A new owner is watched: nothing known of the old one says anything about it. The references are ours and stay. */
export function watch(evidence: Evidence, target: NodeId | null, atMs: MonotonicMs): Evidence {
  return { ...initialEvidence(atMs), target, private: evidence.private, public: evidence.public };
}

/** Throws the evidence away (promise S7); that a channel has once answered is knowledge about the path and stays. */
export function doubtEvidence(evidence: Evidence): Evidence {
  return { ...evidence, suspectedAtMs: null, sip: { ...SILENT, proven: evidence.sip.proven }, eip: { ...SILENT, proven: evidence.eip.proven }, private: UNTRIED, public: UNTRIED };
}

export function foldAnswer(atMs: MonotonicMs): ProbeTrack {
  return { okAtMs: atMs, misses: 0, firstMissAtMs: null, proven: true };
}

export function foldMiss(track: ProbeTrack, sentAtMs: MonotonicMs): ProbeTrack {
  return { ...track, misses: track.misses + 1, firstMissAtMs: track.firstMissAtMs ?? sentAtMs };
}

export function foldReference(track: ReferenceTrack, ok: boolean, sentAtMs: MonotonicMs): ReferenceTrack {
  return ok ? { ...track, okSentAtMs: sentAtMs, okSinceMs: track.okSinceMs ?? sentAtMs } : { ...track, failedSentAtMs: sentAtMs, okSinceMs: null };
}

/** Our side of a channel works: the reference was asked after the misses began, and its newest answer is yes. */
function referenceVouches(reference: ReferenceTrack, sinceMs: MonotonicMs): boolean {
  return (reference.okSentAtMs ?? -Infinity) >= sinceMs && reference.okSinceMs !== null;
}

/** The verdict of one probed channel. */
export function judgeProbe(track: ProbeTrack, reference: ReferenceTrack, config: CoreConfig): Verdict {
  if (track.misses < config.probeDownAfter) return track.okAtMs === null ? "unknown" : "up";
  return referenceVouches(reference, track.firstMissAtMs ?? Infinity) ? "down" : "unknown";
}

/** The verdict of the heartbeat channel. Silence is counted from the last heartbeat, but never from before a doubt. */
export function judgeHeartbeat(member: MemberView | undefined, doubtedAtMs: MonotonicMs, nowMs: MonotonicMs, config: CoreConfig): Verdict {
  if (member?.heartbeat == null || member.heardAtMs === null) return "unknown";
  const silentMs = nowMs - Math.max(member.heardAtMs, doubtedAtMs);
  if (silentMs >= config.peerLostAfterMs) return "down";
  if (member.heardAtMs < doubtedAtMs) return "unknown";
  if (member.heartbeat.serving === "unknown") return "unknown";
  return member.heartbeat.serving === "down" ? "down" : "up";
}

/** This observer's verdict on the active. `unknown` when there is none to watch. */
export function judge(state: Pick<State, "evidence" | "members" | "doubtedAtMs" | "nowMs" | "startedAtMs" | "egressGraceUntilMs" | "ownership">, config: CoreConfig): Judgement {
  const { evidence } = state;
  if (evidence.target === null) return { verdict: "unknown", heartbeat: "unknown", sip: "unknown", eip: "unknown" };
  const heartbeat = judgeHeartbeat(state.members[evidence.target], state.doubtedAtMs, state.nowMs, config);
  const sip = judgeProbe(evidence.sip, evidence.private, config);
  // Just after the address moved our own egress may fail for seconds (others who move addresses on EC2 pause for about 3 s): no blame from that.
  const eipSeen = judgeProbe(evidence.eip, evidence.public, config);
  const eip = eipSeen === "down" && state.nowMs < state.egressGraceUntilMs ? "unknown" : eipSeen;
  return { verdict: verdictOf({ heartbeat, sip, eip }, state, config), heartbeat, sip, eip };
}

function verdictOf(seen: Omit<Judgement, "verdict">, state: Parameters<typeof judge>[0], config: CoreConfig): Verdict {
  const { evidence } = state;
  if (seen.heartbeat === "up" || seen.sip === "up" || seen.eip === "up") return "up";
  const counted: Verdict[] = [];
  if (evidence.sip.proven) counted.push(seen.sip);
  if (evidence.eip.proven) counted.push(seen.eip);
  if (seen.heartbeat === "down" && counted.length > 0) return counted.every((verdict) => verdict === "down") ? "down" : "unknown";
  return lostInTheCold(state, config) ? "down" : "unknown";
}

/**
 * A standby that booted into an outage has not heard this active since it watches it, so nothing is proven; nor has one
 * that learns of a new active only after that has died. Then silence counts only when it is total and long: all three
 * channels, both references answering throughout, for COLD_LOST_AFTER_MS.
 */
function lostInTheCold(state: Parameters<typeof judge>[0], config: CoreConfig): boolean {
  const { evidence, nowMs } = state;
  const member = evidence.target === null ? undefined : state.members[evidence.target];
  if (member?.heardAtMs != null && member.heardAtMs >= evidence.sinceMs) return false;
  const sinceMs = nowMs - config.coldLostAfterMs;
  if (coldSinceMs(state) > sinceMs) return false;
  const silent = (track: ProbeTrack): boolean => track.misses >= config.probeDownAfter && (track.firstMissAtMs ?? Infinity) <= sinceMs + config.probeIntervalMs;
  const answering = (track: ReferenceTrack): boolean => (track.okSinceMs ?? Infinity) <= sinceMs + config.probeIntervalMs;
  return silent(evidence.sip) && silent(evidence.eip) && answering(evidence.private) && answering(evidence.public);
}

/** From when on a cold observer's silence counts. */
function coldSinceMs(state: Pick<State, "evidence" | "doubtedAtMs" | "startedAtMs">): MonotonicMs {
  return Math.max(state.evidence.sinceMs, state.doubtedAtMs, state.startedAtMs);
}

/** A channel that stays silent although the heartbeats are good: something on the path does not let our probe in. */
export function unprovenChannels(evidence: Evidence, config: CoreConfig): readonly Channel[] {
  if (evidence.suspectedAtMs !== null || evidence.target === null) return [];
  const blocked = (track: ProbeTrack): boolean => !track.proven && track.misses >= config.probeDownAfter;
  return [...(blocked(evidence.sip) ? (["sip"] as const) : []), ...(blocked(evidence.eip) ? (["eip"] as const) : [])];
}
