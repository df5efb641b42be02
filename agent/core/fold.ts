/** How each event changes what is known. No decision is made here: roles change in transitions.ts, actions start in schedule.ts. */
import { databaseIsBack, doubtAppliedRole, foldRole } from "./asterisk-role.ts";
import { foldClaimAnswer, foldClaimRead } from "./claim.ts";
import { foldDryStart, foldStandbyInstance, foldStart } from "./cold-standby.ts";
import { foldAnswer, foldMiss, foldReference, type ProbeTrack } from "./evidence.ts";
import { foldProbe, type Refusal } from "./health.ts";
import { note, type MetricName } from "./metrics.ts";
import { explainLastMove, SEEN_ON_EC2 } from "./moves.ts";
import { foldReadFailure, foldReading, holderName, sameHolder } from "./ownership.ts";
import { foldEnded, foldListing, foldRosterFrame } from "./roster.ts";
import { adoptPause, operatorPolicy, recordMove } from "./policy.ts";
import type { CoreConfig } from "./settings.ts";
import { foldHeartbeat, initialMember } from "./suspicion.ts";
import { askSwitchover, beginSwitchover, callOff, foldCount, isUnderWay } from "./switchover.ts";
import { askTakeover } from "./takeover.ts";
import type { Failure, Mark, NodeId } from "./types.ts";
import type { Completion, Event } from "./events.ts";
import { withChanges, type State } from "./state.ts";

type Completed = Extract<Event, { type: "completed" }>;

/** Folds one event into the state; `state.nowMs` is already the event's instant. */
export function fold(state: State, event: Event, config: CoreConfig): State {
  switch (event.type) {
    case "ticked":
      return state; // What it says is the time, which has been taken in already.
    case "heartbeatReceived":
      return heard(state, event, config);
    case "rosterReceived":
      return config.peers.includes(event.from) ? withChanges(state, { peerRosters: { ...state.peerRosters, [event.from]: foldRosterFrame(state.peerRosters[event.from], event.frame) } }) : state;
    case "operationReceived":
      return config.kind === "node" && config.peers.includes(event.from) ? beginSwitchover(state, event.frame.request, config) : state;
    case "callEnded":
      // While a switchover waits for calls to end, each end is a reason to count what is left.
      return withChanges(state, { roster: foldEnded(state.roster, event.call), startedActions: state.switchover?.phase === "draining" ? forget(state.startedActions, ["probe:counts"]) : state.startedActions });
    case "ariSocketChanged":
      // A closed socket is often the first sign of a crash: ask at once instead of at the next interval.
      return { ...doubtAppliedRole(state), maintenance: null, health: { ...state.health, ariSocketOpen: event.open }, startedActions: event.open ? state.startedActions : forget(state.startedActions, ["probe:ari", "probe:sip"]) };
    case "secretTried":
      return withChanges(state, { secretFailure: event.failure === null ? null : { sinceMs: state.secretFailure?.sinceMs ?? event.atMs, failure: event.failure } });
    case "operatorCommanded":
      return obey(withChanges(state, { policy: operatorPolicy(state.policy, event.command, state.nowMs, config), heartbeatNow: true, unsaved: true }), event.command, config);
    case "completed":
      return completed(state, event, config);
  }
}

/** Draining is this node's own state and ends by itself: an operator who loses the connection must not leave a node deaf. */
function obey(state: State, command: Extract<Event, { type: "operatorCommanded" }>["command"], config: CoreConfig): State {
  switch (command.kind) {
    case "drain": {
      const draining = { sinceMs: state.draining?.sinceMs ?? state.nowMs, untilMs: state.nowMs + command.forMs, reason: command.reason };
      // A switchover that is under way has its own drain; this one comes back if it fails.
      return isUnderWay(state.switchover) ? withChanges(state, { switchover: { ...state.switchover, before: draining } }) : withChanges(state, { draining });
    }
    case "undrain":
      return callOff(state, config);
    case "switchover":
      return askSwitchover(state, command.request, config);
    case "takeover":
      return askTakeover(state, command.request, config);
    case "pause":
    case "resume":
    case "acknowledge":
      return state;
  }
}

/** A copy without these keys. */
function forget(record: Readonly<Record<string, number>>, keys: readonly string[]): Readonly<Record<string, number>> {
  const kept: Record<string, number> = {};
  for (const key of Object.keys(record)) if (!keys.includes(key)) kept[key] = record[key] ?? 0;
  return kept;
}

