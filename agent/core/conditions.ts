/**
 * Which lasting situations hold now. Intuition: a condition is what an operator would want to be told once, and told
 * again when it is over. So what heals within seconds by itself, as the moments of a failover do, is not one: that is
 * what the role changes say. Costs a count of the votes: evaluate about once a second, not at every event.
 */
import { coldStartConditions } from "./conditions-of-cold-start.ts";
import { roleNotApplied } from "./asterisk-role.ts";
import { condition, CONDITION_NAMES, type Condition } from "./condition-list.ts";
import { memberConditions } from "./conditions-of-members.ts";
import { judge, unprovenChannels, type ReferenceTrack } from "./evidence.ts";
import { probeHealth } from "./health.ts";
import { inWords } from "./in-words.ts";
import { setsOf } from "./metrics.ts";
import { holderName } from "./ownership.ts";
import { tally } from "./quorum.ts";
import { unheardPeersSince } from "./schedule.ts";
import type { CoreConfig } from "./settings.ts";
import type { State } from "./state.ts";
import { hearing } from "./suspicion.ts";

/** After a doubt, and after the last failed claim, for how long it stays worth telling. */
const RECENT_MS = 60_000;
/** A claim is normally confirmed within two reads. */
const CLAIM_PENDING_AFTER_MS = 5_000;
/** One failed read is a blip that the backoff absorbs; one lost race for a vacant address is no failure. */
const IN_A_ROW = 2;
/** Samples (one a second) before their average means anything. */
const TICKS_FOR_AVERAGE = 10;

/** Everything that holds now: errors first, then in the order of the list. */
export function conditions(state: State, config: CoreConfig): readonly Condition[] {
  const ofNode = config.kind === "node" ? [...ownAsterisk(state, config), ...address(state), ...readiness(state, config), ...claims(state, config)] : config.coldStandby ? [...address(state), ...coldStartConditions(state)] : [];
  const all = [...ofNode, ...memberConditions(state, config), ...pause(state), ...channels(state, config), ...references(state, config), ...self(state, config)];
  const rank = ({ severity, name }: Condition): number => (severity === "error" ? 0 : CONDITION_NAMES.length) + CONDITION_NAMES.indexOf(name);
  return all.toSorted((a, b) => rank(a) - rank(b));
}

function ownAsterisk(state: State, config: CoreConfig): readonly Condition[] {
  const { health } = state;
  const found: Condition[] = [];
  const forMs = state.nowMs - health.sinceMs;
  if (health.serving === "down") found.push(condition("asterisk-down", null, `This node's Asterisk has been down for ${inWords(forMs)}: ${health.reason}`));
  if (health.serving === "degraded") found.push(condition("asterisk-degraded", null, `This node's Asterisk has been degraded for ${inWords(forMs)}: ${health.reason}`));
  const upMs = state.nowMs - state.startedAtMs;
  const measurableAfterMs = 2 * config.canaryIntervalMs;
  if (health.serving === "unknown" && upMs >= measurableAfterMs) found.push(condition("asterisk-not-measured", null, `Whether this node's Asterisk takes calls is still unknown, ${inWords(upMs)} after the agent's start: ${health.reason}`));
  if (!health.ariSocketOpen && probeHealth(health, "ari").hits > 0 && upMs >= measurableAfterMs) found.push(condition("ari-socket-closed", null, "ARI answers, but the agent's event socket is closed: no canary call can be made."));
  const role = roleNotApplied(state);
  if (role !== null) found.push(condition("role-not-applied", null, `Asterisk has not taken the configuration of this ${state.role} for ${inWords(state.nowMs - role.sinceMs)}: ${role.tries} tries in a row failed (${role.failure.code}: ${role.failure.message}).`));
  if (state.yielding !== null) found.push(condition("yielding", null, `This active asks to be relieved: ${state.yielding}`));
  return found;
}

