/** What can be seen of a node from outside: by callers, by other members, and by EC2. The agents know none of this; the checkers do. */
import { canServe } from "../../agent/core/health.ts";
import { STRANGER_NAME } from "./cloud.ts";
import type { SimCluster } from "./cluster.ts";

/** After a stall an agent vouches for itself only when its references have answered a question asked since: one round of them (ms). */
const VOUCHES_AFTER_MS = 2_000;
/** An active that could mark for this long has left a mark that every read shows: slow interval, visibility and a read (ms). */
export const MARK_SETTLED_MS = 8_000;
/** Blindness may have ended so short a time ago that the decision is older (ms). */
export const BLIND_TAIL_MS = 2_000;
/** News of a moved address needs this long to reach all: the call, two reads, a heartbeat (ms). */
export const RACE_MS = 3_000;
/** A yield outlives the recovery by several good answers and a canary call (ms). */
export const RECOVERY_MS = 5_000;
/** The oldest belief that a claim may rest on: a late suspicion reads EC2 every 5 s, and a change takes two reads (ms). */
export const BELIEF_MS = 7_500;

/** Does a caller who dials the Elastic IP reach an Asterisk that can serve? */
export function isServed(cluster: SimCluster): boolean {
  return cluster.packetsGoTo !== null && cluster.packetsGoTo !== STRANGER_NAME && cluster.canServeCallers(cluster.packetsGoTo);
}

/** Could that node leave an alive mark at EC2 now, if it wanted to? */
export function canMark(cluster: SimCluster, node: string): boolean {
  const { network } = cluster;
  const member = cluster.member(node);
  const { state } = member;
  if (!member.agentRuns || state?.role !== "active" || !canServe(state.health.serving)) return false;
  if (state.doubtedAtMs > state.startedAtMs && state.nowMs - state.doubtedAtMs < VOUCHES_AFTER_MS) return false;
  return network.connected(node, "ec2") && network.connected(node, "endpoint");
}

/** Can the one see a sign of life of the other, on any channel? */
export function canSee(cluster: SimCluster, from: string, to: string): boolean {
  const { network, firewall } = cluster;
  // An answer that comes after the deadline of a suspecting node's probe is none.
  const inTime = (...path: readonly string[]): boolean => network.lagOf(...path) < cluster.member(from).config.suspectProbeIntervalMs;
  const linked = network.connected(from, to);
  if (linked && ((cluster.member(to).agentRuns && !firewall.has(`${to}>heartbeats`)) || (!firewall.has(`${from}>sip`) && inTime(from, to)))) return true;
  return network.connected(from, "internet") && network.connected(to, "internet") && !firewall.has(`${from}>eip`) && inTime(from, "internet", to);
}
