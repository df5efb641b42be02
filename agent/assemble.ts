/** Puts one agent together: which adapters a node or a witness has, and how they are configured. Wiring only. */
import { join } from "node:path";
import process from "node:process";
import type { AriAccess } from "./adapters/ari-http.ts";
import { AriModules } from "./adapters/ari-modules.ts";
import { AriTelephony } from "./adapters/ari-telephony.ts";
import { AsteriskControl } from "./adapters/asterisk-control.ts";
import { LinkedAsteriskRole } from "./adapters/asterisk-role.ts";
import { AwsConnection } from "./adapters/aws-connection.ts";
import { AwsCredentials } from "./adapters/aws-credentials.ts";
import { CloudWatchMetrics } from "./adapters/cloudwatch-metrics.ts";
import { Ec2Cloud, type ClaimTarget } from "./adapters/ec2-cloud.ts";
import { FileLedger } from "./adapters/file-ledger.ts";
import { FileSecrets } from "./adapters/file-secrets.ts";
import { FileSpool } from "./adapters/file-spool.ts";
import { FileStore } from "./adapters/file-store.ts";
import { Imds } from "./adapters/imds.ts";
import { SecretsManagerSecrets } from "./adapters/secrets-manager-secrets.ts";
import { SocketProber } from "./adapters/socket-prober.ts";
import { WsPeerLink } from "./adapters/ws-peer-link.ts";
import { systemClock } from "./clock.ts";
import type { Config, NodeConfig } from "./config.ts";
import type { World } from "./executor.ts";
import type { Cloud, SecretSource } from "./ports.ts";
import { factSource } from "./render/fact-source.ts";
import type { NodeParts } from "./rotation.ts";
import type { Secret } from "./secret.ts";

const MIB = 1_048_576;
/** A connection that does not open in a third of a call's time is given up while it is still certain that nothing was sent. */
const CONNECT_SHARE = 3;

/** What all AWS adapters of one agent share. */
export interface Aws {
  readonly connection: AwsConnection;
  readonly credentials: AwsCredentials;
  readonly region: string;
}

/** null where nothing of this agent talks to AWS: a witness whose secret is a file. */
export function assembleAws(config: Config): Aws | null {
  const region = config.awsRegion;
  if (region === null) return null;
  const { cloudTimeoutMs, claimTimeoutMs } = config.core;
  const connection = new AwsConnection({ connectTimeoutMs: Math.round(cloudTimeoutMs / CONNECT_SHARE), requestTimeoutMs: Math.max(cloudTimeoutMs, claimTimeoutMs), localAddress: config.awsLocalAddress, monotonicMs: () => systemClock.monotonicMs() });
  return { connection, credentials: new AwsCredentials(region, () => systemClock.wallMs()), region };
}

export function assembleSecrets(config: Config, aws: Aws | null): SecretSource {
  const { secret } = config;
  if (secret.kind === "file") return new FileSecrets(secret.path);
  if (aws === null) throw new Error("a secret in Secrets Manager needs AWS_REGION, which the configuration checks");
  return new SecretsManagerSecrets({ ...aws, secretId: secret.secretId });
}

/** Reads who has the Elastic IP and what address it is, without anything else of a cloud. For a node. */
export function assembleAddressReader(config: Config, aws: Aws | null): Pick<Ec2Cloud, "readAddress"> {
  if (aws === null) throw new Error("a node has AWS_REGION, which the configuration checks");
  return assembleCloud(config, aws, config.node?.instanceId ?? "");
}

/** EC2 as this node uses it. `instanceId` is its own. */
export function assembleCloud({ node, core }: Config, aws: Aws, instanceId: string): Ec2Cloud {
  if (node === null) throw new Error("a witness claims nothing");
  return new Ec2Cloud({ ...aws, allocationId: node.eipAllocationId, instances: new Map([...node.peerInstances, [core.nodeId, instanceId]]), self: core.nodeId, target: claimTarget(node, instanceId) });
}

/** EC2 as a witness uses it that starts a stopped standby; null on every other member. */
export function assembleColdCloud({ coldStandby, core }: Config, aws: Aws | null): Ec2Cloud | null {
  if (coldStandby === null || aws === null) return null;
  return new Ec2Cloud({ ...aws, allocationId: coldStandby.eipAllocationId, instances: coldStandby.peerInstances, self: core.nodeId, target: null });
}

