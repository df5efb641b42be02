/**
 * The vocabulary: read this first. Facts come in as events, the state is one value, and what the world should do goes
 * out as actions. Everything here is immutable data. Instants end in `AtMs`, durations in `Ms`; both are monotonic
 * milliseconds unless the name says `Wall` (promise S8).
 */
import type { Evidence } from "./evidence.ts";
import type { Health, ProbeName } from "./health.ts";
import type { Heartbeat, OperationFrame, RosterFrame } from "./heartbeat.ts";
import type { MetricAccumulators, MetricMinute } from "./metrics.ts";
import type { ClaimBasis } from "./moves.ts";
import type { OperatorCommand } from "./operator-command.ts";
import type { Ownership } from "./ownership.ts";
import type { PersistedState } from "./persisted.ts";
import type { Move, Pause } from "./policy.ts";
import type { RoleFailure } from "./asterisk-role.ts";
import type { Call, OwnRoster, PeerRoster } from "./roster.ts";
import type { Switchover, SwitchoverRequest } from "./switchover.ts";
import type { Takeover } from "./takeover.ts";

/** Milliseconds on a clock that never goes back. */
export type MonotonicMs = number;
/** Milliseconds since 1970: shown and stored, never compared in a decision. */
export type WallMs = number;
/** The name of a node or of a witness, unique in its cluster. */
export type NodeId = string;

/** What this agent is doing. `starting` has not yet read the owner twice; `witness` only observes. */
export type Role = "starting" | "standby" | "claiming" | "active" | "witness";

/** Who holds the Elastic IP, as EC2 says. `instanceId` is null where EC2 names an interface only. */
export type Holder = { readonly kind: "node"; readonly node: NodeId } | { readonly kind: "nobody" } | { readonly kind: "stranger"; readonly instanceId: string | null };

/** The alive mark: written by an active that can't hear its peer. It has moved when either field differs. */
export interface Mark {
  readonly node: NodeId;
  readonly counter: number;
}

/** One answer of DescribeAddresses. */
export interface AddressReading {
  readonly holder: Holder;
  readonly publicIp: string;
  readonly mark: Mark | null;
  /** What the last claim wrote on the address; null when none has, or when somebody has edited it. For people. */
  readonly lastClaim: Pick<ClaimTags, "claimedBy" | "claimedAtWallMs" | "reason"> | null;
}

/** EC2's view of an instance. `impaired`: running, but a status check fails. */
export type InstanceState = "pending" | "running" | "impaired" | "stopping" | "stopped" | "shutting-down" | "terminated";

/** Why a claim is made. The last two are an operator's word, the others are automatic. */
export type ClaimCause = "quorum" | "consent" | "vacant" | "switchover" | "takeover";

/** The calls that a failover has cut (promise N3). Carries numbers: for the ledger and the Stasis application only. */
export interface DroppedCalls {
  /** The node that carried them. */
  readonly from: NodeId;
  readonly atWallMs: WallMs;
  readonly reason: string;
  readonly calls: readonly Call[];
}

/** What is written on the address after a claim, for the console. */
export interface ClaimTags {
  readonly claimedBy: NodeId;
  readonly claimedAtWallMs: WallMs;
  readonly reason: string;
  /** Counts this cluster's claims as far as this node knows; for people, not for decisions. */
  readonly epoch: number;
}

/** A failure as the core sees it: the code decides, the message is for the log. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Exactly one per request action. `T` is what success brings. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

/** What the driver must do. Each ends in exactly one `completed` event with the same id, the notices excepted. */
export type Request =
  | { readonly kind: "readAddress" }
  | { readonly kind: "readInstance"; readonly node: NodeId }
  | { readonly kind: "claim"; readonly allowReassociation: boolean; readonly notAfterMs: MonotonicMs }
  | { readonly kind: "dryRunClaim" }
  | { readonly kind: "dryRunMark" }
  | { readonly kind: "writeMark"; readonly mark: Mark }
  | { readonly kind: "writeClaimTags"; readonly tags: ClaimTags }
  | { readonly kind: "probe"; readonly probe: ProbeName }
  | { readonly kind: "watchSip"; readonly node: NodeId }
  | { readonly kind: "watchEip"; readonly publicIp: string }
  | { readonly kind: "reference"; readonly side: "private" | "public" }
  | { readonly kind: "save"; readonly state: PersistedState }
  | { readonly kind: "publishMetrics"; readonly minute: MetricMinute }
  | { readonly kind: "listCalls" }
  | { readonly kind: "recordDropped"; readonly dropped: DroppedCalls }
  | { readonly kind: "setMaintenance"; readonly on: boolean }
  | { readonly kind: "applyRole"; readonly role: "active" | "standby" };

