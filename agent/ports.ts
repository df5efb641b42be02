/**
 * The ports: everything that the driver may ask of the world outside, grouped by how dangerous it is. An adapter
 * translates and nothing more: it never decides, never retries, never swallows an error. Every method that can
 * wait takes an AbortSignal, which the driver fires at the deadline; after that the adapter must settle promptly
 * and must not start anything new. Every rejection is an AgentError with a code from errors.ts.
 */
import type { AddressReading, ClaimTags, DroppedCalls, InstanceState, Mark, NodeId } from "./core/types.ts";
import type { Frame, Heartbeat, OperationFrame, RosterFrame } from "./core/heartbeat.ts";
import type { Call } from "./core/roster.ts";
import type { MetricMinute, MetricName } from "./core/metrics.ts";
import type { MoveRecord } from "./core/moves.ts";
import type { PersistedState } from "./core/persisted.ts";
import type { CommandState, FleetCluster } from "./core/fleet.ts";

/** Two clocks with one rule each: monotonic time decides, wall time is only shown and stored. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back; keeps counting while the process is stopped. */
  monotonicMs(): number;
  /** Milliseconds since 1970, for logs, metrics and history. */
  wallMs(): number;
}

/** What EC2 knows and does. The reads are harmless, `claim` moves callers, `startInstance` costs money, the rest leaves a trace in tags. */
export interface Cloud {
  /** DescribeAddresses on our one allocation: the holder, the alive mark and the last claim's tags. */
  readAddress(signal: AbortSignal): Promise<AddressReading>;
  /** DescribeInstanceStatus (IncludeAllInstances) of a peer. */
  readInstance(node: NodeId, signal: AbortSignal): Promise<InstanceState>;
  /** AssociateAddress with DryRun: resolves when EC2 says that it would have succeeded. */
  dryRunClaim(signal: AbortSignal): Promise<void>;
  /** StartInstances of a stopped standby, by a witness with COLD_STANDBY. Resolves when EC2 accepted it; an instance that runs already stays as it is. */
  startInstance(node: NodeId, signal: AbortSignal): Promise<void>;
  /** StartInstances with DryRun: resolves when EC2 says that it would have succeeded. */
  dryRunStart(node: NodeId, signal: AbortSignal): Promise<void>;
  /** CreateTags with DryRun, for the same purpose: an alive mark that can't be written is no protection. */
  dryRunMark(signal: AbortSignal): Promise<void>;
  /**
   * AssociateAddress of our address to this node, once, `AllowReassociation` as given. Resolves when EC2 accepted it,
   * which is not yet ownership (promise S4). If the monotonic clock has passed `request.notAfterMs` when the request is
   * about to leave, it is not sent and rejects with AGENT_CLAIM_STALE (promise S7).
   */
  claim(request: { readonly allowReassociation: boolean; readonly notAfterMs: number }, signal: AbortSignal): Promise<void>;
  /** CreateTags: the alive mark. */
  writeMark(mark: Mark, signal: AbortSignal): Promise<void>;
  /** CreateTags: who claimed, when and why, for whoever looks at the console. */
  writeClaimTags(tags: ClaimTags, signal: AbortSignal): Promise<void>;
  /** Drops all pooled connections; the next call opens new ones. Called after the address has moved. */
  resetConnections(): void;
  close(): void;
}

/** Why a connection or a frame on the heartbeat port was refused. */
export type Refusal = "wrong-key" | "unknown-node" | "other-cluster" | "replayed" | "malformed" | "oversized" | "version" | "flood";

/** What the peer link tells the driver. Handlers return at once. */
export interface PeerLinkHandlers {
  onHeartbeat(from: NodeId, heartbeat: Heartbeat): void;
  onRoster(from: NodeId, frame: RosterFrame): void;
  /** An operator's order that was given on that member. */
  onOperation(from: NodeId, frame: OperationFrame): void;
  /** `claimed` is the identity that the other side presented, untrusted; null when it got no further than TCP. */
  onRefused(refusal: Refusal, claimed: string | null, remoteAddress: string): void;
  /** Our own outgoing connection to a member changed. For logs and doctor only: liveness is judged by heartbeats. */
  onConnection(to: NodeId, connected: boolean, detail: string): void;
}

/** The authenticated link to the members. Each direction is judged by itself. */
export interface PeerLink {
  /** Starts listening and dialling. Rejects when the listen address can't be had. */
  start(handlers: PeerLinkHandlers): Promise<void>;
  /** Sends on our own connection to that member; false when there is none (the frame is dropped, never queued). */
  send(to: NodeId, frame: Frame): boolean;
  /** Replaces the accepted keys (key id to 32 bytes) and the one to dial with; open connections stay. */
  setKeys(keys: ReadonlyMap<string, Uint8Array>, dialWith: string): void;
  close(): Promise<void>;
}

/** Probes that go over plain sockets: other nodes, the Elastic IP, the references. */
export interface Prober {
  /** SIP OPTIONS over UDP or TCP; resolves with the final response's status code. host is an address, port 1-65535. */
  sipOptions(target: { readonly transport: "udp" | "tcp"; readonly host: string; readonly port: number }, signal: AbortSignal): Promise<{ readonly status: number }>;
  /** Resolves as soon as one of the `host:port` entries accepts a TCP connection; rejects when none does. */
  tcpConnect(anyOf: readonly string[], signal: AbortSignal): Promise<void>;
}

/** What Asterisk reports about itself, counted, never with numbers or names of callers. */
export interface ContactCounts {
  readonly reachable: number;
  readonly unreachable: number;
}

