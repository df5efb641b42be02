/**
 * The conditions that are about other members. Which sign of life is missing tells what is broken: an agent whose
 * Asterisk answers is dead by itself, an active that only callers reach is behind a cut cable, one that nothing shows
 * alive is lost.
 */
import { condition, type Condition } from "./condition-list.ts";
import { configuredAlike } from "./config-digest.ts";
import { judge } from "./evidence.ts";
import { canServe } from "./health.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { inWords } from "./in-words.ts";
import { isHeldBy } from "./ownership.ts";
import { cloudVote } from "./quorum.ts";
import type { CoreConfig } from "./settings.ts";
import type { State } from "./state.ts";
import { freshHeartbeat } from "./suspicion.ts";
import type { NodeId } from "./types.ts";

/** After a move both nodes may say that they hold the address, until the old one has read EC2 twice. */
const SETTLING_MS = 5_000;

export function memberConditions(state: State, config: CoreConfig): readonly Condition[] {
  const peers = config.peers.flatMap((peer) => [...silence(peer, state, config), ...words(peer, state, config)]);
  const witnesses = config.witnesses.flatMap((witness) => [...absence(witness, state, config), ...version(witness, freshHeartbeat(state, witness, config), state, config)]);
  return [...noNodeServes(state, config), ...severalHold(state, config), ...peers, ...witnesses];
}

/**
 * For how long a member has been silent, when that is long enough to be told; else null. Twice PEER_LOST_AFTER_MS: a
 * claim, if there is reason for one, comes before and says more. Never counted from before a doubt of ours.
 */
function silentMs(id: NodeId, state: State, config: CoreConfig): number | null {
  const heardAtMs = state.members[id]?.heardAtMs ?? state.startedAtMs;
  const countedMs = state.nowMs - Math.max(heardAtMs, state.doubtedAtMs);
  return countedMs >= 2 * config.peerLostAfterMs ? state.nowMs - heardAtMs : null;
}

function silenceInWords(id: NodeId, ms: number, state: State): string {
  return state.members[id]?.heardAtMs == null ? `has not been heard since this agent started ${inWords(ms)} ago` : `has been silent for ${inWords(ms)}`;
}

function silence(peer: NodeId, state: State, config: CoreConfig): readonly Condition[] {
  const ms = silentMs(peer, state, config);
  if (ms === null) return [];
  const quiet = silenceInWords(peer, ms, state);
  if (state.evidence.target !== peer) return [condition("peer-lost", peer, `${peer} ${quiet}${state.role === "active" ? ": there is no standby to take over" : ""}.`)];
  const seen = judge(state, config);
  if (seen.sip === "up") return [condition("peer-agent-silent", peer, `The agent of ${peer} ${quiet}, but its Asterisk answers (sip ${seen.sip}, eip ${seen.eip}): callers are served, nothing is claimed.`)];
  const cloud = cloudVote(state, config);
  if (seen.eip === "up" || cloud.verdict === "up") return [condition("nodes-cut-apart", peer, `${peer} ${quiet} between the nodes, but it lives (eip ${seen.eip}${cloud.verdict === "up" ? `; ${cloud.reason.replace(/\.$/, "")}` : ""}): nothing is claimed.`)];
  return [condition("peer-lost", peer, `${peer} ${quiet}, and nothing shows it alive (heartbeat ${seen.heartbeat}, sip ${seen.sip}, eip ${seen.eip}).`)];
}

/** What a peer that is heard says, and what follows from comparing it with us. */
function words(peer: NodeId, state: State, config: CoreConfig): readonly Condition[] {
  const heartbeat = freshHeartbeat(state, peer, config);
  if (heartbeat === null) return [];
  const found: Condition[] = [];
  if (heartbeat.serving === "down") found.push(condition("peer-asterisk-down", peer, `${peer} says that its Asterisk can't take calls: ${heartbeat.servingReason}`));
  if (missesUs(peer, heartbeat, state, config)) found.push(condition("peer-does-not-hear-us", peer, `This node hears ${peer}, but ${peer} ${heartbeat.hearsYou === "never" ? "has never heard" : "does not hear"} this node.`));
  if (!configuredAlike(config.configDigest, heartbeat.configDigest)) found.push(condition("config-drift", peer, `${peer} runs with other cluster-wide settings (digest ${heartbeat.configDigest}) than this node (${config.configDigest}).`));
  return [...found, ...version(peer, heartbeat, state, config)];
}

