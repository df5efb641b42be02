/** The whole state of one agent: one immutable value, so that every step can be looked at, compared and simulated. step() makes the next. */
import type { RoleFailure } from "./asterisk-role.ts";
import type { ColdStart } from "./cold-standby.ts";
import type { Evidence } from "./evidence.ts";
import type { Health } from "./health.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { MetricAccumulators } from "./metrics.ts";
import type { ClaimBasis } from "./moves.ts";
import type { Ownership } from "./ownership.ts";
import type { Move, Pause } from "./policy.ts";
import type { OwnRoster, PeerRoster } from "./roster.ts";
import type { Switchover, SwitchoverRequest } from "./switchover.ts";
import type { Takeover } from "./takeover.ts";
import type { ClaimCause, ClaimTags, DroppedCalls, Failure, MonotonicMs, NodeId, Role, WallMs } from "./types.ts";

/** A member (peer or witness) as its heartbeats show it. */
export interface MemberView {
  readonly heardAtMs: MonotonicMs | null;
  readonly heartbeat: Heartbeat | null;
  /** Since when this incarnation of it is heard; null before the first heartbeat. */
  readonly incarnationSinceMs: MonotonicMs | null;
  /** Round trip of the last heartbeat that was echoed. */
  readonly rttMs: number | null;
  /** Since when it has been silent for PEER_LOST_AFTER_MS, or since our start when never heard; null while heard. */
  readonly absentSinceMs: MonotonicMs | null;
  /** Since when either side has not heard the other; null while both do. Starts the alive marks. */
  readonly unheardSinceMs: MonotonicMs | null;
}

/** A claim under way: from the decision to the read-back that settles it. */
export interface ClaimView {
  readonly cause: ClaimCause;
  readonly reason: string;
  readonly basis: ClaimBasis;
  readonly decidedAtMs: MonotonicMs;
  readonly phase: "calling" | "accepted" | "unknown" | "refused";
  /** When the call ended, whatever its outcome; reads count only if they started after this. */
  readonly calledAtMs: MonotonicMs | null;
  readonly failure: Failure | null;
  /** Consecutive reads, started after the call ended, that show somebody else. */
  readonly contraryReads: number;
}

/** The limits on automatic claims, most of which survive a restart. */
export interface Policy {
  readonly pause: Pause;
  readonly blocked: boolean;
  /** End of the hold-down; a claim by quorum waits for it. */
  readonly holdDownUntilMs: MonotonicMs;
  /** When this node's automatic claims of the last hour were made. */
  readonly claimsAtMs: readonly MonotonicMs[];
  /** Backoff after a claim that did not succeed. */
  readonly claimNotBeforeMs: MonotonicMs;
  readonly claimFailures: number;
  /** When the last of them failed, and why. */
  readonly claimFailedAtMs: MonotonicMs;
  readonly claimFailure: Failure | null;
  readonly moves: readonly Move[];
}

/** The alive marks that this node writes while it is active. */
export interface Marking {
  /** Of the mark last written; 0 before the first of this start. */
  readonly counter: number;
  /** Of the last mark that EC2 has confirmed; null before the first of this start. */
  readonly confirmed: number | null;
  readonly failure: Failure | null;
}

/** What the last dry run said. null before the first. */
export interface ClaimReady {
  readonly ready: boolean | null;
  readonly failure: Failure | null;
  readonly markAllowed: boolean | null;
}

