/**
 * The safety promises of the design (S1 to S7, and N2 as far as it forbids something), watched from outside: the checker
 * looks at the world, which no agent can see, and judges every claim at the moment when it leaves its node.
 *
 * What is exempt, openly:
 *  - S2, blind: the claimant could see the active on no channel (or only later than its probes wait), and the active could not leave its alive mark at EC2, or
 *    EC2 could not show it (agent not running, or stalling so often that it can vouch for nothing; its way to EC2 cut; EC2
 *    in trouble). Nobody can tell that from death.
 *  - S2, raced: the address had moved, or the active's Asterisk had come back, so shortly before that no news of it can have
 *    reached the claimant. EC2 has no compare-and-set on a held address.
 *  - Limits that a restart must remember, when STATE_DIR could not be written or read, or the wall clock was set.
 * A run counts these apart, so that a change that makes them frequent is seen.
 *
 * An operator's word moves the address from an active that serves: in a switchover only to whom that active has offered it
 * itself, and in a takeover only to where the operator has said so. Whatever becomes of either, no node is left refusing calls.
 */
import type { State } from "../../agent/core/state.ts";
import { isUnderWay } from "../../agent/core/switchover.ts";
import type { ClaimSent } from "./answers.ts";
import { STRANGER_NAME } from "./cloud.ts";
import type { SimCluster } from "./cluster.ts";
import { watchStarts, type StartJudged } from "./cold-promises.ts";
import { BELIEF_MS, BLIND_TAIL_MS, canMark, canSee, isServed, MARK_SETTLED_MS, RACE_MS, RECOVERY_MS } from "./signs-of-life.ts";

/** How often the world is looked at (ms). */
const LOOK_MS = 100;
/** A node that can read EC2 learns within this time that the address is elsewhere: the slow timer and two reads (ms). */
const BELIEF_STALE_MS = 70_000;
/** The slowest that its own Asterisk's death may escape a claimant: two canary calls, or a row of misses (ms). One that is overloaded still takes some calls. */
const OWN_DOWN_MS: Readonly<Record<string, number>> = { crashed: 700, hung: 3_500, "cannot-call": 20_000, overloaded: Infinity };

/** How a claim is judged. `needed`: the holder was serving nobody. `asked`: an operator asked for it. */
export type Judged = "needed" | "vacant" | "blind" | "raced" | "asked" | "broken";

export interface ClaimJudged extends ClaimSent {
  readonly judged: Judged;
}

/** What the checker has found so far; grows while the simulation runs. */
export interface Findings {
  readonly broken: string[];
  readonly claims: ClaimJudged[];
  /** Starts of a standby that is kept stopped; none in a cluster without COLD_STANDBY. */
  readonly starts: StartJudged[];
  /** Callers on the Internet reached no Asterisk that could serve them for so long in all (ms, within LOOK_MS). */
  unservedMs: number;
  /** Forget the outage and the claims so far: a new chapter begins. */
  restart(): void;
}

interface Watched {
  /** When this node was last unable to leave a mark. */
  unmarkableAtMs: number;
  /** When it last believed in another holder than before, and what its store may have forgotten. */
  moveSeenAtMs: number;
  forgetful: boolean;
  /** Since when it believes to be active although EC2 says otherwise and would tell. */
  staleSinceMs: number | null;
  paused: boolean;
  confirmedAtMs: number[];
}

/** A withdrawn offer is news to the target after a heartbeat and a slow network (ms). */
const OFFER_STALE_MS = 2_500;
/** An order to take over is good for 30 s, and for the claim that it began (ms). */
const ORDER_MS = 31_000;
/** Asterisk takes calls again so long after the drain has ended: an order that hangs, and its repetition (ms). */
const UNDRAINED_WITHIN_MS = 12_000;
/** A switchover ends so long after its drain: the hand-over, the withdrawal, and the last trouble (ms). */
const SWITCHED_WITHIN_MS = 50_000;

