/**
 * What is due now. Every periodic thing of the agent is one entry here: when it is due, how long it may take, and at
 * most one of a key in flight. A steady node makes one DescribeAddresses a minute; everything that costs more happens
 * only while there is something to find out.
 */
import { ROLE_DEADLINE_MS, ROLE_KEY, roleToApply } from "./asterisk-role.ts";
import { gateContext } from "./gates.ts";
import { canServe, healthHurries, type ProbeName } from "./health.ts";
import { coldStandbyDue } from "./cold-standby.ts";
import type { ProbeTrack, ReferenceTrack } from "./evidence.ts";
import { decisiveReadAtMs } from "./quorum.ts";
import { isHeldBy } from "./ownership.ts";
import { persistPolicy } from "./policy.ts";
import { listingIntervalMs } from "./roster.ts";
import { claimRequest } from "./claim.ts";
import type { CoreConfig } from "./settings.ts";
import { freshHeartbeat } from "./suspicion.ts";
import type { MonotonicMs } from "./types.ts";
import type { Request, RequestAction } from "./events.ts";
import { withChanges, type State } from "./state.ts";

/** A thing to do, and its key. */
interface Due {
  readonly key: string;
  readonly deadlineMs: number;
  readonly request: Request;
}

/** How long a suspicion is pursued at the quick pace before it becomes a condition to live with. */
const HURRY_FOR_MS = 60_000;
const SAVE_DEADLINE_MS = 5_000;
const SAVE_RETRY_MS = 5_000;
const MAINTENANCE_RETRY_MS = 500;
/** A minute of marks: no read of EC2 lags so far behind. */
const MARKS_SKIPPED_AT_START = 60;
/** Publishing is started where a minute of metrics is cut off (step.ts). */
export const PUBLISH_KEY = "publishMetrics";
export const PUBLISH_DEADLINE_MS = 20_000;

/** All requests that are due, started: they are in flight in the state that is returned. */
export function schedule(state: State, config: CoreConfig): { readonly state: State; readonly actions: readonly RequestAction[] } {
  // One list for all: most steps find nothing due, and there are many steps.
  const due: Due[] = [];
  if (config.kind === "node") {
    ownProbes(due, state, config);
    cloudCalls(due, state, config);
  }
  if (config.coldStandby) {
    reads(due, state, config);
    due.push(...coldStandbyDue(gateContext(state, config), (key) => sinceStart(state, key), suspectReadMs(state, config)));
  }
  watchProbes(due, state, config);
  references(due, state, config);
  housekeeping(due, state);
  if (due.length === 0) return { state, actions: [] };
  let id = state.nextActionId;
  const inFlight = { ...state.inFlight };
  const startedActions = { ...state.startedActions };
  const actions: RequestAction[] = [];
  for (const { key, deadlineMs, request } of due) {
    if (inFlight[key] !== undefined) continue;
    inFlight[key] = id;
    startedActions[key] = state.nowMs;
    actions.push({ type: "request", id, key, deadlineMs, request });
    id += 1;
  }
  const started = (key: string): boolean => inFlight[key] !== undefined && state.inFlight[key] === undefined;
  const marking = started("writeMark") ? { ...state.marking, counter: nextMark(state) } : state.marking;
  return { state: withChanges(state, { nextActionId: id, inFlight, startedActions, marking, unsaved: state.unsaved && !started("save") }), actions };
}

/** Milliseconds since an action of this key was started; Infinity when never. */
function sinceStart(state: State, key: string): number {
  const at = state.startedActions[key];
  return at === undefined ? Infinity : state.nowMs - at;
}

