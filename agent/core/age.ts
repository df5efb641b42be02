/** What follows from the passing of time and from what was just folded in: lateness, suspicion, health, yield, block. */
import type { Event } from "./events.ts";
import { doubtEvidence, watch } from "./evidence.ts";
import { gateContext, gatesPass, limitIsHit } from "./gates.ts";
import { canServe, doubtHealth, judgeHealth, stillFails } from "./health.ts";
import { offersTo } from "./offer.ts";
import { beginSuspicion, doubtOwnership } from "./ownership.ts";
import { agePolicy } from "./policy.ts";
import type { CoreConfig } from "./settings.ts";
import { withChanges, type MemberView, type State } from "./state.ts";
import { ageMember, freshHeartbeat, hearing, initialMember, lateByMs, takesCalls } from "./suspicion.ts";
import { advanceSwitchover, isUnderWay } from "./switchover.ts";
import { advanceTakeover } from "./takeover.ts";
import type { ClaimCause, NodeId } from "./types.ts";

/**
 * Did this process stall? Judged on every event, not only on the tick: after a stop, whatever was waiting in a socket
 * may be handled before the clock's own tick is (promise S7).
 */
export function doubtIfLate(state: State, event: Event, config: CoreConfig): State {
  const late = lateByMs(state.tickedAtMs, event.atMs, config);
  if (late <= config.selfDoubtAfterMs) return state;
  return withChanges(state, {
    tickedAtMs: event.atMs,
    doubtedAtMs: event.atMs,
    doubtedSequence: state.sequence,
    lastLateByMs: late,
    ownership: doubtOwnership(state.ownership, event.atMs),
    evidence: doubtEvidence(state.evidence),
    health: doubtHealth(state.health),
    readySince: null,
    heartbeatNow: true,
  });
}

/** Brings every derived part up to date. Called once in each step, after the event was folded. */
export function age(state: State, config: CoreConfig): State {
  let next = ageMembers(state, config);
  const policy = agePolicy(next.policy, next.nowMs);
  if (policy !== next.policy) next = withChanges(next, { policy, unsaved: true });
  if (config.kind === "node") {
    const health = judgeHealth(next.health, next.nowMs, config);
    if (health !== next.health) next = withChanges(next, { health, heartbeatNow: next.heartbeatNow || health.serving !== next.health.serving });
  }
  // The drain of a switchover ends with the switchover, which looks at the clock itself: also when this agent slept beyond its end.
  if (next.draining !== null && next.nowMs >= next.draining.untilMs && !isUnderWay(next.switchover)) next = withChanges(next, { draining: null, heartbeatNow: true });
  next = watchTheHolder(next, config);
  next = suspect(next, config);
  if (config.kind === "node") next = advanceTakeover(advanceSwitchover(limit(ready(yieldIfDown(next, config), config), config), config), config);
  return next;
}

function ageMembers(state: State, config: CoreConfig): State {
  let members: Record<NodeId, MemberView> | null = null;
  let heartbeatNow = state.heartbeatNow;
  for (const id of [...config.peers, ...config.witnesses]) {
    const before = state.members[id] ?? initialMember(state.startedAtMs);
    const after = ageMember(before, state, config);
    if (after === before && state.members[id] !== undefined) continue;
    members = { ...(members ?? state.members), [id]: after };
    // Tell a member at once that we miss it: an active must begin to mark itself alive.
    if (before.unheardSinceMs === null && after.unheardSinceMs !== null && hearing(after, state.nowMs, config) !== "heard") heartbeatNow = true;
  }
  return members === null ? state : withChanges(state, { members, heartbeatNow });
}

function watchTheHolder(state: State, config: CoreConfig): State {
  const holder = state.ownership.holder;
  const target = holder?.kind === "node" && holder.node !== config.nodeId ? holder.node : null;
  return target === state.evidence.target ? state : withChanges(state, { evidence: watch(state.evidence, target, state.nowMs) });
}

/** Suspicion begins when the active's heartbeat is late, missing, not that of a serving node, asks for relief, or offers us the address. */
function suspect(state: State, config: CoreConfig): State {
  const { evidence } = state;
  if (evidence.target === null) return state;
  const member = state.members[evidence.target];
  const well = member?.heartbeat != null && canServe(member.heartbeat.serving) && member.heartbeat.yield === null && !offersTo(member.heartbeat, config.nodeId);
  const good = well && hearing(member, state.nowMs, config) === "heard" && (member.heardAtMs ?? 0) >= state.doubtedAtMs;
  if (good === (evidence.suspectedAtMs === null)) return state;
  if (good) return withChanges(state, { evidence: { ...evidence, suspectedAtMs: null } });
  return withChanges(state, { evidence: { ...evidence, suspectedAtMs: state.nowMs }, ownership: beginSuspicion(state.ownership) });
}

/** The active asks to be relieved when its own Asterisk has been down for YIELD_AFTER_MS and a peer could do better. */
function yieldIfDown(state: State, config: CoreConfig): State {
  const down = state.role === "active" && state.health.serving === "down" && state.nowMs - state.health.sinceMs >= config.yieldAfterMs && stillFails(state.health);
  const relief = down && config.peers.some((peer) => takesCalls(freshHeartbeat(state, peer, config)));
  const yielding = relief ? state.health.reason.slice(0, 200) : null;
  if (yielding === state.yielding) return state;
  return withChanges(state, { yielding, heartbeatNow: state.heartbeatNow || (yielding === null) !== (state.yielding === null) });
}

const CAUSES: readonly ClaimCause[] = ["consent", "quorum", "vacant"];

/** Notes since when everything but the rank speaks for a claim. */
function ready(state: State, config: CoreConfig): State {
  // Who is active, unsuspected, stays so: most steps need no vote.
  const nothingToWeigh = state.role !== "standby" || (state.evidence.target !== null && state.evidence.suspectedAtMs === null);
  if (nothingToWeigh) return state.readySince === null ? state : withChanges(state, { readySince: null });
  const context = gateContext(state, config);
  const cause = CAUSES.find((each) => gatesPass(each, context)) ?? null;
  if (cause === (state.readySince?.cause ?? null)) return state;
  return withChanges(state, { readySince: cause === null ? null : { cause, sinceMs: state.nowMs } });
}

/** One claim too many within the hour: blocked until an operator has looked. */
function limit(state: State, config: CoreConfig): State {
  if (state.role !== "standby" || state.policy.blocked || state.policy.claimsAtMs.length < config.claimsPerHour) return state;
  const context = gateContext(state, config);
  return CAUSES.some((cause) => limitIsHit(cause, context)) ? withChanges(state, { policy: { ...state.policy, blocked: true }, unsaved: true }) : state;
}