function heard(state: State, event: Extract<Event, { type: "heartbeatReceived" }>, config: CoreConfig): State {
  const known = config.peers.includes(event.from) || config.witnesses.includes(event.from);
  if (!known) return state;
  const member = state.members[event.from] ?? initialMember(state.startedAtMs);
  const { echo } = event.heartbeat;
  const sentAtMs = echo === null ? undefined : state.sentAtMs[state.sentAtMs.length - 1 - (state.sequence - echo.sequence)];
  const next = foldHeartbeat(member, event.heartbeat, event.atMs, sentAtMs);
  const metrics = next.rttMs !== null && sentAtMs !== undefined ? note(state.metrics, "HeartbeatRtt", next.rttMs) : state.metrics;
  const heardState: State = withChanges(state, { members: { ...state.members, [event.from]: next }, metrics });
  const policy = adoptPause(heardState.policy, event.heartbeat.pause, event.atMs);
  const paused = policy === heardState.policy ? heardState : withChanges(heardState, { policy, unsaved: true, heartbeatNow: true });
  return config.kind === "witness" ? believeHolder(paused, event.from, member.heartbeat?.holds === true) : paused;
}

/** A witness has no AWS, or asks it rarely: it believes the node that most recently began to say that it holds the address. */
function believeHolder(state: State, from: string, saidSoBefore: boolean): State {
  const heartbeat = state.members[from]?.heartbeat;
  if (heartbeat?.holds !== true) return state;
  const current = state.ownership.holder?.kind === "node" ? state.ownership.holder.node : null;
  const ownership = { ...state.ownership, publicIp: heartbeat.publicIp ?? state.ownership.publicIp };
  const currentStillSays = current !== null && state.members[current]?.heartbeat?.holds === true;
  if (current === from || (saidSoBefore && currentStillSays)) return withChanges(state, { ownership });
  return withChanges(state, { ownership: { ...ownership, holder: { kind: "node", node: from }, sinceMs: state.nowMs } });
}

function completed(state: State, event: Completed, config: CoreConfig): State {
  if (state.inFlight[event.key] !== event.id) return state; // Came after its deadline: the failure was folded already.
  const inFlight = forget(state.inFlight, [event.key]);
  const settled: State = withChanges(state, { inFlight, jitter: event.random });
  const { completion } = event;
  // What was asked before we doubted ourselves may have waited in our own stall: it says nothing (promise S7).
  const doubtful = event.startedAtMs < state.doubtedAtMs;
  switch (completion.kind) {
    case "claim":
      return settled.claim !== null && event.startedAtMs < settled.claim.decidedAtMs ? settled : foldClaimAnswer(settled, completion);
    case "readAddress":
      return doubtful ? settled : addressRead(settled, completion, event, config);
    case "readInstance":
      if (doubtful || !completion.outcome.ok) return settled;
      if (config.coldStandby && completion.node !== settled.evidence.target) return withChanges(settled, { coldStart: foldStandbyInstance(settled.coldStart, completion.node, completion.outcome.value, event.startedAtMs) });
      return withChanges(settled, { ownership: { ...settled.ownership, instance: { node: completion.node, state: completion.outcome.value, atMs: event.atMs } } });
    case "startInstance":
      return withChanges(settled, { coldStart: foldStart(settled.coldStart, completion, event.atMs, event.random, settled.evidence.suspectedAtMs) });
    case "watchSip":
    case "watchEip":
      return doubtful ? settled : watched(settled, completion, event);
    case "reference":
      return doubtful ? settled : withChanges(settled, { evidence: { ...settled.evidence, [completion.side]: foldReference(settled.evidence[completion.side], completion.outcome.ok, event.startedAtMs) } });
    case "probe":
      return doubtful ? settled : probed(databaseIsBack(settled, event) ? doubtAppliedRole(settled) : settled, completion, event);
    case "applyRole":
      return foldRole(settled, completion, event.startedAtMs);
    case "listCalls":
      return completion.outcome.ok ? withChanges(settled, { roster: foldListing(settled.roster, completion.outcome.value, event.atMs - event.startedAtMs, event.atMs) }) : settled;
    case "recordDropped":
    case "setMaintenance":
    case "dryRunClaim":
    case "dryRunStart":
    case "dryRunMark":
    case "writeMark":
    case "writeClaimTags":
    case "save":
    case "publishMetrics":
      return housekept(settled, completion, event);
  }
}

function addressRead(state: State, completion: Extract<Completion, { kind: "readAddress" }>, event: Completed, config: CoreConfig): State {
  if (!completion.outcome.ok) return withChanges(state, { ownership: foldReadFailure(state.ownership, completion.outcome.failure, event.atMs, event.random, config) });
  const ownership = foldReading(state.ownership, completion.outcome.value, event.startedAtMs, event.atMs, markToldBy(state, completion.outcome.value.mark?.node));
  const claim = foldClaimRead(state.claim, completion.outcome.value, event.startedAtMs, config);
  // Not worth a save of its own: the sentence is for people, and comes back with the next read.
  const next: State = withChanges(state, { ownership, claim, policy: explainLastMove(state.policy, completion.outcome.value) });
  const old = state.ownership.holder;
  if (old === null || sameHolder(old, ownership.holder)) return next;
  return withChanges(next, { policy: recordMove(next.policy, { atWallMs: state.wallMs, from: holderName(old), to: holderName(ownership.holder), reason: state.claim?.reason ?? handedOver(state, ownership.holder) ?? SEEN_ON_EC2 }, state.nowMs, config), unsaved: true, heartbeatNow: true });
}