function ownProbes(due: Due[], state: State, config: CoreConfig): void {
  const frequentMs = healthHurries(state.health, config) ? config.suspectProbeIntervalMs : config.probeIntervalMs;
  const add = (probe: ProbeName, intervalMs: number, deadlineMs: number, key = PROBE_KEYS[probe] ?? `probe:${probe}`): void => {
    if (sinceStart(state, key) >= intervalMs) due.push({ key, deadlineMs, request: { kind: "probe", probe } });
  };
  add("ari", frequentMs, config.probeTimeoutMs);
  add("sip", frequentMs, config.probeTimeoutMs);
  if (config.sipTcp) add("sipTcp", config.probeIntervalMs * 5, config.probeTimeoutMs);
  for (const { probe, key } of config.stasisProbes) add(probe, config.stasisIntervalMs, config.canaryTimeoutMs, key);
  const unsure = !canServe(state.health.serving) || (state.health.probes.canary?.misses ?? 0) > 0;
  // After a failed canary call the next comes soon: two failures ten seconds apart would be a long time for callers.
  if (state.health.ariSocketOpen) add("canary", unsure ? config.probeIntervalMs : config.canaryIntervalMs, config.canaryTimeoutMs);
  if (state.health.probes.ari?.okAtMs != null) {
    add("queues", config.queuesIntervalMs, config.canaryTimeoutMs);
    if (config.database) add("database", config.stasisIntervalMs, config.canaryTimeoutMs);
    add("counts", countsMs(state, config), config.canaryTimeoutMs);
    add("contacts", config.contactsIntervalMs, config.canaryTimeoutMs);
    add("version", config.contactsIntervalMs, config.canaryTimeoutMs);
    // A standby has no calls to tell of; one that was active a moment ago still has.
    const carries = state.role === "active" || state.roster.calls.size > 0;
    if (carries && sinceStart(state, "listCalls") >= listingIntervalMs(state.roster, config)) due.push({ key: "listCalls", deadlineMs: config.canaryTimeoutMs, request: { kind: "listCalls" } });
  }
}

/** A switchover waits for the number of calls: at once when Asterisk has begun to refuse new ones, and often from then on. */
function countsMs({ switchover, startedActions }: State, config: CoreConfig): number {
  if (switchover?.phase !== "draining") return config.countsIntervalMs;
  const first = switchover.refusingSinceMs !== null && (startedActions["probe:counts"] ?? -Infinity) < switchover.refusingSinceMs;
  return first ? 0 : config.probeIntervalMs;
}

/** The fixed ones are not put together anew in every step. */
const PROBE_KEYS: Readonly<Partial<Record<ProbeName, string>>> = { ari: "probe:ari", sip: "probe:sip", sipTcp: "probe:sipTcp", canary: "probe:canary", queues: "probe:queues", database: "probe:database", counts: "probe:counts", contacts: "probe:contacts", version: "probe:version" };

/** The channels to the active: quick while it is suspected or a miss needs company, calm otherwise. */
function watchProbes(due: Due[], state: State, config: CoreConfig): void {
  const { evidence, ownership } = state;
  if (evidence.target === null) return;
  const suspected = evidence.suspectedAtMs !== null && state.nowMs - evidence.suspectedAtMs < HURRY_FOR_MS;
  const add = (key: "watchSip" | "watchEip", track: ProbeTrack, request: () => Request): void => {
    const quick = suspected || (track.misses > 0 && track.misses < config.probeDownAfter && track.okAtMs !== null);
    const intervalMs = quick ? config.suspectProbeIntervalMs : config.probeIntervalMs;
    if (sinceStart(state, key) >= intervalMs) due.push({ key, deadlineMs: quick ? config.suspectProbeIntervalMs : config.probeTimeoutMs, request: request() });
  };
  const { target } = evidence;
  const { publicIp } = ownership;
  add("watchSip", evidence.sip, () => ({ kind: "watchSip", node: target }));
  if (publicIp !== null) add("watchEip", evidence.eip, () => ({ kind: "watchEip", publicIp }));
}

/** The references are asked when a silence has to be explained, and rarely otherwise. */
function references(due: Due[], state: State, config: CoreConfig): void {
  const { evidence } = state;
  const cold = evidence.suspectedAtMs !== null;
  const one = (side: "private" | "public", key: string, track: ReferenceTrack, missing: MonotonicMs | null): void => {
    const unexplained = missing !== null && (track.okSentAtMs === null || track.okSentAtMs < missing || track.okSinceMs === null);
    const intervalMs = unexplained ? config.suspectProbeIntervalMs : cold || missing !== null ? config.probeIntervalMs : config.ownerReadIntervalMs;
    if (sinceStart(state, key) >= intervalMs) due.push({ key, deadlineMs: config.probeTimeoutMs, request: { kind: "reference", side } });
  };
  one("private", "reference:private", evidence.private, evidence.sip.firstMissAtMs);
  one("public", "reference:public", evidence.public, evidence.eip.firstMissAtMs ?? unheardPeersSince(state, config));
}

