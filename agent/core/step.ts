/**
 * step(state, event, config): the one pure function that decides everything. The same state and event always give the
 * same new state and the same actions; time, chance and the world outside arrive in the event. The order inside is
 * fixed: doubt ourselves, fold the fact in, age what depends on time, let at most one row of the table fire, start
 * what is due, speak.
 */
import { age, doubtIfLate } from "./age.ts";
import { beginClaim, settleFailure, settleSuccess } from "./claim.ts";
import type { Action, Event, Notice, RequestAction } from "./events.ts";
import { initialColdStart } from "./cold-standby.ts";
import { initialEvidence } from "./evidence.ts";
import { fold } from "./fold.ts";
import { gateContext } from "./gates.ts";
import { initialHealth } from "./health.ts";
import { PROTOCOL_VERSION } from "./heartbeat.ts";
import { note, emptyMetrics } from "./metrics.ts";
import { claimBasis, claimDetails } from "./moves.ts";
import { initialOwnership } from "./ownership.ts";
import { initialPolicy } from "./policy.ts";
import { EMPTY_ROSTER } from "./roster.ts";
import { sampleMetrics } from "./sampling.ts";
import { PUBLISH_DEADLINE_MS, PUBLISH_KEY, schedule } from "./schedule.ts";
import type { CoreConfig } from "./settings.ts";
import { speak } from "./speak.ts";
import { withChanges, type Policy, type State } from "./state.ts";
import { initialMember } from "./suspicion.ts";
import { endWhenDeposed } from "./switchover.ts";
import { rowThatHolds, type Row } from "./transitions.ts";
import type { MonotonicMs, WallMs } from "./types.ts";

/** Role changes kept for status. */
const TRANSITIONS_KEPT = 20;

export interface Step {
  readonly state: State;
  readonly actions: readonly Action[];
  /** The sentence of the row that fired, or null. */
  readonly reason: string | null;
}

/** What an agent starts from. */
export interface Boot {
  readonly atMs: MonotonicMs;
  readonly wallMs: WallMs;
  /** 16 hexadecimal digits, different at every start. */
  readonly incarnation: string;
  /** From the store; null for a first start. */
  readonly policy: Policy | null;
  /** The availability zone, where it is known. */
  readonly zone?: string | null;
}

/** The state before the first event. */
export function initialState(boot: Boot, config: CoreConfig): State {
  const { atMs, wallMs } = boot;
  const members = Object.fromEntries([...config.peers, ...config.witnesses].map((id) => [id, initialMember(atMs)]));
  return {
    nowMs: atMs, wallMs, startedAtMs: atMs, role: config.kind === "witness" ? "witness" : "starting", roleSinceMs: atMs, roleSinceWallMs: wallMs,
    reason: config.kind === "witness" ? "Observes the active and reports its verdict." : "Started; EC2 has not been read yet.", transitions: [],
    incarnation: boot.incarnation, zone: boot.zone ?? null, sequence: 0, sentAtMs: [], tickedAtMs: atMs, lagMs: 0, memoryMib: 0, doubtedAtMs: atMs, doubtedSequence: 0, lastLateByMs: 0,
    members, ownership: initialOwnership(atMs), evidence: initialEvidence(atMs), health: initialHealth(atMs),
    yielding: null, claim: null, readySince: null, policy: boot.policy ?? initialPolicy(atMs), marking: { counter: 0, confirmed: null, failure: null }, claimReady: { ready: null, failure: null, markAllowed: null }, coldStart: initialColdStart(atMs),
    egressGraceUntilMs: atMs, startedActions: {}, inFlight: {}, nextActionId: 1, unsaved: false, saveFailure: null, heartbeatNow: true, jitter: 0.5, tagging: null, publishFailure: null, roster: EMPTY_ROSTER, peerRosters: {}, dropped: null, draining: null, switchover: null, takeover: null, passingOn: [], operations: 0, maintenance: null, appliedRole: null, roleDoubtedAtMs: atMs, roleFailure: null, secretFailure: null,
    metrics: emptyMetrics(wallMs), sampledAtMs: atMs, metricsSinceMs: atMs, metricsDropped: 0,
  };
}

