/**
 * What a cluster promises whose standby is kept stopped (COLD_STANDBY), watched from outside like the rest (promises.ts). A
 * start moves nothing, but it costs money and is the first half of a takeover, so it is judged as a claim is:
 *  - S2: no start while the active serves callers, while a witness that is heard sees it alive, without a majority of the
 *    witnesses that are heard, or in a pause. S6: none while the address is on no node of the cluster.
 *  - S1: none of an instance that EC2 does not call stopped.
 *  - N2: none before its time: COLD_START_WAIT_MS after one that EC2 has accepted (unless what was started has taken over and is
 *    itself lost now), the backoff after one that failed.
 *  - L2: one that is needed and possible is sent, within a time that follows from the knobs (cold-deadlines.ts).
 * Exempt are the same cases as for claims: blind and raced.
 */
import { judge, type Verdict } from "../../agent/core/evidence.ts";
import type { Event } from "../../agent/core/events.ts";
import type { State } from "../../agent/core/state.ts";
import type { StartSent } from "./answers.ts";
import { STRANGER_NAME } from "./cloud.ts";
import type { SimCluster } from "./cluster.ts";
import { NeededStart } from "./cold-deadlines.ts";
import type { Breaks, Judged } from "./promises.ts";
import { BELIEF_MS, BLIND_TAIL_MS, canMark, canSee, MARK_SETTLED_MS, RACE_MS, RECOVERY_MS } from "./signs-of-life.ts";

/** A start, and how it is judged. `needed`: the active was serving nobody. */
export interface StartJudged extends StartSent {
  readonly judged: Exclude<Judged, "vacant" | "asked">;
}

/** How often the world is looked at (ms). */
const LOOK_MS = 100;
/** What a witness says over a whole link is known to another that is well after a heartbeat or two (ms). */
const TOLD_MS = 2_000;
/** A witness asks EC2 about a silent standby every 5 s while the active is suspected; one answer may be late (ms). */
const STOPPED_MS = 8_000;
/** The backoff after a failed start: at least half of 2 s, doubled with each failure, up to 30 s (ms). */
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 15_000;

/** What one witness has tried in the life of its process. */
interface Tries {
  incarnation: string;
  /** What EC2 has accepted to start last. */
  node: string;
  acceptedAtMs: number;
  failedAtMs: number;
  failures: number;
}

/** What the world looked like lately, as far as a start depends on it. All are world times (ms), -Infinity for never. */
interface Seen {
  /** Entries are `witness>node`: when the witness could last see nothing of the node. */
  readonly blindAtMs: Map<string, number>;
  readonly unmarkableAtMs: Map<string, number>;
  /** When EC2 last called the instance stopped. */
  readonly stoppedAtMs: Map<string, number>;
  /** Entries are `from>to`: when the one could last not tell the other something. */
  readonly untoldAtMs: Map<string, number>;
  /** By member, what it has been saying and since when. */
  readonly verdicts: Map<string, { readonly about: string | null; readonly verdict: Verdict; readonly sinceMs: number }>;
  readonly pausedSinceMs: Map<string, number>;
}

/** Watches the starts of a cluster from now on, and adds each to `starts`. */
export function watchStarts(cluster: SimCluster, starts: StartJudged[], breaks: Breaks): void {
  const witnesses = [...cluster.members.keys()].filter((id) => !cluster.nodes.includes(id));
  const tries = new Map<string, Tries>(witnesses.map((id) => [id, { incarnation: "", node: "", acceptedAtMs: -Infinity, failedAtMs: -Infinity, failures: 0 }]));
  const seen: Seen = { blindAtMs: new Map(), unmarkableAtMs: new Map(), stoppedAtMs: new Map(), untoldAtMs: new Map(), verdicts: new Map(), pausedSinceMs: new Map() };
  const needed = new NeededStart(cluster, witnesses);
  const look = (): void => {
    lookAround(cluster, witnesses, seen);
    const overdue = needed.overdue();
    if (overdue !== null) breaks("L2", overdue);
    cluster.time.after(LOOK_MS, look);
  };
  look();
  cluster.onStep((member, _before, event, { state }) => {
    const mine = tries.get(member);
    if (mine !== undefined) noteTry(mine, event, state, cluster.time.nowMs);
  });
  cluster.onStart((start) => {
    starts.push({ ...start, judged: judgeActive(cluster, witnesses, start, seen, breaks) });
    judgePause(cluster, start, seen, breaks);
    judgeTime(cluster, start, tries.get(start.witness) as Tries, breaks);
  });
}