/** Watches a cluster from now on. */
export function watchPromises(cluster: SimCluster): Findings {
  const watched = new Map<string, Watched>(cluster.nodes.map((node) => [node, { unmarkableAtMs: 0, moveSeenAtMs: -Infinity, forgetful: false, staleSinceMs: null, paused: false, confirmedAtMs: [] }]));
  const blindAtMs = new Map<string, number>();
  const offeredAtMs = new Map<string, number>();
  const orderedAtMs = new Map<string, number>();
  const deafSinceMs = new Map<string, number>();
  const findings: Findings = { broken: cluster.brokenInvariants, claims: [], starts: [], unservedMs: 0, restart: () => { findings.claims.length = findings.starts.length = 0; findings.unservedMs = 0; } };
  const breaks = (promise: string, sentence: string): void => {
    const says = `${promise} at ${Math.round(cluster.time.nowMs)} ms: ${sentence}`;
    findings.broken.push(says);
    cluster.say("promise", `BROKEN ${says}`);
  };
  const of = (node: string): Watched => watched.get(node) as Watched;

  const look = (): void => {
    const { nowMs } = cluster.time;
    if (!isServed(cluster)) findings.unservedMs += LOOK_MS;
    for (const node of cluster.nodes) {
      if (!canMark(cluster, node)) of(node).unmarkableAtMs = nowMs;
      for (const other of cluster.nodes) if (other !== node && !canSee(cluster, node, other)) blindAtMs.set(`${node}>${other}`, nowMs);
      lookAtBelief(cluster, node, of(node), breaks);
      lookAtDrain(cluster, node, deafSinceMs, breaks);
    }
    cluster.time.after(LOOK_MS, look);
  };
  look();
  if (cluster.coldStandby) watchStarts(cluster, findings.starts, breaks);

  cluster.onStep((member, before, event, { state }) => {
    const mine = watched.get(member);
    if (mine === undefined) return;
    if (event.type === "operatorCommanded" && event.command.kind === "takeover") orderedAtMs.set(member, cluster.time.nowMs);
    if (state.switchover?.phase === "yielding") offeredAtMs.set(`${member}>${state.switchover.to ?? ""}`, cluster.time.nowMs);
    if (event.type === "operatorCommanded" && event.command.kind === "acknowledge") mine.confirmedAtMs = [];
    if (state.ownership.holder !== before.ownership.holder) noteHolder(cluster, member, before, state, mine, breaks);
    if (before.role !== state.role) noteRole(cluster, member, before, state, mine, breaks);
    mine.paused = state.policy.pause.on;
    if (cluster.member(member).disk !== "good" || cluster.member(member).wallErrorMs !== 0) mine.forgetful = true;
  });

  cluster.onClaim((claim) => {
    const blind = claim.holder !== null && cluster.time.nowMs - (blindAtMs.get(`${claim.node}>${claim.holder}`) ?? -Infinity) <= BLIND_TAIL_MS;
    const mute = claim.holder !== null && claim.holder !== STRANGER_NAME && cluster.time.nowMs - Math.max(of(claim.holder).unmarkableAtMs, cluster.cloudTroubleUntilMs) <= MARK_SETTLED_MS;
    const askedAtMs = claim.cause === "takeover" ? (orderedAtMs.get(claim.node) ?? -Infinity) + ORDER_MS : claim.cause === "switchover" ? (offeredAtMs.get(`${claim.holder ?? ""}>${claim.node}`) ?? -Infinity) + OFFER_STALE_MS : -Infinity;
    const asked = cluster.time.nowMs <= askedAtMs;
    const judged = judgeHolder(cluster, claim, asked, blind && mute, breaks);
    findings.claims.push({ ...claim, judged });
    judgeClaimant(cluster, claim, of(claim.node), breaks);
  });
  return findings;
}

export type Breaks = (promise: string, sentence: string) => void;

/** S2 and S6: whose calls would this claim cut? */
function judgeHolder(cluster: SimCluster, claim: ClaimSent, asked: boolean, indistinguishable: boolean, breaks: Breaks): Judged {
  const { nowMs } = cluster.time;
  const { holder } = claim;
  if (holder === null || holder === claim.node) return "vacant";
  const movedAgoMs = nowMs - (cluster.moves.at(-1)?.atMs ?? -Infinity);
  const told = nowMs - cluster.cloudTroubleUntilMs > MARK_SETTLED_MS;
  if (holder === STRANGER_NAME) {
    if (!claim.allowReassociation) return "vacant";
    if (asked && claim.cause === "takeover") return "asked";
    if (movedAgoMs < BELIEF_MS || !told) return "raced";
    breaks("S6", `${claim.node} claims from an instance outside the cluster`);
    return "broken";
  }
  if (!cluster.canServeCallers(holder) || !claim.allowReassociation) return "needed";
  if (asked) return "asked";
  if (movedAgoMs < RACE_MS + (told ? 0 : MARK_SETTLED_MS) || nowMs - cluster.member(holder).asteriskSinceMs < RECOVERY_MS) return "raced";
  if (indistinguishable) return "blind";
  breaks("S2", `${claim.node} claims by ${claim.cause} from ${holder}, which is serving callers`);
  return "broken";
}