/** The whole state of one agent. Owned by the driver, changed only by step(). */
export interface State {
  readonly nowMs: MonotonicMs;
  readonly wallMs: WallMs;
  readonly startedAtMs: MonotonicMs;
  readonly role: Role;
  readonly roleSinceMs: MonotonicMs;
  readonly roleSinceWallMs: WallMs;
  /** The sentence of the last row that fired. */
  readonly reason: string;
  readonly transitions: readonly Transitioned[];
  readonly incarnation: string;
  /** This member's availability zone, for people; null where it does not know it. */
  readonly zone: string | null;
  readonly sequence: number;
  /** When the last heartbeats were sent, the newest (that of `sequence`) last; bounded. For the round trip. */
  readonly sentAtMs: readonly MonotonicMs[];
  readonly tickedAtMs: MonotonicMs;
  /** As measured by the driver with the last tick. */
  readonly lagMs: number;
  readonly memoryMib: number;
  /** Evidence from before this instant is void (promise S7). */
  readonly doubtedAtMs: MonotonicMs;
  /** Our last heartbeat from before that instant: who echoes it has not necessarily spoken since. */
  readonly doubtedSequence: number;
  readonly lastLateByMs: number;
  readonly members: Readonly<Record<NodeId, MemberView>>;
  readonly ownership: Ownership;
  readonly evidence: Evidence;
  readonly health: Health;
  /** Set while this active asks to be relieved: why. */
  readonly yielding: string | null;
  readonly claim: ClaimView | null;
  /** Since when everything but the rank has spoken for a claim of this cause. */
  readonly readySince: { readonly cause: ClaimCause; readonly sinceMs: MonotonicMs } | null;
  readonly policy: Policy;
  readonly marking: Marking;
  readonly claimReady: ClaimReady;
  /** The standbys that this witness may start (COLD_STANDBY); unused on every other member. */
  readonly coldStart: ColdStart;
  /** Ignore the failures of our own egress until then: the address has just moved. */
  readonly egressGraceUntilMs: MonotonicMs;
  /** When an action of each kind was last started. */
  readonly startedActions: Readonly<Record<string, MonotonicMs>>;
  /** The id in flight of each kind. */
  readonly inFlight: Readonly<Record<string, number>>;
  readonly nextActionId: number;
  /** Set when the persisted part has changed since the last save. */
  readonly unsaved: boolean;
  readonly saveFailure: Failure | null;
  readonly heartbeatNow: boolean;
  /** Chance from the last completed read, for the backoff of a claim. */
  readonly jitter: number;
  /** Claim tags still to be written. */
  readonly tagging: ClaimTags | null;
  readonly publishFailure: Failure | null;
  readonly roster: OwnRoster;
  readonly peerRosters: Readonly<Record<NodeId, PeerRoster>>;
  /** This node refuses new calls on purpose, while those in progress go on; null when it takes them. Not kept over a restart. */
  readonly draining: { readonly sinceMs: MonotonicMs; readonly untilMs: MonotonicMs; readonly reason: string } | null;
  /** The last switchover that was asked of this node as the active; forgotten a while after its end. */
  readonly switchover: Switchover | null;
  /** The last takeover that an operator has asked of this node; forgotten a while after its end. */
  readonly takeover: Takeover | null;
  /** Operators' orders for another node, about to leave. */
  readonly passingOn: readonly { readonly to: NodeId; readonly request: SwitchoverRequest }[];
  /** How many such orders this agent has passed on; each carries its number. */
  readonly operations: number;
  /** What Asterisk was last told; null when it may have forgotten (it or we have restarted). */
  readonly maintenance: boolean | null;
  /** The role whose configuration Asterisk was last told to read; null when that is not known (a start, a failure, a restart of Asterisk). */
  readonly appliedRole: "active" | "standby" | null;
  /** What was told to Asterisk before this instant counts no longer. */
  readonly roleDoubtedAtMs: MonotonicMs;
  /** null while Asterisk takes what it is told. */
  readonly roleFailure: RoleFailure | null;
  /** A version of the secret that can't be put to use everywhere; null when the newest is in use. */
  readonly secretFailure: { readonly sinceMs: MonotonicMs; readonly failure: Failure } | null;
  /** Calls cut by the last failover that are not yet in the ledger. */
  readonly dropped: DroppedCalls | null;
  readonly metrics: MetricAccumulators;
  readonly sampledAtMs: MonotonicMs;
  readonly metricsSinceMs: MonotonicMs;
  readonly metricsDropped: number;
}

/** One line of the role history. */
export interface Transitioned {
  readonly from: Role;
  readonly to: Role;
  readonly row: string;
  readonly reason: string;
  readonly atWallMs: WallMs;
}

/**
 * The same state with other values in some fields: how every part of a step makes the next state. Field by field and not by a
 * spread, because V8 then has one kind of state, which it copies and reads at once; a copy of a copy by spreads is another kind
 * every time, and copied far more slowly (seen in a profile; steps are most of what the agent and the simulator do).
 */
export function withChanges(state: State, changes: Partial<State>): State {
  const copy: State = {
    nowMs: state.nowMs, wallMs: state.wallMs, startedAtMs: state.startedAtMs, role: state.role, roleSinceMs: state.roleSinceMs, roleSinceWallMs: state.roleSinceWallMs, reason: state.reason,
    transitions: state.transitions, incarnation: state.incarnation, zone: state.zone, sequence: state.sequence, sentAtMs: state.sentAtMs, tickedAtMs: state.tickedAtMs, lagMs: state.lagMs,
    memoryMib: state.memoryMib, doubtedAtMs: state.doubtedAtMs, doubtedSequence: state.doubtedSequence, lastLateByMs: state.lastLateByMs, members: state.members, ownership: state.ownership,
    evidence: state.evidence, health: state.health, yielding: state.yielding, claim: state.claim, readySince: state.readySince, policy: state.policy, marking: state.marking,
    claimReady: state.claimReady, coldStart: state.coldStart, egressGraceUntilMs: state.egressGraceUntilMs, startedActions: state.startedActions, inFlight: state.inFlight,
    nextActionId: state.nextActionId, unsaved: state.unsaved, saveFailure: state.saveFailure, heartbeatNow: state.heartbeatNow, jitter: state.jitter, tagging: state.tagging,
    publishFailure: state.publishFailure, roster: state.roster, peerRosters: state.peerRosters, dropped: state.dropped, draining: state.draining, switchover: state.switchover,
    takeover: state.takeover, passingOn: state.passingOn, operations: state.operations, maintenance: state.maintenance, appliedRole: state.appliedRole,
    roleDoubtedAtMs: state.roleDoubtedAtMs, roleFailure: state.roleFailure, secretFailure: state.secretFailure, metrics: state.metrics, sampledAtMs: state.sampledAtMs,
    metricsSinceMs: state.metricsSinceMs, metricsDropped: state.metricsDropped,
  };
  return Object.assign(copy, changes);
}