function lookAround(cluster: SimCluster, witnesses: readonly string[], seen: Seen): void {
  const { nowMs } = cluster.time;
  for (const node of cluster.nodes) {
    if (!canMark(cluster, node)) seen.unmarkableAtMs.set(node, nowMs);
    if (cluster.instance(node) === "stopped") seen.stoppedAtMs.set(node, nowMs);
    for (const witness of witnesses) if (!canSee(cluster, witness, node)) seen.blindAtMs.set(`${witness}>${node}`, nowMs);
  }
  for (const [id, { state, config }] of cluster.members) {
    for (const witness of witnesses) if (id !== witness && !canTell(cluster, id, witness)) seen.untoldAtMs.set(`${id}>${witness}`, nowMs);
    if (state?.policy.pause.on !== true) seen.pausedSinceMs.delete(id);
    else if (!seen.pausedSinceMs.has(id)) seen.pausedSinceMs.set(id, nowMs);
    if (!witnesses.includes(id) || state === null) continue;
    const before = seen.verdicts.get(id);
    const now = { about: state.evidence.target, verdict: judge(state, config).verdict };
    if (before?.about !== now.about || before.verdict !== now.verdict) seen.verdicts.set(id, { ...now, sinceMs: nowMs });
  }
}

/** Would a heartbeat of the one reach the other at once, and be understood? */
function canTell(cluster: SimCluster, from: string, to: string): boolean {
  const { network, firewall } = cluster;
  const both = [cluster.member(from), cluster.member(to)];
  if (!both.every((member) => member.agentRuns && !member.isSlow && !member.previousVersion)) return false;
  return network.connected(from, to) && network.lossBetween(from, to) === 0 && network.lagOf(from, to) === 0 && !firewall.has(`${from}>heartbeats`);
}

const agoMs = (map: ReadonlyMap<string, number>, key: string, nowMs: number): number => nowMs - (map.get(key) ?? -Infinity);

/** S1, S2 and S6: is the active lost, and is what is started stopped? */
function judgeActive(cluster: SimCluster, witnesses: readonly string[], { witness, node }: StartSent, seen: Seen, breaks: Breaks): StartJudged["judged"] {
  const { nowMs } = cluster.time;
  const holder = cluster.cloud.holder();
  const movedAgoMs = nowMs - (cluster.moves.at(-1)?.atMs ?? -Infinity);
  const told = nowMs - cluster.cloudTroubleUntilMs > MARK_SETTLED_MS;
  const stoppedAgoMs = agoMs(seen.stoppedAtMs, node, nowMs);
  if (told && stoppedAgoMs > STOPPED_MS) breaks("S1", `${witness} starts ${node}, which EC2 ${stoppedAgoMs === Infinity ? "has never called stopped" : `last called stopped ${Math.round(stoppedAgoMs)} ms ago`}`);
  if (holder === null || holder === STRANGER_NAME) {
    if (movedAgoMs < BELIEF_MS || !told) return "raced";
    breaks("S6", `${witness} starts ${node} although the address is on ${holder === null ? "nobody" : "an instance outside the cluster"}`);
    return "broken";
  }
  if (!cluster.canServeCallers(holder)) return "needed";
  if (movedAgoMs < RACE_MS + (told ? 0 : MARK_SETTLED_MS) || nowMs - cluster.member(holder).asteriskSinceMs < RECOVERY_MS) return "raced";
  const others = witnesses.filter((other) => other !== witness && agoMs(seen.untoldAtMs, `${other}>${witness}`, nowMs) > TOLD_MS);
  const sees = others.find((other) => says(seen, other, holder, nowMs) === "up");
  const blind = agoMs(seen.blindAtMs, `${witness}>${holder}`, nowMs) <= BLIND_TAIL_MS;
  const mute = nowMs - Math.max(seen.unmarkableAtMs.get(holder) ?? -Infinity, cluster.cloudTroubleUntilMs) <= MARK_SETTLED_MS;
  const gone = cluster.instance(holder) !== "running";
  const down = others.filter((other) => ["down", "lately"].includes(says(seen, other, holder, nowMs))).length + (gone ? 1 : 0);
  if (sees !== undefined) breaks("S2", `${witness} starts ${node} although ${sees} sees ${holder} alive and tells it`);
  else if (told && 2 * (1 + down) <= 1 + others.length) breaks("S2", `${witness} starts ${node} without a majority: ${1 + down} of the ${1 + others.length} witnesses that hear each other find ${holder} down`);
  else if (blind && mute) return "blind";
  else breaks("S2", `${witness} starts ${node} although ${holder} is serving callers`);
  return "broken";
}

