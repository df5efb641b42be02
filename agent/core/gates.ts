/**
 * What must hold before an automatic claim. Each gate is a question with a sentence; the decision asks whether all
 * pass, and status and `nodectl explain` print the sentences of the same gates. So what is shown is what decided.
 */
import { canServe, restsOnOldAnswers } from "./health.ts";
import { offerOf } from "./offer.ts";
import { holderName, isHeldBy } from "./ownership.ts";
import { cloudWasAsked, tally, type Tally } from "./quorum.ts";
import type { CoreConfig } from "./settings.ts";
import type { State } from "./state.ts";
import { answersUs, freshHeartbeat, takesCalls } from "./suspicion.ts";
import type { ClaimCause, NodeId } from "./types.ts";

/** What the gates look at; the tally is counted at most once. */
export interface GateContext {
  readonly state: State;
  readonly config: CoreConfig;
  readonly votes: () => Tally;
}

export interface Gate {
  readonly name: string;
  passes(context: GateContext): boolean;
  /** Why it does not pass, or what it found, as a sentence. */
  says(context: GateContext): string;
}

export function gateContext(state: State, config: CoreConfig): GateContext {
  let counted: Tally | null = null;
  return { state, config, votes: () => (counted ??= tally(state, config)) };
}

const inMs = (ms: number): string => `${Math.max(0, Math.round(ms))} ms`;

export const serving: Gate = {
  name: "serving",
  passes: ({ state }) => canServe(state.health.serving) && !restsOnOldAnswers(state.health, state.doubtedAtMs),
  says: ({ state }) => (canServe(state.health.serving) && restsOnOldAnswers(state.health, state.doubtedAtMs) ? "This agent has stalled, and its Asterisk has not answered since." : `This node's Asterisk is ${state.health.serving}: ${state.health.reason}`),
};
export const notDraining: Gate = { name: "not draining", passes: ({ state }) => state.draining === null && state.maintenance !== true, says: ({ state }) => (state.draining !== null ? `This node refuses new calls, as an operator told it: ${state.draining.reason}` : state.maintenance === true ? "This node's Asterisk is still to be told that it takes calls again." : "This node takes calls.") };
export const notPaused: Gate = { name: "not paused", passes: ({ state }) => !state.policy.pause.on, says: ({ state }) => (state.policy.pause.on ? `Automatic claims are paused by an operator: ${state.policy.pause.reason}` : "Automatic claims are not paused.") };
export const notBlocked: Gate = { name: "not blocked", passes: ({ state }) => !state.policy.blocked, says: ({ state, config }) => (state.policy.blocked ? `Blocked after ${config.claimsPerHour} automatic claims within an hour; an operator must acknowledge (nodectl ack).` : `${state.policy.claimsAtMs.length} of ${config.claimsPerHour} automatic claims made in the last hour.`) };
export const ownerKnown: Gate = { name: "owner known", passes: ({ state }) => state.ownership.holder !== null && state.ownership.candidate === null && state.ownership.readSentAtMs !== null, says: ({ state }) => (state.ownership.readSentAtMs === null ? "EC2 has not been read since this agent started or last doubted itself." : state.ownership.candidate === null ? `EC2 shows the address on ${holderName(state.ownership.holder)}.` : `EC2 showed the address on ${holderName(state.ownership.candidate)} once; waiting for a second read.`) };
const retryDue: Gate = { name: "retry due", passes: ({ state }) => state.nowMs >= state.policy.claimNotBeforeMs && state.inFlight["claim"] === undefined && evidenceIsNewer(state), says: ({ state }) => (state.inFlight["claim"] !== undefined ? "The call of an earlier claim has not ended." : state.nowMs < state.policy.claimNotBeforeMs ? `The last claim failed; the next try is in ${inMs(state.policy.claimNotBeforeMs - state.nowMs)}.` : evidenceIsNewer(state) ? "No earlier claim is being waited for." : "The last claim failed; EC2 is read again before the next try.") };
export const onPeer: Gate = { name: "address on a peer", passes: ({ state, config }) => state.evidence.target !== null && config.peers.includes(state.evidence.target), says: ({ state }) => (state.ownership.holder?.kind === "stranger" ? `The address is on ${holderName(state.ownership.holder)}: it is never taken automatically.` : `The address is on ${holderName(state.ownership.holder)}.`) };
export const ownVerdictDown: Gate = { name: "own verdict down", passes: ({ votes }) => votes().own.verdict === "down", says: ({ votes }) => describeOwn(votes()) };
export const nobodyUp: Gate = { name: "nobody says up", passes: ({ votes }) => votes().ups.length === 0, says: ({ votes }) => (votes().ups.length === 0 ? "No observer sees the active alive." : `Sees the active alive: ${votes().ups.join(", ")}. ${votes().cloudReason}`) };
export const majorityDown: Gate = { name: "majority down", passes: ({ votes }) => votes().majority, says: ({ votes }) => `${votes().downs} of ${votes().observers} observers say down; more than half are needed.` };
export const cloudAsked: Gate = { name: "EC2 asked", passes: ({ state, config }) => cloudWasAsked(state, config), says: ({ state, config, votes }) => (cloudWasAsked(state, config) ? `EC2 was read late enough for an alive mark to show. ${votes().cloudReason}` : state.ownership.failure === null ? "EC2 has not yet been read late enough for an alive mark to show." : `EC2 can't be read: ${state.ownership.failure.message}`) };
export const holdDownOver: Gate = { name: "hold-down over", passes: ({ state }) => state.nowMs >= state.policy.holdDownUntilMs, says: ({ state }) => (state.nowMs >= state.policy.holdDownUntilMs ? "No hold-down." : `Hold-down after the last ownership change: ${inMs(state.policy.holdDownUntilMs - state.nowMs)} to go.`) };
const ownerAsked: Gate = { name: "owner asked", passes: ({ state }) => ownerWasAsked(state), says: ({ state }) => (ownerWasAsked(state) ? "EC2 was read since the active is in trouble." : state.ownership.failure === null ? "EC2 has not yet been read since the active is in trouble." : `EC2 can't be read: ${state.ownership.failure.message}`) };
const yielded: Gate = { name: "active yields", passes: ({ state, config }) => yieldOf(state, config) !== null, says: ({ state, config }) => yieldOf(state, config) ?? "The active does not ask to be relieved." };
const vacant: Gate = { name: "nobody holds it", passes: ({ state }) => state.ownership.holder?.kind === "nobody", says: ({ state }) => `The address is on ${holderName(state.ownership.holder)}.` };
const graceOver: Gate = { name: "grace over", passes: ({ state, config }) => state.nowMs - state.ownership.sinceMs >= config.vacantGraceMs, says: ({ state, config }) => `Nobody has held the address for ${inMs(state.nowMs - state.ownership.sinceMs)}; the grace is ${inMs(config.vacantGraceMs)}.` };

