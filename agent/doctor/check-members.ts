/**
 * The other members: does each take our key on its heartbeat port, do heartbeats flow in both directions, does its Asterisk
 * answer our probes; and the references, without which nobody's silence counts. One cause gives one finding a member.
 */
import type { NodeId } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { StatusView } from "../status/schema.ts";
import { failed, ok, problem, skipped, warning, type Check, type Finding } from "./finding.ts";
import { ASK_WITHIN_MS, type DoctorWorld } from "./world.ts";

type Member = StatusView["members"][number];

export function memberChecks(world: DoctorWorld): readonly Check[] {
  const { core, members } = world.config;
  const links = [...members].map(([member, { host, port }]): Check => ({ name: linkName(member), withinMs: 4 * ASK_WITHIN_MS, run: () => linkCheck(world, member, `${host}:${port}`) }));
  const sips = core.peers.map((peer): Check => ({ name: sipName(peer), withinMs: 3 * ASK_WITHIN_MS, run: () => sipCheck(world, peer) }));
  const references = (["private", "public"] as const).map((side): Check => ({ name: referenceName(side), withinMs: 2 * ASK_WITHIN_MS, run: () => referenceCheck(world, side) }));
  return [...links, ...sips, ...references];
}

const linkName = (member: NodeId): string => `heartbeats with ${member}`;
const sipName = (member: NodeId): string => `SIP of ${member}`;
const referenceName = (side: string): string => `${side} reference`;

async function linkCheck({ secret, knock, agent, config }: DoctorWorld, member: NodeId, at: string): Promise<readonly Finding[]> {
  const name = linkName(member);
  const keys = await secret().catch((error: unknown) => { if (error instanceof AgentError) return null; throw error; });
  if (keys === null) return [skipped(name, "The key is in the secret, which can't be used.")];
  const { heartbeatKeys, dialWith } = keys.secret;
  try {
    await knock(member, dialWith, heartbeatKeys.get(dialWith) ?? new Uint8Array(0), AbortSignal.timeout(ASK_WITHIN_MS));
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return [linkProblem(name, member, at, error)];
  }
  const word = await agent();
  if (word.kind !== "runs") return [ok(name, `${member} takes our key at ${at}. Whether it reaches this node is known only when the agent runs.`)];
  return [bothWays(name, word.view.members.find(({ id }) => id === member), member, at, config.listen.port)];
}

function linkProblem(name: string, member: NodeId, at: string, error: AgentError): Finding {
  const says = `${member} at ${at}: ${error.message} (${error.code})`;
  if (error.code === "AGENT_PEER_REFUSED") return problem(name, says, `Do both read the same version of the secret (heartbeat_keys), and are CLUSTER_ID, NODE_ID and PEERS right on ${member}? After a change of the secret an agent takes it within SECRET_INTERVAL_MS.`);
  return problem(name, says, `Does the agent of ${member} run? Do its security group and firewall let this node in on TCP port ${at.slice(at.lastIndexOf(":") + 1)}, and is its address in PEERS or WITNESSES right?`);
}

/** What the knock can't know: whether they reach us, and whether what we send arrives. */
function bothWays(name: string, member: Member | undefined, id: NodeId, at: string, port: number): Finding {
  if (member === undefined) return warning(name, `The running agent does not know ${id}.`, "Start the agent again: it runs with older settings.");
  const heard = member.hearing === "heard" || member.hearing === "late";
  if (!heard) return problem(name, `${id} takes our key at ${at}, but nothing comes from it (${member.hearing === "never" ? "never heard" : `silent for ${Math.round((member.ageMs ?? 0) / 1_000)} s`}).`, `Do this node's security group and firewall let ${id} in on TCP port ${port} (LISTEN), and is this node's address right in the settings of ${id}?`);
  if (member.says !== null && member.says.hearsUs !== "heard" && member.says.hearsUs !== "late") return problem(name, `We hear ${id}, but it does not hear us (${member.says.hearsUs}).`, `Look at the log of ${id} for refused connections (peer-refused) from this node.`);
  if (member.says?.sameConfig === false) return warning(name, `Heartbeats flow in both directions, but ${id} has other cluster-wide settings.`, "Compare agent.env of both: the knobs marked \"equal in the whole cluster\" in the README.");
  return ok(name, `${id} takes our key at ${at}; heartbeats flow in both directions${member.rttMs === null ? "" : ` (round trip ${member.rttMs} ms)`}.`);
}

/** Its private address, and the Elastic IP while it holds that: what the standby's verdict rests on. */
async function sipCheck({ config, prober, agent }: DoctorWorld, peer: NodeId): Promise<readonly Finding[]> {
  const name = sipName(peer);
  const host = config.members.get(peer)?.host ?? "";
  const word = await agent();
  const view = word.kind === "runs" ? word.view : null;
  const eip = view !== null && view.address.holder === peer ? view.address.publicIp : null;
  const ask = async (target: string, port: number): Promise<AgentError | null> => {
    try {
      await prober.sipOptions({ transport: "udp", host: target, port }, AbortSignal.timeout(ASK_WITHIN_MS));
      return null;
    } catch (error) {
      if (error instanceof AgentError) return error;
      throw error;
    }
  };
  const [own, publicly] = await Promise.all([ask(host, config.peerSipPort), eip === null ? null : ask(eip, config.eipSipPort)]);
  const says = view?.members.find(({ id }) => id === peer)?.says ?? null;
  const itself = says !== null && (says.serving === "down" || says.serving === "unknown") ? ` It says itself: ${says.servingReason}` : "";
  if (own !== null) return [problem(name, `No answer to OPTIONS at ${host}:${config.peerSipPort}${publicly === null ? "" : ` nor at the Elastic IP`}: ${own.message}.${itself}`, itself === "" ? `Does Asterisk run on ${peer}, and does its security group let this node in on UDP port ${config.peerSipPort} (PEER_SIP_PORT)?` : `Look at Asterisk on ${peer} first.`)];
  if (publicly !== null) return [problem(name, `OPTIONS are answered at ${host}, but not at the Elastic IP (${eip ?? ""}:${config.eipSipPort}): ${publicly.message}.`, `Does the security group of ${peer} let this node's public address in on UDP port ${config.eipSipPort} (EIP_SIP_PORT)? Callers may be affected too.`)];
  const theirs = says?.verdict?.about === config.core.nodeId && says.verdict.sip === "down";
  if (theirs) return [problem(name, `${peer} answers, but does not reach our Asterisk on UDP port ${config.peerSipPort}.`, `Does this node's security group let ${peer} in on UDP port ${config.peerSipPort} (PEER_SIP_PORT)?`)];
  return [ok(name, `Answers OPTIONS at ${host}:${config.peerSipPort}${eip === null ? "" : " and at the Elastic IP"}.`)];
}

async function referenceCheck({ config, prober }: DoctorWorld, side: "private" | "public"): Promise<readonly Finding[]> {
  const name = referenceName(side);
  const addresses = side === "private" ? config.referencePrivate : config.referencePublic;
  try {
    await prober.tcpConnect(addresses, AbortSignal.timeout(ASK_WITHIN_MS));
    return [ok(name, `${addresses.join(" or ")} accepts connections.`)];
  } catch (error) {
    const knob = side === "private" ? "REFERENCE_PRIVATE" : "REFERENCE_PUBLIC";
    return [failed(name, error, `Without it this node can't tell a silent active from its own broken network. Repair the ${side} path, or name an address in ${knob} that surely answers on it.`)];
  }
}
