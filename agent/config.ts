/**
 * The configuration: knobs.ts is the table, this file reads a pair of environments by it. Everything that is wrong is
 * found in one go and told in one error, a line each; the agent starts on a valid configuration or not at all.
 */
import { createHash } from "node:crypto";
import type { HostPort } from "./addresses.ts";
import { nameProblems } from "./config-names.ts";
import { presetValue } from "./config-presets.ts";
import { agentApplication, comparisonNeeds, comparisonProblem, COMPARISONS, RELATIONS } from "./config-rules.ts";
import { KINDS, type Parsed } from "./config-values.ts";
import { stasisProbesOf, type CoreConfig } from "./core/settings.ts";
import type { NodeId } from "./core/types.ts";
import { AgentError } from "./errors.ts";
import { fieldName, GROUPS, KNOB_NAMES, knobRow, type CoreKnob, type FieldName, type KnobName, type KnobValues } from "./knobs.ts";

/** Where the secret is. */
export type SecretPlace = { readonly kind: "secretsManager"; readonly secretId: string } | { readonly kind: "file"; readonly path: string };

/** What only a node has. Fields are named after their knobs. */
export interface NodeConfig {
  readonly awsRegion: string;
  readonly eipAllocationId: string;
  /** Every peer to its EC2 instance; this node's own is `instanceId`. */
  readonly peerInstances: ReadonlyMap<NodeId, string>;
  /** null: ask the instance metadata service. */
  readonly instanceId: string | null;
  /** null: claim for the instance. */
  readonly claimInterfaceId: string | null;
  /** null: the interface's primary address. */
  readonly claimPrivateAddress: string | null;
  /** `http://host[:port]`, without a path and without credentials. */
  readonly ariUrl: string;
  readonly ariUsername: string;
  /** The agent's own Stasis application, `node-agent-NODE_ID`. */
  readonly ariApplication: string;
  readonly sipAddress: HostPort;
  readonly asteriskControlSocket: string;
  readonly metricsNamespace: string;
  /** Bound of the metric spool (MiB). */
  readonly metricSpoolMib: number;
  /** How long ledgers of dropped calls are kept (days). */
  readonly ledgerKeepDays: number;
  readonly render: RenderConfig;
}

/** What Asterisk's configuration is made from, besides the secret. Fields are named after their knobs. */
export interface RenderConfig {
  readonly renderTarget: string;
  /** null: the folder that comes with the program. */
  readonly renderTemplates: string | null;
  readonly renderWithinMs: number;
  /** null: ask EC2. */
  readonly elasticIp: string | null;
  /** Networks by commas. null: ask the instance metadata. */
  readonly localNet: string | null;
  /** null: there is none, neither named nor among STASIS_APPS. */
  readonly incomingApp: string | null;
  /** null: no database. */
  readonly database: { readonly databaseHost: string; readonly databasePort: number; readonly databaseName: string } | null;
  /** null: no SIP over TLS. */
  readonly tls: { readonly tlsCertificateFile: string; readonly tlsKeyFile: string } | null;
}

/** What a witness needs that starts a stopped standby. Fields are named after their knobs. */
export interface ColdStandbyConfig {
  readonly eipAllocationId: string;
  /** Every node to its EC2 instance. */
  readonly peerInstances: ReadonlyMap<NodeId, string>;
}

/** All settings of one agent, checked. */
export interface Config {
  /** What agent/core decides with. */
  readonly core: CoreConfig;
  /** null on a witness. */
  readonly node: NodeConfig | null;
  /** null on a node, and on a witness without COLD_STANDBY. */
  readonly coldStandby: ColdStandbyConfig | null;
  readonly timing: KnobValues["TIMING"];
  /** Peers and witnesses to their heartbeat addresses; on a witness all nodes. Ourselves not among them. */
  readonly members: ReadonlyMap<NodeId, HostPort>;
  readonly listen: HostPort;
  /** Always a loopback address. */
  readonly statusListen: HostPort;
  readonly secret: SecretPlace;
  readonly secretIntervalMs: number;
  /** null only on a witness whose secret is a file. */
  readonly awsRegion: string | null;
  /** Source address for connections to AWS; null: the routing table decides. */
  readonly awsLocalAddress: string | null;
  /** `host:port` entries, of which one must answer. */
  readonly referencePrivate: readonly string[];
  readonly referencePublic: readonly string[];
  /** UDP ports of OPTIONS to a peer's private address and to the Elastic IP. */
  readonly peerSipPort: number;
  readonly eipSipPort: number;
  /** An absolute path. */
  readonly stateDir: string;
  /** Moves of the address that the history keeps. */
  readonly historyKeep: number;
  /** null: ask the instance metadata service, on a node. */
  readonly zone: string | null;
  readonly logLevel: KnobValues["LOG_LEVEL"];
}

/** Where settings come from; `process` wins. */
export interface ConfigSources {
  /** The variables of agent.env or .env, and what was wrong with its lines. */
  readonly file: Readonly<Record<string, string | undefined>>;
  readonly fileProblems?: readonly string[];
  readonly process: Readonly<Record<string, string | undefined>>;
}

