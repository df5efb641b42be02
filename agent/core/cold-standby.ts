/**
 * A standby that is kept stopped to save its price, and the witness that starts it (COLD_STANDBY). The witness does so
 * when the active is lost by the same vote that a claim by quorum needs, no node is left that could take over, and EC2
 * says that a standby is stopped. A start moves nothing: what has booted judges for itself, and claims or does not.
 */
import { cloudAsked, majorityDown, nobodyUp, notPaused, onPeer, ownerKnown, ownVerdictDown, type Gate, type GateContext } from "./gates.ts";
import { inWords } from "./in-words.ts";
import { holderName } from "./ownership.ts";
import { markVisibleMs } from "./quorum.ts";
import type { CoreConfig } from "./settings.ts";
import { freshHeartbeat, takesCalls } from "./suspicion.ts";
import type { Request } from "./events.ts";
import type { State } from "./state.ts";
import type { Failure, InstanceState, MonotonicMs, NodeId, Outcome } from "./types.ts";

/** What a witness knows of the standbys that it may have to start. */
export interface ColdStart {
  /** What EC2 last said of a standby's instance, when it was asked, and since which question it has said so. */
  readonly instances: Readonly<Record<NodeId, { readonly state: InstanceState; readonly sentAtMs: MonotonicMs; readonly sinceMs: MonotonicMs }>>;
  /** What the last dry run of a start said; null before the first. */
  readonly ready: boolean | null;
  readonly readyFailure: Failure | null;
  /** The last start that EC2 has accepted. */
  readonly started: { readonly node: NodeId; readonly atMs: MonotonicMs; readonly reason: string } | null;
  /** Starts that failed since then, and the last one's reason. */
  readonly failures: number;
  readonly failure: Failure | null;
  readonly notBeforeMs: MonotonicMs;
}

/** A failed start is tried again after so long at first, and after twice as long each time, up to the maximum (ms). EC2 that lacks capacity in a zone may lack it for minutes. */
const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 30_000;

export function initialColdStart(atMs: MonotonicMs): ColdStart {
  return { instances: {}, ready: null, readyFailure: null, started: null, failures: 0, failure: null, notBeforeMs: atMs };
}

/** The nodes that would have to take over: all but the one that holds the address, in rank order. */
function standbys({ evidence }: State, config: CoreConfig): readonly NodeId[] {
  return config.peers.filter((node) => node !== evidence.target);
}

/** The first standby that EC2 has called stopped since the active is suspected, and since that standby was last heard. */
export function stoppedStandby(state: State, config: CoreConfig): NodeId | null {
  const { suspectedAtMs } = state.evidence;
  return standbys(state, config).find((node) => {
    const seen = state.coldStart.instances[node];
    return seen?.state === "stopped" && suspectedAtMs !== null && seen.sentAtMs >= Math.max(suspectedAtMs, heardAtMs(state, node));
  }) ?? null;
}

const heardAtMs = ({ members }: State, node: NodeId): MonotonicMs => members[node]?.heardAtMs ?? -Infinity;

/**
 * When the read of the address must have been sent that counts for a start; null while no standby is stopped. An active marks
 * itself alive for the standbys that it misses: while one ran there was no mark to see, so its first needs time to show.
 */
export function marksReadAtMs(state: State, config: CoreConfig): MonotonicMs | null {
  const node = stoppedStandby(state, config);
  if (node === null) return null;
  const stoppedAtMs = Math.max(state.coldStart.instances[node]?.sinceMs ?? -Infinity, heardAtMs(state, node));
  return stoppedAtMs + config.peerLostAfterMs + markVisibleMs(state, config);
}

function ableStandbys(state: State, config: CoreConfig): readonly NodeId[] {
  return standbys(state, config).filter((node) => takesCalls(freshHeartbeat(state, node, config)));
}