export function assembleLink(config: Config, secret: Secret): WsPeerLink {
  const { core } = config;
  return new WsPeerLink({
    clusterId: core.clusterId,
    nodeId: core.nodeId,
    members: config.members,
    listen: config.listen,
    keys: secret.heartbeatKeys,
    dialWith: secret.dialWith,
    // A handshake takes a few round trips; a silent connection is replaced well before the peer counts as lost.
    deadlines: { handshakeTimeoutMs: core.peerLostAfterMs, silentAfterMs: core.peerLateAfterMs + core.heartbeatIntervalMs },
    clock: systemClock,
    random: Math.random,
  });
}

/** Who we are to ARI: one object for everything that asks it. null on a witness. */
export function assembleAccess({ node }: Config, secret: Secret): AriAccess | null {
  return node === null || secret.node === null ? null : { url: node.ariUrl, username: node.ariUsername, password: secret.node.ariPassword, otherPassword: null };
}

/** What a new version of the secret needs; null on a witness. */
export function assembleRotation({ node }: Config, access: AriAccess | null, cloud: Pick<Cloud, "readAddress"> | null): NodeParts | null {
  if (node === null || access === null || cloud === null) return null;
  const imds = new Imds({ monotonicMs: () => systemClock.monotonicMs(), environment: process.env });
  return { node, access, modules: new AriModules(access, new AsteriskControl(node.asteriskControlSocket)), facts: factSource(cloud, imds) };
}

/** The ports that requests go through. `instanceId` is this node's own; unused on a witness. */
export function assembleWorld(config: Config, access: AriAccess | null, aws: Aws | null, instanceId: string | null, tell: { readonly debug: (message: string) => void; readonly defect: World["onDefect"] }): World {
  const { node, core, stateDir, peerSipPort } = config;
  const common = {
    // Without the Elastic IP the primary address may have no way out: the public side is probed from the node's own path to AWS.
    probers: { private: new SocketProber(), public: new SocketProber(config.awsLocalAddress === null ? {} : { localAddress: config.awsLocalAddress }) },
    store: new FileStore(join(stateDir, "state.json")),
    ledger: new FileLedger({ folder: join(stateDir, "ledger"), keepDays: node?.ledgerKeepDays ?? 1, wallMs: () => systemClock.wallMs() }),
    stasisApps: core.stasisApps,
    ownSip: node?.sipAddress ?? { host: "127.0.0.1", port: peerSipPort },
    peerSip: new Map(core.peers.map((peer) => [peer, { host: config.members.get(peer)?.host ?? "", port: peerSipPort }])),
    eipSipPort: config.eipSipPort,
    references: { private: config.referencePrivate, public: config.referencePublic },
    onDefect: tell.defect,
  };
  if (node === null || aws === null || instanceId === null) return { ...common, cloud: assembleColdCloud(config, aws), telephony: null, asteriskRole: null, metrics: null };
  return {
    ...common,
    cloud: assembleCloud(config, aws, instanceId),
    telephony: new AriTelephony({ ariUrl: node.ariUrl, username: node.ariUsername, password: "", ...(access === null ? {} : { access }), nodeId: core.nodeId, controlSocketPath: node.asteriskControlSocket, clock: systemClock, random: Math.random, onDebug: tell.debug }),
    asteriskRole: access === null ? null : assembleRole(node, access),
    metrics: {
      sink: new CloudWatchMetrics({ ...aws, namespace: node.metricsNamespace, cluster: core.clusterId, node: core.nodeId }),
      spool: new FileSpool({ folder: join(stateDir, "metrics"), maxBytes: node.metricSpoolMib * MIB, wallMs: () => systemClock.wallMs() }),
    },
  };
}

function assembleRole(node: NodeConfig, access: AriAccess): LinkedAsteriskRole {
  return new LinkedAsteriskRole({ folder: node.render.renderTarget, modules: new AriModules(access, new AsteriskControl(node.asteriskControlSocket)) });
}

function claimTarget(node: NodeConfig, instanceId: string): ClaimTarget {
  if (node.claimInterfaceId === null) return { kind: "instance", instanceId };
  return { kind: "interface", networkInterfaceId: node.claimInterfaceId, privateIp: node.claimPrivateAddress };
}
