/** What this member says to the others: the heartbeats that are due. */
import { coldStandbySays } from "./cold-standby.ts";
import { gateContext, waitsFor } from "./gates.ts";
import { PROTOCOL_VERSION, type Heartbeat } from "./heartbeat.ts";
import { offerOf } from "./offer.ts";
import { framesFor, generationHeld, publish, type OwnRoster } from "./roster.ts";
import { isHeldBy } from "./ownership.ts";
import { judge } from "./evidence.ts";
import type { CoreConfig } from "./settings.ts";
import { hearing } from "./suspicion.ts";
import { switchoverSays } from "./switchover.ts";
import type { NodeId } from "./types.ts";
import type { Notice } from "./events.ts";
import { withChanges, type State } from "./state.ts";

/** Send times kept for the round trip: more heartbeats than can be under way. */
const SENT_KEPT = 32;
/** A roster that was not acknowledged by then is sent again (ms): several heartbeats. */
const RESEND_AFTER_MS = 2_000;
/** Of the reason of a switchover so many characters go into a heartbeat. */
const REASON_MAX = 100;

/** The heartbeats that are due now, one for every member, and the state in which they are sent. */
export function speak(state: State, config: CoreConfig): { readonly state: State; readonly notices: readonly Notice[] } {
  const lastMs = state.sentAtMs.at(-1);
  const due = state.heartbeatNow || lastMs === undefined || state.nowMs - lastMs >= config.heartbeatIntervalMs;
  if (!due) return { state, notices: [] };
  const sent: State = withChanges(state, { heartbeatNow: false, sequence: state.sequence + 1, sentAtMs: [...state.sentAtMs.slice(1 - SENT_KEPT), state.nowMs] });
  const common = commonPart(sent, config);
  const notices = [...config.peers, ...config.witnesses].map((to): Notice => ({ type: "sendHeartbeat", to, heartbeat: heartbeatTo(to, common, sent, config) }));
  const rostered = tellRoster(sent, config);
  return { state: rostered.state, notices: [...notices, ...rostered.notices] };
}

/**
 * The call roster for the peers that do not have it yet. One generation at a time: whoever has not acknowledged the last one
 * could be told of the next only by a snapshot, and a busy node has news at every heartbeat.
 */
function tellRoster(state: State, config: CoreConfig): { readonly state: State; readonly notices: readonly Notice[] } {
  const heard = config.peers.flatMap((peer) => {
    const member = state.members[peer];
    return hearing(member, state.nowMs, config) === "heard" && member?.heartbeat != null ? [{ peer, held: member.heartbeat.rosterHeld }] : [];
  });
  const waits = ({ generation, sent }: OwnRoster, peer: NodeId): boolean => {
    const before = sent[peer];
    return before?.generation === generation && state.nowMs - before.atMs < RESEND_AFTER_MS;
  };
  const unanswered = heard.some(({ peer, held }) => held !== state.roster.generation && waits(state.roster, peer));
  const roster = unanswered ? state.roster : publish(state.roster);
  if (config.kind === "witness" || roster.generation === 0) return { state, notices: [] };
  const identity = { cluster: config.clusterId, node: config.nodeId, incarnation: state.incarnation };
  const notices: Notice[] = [];
  let { sent } = roster;
  for (const { peer, held } of heard) {
    if (waits(roster, peer)) continue;
    const frames = framesFor(roster, held, identity);
    if (frames.length === 0) continue;
    notices.push({ type: "sendRoster", to: peer, frames });
    sent = { ...sent, [peer]: { generation: roster.generation, atMs: state.nowMs } };
  }
  if (roster === state.roster && sent === roster.sent) return { state, notices };
  return { state: withChanges(state, { roster: { ...roster, sent } }), notices };
}

/** What all receivers are told alike; what differs is left blank, for heartbeatTo. */
function commonPart(state: State, config: CoreConfig): Heartbeat {
  const { pause } = state.policy;
  return {
    v: PROTOCOL_VERSION,
    kind: "heartbeat",
    cluster: config.clusterId,
    node: config.nodeId,
    incarnation: state.incarnation,
    sequence: state.sequence,
    role: state.role,
    serving: state.health.serving,
    servingReason: spoken(state.health.reason),
    yield: state.yielding === null ? null : spoken(state.yielding),
    holds: state.role === "active" && isHeldBy(state.ownership, config.nodeId),
    publicIp: state.ownership.publicIp,
    pause: { revision: pause.revision, setBy: pause.setBy, on: pause.on, reason: spoken(pause.reason), remainingMs: pause.untilMs === null ? null : Math.max(0, Math.round(pause.untilMs - state.nowMs)) },
    hearsYou: "never",
    echo: null,
    verdict: verdictPart(state, config),
    rosterHeld: null,
    draining: state.draining !== null,
    mark: state.marking.confirmed,
    blocked: state.policy.blocked,
    zone: state.zone,
    ready: state.claimReady.ready,
    switchover: switchoverPart(state),
    answer: answerPart(state, config),
    coldStart: coldStartPart(state, config),
    software: config.software,
    asterisk: state.health.version,
    configDigest: config.configDigest,
    calls: state.health.calls,
  };
}

function verdictPart(state: State, config: CoreConfig): Heartbeat["verdict"] {
  const about = state.evidence.target;
  if (about === null) return null;
  const { verdict, heartbeat, sip, eip } = judge(state, config);
  return { about, verdict, heartbeat, sip, eip };
}

function switchoverPart(state: State): Heartbeat["switchover"] {
  const { switchover } = state;
  if (switchover === null) return null;
  return { id: switchover.id, to: switchover.to, phase: switchover.phase, says: spoken(switchoverSays(state)), reason: spoken(switchover.reason).slice(0, REASON_MAX) };
}

/** To an active that offers us the address: why our last claim failed, also while the next is under way; else what it waits for. */
function answerPart(state: State, config: CoreConfig): string | null {
  if ((state.role !== "standby" && state.role !== "claiming") || offerOf(state, config) === null) return null;
  const { claimFailure: failure } = state.policy;
  if (failure !== null) return spoken(`its last claim failed with ${failure.code}, ${failure.message}`);
  return state.role === "claiming" ? "its claim is under way" : spoken(waitsFor("switchover", gateContext(state, config)));
}

function coldStartPart(state: State, config: CoreConfig): string | null {
  const says = config.coldStandby ? coldStandbySays(gateContext(state, config)) : null;
  return says === null ? null : spoken(says);
}

/** A sentence as it may go into a frame. Control characters and halves of characters would be escaped at six bytes each, and the frame could not leave. */
function spoken(text: string): string {
  return text.slice(0, 200).replaceAll(/[\p{Cc}\p{Cs}]/gu, " ");
}

/**
 * The heartbeat for one receiver. Copied from one whole heartbeat, because V8 copies that as one piece; putting together two
 * parts took more than all else in a step (seen in a profile).
 */
function heartbeatTo(to: NodeId, common: Heartbeat, state: State, config: CoreConfig): Heartbeat {
  const member = state.members[to];
  const echo = member?.heartbeat == null || member.heardAtMs === null ? null : { sequence: member.heartbeat.sequence, heldMs: state.nowMs - member.heardAtMs };
  return { ...common, hearsYou: hearing(member, state.nowMs, config), echo, rosterHeld: generationHeld(state.peerRosters[to], member?.heartbeat?.incarnation) };
}