export const underLimit: Gate = { name: "under the hourly limit", passes: ({ state, config }) => state.policy.claimsAtMs.length < config.claimsPerHour, says: ({ state, config }) => `${state.policy.claimsAtMs.length} of ${config.claimsPerHour} automatic claims made in the last hour.` };

const offered: Gate = { name: "address offered", passes: ({ state, config }) => offerOf(state, config) !== null, says: ({ state, config }) => (offerOf(state, config) === null ? "The active does not offer the address to this node." : "The active offers the address to this node, as an operator asked.") };
const told: Gate = { name: "operator's word", passes: ({ state }) => state.takeover?.phase === "claiming", says: ({ state }) => (state.takeover?.phase === "claiming" ? "An operator has told this node to take the address over." : "No operator has told this node to take the address over.") };
const servingOrTold: Gate = { name: "serving", passes: (context) => serving.passes(context) || context.state.takeover?.evenIfNotServing === true, says: (context) => serving.says(context) };
const askedSinceTold: Gate = { name: "owner asked", passes: ({ state }) => (state.ownership.readSentAtMs ?? -Infinity) >= (state.takeover?.askedAtMs ?? Infinity), says: ({ state }) => (state.ownership.failure !== null && state.ownership.failures > 0 ? `EC2 can't be read: ${state.ownership.failure.message}` : "EC2 is read once more before the claim.") };

const COMMON: readonly Gate[] = [serving, notDraining, notPaused, notBlocked, ownerKnown, retryDue];

