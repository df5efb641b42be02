/**
 * What a template may ask for, and where each value comes from: the settings, the secret, or the facts of this node that others
 * know (EC2, the instance metadata). Every value knows its source, so that a complaint can name it without the value, and
 * whether it is secret, so that a difference can be shown without it.
 */
import type { Config, NodeConfig } from "../config.ts";
import { AgentError } from "../errors.ts";
import type { NodeSecret, Secret, Trunk } from "../secret.ts";
import { cryptPassword } from "./crypt.ts";

export interface Value {
  readonly text: string;
  /** Completes "from …": a knob, a field of the secret, or a service. */
  readonly source: string;
  readonly secret: boolean;
}

/** A value that nobody gives: what to do about it. */
export interface Missing {
  readonly missing: string;
}

export type Entry = Readonly<Record<string, Value>>;

export interface Values {
  readonly single: Readonly<Record<string, Value | Missing>>;
  readonly lists: Readonly<Record<string, readonly Entry[]>>;
}

/** What has to be asked for; each is asked only when a template wants it and no knob gives it. Rejects with AgentErrors. */
export interface FactSource {
  /** The Elastic IP's public address. */
  readonly elasticIp: (signal: AbortSignal) => Promise<string>;
  /** The VPC's networks, by commas. */
  readonly localNet: (signal: AbortSignal) => Promise<string>;
}

/** Facts by the names of their placeholders. */
export type Facts = Readonly<Partial<Record<"elastic_ip" | "local_net", Value>>>;

const ADDRESS = /^(?:\d{1,3}\.){3}\d{1,3}$/;
const NETWORKS = /^(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2}(?:,(?:\d{1,3}\.){3}\d{1,3}\/\d{1,2})*$/;

/** Asks for the facts that are wanted and that no knob gives. */
export async function readFacts(node: NodeConfig, wants: ReadonlySet<string>, source: FactSource, signal: AbortSignal): Promise<Facts> {
  const { elasticIp, localNet } = node.render;
  const [address, networks] = await Promise.all([
    wants.has("elastic_ip") && elasticIp === null ? source.elasticIp(signal) : null,
    wants.has("local_net") && localNet === null ? source.localNet(signal) : null,
  ]);
  if (address !== null && !ADDRESS.test(address)) throw new AgentError("AGENT_CLOUD_FAILED", "EC2 names no public address of EIP_ALLOCATION_ID; set ELASTIC_IP instead");
  if (networks !== null && !NETWORKS.test(networks)) throw new AgentError("AGENT_CLOUD_FAILED", "the instance metadata names no networks of the VPC; set LOCAL_NET instead");
  return {
    ...(address === null ? {} : { elastic_ip: plain(address, `EC2 (${node.eipAllocationId})`) }),
    ...(networks === null ? {} : { local_net: plain(networks, "the instance metadata") }),
  };
}

/** All values of one node. */
export function collectValues(config: Config, node: NodeConfig, secret: NodeSecret, facts: Facts): Values {
  const { render } = node;
  const { clusterId, nodeId } = config.core;
  const hash = (password: string, user: string, field: string): Value => hidden(cryptPassword(password, `${clusterId}/${nodeId}/${user}`), field);
  return {
    single: {
      cluster_id: plain(clusterId, "CLUSTER_ID"),
      node_id: plain(nodeId, "NODE_ID"),
      elastic_ip: render.elasticIp === null ? (facts.elastic_ip ?? { missing: "set ELASTIC_IP" }) : plain(render.elasticIp, "ELASTIC_IP"),
      local_net: render.localNet === null ? (facts.local_net ?? { missing: "set LOCAL_NET" }) : plain(render.localNet, "LOCAL_NET"),
      stasis_app: render.incomingApp === null ? { missing: "set INCOMING_APP to the application that takes incoming calls, or name it in STASIS_APPS" } : plain(render.incomingApp, "INCOMING_APP, or the first of STASIS_APPS"),
      ari_password_hash: hash(secret.ariPassword, "agent", "ari_password"),
      stasis_password_hash: hash(secret.stasisPassword, "stasis", "stasis_password, or else ari_password"),
    },
    lists: {
      database: render.database === null ? [] : [databaseEntry(render.database, secret)],
      tls: render.tls === null ? [] : [{ certificate_file: plain(render.tls.tlsCertificateFile, "TLS_CERTIFICATE_FILE"), key_file: plain(render.tls.tlsKeyFile, "TLS_KEY_FILE") }],
      trunks: secret.trunks.map(trunkEntry),
    },
  };
}

function databaseEntry(place: NonNullable<NodeConfig["render"]["database"]>, { database }: NodeSecret): Entry {
  return {
    host: plain(place.databaseHost, "DATABASE_HOST"),
    port: plain(String(place.databasePort), "DATABASE_PORT"),
    name: plain(place.databaseName, "DATABASE_NAME"),
    username: hidden(database.username, "username"),
    password: hidden(database.password, "password"),
  };
}

/** A user name may be a telephone number, which counts as secret. */
function trunkEntry(trunk: Trunk, index: number): Entry {
  const field = (name: string): string => `trunks[${index}].${name}`;
  return {
    name: fromSecret(trunk.name, field("name")),
    server: fromSecret(trunk.server, field("server")),
    host: fromSecret(trunk.server.replace(/:\d+$/, ""), field("server")),
    username: hidden(trunk.username, field("username")),
    username_in_uri: hidden(encodeURIComponent(trunk.username), field("username")),
    password: hidden(trunk.password, field("password")),
  };
}

const plain = (text: string, source: string): Value => ({ text, source, secret: false });
const fromSecret = (text: string, field: string): Value => ({ text, source: `the secret's ${field}`, secret: false });
const hidden = (text: string, field: string): Value => ({ text, source: `the secret's ${field}`, secret: true });

/** Every text of a secret that must not be shown anywhere, however it got there. */
export function secretTexts(secret: Secret): readonly string[] {
  const { node } = secret;
  if (node === null) return [];
  return [node.ariPassword, node.stasisPassword, node.database.username, node.database.password, ...node.trunks.flatMap((trunk) => [trunk.username, encodeURIComponent(trunk.username), trunk.password])];
}