/** Our own Asterisk. All reads are cheap by themselves; how often they run is the core's business. */
export interface Telephony {
  /** Begins to hold the ARI event socket, for as long as the adapter lives. `onSocket`: it opened or closed. `onCallEnded`: a channel is gone. */
  start(onSocket: (open: boolean) => void, onCallEnded?: (channelId: string) => void): void;
  /** One query through Asterisk's own connection to the database of phones: resolves false when the database did not answer it. */
  databaseConnected(signal: AbortSignal): Promise<boolean>;
  /** GET /asterisk/ping over plain HTTP. */
  ping(signal: AbortSignal): Promise<void>;
  /** GET /applications/{app}: resolves true when that application is registered and its event socket is open (ARI alone keeps naming one whose socket has died). */
  stasisAppRegistered(app: string, signal: AbortSignal): Promise<boolean>;
  /** Originates a Local channel into our own application; resolves when it has arrived there. */
  canaryCall(signal: AbortSignal): Promise<void>;
  /** `core show taskprocessor alerted subsystems`: how many. */
  alertedQueues(signal: AbortSignal): Promise<number>;
  /** `core show channels count`. */
  callCounts(signal: AbortSignal): Promise<{ readonly calls: number; readonly channels: number }>;
  /** Contacts by the status that ContactStatusChange events and a rare listing have reported. */
  contactCounts(signal: AbortSignal): Promise<ContactCounts>;
  /** Asterisk's version and systemname, for status. */
  describe(signal: AbortSignal): Promise<{ readonly version: string; readonly systemName: string }>;
  /** GET /channels: the calls in progress, for the roster. Carries numbers of callers. */
  listCalls(signal: AbortSignal): Promise<readonly Call[]>;
  /** `pjsip set maintenance`: on refuses new calls with 503 and Retry-After, while calls in progress go on (Asterisk 22.10). */
  setMaintenance(on: boolean, signal: AbortSignal): Promise<void>;
  /** Tells every application which calls a failover has cut, as the user event `CallsDropped`. */
  raiseDropped(dropped: DroppedCalls, apps: readonly string[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What of our own Asterisk depends on the role. Nothing happens where its configuration was never rendered by us: an operator's own stays as it is. */
export interface AsteriskRole {
  /** Turns the link to the role's files, and has a running Asterisk read them; both may be repeated and then change nothing. */
  apply(role: "active" | "standby", signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Where the calls that a failover has cut are written down; the only place on disk that names callers. */
export interface Ledger {
  /** Rejects with AGENT_STATE_UNWRITABLE. Recording the same failover twice is harmless. */
  record(dropped: DroppedCalls): Promise<void>;
  /** Removes ledgers that are older than is kept. Rejects with AGENT_STATE_UNWRITABLE. */
  forgetOld(): Promise<void>;
}

/** Where a minute of measurements goes. */
export interface MetricSink<Name extends string = MetricName> {
  /** One PutMetricData with all the minutes given; each keeps its own timestamp. All or nothing. */
  publish(minutes: readonly MetricMinute<Name>[], signal: AbortSignal): Promise<void>;
  close(): void;
}

/** The bounded spool on disk for minutes that could not be published yet. Oldest first. */
export interface MetricSpool<Name extends string = MetricName> {
  /** Appends; when the bound is hit drops the oldest. Returns how many measurements were lost since append or drop last told. */
  append(minute: MetricMinute<Name>): Promise<number>;
  /** The oldest minutes, as many as fit into one PutMetricData. */
  oldest(): Promise<readonly MetricMinute<Name>[]>;
  /** Forgets the `count` oldest minutes, after they were published. Returns losses as append does (minutes too old to send, say). */
  drop(count: number): Promise<number>;
}

/** What must survive a restart of the agent. */
export interface Store {
  /** null when nothing was ever saved. Rejects with AGENT_STATE_UNREADABLE after it has set a damaged file aside. */
  load(): Promise<PersistedState | null>;
  /** Atomic: after a crash at any moment the file holds the old or the new state, whole. */
  save(state: PersistedState): Promise<void>;
}

/** Every move of the address that this node knows, oldest first. Bounded by the caller. */
export interface History {
  /** Empty when nothing was ever written. Rejects with AGENT_STATE_UNREADABLE after it has set a damaged file aside. */
  load(): Promise<readonly MoveRecord[]>;
  /** Atomic: after a crash at any moment the file holds the old or the new history, whole. Rejects with AGENT_STATE_UNWRITABLE. */
  save(moves: readonly MoveRecord[]): Promise<void>;
}

/** Where the secret comes from. */
export interface SecretSource {
  /** The secret's text and the version it belongs to. Rejects with AGENT_SECRET_UNREADABLE. */
  fetch(signal: AbortSignal): Promise<{ readonly text: string; readonly version: string }>;
}

/** What `nodectl fleet` asks of AWS about every cluster of an account and region. `start` and `askSwitchover` change something. */
export interface FleetPort {
  clusters(signal: AbortSignal): Promise<readonly FleetCluster[]>;
  holder(allocationId: string, signal: AbortSignal): Promise<string | null>;
  /** Runs the cluster's document AskSwitchover on that instance; resolves with the command's id. */
  askSwitchover(cluster: string, instanceId: string, drain: string, signal: AbortSignal): Promise<string>;
  commandState(commandId: string, instanceId: string, signal: AbortSignal): Promise<CommandState>;
  start(instanceId: string, signal: AbortSignal): Promise<void>;
}