/** Decides. Throws a RangeError when time goes back, which only a defect of the driver can cause. */
export function step(state: State, event: Event, config: CoreConfig): Step {
  if (event.atMs < state.nowMs) throw new RangeError(`an event of ${event.atMs} came after ${state.nowMs}`);
  let next = age(fold(arrive(doubtIfLate(state, event, config), event), event, config), config);
  const notices: Notice[] = [];
  const row = rowThatHolds(gateContext(next, config));
  let reason: string | null = null;
  if (row !== null) {
    reason = row.says(gateContext(next, config));
    next = change(next, row, reason, config);
    notices.push({ type: "roleChanged", from: row.from, to: row.to, row: row.name, reason });
  }
  // The address has moved, or may have: connections opened before lead nowhere (EC2 guide, Elastic IP addresses: close active connections before the change).
  const answered = state.claim?.phase === "calling" && (next.claim?.phase === "accepted" || next.claim?.phase === "unknown");
  if (answered || row?.to === "active") notices.push({ type: "resetCloudConnections" });
  if (answered) next = withChanges(next, { egressGraceUntilMs: next.nowMs + config.egressGraceMs });
  for (const { to, request } of next.passingOn) {
    next = withChanges(next, { operations: next.operations + 1 });
    notices.push({ type: "sendOperation", to, frame: { v: PROTOCOL_VERSION, kind: "operation", cluster: config.clusterId, node: config.nodeId, incarnation: state.incarnation, operation: next.operations, request } });
  }
  if (next.passingOn.length > 0) next = withChanges(next, { passingOn: [] });
  const sampled = sampleMetrics(next, config);
  const scheduled = schedule(sampled.state, config);
  const spoken = speak(scheduled.state, config);
  const publish = sampled.minute === null ? null : startPublish(spoken.state, sampled.minute);
  const actions: Action[] = [...spoken.notices, ...scheduled.actions, ...notices, ...(publish?.actions ?? [])];
  return { state: publish?.state ?? spoken.state, actions, reason };
}

/** Time has come to the event's instant. */
function arrive(state: State, event: Event): State {
  if (event.type !== "ticked") return withChanges(state, { nowMs: event.atMs });
  return withChanges(state, { nowMs: event.atMs, wallMs: event.wallMs, tickedAtMs: event.atMs, lagMs: event.lagMs, memoryMib: event.memoryMib });
}

/** A row fires: the new role, and what comes with leaving the old one. */
function change(state: State, row: Row, reason: string, config: CoreConfig): State {
  const settled = row.from !== "claiming" ? state : row.to === "active" ? settleSuccess(state, config) : settleFailure(state, state.jitter, config);
  const dropped = row.to === "active" ? droppedCalls(state, reason) : null;
  const confirmed = row.name === "claim-confirmed" ? state.claim : null;
  const deposed = row.name === "deposed" ? endWhenDeposed(countDemotion(settled), config) : settled;
  return withChanges(deposed, {
    role: row.to,
    roleSinceMs: state.nowMs,
    roleSinceWallMs: state.wallMs,
    reason,
    transitions: [...state.transitions, { from: row.from, to: row.to, row: row.name, reason, atWallMs: state.wallMs }].slice(-TRANSITIONS_KEPT),
    claim: row.cause === undefined ? deposed.claim : beginClaim(row.cause, reason, claimBasis(state, config), state.nowMs),
    readySince: null,
    yielding: null,
    tagging: confirmed === null ? null : { claimedBy: config.nodeId, claimedAtWallMs: state.wallMs, reason: confirmed.reason, epoch: state.policy.moves.length, details: claimDetails(confirmed, state.startedActions["claim"], state.nowMs, dropped?.calls.length ?? null) },
    heartbeatNow: true,
    dropped: dropped ?? state.dropped,
  });
}

/** The calls that the node before us carried when the address left it: they are cut, and somebody should ring back. Null when no node had it. */
function droppedCalls(state: State, reason: string): State["dropped"] {
  const before = state.ownership.previous;
  if (before?.kind !== "node") return null;
  const calls = [...(state.peerRosters[before.node]?.calls.values() ?? [])];
  return { from: before.node, atWallMs: state.wallMs, reason: state.claim?.reason ?? reason, calls };
}

function countDemotion(state: State): State {
  return withChanges(state, { metrics: note(state.metrics, "Demotions", 1) });
}

function startPublish(state: State, minute: NonNullable<ReturnType<typeof sampleMetrics>["minute"]>): { readonly state: State; readonly actions: readonly RequestAction[] } {
  const id = state.nextActionId;
  const action: RequestAction = { type: "request", id, key: PUBLISH_KEY, deadlineMs: PUBLISH_DEADLINE_MS, request: { kind: "publishMetrics", minute } };
  return { state: withChanges(state, { nextActionId: id + 1, inFlight: { ...state.inFlight, [PUBLISH_KEY]: id } }), actions: [action] };
}