function missesUs(peer: NodeId, heartbeat: Heartbeat, state: State, config: CoreConfig): boolean {
  const longMs = 2 * config.peerLostAfterMs;
  // A peer that has just started has not heard us yet; its sequence number tells how long it has been up.
  if (heartbeat.hearsYou === "never") return heartbeat.sequence * config.heartbeatIntervalMs >= longMs && state.nowMs - state.startedAtMs >= longMs;
  const sinceMs = state.members[peer]?.unheardSinceMs ?? null;
  return heartbeat.hearsYou !== "heard" && sinceMs !== null && state.nowMs - sinceMs >= longMs;
}

function version(id: NodeId, heartbeat: Heartbeat | null, state: State, config: CoreConfig): readonly Condition[] {
  if (heartbeat === null) return [];
  const differs: string[] = [];
  if (heartbeat.software !== config.software) differs.push(`agent ${heartbeat.software}, here ${config.software}`);
  const ours = state.health.version;
  if (heartbeat.asterisk !== null && ours !== null && heartbeat.asterisk !== ours) differs.push(`Asterisk ${heartbeat.asterisk}, here ${ours}`);
  return differs.length === 0 ? [] : [condition("version-difference", id, `${id} runs ${differs.join("; ")}.`)];
}

function absence(witness: NodeId, state: State, config: CoreConfig): readonly Condition[] {
  const ms = silentMs(witness, state, config);
  return ms === null ? [] : [condition("witness-absent", witness, `Witness ${witness} ${silenceInWords(witness, ms, state)}: its vote is missing.`)];
}

/** Every Asterisk of the cluster is down, or its node is silent: loud, because no claim can help. */
function noNodeServes(state: State, config: CoreConfig): readonly Condition[] {
  if (config.kind === "node" && state.health.serving !== "down") return [];
  const peers = config.peers.map((peer): string | null => {
    const heartbeat = freshHeartbeat(state, peer, config);
    if (heartbeat !== null) return heartbeat.serving === "down" ? `${peer}: ${heartbeat.servingReason}` : null;
    // A silent active may well serve, and our own side may be broken: it counts only when the evidence says down.
    const ms = silentMs(peer, state, config);
    if (ms === null || (state.evidence.target === peer && judge(state, config).verdict !== "down")) return null;
    return `${peer} ${silenceInWords(peer, ms, state)}`;
  });
  if (peers.length === 0 || peers.includes(null)) return [];
  const own = config.kind === "node" ? [`${config.nodeId}: ${state.health.reason}`] : [];
  return [condition("no-node-serves", null, `No node of ${config.clusterId} is known to take calls. ${[...own, ...peers].join(" | ")}`)];
}

function severalHold(state: State, config: CoreConfig): readonly Condition[] {
  if (state.nowMs - Math.max(state.roleSinceMs, state.ownership.sinceMs) < SETTLING_MS) return [];
  const peers = config.peers.filter((peer) => freshHeartbeat(state, peer, config)?.holds === true);
  const holders = state.role === "active" && isHeldBy(state.ownership, config.nodeId) ? [config.nodeId, ...peers] : peers;
  return holders.length < 2 ? [] : [condition("several-hold", null, `${holders.length} nodes say that they hold the Elastic IP: ${holders.join(", ")}.`)];
}

/** The nodes whose Asterisk is known to take calls, this one included, as far as this node can see. */
export function servingNodes(state: State, config: CoreConfig): readonly NodeId[] {
  const own = config.kind === "node" && canServe(state.health.serving) ? [config.nodeId] : [];
  return [...own, ...config.peers.filter((peer) => canServe(freshHeartbeat(state, peer, config)?.serving ?? "unknown"))];
}