function cloudCalls(due: Due[], state: State, config: CoreConfig): void {
  const claim = state.claim;
  if (claim?.phase === "calling" && sinceStart(state, "claim") > state.nowMs - claim.decidedAtMs) due.push({ key: "claim", deadlineMs: config.claimTimeoutMs, request: claimRequest(state, config) });
  reads(due, state, config);
  // What failed is tried again sooner: one lost reply must not raise an alarm for ten minutes.
  const dryRunMs = (ok: boolean | null): number => (ok === false ? config.ownerReadIntervalMs : config.dryRunIntervalMs);
  if (state.ownership.holder !== null && sinceStart(state, "dryRunClaim") >= dryRunMs(state.claimReady.ready)) due.push({ key: "dryRunClaim", deadlineMs: config.claimTimeoutMs, request: { kind: "dryRunClaim" } });
  if (state.ownership.holder !== null && sinceStart(state, "dryRunMark") >= dryRunMs(state.claimReady.markAllowed)) due.push({ key: "dryRunMark", deadlineMs: config.claimTimeoutMs, request: { kind: "dryRunMark" } });
  if (markIsDue(state, config)) due.push({ key: "writeMark", deadlineMs: config.cloudTimeoutMs, request: { kind: "writeMark", mark: { node: config.nodeId, counter: nextMark(state) } } });
  if (state.tagging !== null && sinceStart(state, "writeClaimTags") >= config.suspectReadIntervalMs) due.push({ key: "writeClaimTags", deadlineMs: config.claimTimeoutMs, request: { kind: "writeClaimTags", tags: state.tagging } });
}

/** What EC2 is asked about the active: who holds the address, and how its instance is while it is suspected. */
function reads(due: Due[], state: State, config: CoreConfig): void {
  if (readIsDue(state, config)) due.push({ key: "readAddress", deadlineMs: config.cloudTimeoutMs, request: { kind: "readAddress" } });
  const { target, suspectedAtMs } = state.evidence;
  if (target !== null && suspectedAtMs !== null && sinceStart(state, "readInstance") >= suspectReadMs(state, config) && state.nowMs - suspectedAtMs >= config.markVisibleAfterMs / 2) due.push({ key: "readInstance", deadlineMs: config.cloudTimeoutMs, request: { kind: "readInstance", node: target } });
}

function suspectReadMs(state: State, config: CoreConfig): number {
  const { suspectedAtMs } = state.evidence;
  return suspectedAtMs !== null && state.nowMs - suspectedAtMs < HURRY_FOR_MS ? config.suspectReadIntervalMs : config.markSlowIntervalMs;
}

/** When EC2 is asked who holds the address: rarely, unless something has to be found out. */
function readIsDue(state: State, config: CoreConfig): boolean {
  const { ownership, evidence, nowMs } = state;
  if (nowMs < ownership.retryAtMs) return false;
  const sinceMs = sinceStart(state, "readAddress");
  if (ownership.failures > 0) return true; // The backoff is over.
  if (ownership.readSentAtMs === null) return sinceMs >= config.ownerConfirmIntervalMs;
  if (ownership.holder === null || ownership.candidate !== null) return sinceMs >= config.ownerConfirmIntervalMs;
  // A claim whose answer is slow may have taken effect already: begin to read before the answer is there.
  if (state.claim !== null) return sinceMs >= config.ownerConfirmIntervalMs && (state.claim.phase !== "calling" || nowMs - state.claim.decidedAtMs >= 2 * config.ownerConfirmIntervalMs);
  const startedAtMs = nowMs - sinceMs;
  if (state.takeover?.phase === "claiming" && startedAtMs < state.takeover.askedAtMs) return true;
  // Who offers the address, or has withdrawn the offer, wants to know soon what has become of it.
  if (state.switchover?.phase === "yielding" || state.switchover?.phase === "withdrawing") return sinceMs >= config.suspectReadIntervalMs;
  if (evidence.suspectedAtMs !== null) {
    const decisiveAtMs = decisiveReadAtMs(state, config);
    if (startedAtMs < evidence.suspectedAtMs || (decisiveAtMs !== null && startedAtMs < decisiveAtMs && nowMs >= decisiveAtMs)) return true;
    // EC2 answers again after it did not: a read before the decisive one could only be refused and start that wait anew, and takes a request from the account's other pairs.
    const answersAgain = ownership.answeringSinceMs !== null && ownership.answeringSinceMs > evidence.suspectedAtMs;
    if (answersAgain && decisiveAtMs !== null && nowMs < decisiveAtMs) return false;
    return sinceMs >= suspectReadMs(state, config);
  }
  // Who claimed in vain asks before the next try, and for a while after: the call may yet take effect.
  const { claimFailures, claimFailedAtMs } = state.policy;
  if (claimFailures > 0 && startedAtMs < claimFailedAtMs) return true;
  if (claimFailures > 0 && nowMs - claimFailedAtMs < 2 * config.claimConfirmWithinMs) return sinceMs >= config.suspectReadIntervalMs;
  if (membersDisagree(state, config)) return sinceMs >= config.suspectReadIntervalMs;
  // Who is not heard can't tell us that it has taken the address over.
  if (unheardPeersSince(state, config) !== null) return sinceMs >= config.markSlowIntervalMs;
  return sinceMs >= config.ownerReadIntervalMs;
}

