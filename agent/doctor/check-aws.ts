/** AWS: the secret, the instance's metadata, the ways to EC2, the clock, and every permission that a claim needs, tried dry. */
import { holderName } from "../core/ownership.ts";
import { AgentError } from "../errors.ts";
import { failed, ok, problem, skipped, warning, type Check, type Finding } from "./finding.ts";
import { ASK_WITHIN_MS, type DoctorWorld } from "./world.ts";

/** AWS refuses signatures that are five minutes off. */
const CLOCK_BAD_MS = 240_000;
const CLOCK_WARN_MS = 2_000;

export function awsChecks(world: DoctorWorld): readonly Check[] {
  const within = 3 * ASK_WITHIN_MS;
  return [
    { name: "secret", withinMs: within, run: () => secretCheck(world) },
    { name: "instance metadata", withinMs: within, run: (signal) => imdsCheck(world, signal) },
    { name: "path to EC2", withinMs: within, run: (signal) => pathCheck(world, signal) },
    { name: "clock", withinMs: within, run: (signal) => clockCheck(world, signal) },
    { name: "EC2 DescribeAddresses", withinMs: within, run: (signal) => permissionChecks(world, signal) },
  ];
}

async function secretCheck({ secret, config }: DoctorWorld): Promise<readonly Finding[]> {
  const place = config.secret.kind === "file" ? config.secret.path : `Secrets Manager ${config.secret.secretId}`;
  try {
    const { secret: read, version } = await secret();
    return [ok("secret", `${place}, version ${version}: all fields are there; ${read.heartbeatKeys.size} heartbeat key(s), dials with ${read.dialWith}.`)];
  } catch (error) {
    return [failed("secret", error)];
  }
}

async function imdsCheck({ imds, config }: DoctorWorld, signal: AbortSignal): Promise<readonly Finding[]> {
  const name = "instance metadata";
  const { node } = config;
  if (imds === null || node === null) return [];
  try {
    const facts = await imds(signal);
    if (node.instanceId !== null && node.instanceId !== facts.instanceId) return [problem(name, `INSTANCE_ID is ${node.instanceId}, but this machine is ${facts.instanceId}.`, "Correct INSTANCE_ID, or take it out: the agent then asks the metadata itself.")];
    if ([...node.peerInstances.values()].includes(facts.instanceId)) return [problem(name, `This machine (${facts.instanceId}) is listed as a peer in PEER_INSTANCES.`, "PEER_INSTANCES names the other nodes only: were the settings of another node copied to this one?")];
    if (facts.region !== config.awsRegion) return [problem(name, `This machine is in ${facts.region}, AWS_REGION is ${config.awsRegion ?? "not set"}.`, "Correct AWS_REGION.")];
    return [ok(name, `${facts.instanceId} in ${facts.availabilityZone}, ${facts.privateIp}.`)];
  } catch (error) {
    if (node.instanceId !== null && error instanceof AgentError) return [warning(name, `${error.message} (${error.code}). INSTANCE_ID is set, so the agent does not need it.`, "On EC2: is the metadata service on for this instance, with version 2 and a hop limit of at least 1?")];
    return [failed(name, error, "On EC2: is the metadata service on for this instance, with version 2? Elsewhere: set INSTANCE_ID, and give the SDK credentials.")];
  }
}

/** The Elastic IP takes the way of the routing table with it when it leaves; the agent needs one that stays. */
async function pathCheck({ ec2, config }: DoctorWorld, signal: AbortSignal): Promise<readonly Finding[]> {
  if (ec2 === null) return [];
  const own = config.awsLocalAddress;
  const [byOwn, byRoute] = await Promise.all([own === null ? null : tried(ec2.connect(own, signal)), tried(ec2.connect(null, signal))]);
  const remedy = "Give this node a path to EC2 that does not depend on the Elastic IP: a management address (AWS_LOCAL_ADDRESS) or a VPC endpoint. provisioning/ makes either.";
  const withoutEip = "path to EC2 without the Elastic IP";
  const withEip = "path to EC2 by the routing table";
  const route = byRoute instanceof AgentError ? [own === null || byOwn instanceof AgentError ? failed(withEip, byRoute) : ok(withEip, `None at this moment; the agent does not use it, but AWS_LOCAL_ADDRESS (${own}).`)] : [ok(withEip, `${ec2.url} answers (${byRoute.remoteAddress}).`)];
  if (own !== null) return [byOwn instanceof AgentError ? failed(withoutEip, byOwn, `${own} (AWS_LOCAL_ADDRESS) must be an address of this machine with a way out of its own: routing rule, public address, security group.`) : ok(withoutEip, `${ec2.url} answers to ${own} (AWS_LOCAL_ADDRESS).`), ...route];
  if (byRoute instanceof AgentError) return route;
  const inside = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|127\.|f[cd])/i.test(byRoute.remoteAddress);
  return [inside ? ok(withoutEip, `${ec2.url} is inside the VPC (${byRoute.remoteAddress}).`) : warning(withoutEip, "AWS_LOCAL_ADDRESS is not set and EC2 is reached over the Internet: when the Elastic IP leaves this node, its way to EC2 may be gone for minutes.", remedy), ...route];
}

