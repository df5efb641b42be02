/**
 * The settings of simulated members come from the production parser: what the simulation shows holds for the knob
 * table's own defaults, and a knob that a test sets is one that an operator could set.
 */
import { loadConfig } from "../../agent/config.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { NodeId } from "../../agent/core/types.ts";

/** Who is in the cluster, and the knobs that differ from their defaults, by their environment names. */
export interface MemberSpec {
  readonly kind: "node" | "witness";
  readonly nodeId: NodeId;
  readonly nodes: readonly NodeId[];
  readonly witnesses: readonly NodeId[];
  readonly knobs: Readonly<Record<string, string>>;
}

/** Parsing takes about as long as a minute of simulated time, and a campaign asks for the same few over and over. */
const parsed = new Map<string, CoreConfig>();

/** Throws AGENT_CONFIG_INVALID as the agent itself would. */
export function simConfig(spec: MemberSpec): CoreConfig {
  const key = JSON.stringify(spec);
  const config = parsed.get(key) ?? loadConfig({ file: {}, process: environment(spec) }, "1.0.0").core;
  parsed.set(key, config);
  return config;
}

function environment({ kind, nodeId, nodes, witnesses, knobs }: MemberSpec): Record<string, string> {
  const peers = nodes.filter((node) => node !== nodeId);
  const at = (member: NodeId): string => `${member}=10.0.0.${1 + [...nodes, ...witnesses].indexOf(member)}:8090`;
  const common = { CLUSTER_ID: "sim", NODE_ID: nodeId, ROLE: kind, PEERS: peers.map(at).join(","), SECRETS_FILE: "/etc/asterisk-node-agent/secrets.json", AWS_REGION: "eu-central-1" };
  const instances = (of: readonly NodeId[]): string => of.map((node) => `${node}=i-0${node.replaceAll("-", "")}`).join(",");
  if (kind === "witness") {
    const cold = knobs["COLD_STANDBY"] === "true" ? { WITNESSES: witnesses.filter((witness) => witness !== nodeId).map(at).join(","), EIP_ALLOCATION_ID: "eipalloc-0a1b2c3d", PEER_INSTANCES: instances(nodes) } : {};
    return { ...common, ...cold, ...knobs };
  }
  // What starts a stopped standby is a witness.
  const ofNodes = Object.fromEntries(Object.entries(knobs).filter(([name]) => name !== "COLD_STANDBY"));
  return { ...common, WITNESSES: witnesses.map(at).join(","), EIP_ALLOCATION_ID: "eipalloc-0a1b2c3d", PEER_INSTANCES: instances(peers), ...ofNodes };
}