/** A member's fresh word about who is active contradicts what we believe. */
function membersDisagree(state: State, config: CoreConfig): boolean {
  return config.peers.some((peer) => {
    const heartbeat = freshHeartbeat(state, peer, config);
    return heartbeat !== null && heartbeat.role !== "starting" && heartbeat.holds !== isHeldBy(state.ownership, peer);
  });
}

/** Since when the newest of the peers that miss us, or whom we miss, does so; null when all hear each other. */
export function unheardPeersSince(state: State, config: CoreConfig): MonotonicMs | null {
  if (state.role !== "active") return null;
  let newest: MonotonicMs | null = null;
  for (const peer of config.peers) {
    const since = state.members[peer]?.unheardSinceMs ?? null;
    if (since !== null && (newest === null || since > newest)) newest = since;
  }
  return newest;
}

/** An active that serves, and whose own way out works, marks itself alive for a peer that may miss it. */
function markIsDue(state: State, config: CoreConfig): boolean {
  const since = unheardPeersSince(state, config);
  const { public: reference } = state.evidence;
  if (since === null || !canServe(state.health.serving) || reference.okSentAtMs === null || reference.okSentAtMs < since || reference.okSinceMs === null) return false;
  const lastMs = sinceStart(state, "writeMark");
  if (state.nowMs - lastMs < since) return true;
  return lastMs >= (state.nowMs - since < config.markFastForMs ? config.markIntervalMs : config.markSlowIntervalMs);
}

/** Differs from every mark that anybody can have seen, also after a restart of this agent whose read of EC2 lagged behind. */
function nextMark(state: State): number {
  const { counter } = state.marking;
  return Math.max(counter, state.ownership.mark?.counter ?? 0) + (counter === 0 ? MARKS_SKIPPED_AT_START : 1);
}

/** What Asterisk has to be told, the record of the policy, and the ledger of dropped calls: again and again until it is written, because nobody else knows whom to ring back. */
function housekeeping(due: Due[], state: State): void {
  // Maintenance lives in Asterisk's memory only: told again after every restart, of Asterisk or of ours.
  if (state.maintenance !== (state.draining !== null) && state.health.ariSocketOpen && sinceStart(state, "setMaintenance") >= MAINTENANCE_RETRY_MS) due.push({ key: "setMaintenance", deadlineMs: SAVE_DEADLINE_MS, request: { kind: "setMaintenance", on: state.draining !== null } });
  const role = roleToApply(state, sinceStart(state, ROLE_KEY));
  if (role !== null) due.push({ key: ROLE_KEY, deadlineMs: ROLE_DEADLINE_MS, request: { kind: "applyRole", role } });
  if (state.dropped !== null && sinceStart(state, "recordDropped") >= SAVE_RETRY_MS) due.push({ key: "recordDropped", deadlineMs: SAVE_DEADLINE_MS, request: { kind: "recordDropped", dropped: state.dropped } });
  if (!state.unsaved || state.inFlight["save"] !== undefined || (state.saveFailure !== null && sinceStart(state, "save") < SAVE_RETRY_MS)) return;
  due.push({ key: "save", deadlineMs: SAVE_DEADLINE_MS, request: { kind: "save", state: persistPolicy(state.policy, state.tickedAtMs, state.wallMs) } });
}