function address(state: State): readonly Condition[] {
  const { ownership, nowMs } = state;
  const found: Condition[] = [];
  const what = ownership.publicIp === null ? "The Elastic IP" : `The Elastic IP ${ownership.publicIp}`;
  const readMs = ownership.readAnsweredAtMs === null ? null : nowMs - ownership.readAnsweredAtMs;
  const read = readMs === null ? "" : `, as EC2 said ${inWords(readMs)} ago`;
  if (ownership.holder?.kind === "stranger") found.push(condition("address-on-stranger", null, `${what} has been on ${holderName(ownership.holder)} for ${inWords(nowMs - ownership.sinceMs)}${read}: it is not taken automatically.`));
  if (ownership.holder?.kind === "nobody") found.push(condition("address-on-nobody", null, `${what} has been on nobody for ${inWords(nowMs - ownership.sinceMs)}${read}: callers reach no node.`));
  if (ownership.failures >= IN_A_ROW && ownership.failure !== null) {
    const { code, message } = ownership.failure;
    const last = readMs === null ? "it has not been read since this agent started or last doubted itself" : `it was last read ${inWords(readMs)} ago`;
    if (code === "AGENT_CLOUD_THROTTLED") found.push(condition("ec2-throttled", null, `EC2 throttles this account: ${ownership.failures} reads in a row were refused (${message}); ${last}.`));
    else found.push(condition("ec2-unreadable", null, `EC2 can't be read: ${ownership.failures} reads in a row failed (${code}: ${message}); ${last}.`));
  }
  return found;
}

function readiness(state: State, config: CoreConfig): readonly Condition[] {
  const { claimReady, marking } = state;
  const found: Condition[] = [];
  if (claimReady.ready === false) found.push(condition("claim-not-ready", null, `The last dry run of a claim failed (${claimReady.failure?.code ?? "unknown"}: ${claimReady.failure?.message ?? ""}): this node could not take the address.`));
  if (claimReady.markAllowed === false) found.push(condition("marks-not-permitted", null, "The dry run of an alive mark failed: cut off from its peer, this node could not show on EC2 that it lives."));
  const unheardSinceMs = unheardPeersSince(state, config);
  if (unheardSinceMs !== null && marking.failure !== null) found.push(condition("marks-failing", null, `This active and a peer have not heard each other for ${inWords(state.nowMs - unheardSinceMs)}, and its alive marks fail (${marking.failure.code}: ${marking.failure.message}).`));
  return found;
}

function pause(state: State): readonly Condition[] {
  const { pause: stop } = state.policy;
  if (!stop.on) return [];
  const left = stop.untilMs === null ? "until it is resumed" : `for another ${inWords(stop.untilMs - state.nowMs)}`;
  return [condition("paused", null, `Automatic claims are paused ${left}, set on ${stop.setBy}: ${stop.reason}`)];
}

function claims(state: State, config: CoreConfig): readonly Condition[] {
  const { policy, claim, nowMs } = state;
  const found: Condition[] = [];
  if (policy.blocked) found.push(condition("blocked", null, `Blocked: ${config.claimsPerHour} automatic claims were made within an hour. No more until an operator has looked (nodectl ack).`));
  const holdDownLeftMs = policy.holdDownUntilMs - nowMs;
  if (state.role === "standby" && holdDownLeftMs > 0 && claimByQuorumIsWanted(state, config)) found.push(condition("hold-down", null, `The observers see ${holderName(state.ownership.holder)} down, but the address moved recently: hold-down for another ${inWords(holdDownLeftMs)}.`));
  // The count of failures is reset by success only, so that a failure of long ago must not count as failing now.
  const failing = policy.claimFailures >= IN_A_ROW && nowMs - policy.claimNotBeforeMs < RECENT_MS && state.role !== "active";
  if (failing) found.push(condition("claims-failing", null, `${policy.claimFailures} claims in a row did not succeed${nowMs < policy.claimNotBeforeMs ? `; the next try is possible in ${inWords(policy.claimNotBeforeMs - nowMs)}` : ""}.`));
  if (claim !== null && nowMs - claim.decidedAtMs >= CLAIM_PENDING_AFTER_MS) found.push(condition("claim-pending", null, `The claim decided ${inWords(nowMs - claim.decidedAtMs)} ago is ${claim.phase}, and EC2 has not confirmed it.`));
  return found;
}