/** What a witness has been saying of the node for so long that it is known; "lately" when it is news. */
function says(seen: Seen, witness: string, about: string, nowMs: number): Verdict | "lately" {
  const said = seen.verdicts.get(witness);
  if (said === undefined || nowMs - said.sinceMs <= TOLD_MS) return "lately";
  return said.about === about ? said.verdict : "unknown";
}

/** S2: a pause holds for every witness that can have heard of it. */
function judgePause(cluster: SimCluster, { witness, node }: StartSent, seen: Seen, breaks: Breaks): void {
  const { nowMs } = cluster.time;
  const own = cluster.member(witness).state?.policy.pause;
  for (const [id, { state }] of cluster.members) {
    const pause = state?.policy.pause;
    if (pause?.on !== true) continue;
    // A later word of an operator may have reached only this witness.
    const newer = id === witness || own === undefined || pause.revision > own.revision;
    const heard = id === witness || (agoMs(seen.untoldAtMs, `${id}>${witness}`, nowMs) > TOLD_MS && agoMs(seen.pausedSinceMs, id, nowMs) > TOLD_MS);
    if (newer && heard) breaks("S2", `${witness} starts ${node} while ${id === witness ? "" : `${id} is `}paused`);
  }
}

/** N2: not before its time. */
function judgeTime(cluster: SimCluster, { witness, node }: StartSent, mine: Tries, breaks: Breaks): void {
  const { nowMs } = cluster.time;
  const { config } = cluster.member(witness);
  if (mine.node !== cluster.cloud.holder() && nowMs - mine.acceptedAtMs < config.coldStartWaitMs) breaks("N2", `${witness} starts ${node} ${Math.round(nowMs - mine.acceptedAtMs)} ms after EC2 accepted a start`);
  const backoffMs = mine.failures === 0 ? 0 : Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (mine.failures - 1));
  if (nowMs - mine.failedAtMs < backoffMs) breaks("N2", `${witness} starts ${node} ${Math.round(nowMs - mine.failedAtMs)} ms after start ${mine.failures} in a row has failed`);
}

/** How the starts of this witness ended; a new process knows nothing of the one before. */
function noteTry(mine: Tries, event: Event, state: State, nowMs: number): void {
  if (state.incarnation !== mine.incarnation) Object.assign(mine, { incarnation: state.incarnation, acceptedAtMs: -Infinity, failedAtMs: -Infinity, failures: 0 });
  if (event.type !== "completed" || event.completion.kind !== "startInstance") return;
  if (event.completion.outcome.ok) Object.assign(mine, { node: event.completion.node, acceptedAtMs: nowMs, failures: 0, failedAtMs: -Infinity });
  else Object.assign(mine, { failedAtMs: nowMs, failures: 1 + (mine.failedAtMs < (state.evidence.suspectedAtMs ?? -Infinity) ? 0 : mine.failures) });
}