/** The gates of each cause, the cheapest first. The rank of automatic claims is not among them: it waits on top (rankPasses). */
export const GATES: Readonly<Record<ClaimCause, readonly Gate[]>> = {
  consent: [...COMMON, onPeer, yielded, ownerAsked, underLimit],
  quorum: [...COMMON, onPeer, holdDownOver, ownVerdictDown, nobodyUp, majorityDown, cloudAsked, underLimit],
  vacant: [...COMMON, vacant, graceOver, underLimit],
  // An operator's word is no automatic claim: neither the hold-down nor the hourly limit is about it.
  switchover: [offered, serving, notDraining, notPaused, ownerKnown, retryDue, onPeer, ownerAsked],
  takeover: [told, servingOrTold, notDraining, ownerKnown, retryDue, askedSinceTold],
};

/** All gates of a cause pass; the rank is left out. */
export function gatesPass(cause: ClaimCause, context: GateContext): boolean {
  return GATES[cause].every((gate) => gate.passes(context));
}

/** Only the hourly limit stands in the way: time to block until an operator has looked. */
export function limitIsHit(cause: ClaimCause, context: GateContext): boolean {
  return !underLimit.passes(context) && GATES[cause].every((gate) => gate === underLimit || gate.passes(context));
}

/** Lower-ranked standbys leave the first try to the others: rank n waits n times RANK_STAGGER_MS longer. */
export function rankOf(state: State, config: CoreConfig): number {
  return config.peers.filter((peer) => peer < config.nodeId && !isHeldBy(state.ownership, peer) && takesCalls(freshHeartbeat(state, peer, config))).length;
}

/**
 * Our turn has come since everything else spoke for the claim: the rank's wait has passed, nobody else is claiming (for as
 * long as a call may take), and who waited has looked whether another was faster.
 */
export function rankPasses(cause: ClaimCause, state: State, config: CoreConfig): boolean {
  if (state.readySince?.cause !== cause) return false;
  const { sinceMs } = state.readySince;
  const rank = rankOf(state, config);
  const waitMs = rank * config.rankStaggerMs + (othersClaim(state, config) ? config.claimTimeoutMs : 0);
  // For a free address EC2 itself is the judge (AllowReassociation=false).
  return state.nowMs - sinceMs >= waitMs && (rank === 0 || cause === "vacant" || (state.ownership.readSentAtMs ?? -Infinity) > sinceMs);
}

/** Another node says that it is claiming, or that it has the address although we don't know it yet. */
function othersClaim(state: State, config: CoreConfig): boolean {
  return config.peers.some((peer) => {
    const heartbeat = freshHeartbeat(state, peer, config);
    return heartbeat?.role === "claiming" || (heartbeat?.holds === true && !isHeldBy(state.ownership, peer));
  });
}

/**
 * The sentence with which the active asks to be relieved, or null. Only the believed holder's own fresh word counts, and
 * after a stall of ours only an answer to what we have said since: old words may have waited in the socket.
 */
export function yieldOf(state: State, config: CoreConfig): string | null {
  const target: NodeId | null = state.evidence.target;
  if (target === null) return null;
  const heartbeat = freshHeartbeat(state, target, config);
  return heartbeat?.holds === true && answersUs(heartbeat, state) ? heartbeat.yield : null;
}

/** EC2 was read since the active is not well: a claim by consent must not rest on a belief of a minute ago (S1, S6). */
function ownerWasAsked({ ownership, evidence }: State): boolean {
  return ownership.failures === 0 && (ownership.readSentAtMs ?? -Infinity) >= (evidence.suspectedAtMs ?? Infinity);
}

/** After a claim that failed, EC2 has been read again: somebody else may have been faster, or the claim took effect late (L4). */
function evidenceIsNewer({ policy, ownership }: State): boolean {
  return policy.claimFailures === 0 || (ownership.readSentAtMs ?? -Infinity) >= policy.claimFailedAtMs;
}

/** What the next claim waits for, as one sentence: the first gate that does not pass. */
export function waitsFor(cause: ClaimCause, context: GateContext): string {
  const closed = GATES[cause].find((gate) => !gate.passes(context));
  if (closed !== undefined) return closed.says(context);
  return rankPasses(cause, context.state, context.config) ? "Nothing: it claims now." : `Its turn: ${rankOf(context.state, context.config)} serving standby(s) come first, or another is claiming.`;
}

function describeOwn(votes: Tally): string {
  const { own } = votes;
  return `This node sees the active ${own.verdict} (heartbeat ${own.heartbeat}, sip ${own.sip}, eip ${own.eip}).`;
}