function claimByQuorumIsWanted(state: State, config: CoreConfig): boolean {
  // The cheap question first: the votes are counted only when our own verdict asks for it.
  if (judge(state, config).verdict !== "down") return false;
  const votes = tally(state, config);
  return votes.majority && votes.ups.length === 0;
}

function channels(state: State, config: CoreConfig): readonly Condition[] {
  const target = state.evidence.target ?? "";
  const where = (channel: string): string => (channel === "eip" ? `the Elastic IP${state.ownership.publicIp === null ? "" : ` ${state.ownership.publicIp}`}` : `${target}'s private address`);
  return unprovenChannels(state.evidence, config).map((channel) => condition("channel-unproven", channel, `SIP OPTIONS to ${where(channel)} has not been answered once in ${inWords(state.nowMs - state.evidence.sinceMs)} although ${target}'s heartbeats are good: channel ${channel} is left out of the verdict.`));
}

function references(state: State, config: CoreConfig): readonly Condition[] {
  const fails = (track: ReferenceTrack): boolean => track.failedSentAtMs !== null && track.okSinceMs === null;
  const failing = (["private", "public"] as const).filter((side) => fails(state.evidence[side]) && !(side === "public" && state.nowMs < state.egressGraceUntilMs));
  const hearsNobody = [...config.peers, ...config.witnesses].every((id) => ["lost", "never"].includes(hearing(state.members[id], state.nowMs, config)));
  if (failing.length === 2 && hearsNobody) return [condition("cut-off", null, "This node is cut off: it hears no member, and neither the private nor the public reference answers. It accuses nobody.")];
  return failing.map((side) => condition("reference-failing", side, `The ${side} reference does not answer (last asked ${inWords(state.nowMs - (state.evidence[side].failedSentAtMs ?? state.nowMs))} ago): a silence on that side is taken for this node's own.`));
}

function self(state: State, config: CoreConfig): readonly Condition[] {
  const found: Condition[] = [];
  if (state.saveFailure !== null) found.push(condition("state-unsaved", null, `The agent's state can't be saved (${state.saveFailure.code}: ${state.saveFailure.message}): a restart would forget pause and hold-down.`));
  if (state.secretFailure !== null) found.push(condition("secret-not-applied", null, `A new version of the secret has not been put to use everywhere for ${inWords(state.nowMs - state.secretFailure.sinceMs)} (${state.secretFailure.failure.code}: ${state.secretFailure.failure.message}); what worked before still does.`));
  if (state.publishFailure !== null) found.push(condition("metrics-unpublished", null, `Metrics can't be published (${state.publishFailure.code}: ${state.publishFailure.message}): they are kept on disk and sent later.`));
  // Of the minute under way: it ends a minute after the last loss.
  const dropped = setsOf(state.metrics).MetricsDropped?.sum ?? 0;
  if (dropped > 0) found.push(condition("metrics-dropped", null, `${dropped} measurements were lost within the last minute, ${state.metricsDropped} since the agent's start.`));
  const sinceDoubtMs = state.nowMs - state.doubtedAtMs;
  if (state.doubtedAtMs > state.startedAtMs && sinceDoubtMs < RECENT_MS) found.push(condition("self-doubt", null, `This process stalled for ${inWords(state.lastLateByMs)}, ${inWords(sinceDoubtMs)} ago: it threw its evidence away and collects fresh evidence.`));
  const lag = state.metrics.sets.EventLoopLag;
  // The worst is left out of the average: a single stall is a self-doubt, and not lateness all the time.
  const usualMs = lag === undefined || lag.count < TICKS_FOR_AVERAGE ? 0 : (lag.sum - lag.max) / (lag.count - 1);
  if (lag !== undefined && usualMs >= config.tickIntervalMs) found.push(condition("ticks-late", null, `The agent's ${config.tickIntervalMs} ms tick came ${inWords(usualMs)} late on average, ${inWords(lag.max)} at worst, in the last ${lag.count} samples.`));
  return found;
}
