/**
 * The vote on the active: our own verdict, the witnesses', and EC2's. This file answers one question, "is the quorum
 * for a claim there?", and shows its working, so that status and explain print what was decided on.
 */
import { judge, type Evidence, type Judgement, type Verdict } from "./evidence.ts";
import type { CoreConfig } from "./settings.ts";
import type { State } from "./state.ts";
import { answersUs, freshHeartbeat } from "./suspicion.ts";
import type { MonotonicMs, NodeId } from "./types.ts";

/** One observer's vote. `counted` is false for a witness that was absent before the suspicion began. */
export interface Vote {
  readonly observer: NodeId;
  readonly verdict: Verdict;
  readonly judgement: Judgement | null;
  readonly ageMs: number | null;
  readonly counted: boolean;
}

export interface Tally {
  readonly own: Judgement;
  readonly witnesses: readonly Vote[];
  readonly cloud: Verdict;
  /** Why the cloud votes so, for the operator. */
  readonly cloudReason: string;
  /** Verdicts `down`, the cloud's included. */
  readonly downs: number;
  readonly observers: number;
  /** Anyone who says `up`. */
  readonly ups: readonly string[];
  readonly majority: boolean;
}

/** States of an instance in which it serves nobody. */
const GONE = new Set(["stopping", "stopped", "shutting-down", "terminated", "impaired"]);

/** Counts the votes. Pure and complete: nothing else decides whether there is a quorum. */
export function tally(state: State, config: CoreConfig): Tally {
  const own = judge(state, config);
  const witnesses = config.witnesses.map((witness) => voteOf(witness, state, config));
  const { verdict: cloud, reason: cloudReason } = cloudVote(state, config);
  const counted = witnesses.filter((vote) => vote.counted);
  const observers = 1 + counted.length;
  const downs = [own.verdict, ...counted.map((vote) => vote.verdict), cloud].filter((verdict) => verdict === "down").length;
  const ups = [...(own.verdict === "up" ? [config.nodeId] : []), ...witnesses.filter((vote) => vote.verdict === "up").map((vote) => vote.observer), ...(cloud === "up" ? ["EC2"] : [])];
  return { own, witnesses, cloud, cloudReason, downs, observers, ups, majority: 2 * downs > observers };
}

function voteOf(witness: NodeId, state: State, config: CoreConfig): Vote {
  const member = state.members[witness];
  const heartbeat = freshHeartbeat(state, witness, config);
  const ageMs = member?.heardAtMs == null ? null : state.nowMs - member.heardAtMs;
  const absentSinceMs = member?.absentSinceMs ?? null;
  // One that was never heard has no silence of its own to compare: after the same time it is no observer of this cluster.
  const { suspectedAtMs } = state.evidence;
  const comparedWithMs = member?.heardAtMs == null || suspectedAtMs === null ? state.nowMs : silentSinceMs(state.evidence, suspectedAtMs);
  const counted = absentSinceMs === null || comparedWithMs - absentSinceMs < config.witnessAbsentAfterMs;
  const theirs = heartbeat?.verdict;
  if (theirs == null || theirs.about !== state.evidence.target) return { observer: witness, verdict: "unknown", judgement: null, ageMs, counted };
  return { observer: witness, verdict: theirs.verdict, judgement: theirs, ageMs, counted };
}

/** EC2's vote: up while the active's mark moves, down when its instance is gone, else unknown. */
export function cloudVote(state: State, config: CoreConfig): { readonly verdict: Verdict; readonly reason: string } {
  const { ownership, evidence, nowMs } = state;
  if (evidence.suspectedAtMs === null) return { verdict: "unknown", reason: "EC2 is asked only while the active is suspected." };
  if (ownership.markMovedAtMs !== null && !cloudWasAsked(state, config)) {
    return { verdict: "up", reason: `The active's alive mark moved ${Math.round(nowMs - ownership.markMovedAtMs)} ms ago.` };
  }
  const instance = ownership.instance;
  if (instance !== null && instance.node === evidence.target && GONE.has(instance.state)) return { verdict: "down", reason: `EC2 says that the active's instance is ${instance.state}.` };
  return { verdict: "unknown", reason: ownership.markMovedAtMs === null ? "No alive mark has appeared since the suspicion began." : "The alive mark has stopped moving." };
}

/** Since when the active shows us no sign of life on any channel. */
function silentSinceMs({ sip, eip }: Evidence, suspectedAtMs: MonotonicMs): MonotonicMs {
  return Math.max(suspectedAtMs, sip.okAtMs ?? suspectedAtMs, eip.okAtMs ?? suspectedAtMs);
}

/** EC2 was read late enough after the last sign of life that the mark of a living active would have shown. */
export function cloudWasAsked(state: State, config: CoreConfig): boolean {
  const { ownership } = state;
  return ownership.failures === 0 && (ownership.readSentAtMs ?? -Infinity) >= (decisiveReadAtMs(state, config) ?? Infinity);
}

/**
 * When the read must be sent that settles the cloud's vote, as far as is known now; null without a suspicion. Silence
 * of the mark counts from the latest of: the suspicion, the last sign of life, the mark's last movement, and EC2's own
 * recovery. A first mark is written at once; one that follows others may be a whole interval off.
 */
export function decisiveReadAtMs(state: State, config: CoreConfig): MonotonicMs | null {
  const { ownership, evidence, nowMs } = state;
  const { suspectedAtMs } = evidence;
  if (suspectedAtMs === null) return null;
  const quietFromMs = Math.max(silentSinceMs(evidence, suspectedAtMs), ownership.markMovedAtMs ?? suspectedAtMs, ownership.answeringSinceMs ?? nowMs);
  const visibleMs = markVisibleMs(state, config);
  const markingSinceMs = maybeMarkingSinceMs(state, suspectedAtMs);
  const first = ownership.markMovedAtMs === null && markingSinceMs === suspectedAtMs;
  if (first && quietFromMs === suspectedAtMs) return quietFromMs + visibleMs;
  // The active counts its fast phase from its own suspicion, which may have begun a little before ours.
  const slow = nowMs - markingSinceMs > config.markFastForMs * 0.8;
  return quietFromMs + (slow ? config.markSlowIntervalMs : config.markIntervalMs) + visibleMs;
}

/** Until reads show a mark that is written now (ms). EC2 that answers slowly also writes slowly: it gets more time. */
export function markVisibleMs({ ownership }: State, config: CoreConfig): number {
  return Math.max(config.markVisibleAfterMs, 3 * ownership.slowestReadMs);
}

/**
 * Since when the active may have been writing marks for us. Earlier than our own suspicion when its heartbeats said that
 * it misses us: it may then be past its first mark, or in its slow phase, before we suspect anything. Unknown, and so for
 * ever, when it has not answered us since we started or doubted ourselves: for so long it may have missed us.
 */
function maybeMarkingSinceMs(state: State, suspectedAtMs: MonotonicMs): MonotonicMs {
  // An active marks for the standbys that it misses, of which a witness knows nothing: for a stopped one it has for hours.
  if (state.role === "witness") return -Infinity;
  const member = state.evidence.target === null ? undefined : state.members[state.evidence.target];
  if (member?.heartbeat == null || !answersUs(member.heartbeat, state)) return -Infinity;
  return Math.min(suspectedAtMs, member.unheardSinceMs ?? suspectedAtMs);
}