/** The VPC's own resolver: there in every VPC, and reached without leaving it. */
const VPC_RESOLVER = "169.254.169.253:53";

/**
 * Reads and checks the configuration.
 * @param software the version of this package, which heartbeats carry
 * @throws AGENT_CONFIG_INVALID with all problems, one a line
 */
export function loadConfig(sources: ConfigSources, software: string): Config {
  const problems = [...(sources.fileProblems ?? []), ...nameProblems(namesSet(sources.file), namesSet(sources.process))];
  const texts = { ...definedOnly(sources.file), ...definedOnly(sources.process) };
  const { values, known, origin, problems: valueProblems } = readKnobs(texts);
  problems.push(...valueProblems, ...ruleProblems(values, known, origin));
  if (problems.length > 0) throw new AgentError("AGENT_CONFIG_INVALID", [`The configuration can't be used (${problems.length === 1 ? "1 problem" : `${problems.length} problems`}):`, ...problems.map((problem) => `  ${problem}`)].join("\n"));
  return configOf(values, software);
}

function definedOnly(variables: ConfigSources["file"]): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function namesSet(variables: ConfigSources["file"]): readonly string[] {
  return Object.keys(definedOnly(variables));
}

/** What the knobs' texts gave: the values, which of them are there to be compared, and where each came from. */
interface Reading {
  /** Complete only for the names in `known`. */
  readonly values: KnobValues;
  readonly known: ReadonlySet<KnobName>;
  readonly origin: (name: KnobName) => string;
  readonly problems: readonly string[];
}

function readKnobs(texts: Readonly<Record<string, string>>): Reading {
  const values: Partial<Record<KnobName, unknown>> = {};
  const origins: Partial<Record<KnobName, string>> = {};
  const problems: string[] = [];
  const witness = texts["ROLE"]?.trim() === "witness";
  const cold = texts["COLD_STANDBY"]?.trim() === "true";
  const preset = texts["TIMING"]?.trim() === "cautious" ? "cautious" : "default";
  for (const name of KNOB_NAMES) {
    const row = knobRow(name);
    const ignored = witness && row.on === "node" && !(cold && row.cold === true);
    const set = ignored ? undefined : texts[name]?.trim();
    const overridden = presetValue(preset, name);
    const text = set ?? (overridden === null ? row.default : String(overridden));
    origins[name] = set !== undefined ? "set" : overridden === null ? "default" : `TIMING=${preset}`;
    if (text === null) values[name] = null;
    else if (text === undefined) {
      if (!ignored) problems.push(`${name} is missing. Add a line such as ${name}=${row.example ?? ""}. ${row.says}`);
    } else {
      const parsed = parseKnob(name, String(text));
      if (parsed.ok) values[name] = parsed.value;
      else problems.push(`${name}: ${parsed.problem}`);
    }
  }
  return { values: values as KnobValues, known: new Set(Object.keys(values) as KnobName[]), origin: (name) => origins[name] ?? "default", problems };
}

function parseKnob(name: KnobName, text: string): Parsed<unknown> {
  const row = knobRow(name);
  const kind = KINDS[row.kind];
  const mayBeEmpty = row.min === 0 && (row.kind === "names" || row.kind === "members");
  if (text === "" && !mayBeEmpty) return { ok: false, problem: `is set but empty; it must be ${kind.accepts(row)}. Give it a value${row.default === undefined ? "" : row.default === null ? ", or take the line out" : `, or take the line out for the default, ${row.default}`}.` };
  return kind.parse(text, row);
}

/** Rules are only asked when every knob that they read was readable, and on a witness only about knobs that it has. */
function ruleProblems(values: KnobValues, known: ReadonlySet<KnobName>, origin: Reading["origin"]): readonly string[] {
  const asked = (needs: readonly KnobName[]): boolean => needs.every((name) => known.has(name) && (values.ROLE === "node" || knobRow(name).on === undefined || (values.COLD_STANDBY && knobRow(name).cold === true)));
  const compared = COMPARISONS.filter((rule) => asked(comparisonNeeds(rule))).map((rule) => comparisonProblem(rule, { values, origin }));
  const related = RELATIONS.filter((rule) => asked(rule.needs)).map((rule) => rule.broken(values));
  return [...compared, ...related].filter((problem) => problem !== null);
}