/** What a request brought. `request` is echoed by the driver, so that the core need not remember it. */
export type Completion =
  | { readonly kind: "readAddress"; readonly outcome: Outcome<AddressReading> }
  | { readonly kind: "readInstance"; readonly node: NodeId; readonly outcome: Outcome<InstanceState> }
  | { readonly kind: "claim"; readonly outcome: Outcome<null> }
  | { readonly kind: "dryRunClaim" | "dryRunMark" | "writeMark" | "writeClaimTags" | "save" | "recordDropped"; readonly outcome: Outcome<null> }
  | { readonly kind: "setMaintenance"; readonly on: boolean; readonly outcome: Outcome<null> }
  | { readonly kind: "applyRole"; readonly role: "active" | "standby"; readonly outcome: Outcome<null> }
  | { readonly kind: "listCalls"; readonly outcome: Outcome<readonly Call[]> }
  | { readonly kind: "probe"; readonly probe: ProbeName; readonly outcome: Outcome<ProbeValue> }
  | { readonly kind: "watchSip" | "watchEip"; readonly outcome: Outcome<{ readonly status: number }> }
  | { readonly kind: "reference"; readonly side: "private" | "public"; readonly outcome: Outcome<null> }
  | { readonly kind: "publishMetrics"; readonly outcome: Outcome<{ readonly dropped: number; readonly failure: Failure | null }> };

/** What a probe of our own Asterisk measures besides its latency; each probe fills what it knows. */
export interface ProbeValue {
  readonly status?: number;
  readonly registered?: boolean;
  readonly alerted?: number;
  readonly connected?: boolean;
  readonly calls?: number;
  readonly channels?: number;
  readonly reachable?: number;
  readonly unreachable?: number;
  readonly version?: string;
}

/** An action: a request, with its id, the deadline the driver enforces and the key of which one may be in flight. */
export interface RequestAction {
  readonly type: "request";
  readonly id: number;
  readonly key: string;
  readonly deadlineMs: number;
  readonly request: Request;
}

/** A notice needs no answer: it is done when it is handed over. */
export type Notice =
  | { readonly type: "sendHeartbeat"; readonly to: NodeId; readonly heartbeat: Heartbeat }
  | { readonly type: "sendRoster"; readonly to: NodeId; readonly frames: readonly RosterFrame[] }
  | { readonly type: "sendOperation"; readonly to: NodeId; readonly frame: OperationFrame }
  | { readonly type: "resetCloudConnections" }
  | { readonly type: "roleChanged"; readonly from: Role; readonly to: Role; readonly row: string; readonly reason: string };

export type Action = RequestAction | Notice;

/**
 * A fact that has happened, with the monotonic instant at which it was observed; `atMs` never decreases.
 * `random` in [0, 1) is chance handed in from outside, for jitter.
 */
export type Event =
  | { readonly type: "ticked"; readonly atMs: MonotonicMs; readonly wallMs: WallMs; readonly lagMs: number; readonly memoryMib: number }
  | { readonly type: "heartbeatReceived"; readonly atMs: MonotonicMs; readonly from: NodeId; readonly heartbeat: Heartbeat }
  | { readonly type: "rosterReceived"; readonly atMs: MonotonicMs; readonly from: NodeId; readonly frame: RosterFrame }
  | { readonly type: "operationReceived"; readonly atMs: MonotonicMs; readonly from: NodeId; readonly frame: OperationFrame }
  | { readonly type: "callEnded"; readonly atMs: MonotonicMs; readonly call: string }
  /** A new version of the secret could not be put to use (why), or all of the newest is in use again (null). */
  | { readonly type: "secretTried"; readonly atMs: MonotonicMs; readonly failure: Failure | null }
  | { readonly type: "ariSocketChanged"; readonly atMs: MonotonicMs; readonly open: boolean }
  | { readonly type: "completed"; readonly atMs: MonotonicMs; readonly id: number; readonly key: string; readonly startedAtMs: MonotonicMs; readonly random: number; readonly completion: Completion }
  | { readonly type: "operatorCommanded"; readonly atMs: MonotonicMs; readonly wallMs: WallMs; readonly command: OperatorCommand };

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
