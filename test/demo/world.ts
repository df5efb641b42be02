/**
 * The whole scene of the demo on 127.0.0.1: an embedded AWS with realistic delays, two nodes with an Asterisk and a real
 * agent each, the paths between them, and a caller. Nothing here knows what is going to happen to them.
 */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { statusSchema, type StatusView } from "../../agent/status/schema.ts";
import { startEmbeddedAws, type EmbeddedAws } from "../support/aws/aws-server.ts";
import { Caller } from "../support/lab/caller.ts";
import { monotonicMs } from "../support/lab/clock.ts";
import type { LabProcess } from "../support/lab/process.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { answersAri, prepareAsterisk, type AsteriskCommand, type AsteriskSpec } from "./asterisks.ts";
import { Children } from "./children.ts";
import type { FaultName } from "./faults.ts";
import { Paths, type NodePorts } from "./paths.ts";
import { freePorts } from "./ports.ts";
import { NODES, type NodeName } from "./record.ts";

const REGION = "eu-central-1";
const ALLOCATION = "eipalloc-0demo";
const SECRET = "demo/asterisk";
const HOST = "127.0.0.1";
/** The node that holds the Elastic IP when the demo begins. */
export const FIRST_ACTIVE: NodeName = "node-a";

/** What AWS takes for a change, for a read, and until packets follow a move (ms). */
export const AWS_DELAYS = { change: 300, read: 50, packets: 1_000 } as const;
const CALLER_INTERVAL_MS = 50;
/** A real Asterisk starts in one or two seconds, on a busy machine in a few more (ms). */
const REAL_ASTERISK_WITHIN_MS = 15_000;
/** A status that takes longer counts as none (ms). */
const STATUS_TIMEOUT_MS = 2_000;

const instanceOf = (node: NodeName): string => `i-0${node.replace("-", "")}`;
const accessKeyOf = (node: NodeName): string => `AKIADEMO${node.slice(-1).toUpperCase()}`;

/** The node that signs with this access key, or has this instance. */
export function nodeOf(accessKeyOrInstance: string): NodeName | null {
  return NODES.find((node) => accessKeyOf(node) === accessKeyOrInstance || instanceOf(node) === accessKeyOrInstance) ?? null;
}

/** Turns the embedded AWS's times (performance.now() of this process) into those of the agents and of the caller. */
export const awsToMonotonicMs = (ms: number): number => ms + (monotonicMs() - performance.now());

interface Node {
  readonly ports: NodePorts;
  readonly asterisk: LabProcess;
  readonly agent: LabProcess;
}