const nobodyElse: Gate = { name: "no standby runs", passes: ({ state, config }) => ableStandbys(state, config).length === 0, says: ({ state, config }) => (ableStandbys(state, config).length === 0 ? "No standby that takes calls is heard." : `${ableStandbys(state, config).join(", ")} takes calls, and claims by itself.`) };
const standbyStopped: Gate = { name: "a standby is stopped", passes: ({ state, config }) => stoppedStandby(state, config) !== null, says: ({ state, config }) => (stoppedStandby(state, config) === null ? `EC2 has not called a standby stopped since the active is suspected. ${instancesInWords(state, config)}` : instancesInWords(state, config)) };
const marksShown: Gate = { name: "marks had time", passes: ({ state, config }) => readSinceStopped(state, config), says: ({ state, config }) => (readSinceStopped(state, config) ? "EC2 was read late enough after the standby was stopped." : "The standby has been stopped so lately that the active's first alive mark may not have shown.") };
const startDue: Gate = { name: "start due", passes: ({ state, config }) => startsInMs(state, config) <= 0 && state.inFlight[START_KEY] === undefined, says: ({ state, config }) => (state.inFlight[START_KEY] !== undefined ? "A start is under way." : startsInMs(state, config) <= 0 ? "No earlier start is being waited for." : `${waitingInWords(state)} Another start at the earliest in ${inWords(startsInMs(state, config))}.`) };

/** What must hold before a stopped standby is started, the cheapest first. The vote is the one of a claim by quorum. */
export const COLD_START_GATES: readonly Gate[] = [notPaused, ownerKnown, onPeer, nobodyElse, ownVerdictDown, nobodyUp, majorityDown, cloudAsked, standbyStopped, marksShown, startDue];

function readSinceStopped(state: State, config: CoreConfig): boolean {
  const countsFromMs = marksReadAtMs(state, config);
  return countsFromMs !== null && (state.ownership.readSentAtMs ?? -Infinity) >= countsFromMs;
}

/** Until the next start may be made (ms). What was started needs time to boot before another standby is, unless it has come, taken over, and is itself what is lost now. */
function startsInMs({ coldStart, evidence, nowMs }: State, config: CoreConfig): number {
  const { started, notBeforeMs } = coldStart;
  const awaited = started !== null && started.node !== evidence.target;
  return Math.max(notBeforeMs, awaited ? started.atMs + config.coldStartWaitMs : -Infinity) - nowMs;
}

/** The one key under which a start is in flight. */
const START_KEY = "startInstance";

/** What this witness must ask EC2 for now, apart from the address: how the standbys' instances are, and the start itself. */
export function coldStandbyDue(context: GateContext, sinceStart: (key: string) => number, suspectReadMs: number): readonly { readonly key: string; readonly deadlineMs: number; readonly request: Request }[] {
  const { state, config } = context;
  const { cloudTimeoutMs, claimTimeoutMs } = config;
  const suspected = state.evidence.suspectedAtMs !== null;
  const unheard = standbys(state, config).filter((node) => freshHeartbeat(state, node, config) === null);
  const readEveryMs = suspected ? suspectReadMs : config.ownerReadIntervalMs;
  // One that has just fallen silent is asked about at once.
  const reads = unheard.filter((node) => sinceStart(readKey(node)) >= Math.min(readEveryMs, state.nowMs - (state.members[node]?.heardAtMs ?? -Infinity))).map((node) => ({ key: readKey(node), deadlineMs: cloudTimeoutMs, request: { kind: "readInstance", node } as const }));
  const first = state.evidence.target === null ? undefined : standbys(state, config)[0];
  // What failed is tried again sooner, as a node's own dry runs are.
  const dryRunMs = state.coldStart.ready === false ? config.ownerReadIntervalMs : config.dryRunIntervalMs;
  const dryRuns = first === undefined || sinceStart("dryRunStart") < dryRunMs ? [] : [{ key: "dryRunStart", deadlineMs: claimTimeoutMs, request: { kind: "dryRunStart", node: first } as const }];
  const node = suspected && COLD_START_GATES.every((gate) => gate.passes(context)) ? stoppedStandby(state, config) : null;
  const starts = node === null ? [] : [{ key: START_KEY, deadlineMs: claimTimeoutMs, request: { kind: "startInstance", node, reason: startReason(node, context) } as const }];
  return [...reads, ...dryRuns, ...starts];
}