/** S3, S7, the pause, the hold-down and the hourly limit. */
function judgeClaimant(cluster: SimCluster, claim: ClaimSent, mine: Watched, breaks: Breaks): void {
  const { nowMs } = cluster.time;
  const member = cluster.member(claim.node);
  const { config } = member;
  const forced = claim.cause === "takeover";
  const evenIfNotServing = forced && member.state?.takeover?.evenIfNotServing === true;
  if (!evenIfNotServing && member.asterisk !== "up" && nowMs - member.asteriskSinceMs > (OWN_DOWN_MS[member.asterisk] ?? 0)) breaks("S3", `${claim.node} claims although its Asterisk has been ${member.asterisk} for ${Math.round(nowMs - member.asteriskSinceMs)} ms`);
  if (member.maintenance) breaks("S3", `${claim.node} claims although its Asterisk refuses calls on purpose`);
  const awakeMs = nowMs - member.continuedAtMs;
  if (claim.cause === "quorum" && awakeMs < config.peerLostAfterMs) breaks("S7", `${claim.node} claims by quorum ${Math.round(awakeMs)} ms after it was stopped`);
  // What is no claim by quorum may come at once, but for a node that doubts itself.
  if (claim.cause !== "quorum" && nowMs - member.doubtfulSinceMs < 5) breaks("S7", `${claim.node} claims by ${claim.cause} in the moment in which it goes on`);
  if (mine.paused && !forced) breaks("S2", `${claim.node} claims while paused`);
  if (claim.cause === "quorum" && !mine.forgetful && nowMs - mine.moveSeenAtMs < config.holdDownMs) breaks("N2", `${claim.node} claims by quorum ${Math.round(nowMs - mine.moveSeenAtMs)} ms after it saw the address move`);
  if (forced || claim.cause === "switchover") return;
  const lastHour = mine.confirmedAtMs.filter((atMs) => nowMs - atMs < 3_600_000);
  if (!mine.forgetful && lastHour.length >= config.claimsPerHour) breaks("N2", `${claim.node} claims although it has claimed ${lastHour.length} times within the hour`);
}

function noteHolder(cluster: SimCluster, member: string, before: State, state: State, mine: Watched, breaks: Breaks): void {
  if (before.ownership.holder !== null && JSON.stringify(before.ownership.holder) !== JSON.stringify(state.ownership.holder)) mine.moveSeenAtMs = cluster.time.nowMs;
  if (state.ownership.holder === null) breaks("S1", `${member} has forgotten who holds the address`);
}

function noteRole(cluster: SimCluster, member: string, before: State, state: State, mine: Watched, breaks: Breaks): void {
  if (state.role !== "active") return;
  const { nowMs } = cluster.time;
  if (before.role === "claiming" && before.claim?.cause !== "switchover" && before.claim?.cause !== "takeover") mine.confirmedAtMs.push(nowMs);
  // Two reads have shown it: so it was here, at the latest so long ago as a lagging read may show.
  const lately = cluster.moves.filter((move) => nowMs - move.atMs < MARK_SETTLED_MS + BELIEF_MS);
  const holders = [...lately.map((move) => move.to), lately.length === cluster.moves.length ? cluster.firstHolder : cluster.moves[cluster.moves.length - lately.length - 1]?.to];
  if (!holders.includes(member)) breaks("S1", `${member} believes to be active although EC2 has not named it`);
}

/** S1: a node that can read EC2 must not go on believing in its own past. */
function lookAtBelief(cluster: SimCluster, node: string, mine: Watched, breaks: Breaks): void {
  const { nowMs } = cluster.time;
  const member = cluster.member(node);
  const couldKnow = member.agentRuns && cluster.network.connected(node, "ec2") && nowMs - cluster.cloudTroubleUntilMs > MARK_SETTLED_MS;
  if (!couldKnow || member.state?.role !== "active" || cluster.cloud.holder() === node) mine.staleSinceMs = null;
  else mine.staleSinceMs ??= nowMs;
  if (mine.staleSinceMs !== null && nowMs - mine.staleSinceMs > BELIEF_STALE_MS) {
    breaks("S1", `${node} has believed to be active for ${BELIEF_STALE_MS} ms although EC2 says otherwise`);
    mine.staleSinceMs = Infinity;
  }
}

/** Nobody is left refusing calls: a drain ends when its reason does, and a switchover ends. */
function lookAtDrain(cluster: SimCluster, node: string, deafSinceMs: Map<string, number>, breaks: Breaks): void {
  const { nowMs } = cluster.time;
  const member = cluster.member(node);
  const { state } = member;
  const well = member.agentRuns && member.asterisk === "up" && state !== null;
  if (!well || !member.maintenance || state.draining !== null) deafSinceMs.delete(node);
  else if (!deafSinceMs.has(node)) deafSinceMs.set(node, nowMs);
  if (nowMs - (deafSinceMs.get(node) ?? nowMs) > UNDRAINED_WITHIN_MS) {
    breaks("drain", `${node} refuses calls although nobody asks it to any more`);
    deafSinceMs.set(node, Infinity);
  }
  // Whoever was stopped meanwhile can end it only once it goes on: its time counts from then.
  const overdueMs = well && isUnderWay(state.switchover) ? Math.min(state.nowMs - state.switchover.drainUntilMs, nowMs - member.continuedAtMs) : 0;
  if (overdueMs > SWITCHED_WITHIN_MS) breaks("drain", `${node} leads a switchover without an end`);
}