/** The mark of which that member has told last, however long ago. */
function markToldBy({ members }: State, node: NodeId | undefined): Mark | null {
  const counter = node === undefined ? undefined : members[node]?.heartbeat?.mark;
  return node === undefined || counter == null ? null : { node, counter };
}

/** The move that our own switchover has led to. */
function handedOver({ switchover }: State, to: State["ownership"]["holder"]): string | null {
  const ours = switchover !== null && switchover.offeredAtMs !== null && to?.kind === "node" && to.node === switchover.to;
  return ours ? `Handed over, as an operator asked: ${switchover.reason}` : null;
}

function watched(state: State, completion: Extract<Completion, { kind: "watchSip" | "watchEip" }>, event: Completed): State {
  // Sent to the owner before this one began: about somebody else.
  if (event.startedAtMs < state.evidence.sinceMs) return state;
  const channel = completion.kind === "watchSip" ? "sip" : "eip";
  const track: ProbeTrack = completion.outcome.ok ? foldAnswer(event.atMs) : foldMiss(state.evidence[channel], event.startedAtMs);
  return withChanges(state, { evidence: { ...state.evidence, [channel]: track } });
}

const LATENCIES: Readonly<Record<string, MetricName>> = { ari: "AriLatency", sip: "SipLatency", canary: "CanaryLatency" };

function probed(state: State, completion: Extract<Completion, { kind: "probe" }>, event: Completed): State {
  const name = LATENCIES[completion.probe];
  const metrics = completion.outcome.ok && name !== undefined ? note(state.metrics, name, event.atMs - event.startedAtMs) : state.metrics;
  return withChanges(state, { switchover: foldCount(state.switchover, completion, event.startedAtMs), health: foldProbe(state.health, completion, event.startedAtMs, event.atMs, refusalOf(state)), metrics });
}

/** The agent before this one may have left a drain behind: who refuses calls is known when Asterisk has been told anew, or can't be. */
export function refusalOf({ draining, maintenance, startedActions, inFlight }: State): Refusal {
  if (draining !== null || maintenance === true) return "ours";
  const tried = startedActions["setMaintenance"] !== undefined && inFlight["setMaintenance"] === undefined;
  return maintenance === false || tried ? "own" : "unknown";
}

type Housekeeping = Exclude<Completion, { kind: "claim" | "readAddress" | "readInstance" | "watchSip" | "watchEip" | "reference" | "probe" | "listCalls" | "applyRole" | "startInstance" }>;

function housekept(state: State, completion: Housekeeping, event: Completed): State {
  const failure: Failure | null = completion.outcome.ok ? null : completion.outcome.failure;
  switch (completion.kind) {
    case "dryRunClaim":
      // While our own egress settles after a move, a failure says nothing about permission.
      return failure !== null && event.atMs < state.egressGraceUntilMs ? state : withChanges(state, { claimReady: { ...state.claimReady, ready: failure === null, failure } });
    case "dryRunStart":
      return withChanges(state, { coldStart: foldDryStart(state.coldStart, failure) });
    case "dryRunMark":
      return withChanges(state, { claimReady: { ...state.claimReady, markAllowed: failure === null } });
    case "writeMark":
      return withChanges(state, { marking: { ...state.marking, failure, confirmed: failure === null ? state.marking.counter : state.marking.confirmed }, metrics: failure === null ? note(state.metrics, "AliveMarks", 1) : state.metrics });
    case "setMaintenance":
      // What it was told, not what it should be told by now: the drain may have ended meanwhile.
      return withChanges(state, { maintenance: failure === null ? completion.on : null });
    case "recordDropped":
      return failure === null ? withChanges(state, { dropped: null }) : state;
    case "save":
      return withChanges(state, { saveFailure: failure, unsaved: state.unsaved || failure !== null });
    case "writeClaimTags":
      // Without permission it is not asked again every second: the tags are for people, and the log has the claim.
      return withChanges(state, { tagging: failure === null || failure.code === "AGENT_CLOUD_DENIED" ? null : state.tagging });
    case "publishMetrics": {
      const dropped = completion.outcome.ok ? completion.outcome.value.dropped : 0;
      const kept = completion.outcome.ok ? completion.outcome.value.failure : failure;
      return withChanges(state, { publishFailure: kept, metricsDropped: state.metricsDropped + dropped, metrics: dropped > 0 ? note(state.metrics, "MetricsDropped", dropped) : state.metrics });
    }
  }
}