export class DemoWorld {
  readonly caller = new Caller();
  /** Nodes whose real Asterisk did not start, so that the stand-in took its place. */
  readonly standIns = new Set<NodeName>();
  readonly #folder: string;
  readonly #children: Children;
  readonly #nodes = new Map<NodeName, Node>();
  #aws: EmbeddedAws | null = null;
  #paths: Paths | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.#children = new Children(folder);
  }

  get aws(): EmbeddedAws {
    if (this.#aws === null) throw new Error("the demo's world is not open");
    return this.#aws;
  }

  /**
   * Starts everything; the agents need not be ready yet.
   * @param program a real Asterisk, or null for the stand-in, which also takes over when the real one does not start
   */
  async open(program: string | null): Promise<void> {
    const ports = await this.#choosePorts();
    const paths = (this.#paths = new Paths(ports, FIRST_ACTIVE));
    await paths.open();
    const ariPassword = randomBytes(12).toString("hex");
    const aws = (this.#aws = await this.#startAws(ariPassword));
    aws.lab.onAddressMoved((move) => paths.setHolder(move.to?.instanceId == null ? null : nodeOf(move.to.instanceId)));
    await Promise.all([...NODES.map((node) => this.#startNode(node, ports[node], program, ariPassword)), this.#startCaller(paths.eipPort)]);
  }

  async #choosePorts(): Promise<Readonly<Record<NodeName, NodePorts>>> {
    const [a1 = 0, a2 = 0, a3 = 0, a4 = 0, b1 = 0, b2 = 0, b3 = 0, b4 = 0] = await freePorts(8);
    return { "node-a": { sip: a1, http: a2, heartbeats: a3, status: a4 }, "node-b": { sip: b1, http: b2, heartbeats: b3, status: b4 } };
  }

  async #startAws(ariPassword: string): Promise<EmbeddedAws> {
    const secret = { ari_password: ariPassword, heartbeat_keys: { k1: randomBytes(32).toString("base64") }, username: "asterisk", password: randomBytes(12).toString("hex") };
    const aws = await startEmbeddedAws({
      region: REGION,
      secrets: { [SECRET]: JSON.stringify(secret) },
      instances: NODES.map((node, index) => ({ id: instanceOf(node), availabilityZone: `${REGION}${"ab"[index] ?? "c"}`, interfaces: [{ id: `eni-${node}`, privateIps: [`10.0.${index + 1}.10`] }] })),
      addresses: [{ allocationId: ALLOCATION, publicIp: HOST, heldBy: instanceOf(FIRST_ACTIVE) }],
    });
    aws.lab.setDataPlaneDelay(AWS_DELAYS.packets);
    for (const action of ["AssociateAddress", "CreateTags"]) aws.lab.addFault({ action, delayBeforeMs: AWS_DELAYS.change });
    for (const action of ["DescribeAddresses", "DescribeInstanceStatus"]) aws.lab.addFault({ action, delayBeforeMs: AWS_DELAYS.read });
    return aws;
  }

  async #startNode(name: NodeName, ports: NodePorts, program: string | null, ariPassword: string): Promise<void> {
    const { asterisk, controlSocket } = await this.#startAsterisk(program, { node: name, folder: join(this.#folder, name), sipPort: ports.sip, httpPort: ports.http, ariPassword });
    const file = await this.#environmentFile(name, ports, controlSocket);
    const agent = await this.#children.start(`agent-${name}`, process.execPath, [...process.execArgv, join(REPOSITORY, "agent/main.ts")], { env: { AGENT_ENV_FILE: file } });
    this.#nodes.set(name, { ports, asterisk, agent });
  }

  async #startAsterisk(program: string | null, spec: AsteriskSpec): Promise<{ readonly asterisk: LabProcess; readonly controlSocket: string }> {
    const start = ({ command, args, env }: AsteriskCommand): Promise<LabProcess> => this.#children.start(`asterisk-${spec.node}`, command, args, { env });
    if (program !== null) {
      const real = await prepareAsterisk(program, spec);
      const asterisk = await start(real);
      if (await answersAri(spec, REAL_ASTERISK_WITHIN_MS, () => !asterisk.running())) return { asterisk, controlSocket: real.controlSocket };
      await this.#children.discard(asterisk);
      this.standIns.add(spec.node);
    }
    const standIn = await prepareAsterisk(null, spec);
    return { asterisk: await start(standIn), controlSocket: standIn.controlSocket };
  }

  async #environmentFile(name: NodeName, ports: NodePorts, controlSocket: string): Promise<string> {
    const paths = this.#paths;
    const peer = otherThan(name);
    const imds = await this.aws.imds(instanceOf(name), accessKeyOf(name));
    const stateDir = join(this.#folder, `state-${name}`);
    await mkdir(stateDir, { mode: 0o750 });
    const values = {
      CLUSTER_ID: "demo", NODE_ID: name, PEERS: `${peer}=${HOST}:${paths?.heartbeatPortTo(peer) ?? 0}`,
      EIP_ALLOCATION_ID: ALLOCATION, PEER_INSTANCES: `${peer}=${instanceOf(peer)}`, SECRET_ID: SECRET,
      LISTEN: `${HOST}:${ports.heartbeats}`, STATUS_LISTEN: `${HOST}:${ports.status}`, STATE_DIR: stateDir,
      ARI_URL: `http://${HOST}:${ports.http}`, SIP_ADDRESS: `${HOST}:${ports.sip}`, ASTERISK_CONTROL_SOCKET: controlSocket,
      PEER_SIP_PORT: paths?.sipPortTo(peer) ?? 0, EIP_SIP_PORT: paths?.eipPort ?? 0,
      // The public reference is EC2 itself, as by default; the private one stands for the VPC's resolver.
      REFERENCE_PRIVATE: `${HOST}:${paths?.referencePort ?? 0}`, REFERENCE_PUBLIC: new URL(this.aws.url).host,
      AWS_REGION: REGION, AWS_ENDPOINT_URL: this.aws.url, AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
      // What is drawn comes from the log: every heartbeat and every probe.
      LOG_LEVEL: "debug",
    };
    const file = join(this.#folder, `${name}.env`);
    await writeFile(file, Object.entries(values).map(([key, value]) => `${key}=${value}\n`).join(""));
    return file;
  }

  async #startCaller(eipPort: number): Promise<void> {
    const script = join(REPOSITORY, "test/support/lab/caller-main.ts");
    await this.#children.start("caller", process.execPath, [...process.execArgv, script, HOST, String(eipPort), String(CALLER_INTERVAL_MS), HOST], { onLine: (line) => this.caller.take(line) });
  }

  /** Where the agent serves its page; ends in a slash. */
  pageUrl(name: NodeName): string {
    return `http://${HOST}:${this.#nodes.get(name)?.ports.status ?? 0}/`;
  }

  /** What the agent says of itself; null when it does not answer. */
  async status(name: NodeName): Promise<StatusView | null> {
    const node = this.#nodes.get(name);
    if (node?.agent.running() !== true) return null;
    try {
      const reply = await fetch(`${this.pageUrl(name)}status`, { signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) });
      return statusSchema.parse(await reply.json());
    } catch {
      return null;
    }
  }

  /** The agent's log so far. */
  agentLog(name: NodeName): string {
    return this.#nodes.get(name)?.agent.log() ?? "";
  }

  /** Lets the fault happen to the node. Everything is done in one go, without a wait. */
  inject(fault: FaultName, node: NodeName): void {
    const victim = this.#nodes.get(node);
    if (fault === "death") this.#paths?.bury(node);
    if (fault === "partition") this.#paths?.cutBetweenNodes();
    if (fault === "death" || fault === "agent-death") victim?.agent.kill("SIGKILL");
    if (fault === "death" || fault === "crash") victim?.asterisk.kill("SIGKILL");
    if (fault === "hang") victim?.asterisk.kill("SIGSTOP");
  }

  obituaries(): readonly string[] {
    return this.#children.obituaries();
  }

  /** Ends every process and closes every port. */
  async close(): Promise<void> {
    await this.#children.close();
    await this.#paths?.close();
    await this.#aws?.close();
  }
}

export function otherThan(name: NodeName): NodeName {
  return name === "node-a" ? "node-b" : "node-a";
}