function configOf(values: KnobValues, software: string): Config {
  const { NODE_ID, PEERS, ROLE, WITNESSES } = values;
  const region = values.AWS_REGION;
  return {
    core: {
      ...coreNumbers(values),
      kind: ROLE,
      clusterId: values.CLUSTER_ID,
      nodeId: NODE_ID,
      peers: [...PEERS.keys()].toSorted(),
      witnesses: [...WITNESSES.keys()].toSorted(),
      stasisApps: values.STASIS_APPS,
      stasisProbes: stasisProbesOf(values.STASIS_APPS),
      sipTcp: values.SIP_TCP,
      database: values.DATABASE_HOST !== null,
      coldStandby: ROLE === "witness" && values.COLD_STANDBY,
      software,
      configDigest: digestOf(values),
    },
    node: ROLE === "node" ? nodeConfigOf(values, region ?? "") : null,
    coldStandby: ROLE === "witness" && values.COLD_STANDBY ? { eipAllocationId: values.EIP_ALLOCATION_ID, peerInstances: values.PEER_INSTANCES } : null,
    timing: values.TIMING,
    members: new Map([...PEERS, ...WITNESSES]),
    listen: values.LISTEN,
    statusListen: values.STATUS_LISTEN,
    secret: values.SECRET_ID === null ? { kind: "file", path: values.SECRETS_FILE ?? "" } : { kind: "secretsManager", secretId: values.SECRET_ID },
    secretIntervalMs: values.SECRET_INTERVAL_MS,
    awsRegion: region,
    awsLocalAddress: values.AWS_LOCAL_ADDRESS,
    referencePrivate: values.REFERENCE_PRIVATE ?? [VPC_RESOLVER],
    referencePublic: values.REFERENCE_PUBLIC ?? [ec2Endpoint(region ?? "")],
    peerSipPort: values.PEER_SIP_PORT,
    eipSipPort: values.EIP_SIP_PORT,
    stateDir: values.STATE_DIR,
    historyKeep: values.HISTORY_KEEP,
    zone: values.ZONE,
    logLevel: values.LOG_LEVEL,
  };
}

function nodeConfigOf(values: KnobValues, awsRegion: string): NodeConfig {
  return {
    awsRegion,
    eipAllocationId: values.EIP_ALLOCATION_ID,
    peerInstances: values.PEER_INSTANCES,
    instanceId: values.INSTANCE_ID,
    claimInterfaceId: values.CLAIM_INTERFACE_ID,
    claimPrivateAddress: values.CLAIM_PRIVATE_ADDRESS,
    ariUrl: values.ARI_URL,
    ariUsername: values.ARI_USERNAME,
    ariApplication: agentApplication(values.NODE_ID),
    sipAddress: values.SIP_ADDRESS,
    asteriskControlSocket: values.ASTERISK_CONTROL_SOCKET,
    metricsNamespace: values.METRICS_NAMESPACE,
    metricSpoolMib: values.METRIC_SPOOL_MIB,
    ledgerKeepDays: values.LEDGER_KEEP_DAYS,
    render: renderConfigOf(values),
  };
}

function renderConfigOf(values: KnobValues): RenderConfig {
  const { DATABASE_HOST, TLS_CERTIFICATE_FILE, TLS_KEY_FILE } = values;
  return {
    renderTarget: values.RENDER_TARGET,
    renderTemplates: values.RENDER_TEMPLATES,
    renderWithinMs: values.RENDER_WITHIN_MS,
    elasticIp: values.ELASTIC_IP,
    localNet: values.LOCAL_NET,
    incomingApp: values.INCOMING_APP ?? values.STASIS_APPS[0] ?? null,
    database: DATABASE_HOST === null ? null : { databaseHost: DATABASE_HOST, databasePort: values.DATABASE_PORT, databaseName: values.DATABASE_NAME },
    tls: TLS_CERTIFICATE_FILE === null || TLS_KEY_FILE === null ? null : { tlsCertificateFile: TLS_CERTIFICATE_FILE, tlsKeyFile: TLS_KEY_FILE },
  };
}

/** The partition of China has a domain of its own. */
function ec2Endpoint(region: string): string {
  return `ec2.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}:443`;
}

type CoreNumbers = { readonly [N in CoreKnob as FieldName<N>]: number };

/** Every knob of the core groups under its field's name. */
function coreNumbers(values: KnobValues): CoreNumbers {
  return Object.fromEntries(KNOB_NAMES.filter((name) => GROUPS[knobRow(name).group].core).map((name) => [fieldName(name), values[name]])) as unknown as CoreNumbers;
}

/**
 * Says how this member is configured, for `configuredAlike`. Two parts, because a witness knows only the settings that it has:
 * its digest is the first part, and a node's begins with it.
 */
function digestOf(values: KnobValues): string {
  const same = KNOB_NAMES.filter((name) => knobRow(name).same === true);
  const lines = (names: readonly KnobName[]): readonly string[] => names.map((name) => `${name}=${canonical(name, values)}`);
  const nodes = values.ROLE === "node" ? [...values.PEERS.keys(), values.NODE_ID] : [...values.PEERS.keys()];
  const common = shortHash([...lines(same.filter((name) => knobRow(name).on === undefined)), `nodes=${nodes.toSorted().join(",")}`]);
  if (values.ROLE === "witness") return common;
  return `${common}.${shortHash([...lines(same.filter((name) => knobRow(name).on === "node")), `witnesses=${[...values.WITNESSES.keys()].toSorted().join(",")}`])}`;
}

function canonical(name: KnobName, values: KnobValues): string {
  const kind = KINDS[knobRow(name).kind] as { canonical(value: unknown): string };
  return kind.canonical(values[name]);
}

/** Ten hexadecimal digits: short enough to compare by eye, long enough never to agree by chance. */
function shortHash(lines: readonly string[]): string {
  return createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 10);
}