const readKey = (node: NodeId): string => `readInstance:${node}`;

/** The sentence of a start, for the log and for status. */
function startReason(node: NodeId, { state, votes }: GateContext): string {
  const { downs, observers, cloud, cloudReason } = votes();
  return `${holderName(state.ownership.holder)} is lost: ${downs - (cloud === "down" ? 1 : 0)} of ${observers} observer(s) say down. ${cloudReason} No standby runs; ${node} is stopped and is started.`;
}

/** Folds what EC2 said of a standby's instance. */
export function foldStandbyInstance(coldStart: ColdStart, node: NodeId, seen: InstanceState, sentAtMs: MonotonicMs): ColdStart {
  const before = coldStart.instances[node];
  return { ...coldStart, instances: { ...coldStart.instances, [node]: { state: seen, sentAtMs, sinceMs: before?.state === seen ? before.sinceMs : sentAtMs } } };
}

/** Folds what a dry run of a start has said. */
export function foldDryStart(coldStart: ColdStart, failure: Failure | null): ColdStart {
  return { ...coldStart, ready: failure === null, readyFailure: failure };
}

/** Folds the end of a start. An outcome that is unknown counts as failed: to start again what starts already does no harm. */
export function foldStart(coldStart: ColdStart, ended: { readonly node: NodeId; readonly reason: string; readonly outcome: Outcome<null> }, atMs: MonotonicMs, random: number, suspectedAtMs: MonotonicMs | null): ColdStart {
  const failure = ended.outcome.ok ? null : ended.outcome.failure;
  if (failure === null) return { ...coldStart, started: { node: ended.node, atMs, reason: ended.reason }, failures: 0, failure: null };
  // A row of failures ends with the outage in which it began.
  const failures = 1 + (suspectedAtMs !== null && coldStart.notBeforeMs < suspectedAtMs ? 0 : coldStart.failures);
  const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(failures - 1, 10));
  return { ...coldStart, failures, failure, notBeforeMs: atMs + waitMs * (0.5 + random / 2) };
}

/** What the witness makes of it, as one sentence: for its own status, and for the others in its heartbeats. null on every other member. */
export function coldStandbySays(context: GateContext): string | null {
  const { state, config } = context;
  if (!config.coldStandby) return null;
  const { target, suspectedAtMs } = state.evidence;
  if (target === null) return "It may start a stopped standby, and waits to learn who is active.";
  if (suspectedAtMs === null) return `It would start a stopped standby if ${target} were lost. ${instancesInWords(state, config)}`;
  const closed = COLD_START_GATES.find((gate) => !gate.passes(context));
  return closed === undefined ? "It starts a standby now." : `A start of a standby waits for "${closed.name}". ${closed.says(context)}`;
}

/** How the standbys' instances are, as far as EC2 was asked. */
function instancesInWords(state: State, config: CoreConfig): string {
  const words = standbys(state, config).map((node) => {
    if (freshHeartbeat(state, node, config) !== null) return `${node} runs`;
    const seen = state.coldStart.instances[node];
    return seen === undefined ? `${node}: EC2 not asked yet` : `${node} is ${seen.state}`;
  });
  return `${words.join(", ")}.`;
}

function waitingInWords({ coldStart, nowMs }: State): string {
  const { started, failure, failures } = coldStart;
  if (failure !== null) return `${failures} start(s) failed (${failure.code}: ${failure.message}).`;
  return started === null ? "" : `${started.node} was started ${inWords(nowMs - started.atMs)} ago.`;
}