async function clockCheck({ ec2, config }: DoctorWorld, signal: AbortSignal): Promise<readonly Finding[]> {
  if (ec2 === null) return [];
  const remedy = "Is chrony running, with the source 169.254.169.123 (chronyc tracking)?";
  const ahead = await tried(ec2.clockAheadMs(config.awsLocalAddress, signal));
  if (ahead instanceof AgentError) return [skipped("clock", `AWS does not tell the time: ${ahead.message}`)];
  const offMs = Math.abs(ahead);
  const says = `This clock is ${(offMs / 1_000).toFixed(1)} s ${ahead > 0 ? "behind" : "ahead of"} AWS's`;
  if (offMs >= CLOCK_BAD_MS) return [problem("clock", `${says}: AWS refuses signatures that are five minutes off.`, remedy)];
  return [offMs >= CLOCK_WARN_MS ? warning("clock", `${says}. Decisions do not depend on it; times in logs, metrics and history do.`, remedy) : ok("clock", `${says}.`)];
}

async function permissionChecks({ cloud, config }: DoctorWorld, signal: AbortSignal): Promise<readonly Finding[]> {
  const { node, coldStandby } = config;
  const instances = node?.peerInstances ?? coldStandby?.peerInstances;
  if (cloud === null || instances === undefined) return [];
  const ec2 = await tried(cloud());
  if (ec2 instanceof AgentError) return [skipped("EC2 permissions", `This node's own instance is not known: ${ec2.message}`)];
  const iam = `Compare the instance role with provisioning/iam/${node === null ? "witness-cold-standby-policy" : "node-policy"}.json, and look for a boundary or an organisation policy.`;
  const address = await tried(ec2.readAddress(signal));
  // Without an answer at all the other calls would say the same.
  if (address instanceof AgentError && address.code !== "AGENT_CLOUD_DENIED") return [failed("EC2 DescribeAddresses", address)];
  const dry = async (name: string, trying: Promise<void>): Promise<Finding> => {
    const error = await tried(trying);
    return error instanceof AgentError ? failed(name, error, error.code === "AGENT_CLOUD_DENIED" ? iam : undefined) : ok(name, "The dry run says that it would be carried out.");
  };
  const read = address instanceof AgentError ? failed("EC2 DescribeAddresses", address, iam) : heldBy(holderName(address.holder), address.holder.kind, address.publicIp);
  const peers = [...instances].map(async ([peer, instanceId]): Promise<Finding> => {
    const name = `EC2 DescribeInstanceStatus of ${peer}`;
    const state = await tried(ec2.readInstance(peer, signal));
    if (state instanceof AgentError) return failed(name, state, state.code === "AGENT_CLOUD_DENIED" ? iam : `Is ${instanceId} (PEER_INSTANCES) the instance of ${peer}?`);
    // A witness that may start it finds nothing wrong with a standby that is stopped.
    return state === "running" || (state === "stopped" && coldStandby !== null) ? ok(name, `${instanceId} is ${state}.`) : warning(name, `${instanceId} is ${state}.`, `Start ${peer}, or replace it and correct PEER_INSTANCES.`);
  });
  if (node === null) return [read, ...(await Promise.all([...[...instances.keys()].map((peer) => dry(`EC2 StartInstances of ${peer}`, ec2.dryRunStart(peer, signal))), ...peers]))];
  return [read, ...(await Promise.all([dry("EC2 AssociateAddress", ec2.dryRunClaim(signal)), dry("EC2 CreateTags", ec2.dryRunMark(signal)), ...peers]))];
}

function heldBy(holder: string, kind: string, publicIp: string): Finding {
  const name = "EC2 DescribeAddresses";
  if (kind === "stranger") return warning(name, `${publicIp} is on ${holder}. It is never taken automatically.`, "If it belongs to this cluster, move it to a node (nodectl takeover), or correct PEER_INSTANCES and EIP_ALLOCATION_ID.");
  return ok(name, `${publicIp} is on ${holder}.`);
}

async function tried<T>(trying: Promise<T>): Promise<T | AgentError> {
  try {
    return await trying;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}
