/**
 * What comes in and what goes out: facts come in as events, and what the world should do goes out as actions, each request with
 * exactly one completion. So the core does nothing itself, and a run of it can be written down and played again.
 */
import type { Heartbeat, OperationFrame, RosterFrame } from "./heartbeat.ts";
import type { ProbeName } from "./health.ts";
import type { MetricMinute } from "./metrics.ts";
import type { OperatorCommand } from "./operator-command.ts";
import type { PersistedState } from "./persisted.ts";
import type { Call } from "./roster.ts";
import type { AddressReading, ClaimTags, DroppedCalls, Failure, InstanceState, Mark, MonotonicMs, NodeId, Outcome, Role, WallMs } from "./types.ts";

/** What the driver must do. Each ends in exactly one `completed` event with the same id, the notices excepted. */
export type Request =
  | { readonly kind: "readAddress" }
  | { readonly kind: "readInstance"; readonly node: NodeId }
  | { readonly kind: "claim"; readonly allowReassociation: boolean; readonly notAfterMs: MonotonicMs }
  | { readonly kind: "dryRunClaim" }
  | { readonly kind: "dryRunStart"; readonly node: NodeId }
  | { readonly kind: "startInstance"; readonly node: NodeId; readonly reason: string }
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
  | { readonly kind: "startInstance"; readonly node: NodeId; readonly reason: string; readonly outcome: Outcome<null> }
  | { readonly kind: "dryRunClaim" | "dryRunStart" | "dryRunMark" | "writeMark" | "writeClaimTags" | "save" | "recordDropped"; readonly outcome: Outcome<null> }
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
