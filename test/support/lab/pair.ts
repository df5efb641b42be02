// The whole product in the lab: real Asterisks with the configuration that the real renderer makes, the embedded AWS whose moves
// the router follows, and real agents run the way pm2 runs them (the bundle, in fork mode). Tests break things and look at what
// an operator and a caller would see.
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { ADDRESS, AWS_PORT, ELASTIC_IP, IMDS_ADDRESS, MANAGEMENT_ADDRESS, REFERENCE_PRIVATE, REFERENCE_PUBLIC, type NodeName } from "./addresses.ts";
import { prepareAsterisk, type LabAsterisk } from "./asterisk.ts";
import type { AwsInLabSpec } from "./aws-in-lab.ts";
import { startCaller, type Caller } from "./caller.ts";
import { labFetch } from "./fetch.ts";
import { DATABASE_ADDRESS, DATABASE_NAME, DATABASE_PORT, startMariaDb, type LabMariaDb } from "./mariadb.ts";
import { openLab, type Lab } from "./network.ts";
import type { LabProcess } from "./process.ts";
import { labProgram } from "./programs.ts";
import { REPOSITORY } from "./roots.ts";
import { waitUntil } from "../wait-until.ts";
import type { CallRecord, CONTROL_NAMES } from "../aws/aws-lab.ts";
import type { StatusView } from "../../../agent/status/schema.ts";

export const CLUSTER = "lab";
export const ALLOCATION = "eipalloc-0lab";
const SECRET = "lab/secret";
/** What witnesses read: the heartbeat keys and nothing else. */
export const WITNESS_SECRET = "lab/witness-secret";
const WITNESS_INSTANCE = "i-0witness1";
const REGION = "eu-central-1";

export interface PairOptions {
  readonly nodes?: readonly NodeName[];
  readonly witness?: boolean;
  /** Who holds the address at the beginning: a node, "stranger", or null for nobody. */
  readonly holder?: NodeName | "stranger" | null;
  /** Added to every agent's environment file. */
  readonly knobs?: Readonly<Record<string, string>>;
  /** Whether there is a database of phones; none by default. */
  readonly database?: boolean;
  /** Files for both Asterisks, as `prepareAsterisk` takes them. */
  readonly asteriskFiles?: Readonly<Record<string, string>>;
  /** Carriers with which the active registers, as the secret has them; none by default. */
  readonly trunks?: readonly { readonly name: string; readonly server: string; readonly username: string; readonly password: string }[];
  /** Delay of a call that changes something at EC2, and until packets follow a move (ms). */
  readonly mutateMs?: number;
  readonly followMs?: number;
}

export const instanceOf = (node: NodeName): string => `i-0${node.replace("-", "")}`;
const accessKeyOf = (node: string): string => `AKIALAB${node.replace("-", "").toUpperCase()}`;

/** One node: its Asterisk and its agent. */
export interface PairNode {
  readonly name: NodeName;
  readonly asterisk: LabAsterisk;
  agent: LabProcess | null;
}

export class Pair {
  readonly lab: Lab;
  readonly nodes = new Map<NodeName, PairNode>();
  readonly options: PairOptions;
  readonly secret = { ari_password: randomBytes(12).toString("hex"), heartbeat_keys: { k1: randomBytes(32).toString("base64") }, username: "asterisk", password: randomBytes(12).toString("hex") };
  witness: LabProcess | null = null;
  caller: Caller | null = null;
  database: LabMariaDb | null = null;
  /** Moves of the address that packets have followed, in order. */
  readonly moves: (NodeName | "stranger" | null)[] = [];
  #following: Promise<void> = Promise.resolve();

  constructor(lab: Lab, options: PairOptions) {
    this.lab = lab;
    this.options = options;
    if (options.trunks !== undefined) Object.assign(this.secret, { trunks: options.trunks });
  }

  node(name: NodeName): PairNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no ${name} in this lab`);
    return node;
  }

  /** Drives the embedded AWS: any of its control methods. */
  async aws(method: (typeof CONTROL_NAMES)[number], ...args: unknown[]): Promise<unknown> {
    const reply = await labFetch(this.lab, "aws", `http://${ADDRESS.aws}:${AWS_PORT}/_control/${method}`, { method: "POST", body: JSON.stringify(args), timeoutMs: 5_000 });
    if (reply.status !== 200) throw new Error(`${method}: ${reply.body}`);
    return (JSON.parse(reply.body) as { value?: unknown }).value;
  }

  /** Every AssociateAddress that was no dry run, in order. */
  async claims(): Promise<readonly CallRecord[]> {
    const calls = (await this.aws("calls")) as CallRecord[];
    return calls.filter((call) => call.action === "AssociateAddress" && call.parameters["DryRun"] !== "true" && call.parameters["dryRun"] !== true);
  }

  async status(name: NodeName): Promise<StatusView> {
    const reply = await labFetch(this.lab, name, "http://127.0.0.1:8091/status", { timeoutMs: 2_000 });
    return JSON.parse(reply.body) as StatusView;
  }

  /** Starts a node's agent; `knobs` are added to its environment file for this start. */
  async startAgent(name: NodeName, knobs: Readonly<Record<string, string>> = {}): Promise<void> {
    const node = this.node(name);
    node.agent = await this.lab.spawn(name, process.execPath, ["--enable-source-maps", join(REPOSITORY, "dist", "main.js")], { name: `agent-${name}`, env: { AGENT_ENV_FILE: await this.#environmentFile(name, knobs), PATH: `${node.asterisk.binDir}:${process.env["PATH"] ?? ""}` } });
  }

  /** Runs `nodectl render` on a node, as the boot of a machine does; resolves with what it said. */
  async render(name: NodeName, ...args: readonly string[]): Promise<string> {
    const file = await this.#environmentFile(name);
    const { stdout } = await this.lab.run(name, "env", [`AGENT_ENV_FILE=${file}`, process.execPath, "--no-warnings", join(REPOSITORY, "dist", "nodectl.js"), "render", ...args]);
    return stdout;
  }

  /** Puts a new version of the secret into Secrets Manager; resolves with its id. */
  async putSecret(secret: unknown): Promise<string> {
    return (await this.aws("putSecret", SECRET, JSON.stringify(secret))) as string;
  }

  /** What a witness needs besides, to start a stopped standby. */
  coldStandbyKnobs(): Record<string, string> {
    return {
      COLD_STANDBY: "true", AWS_REGION: REGION, EIP_ALLOCATION_ID: ALLOCATION, PEER_INSTANCES: [...this.nodes.keys()].map((name) => `${name}=${instanceOf(name)}`).join(","),
      AWS_ENDPOINT_URL: `http://${ADDRESS.aws}:${AWS_PORT}`, AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${IMDS_ADDRESS.witness}`,
    };
  }

  /** Starts the witness; `knobs` are added to its environment file. */
  async startWitness(knobs: Readonly<Record<string, string>> = {}): Promise<void> {
    const file = join(this.lab.dir, "witness.env");
    await writeFile(file, toEnv({ ROLE: "witness", CLUSTER_ID: CLUSTER, NODE_ID: "witness-1", PEERS: this.#members(null), LISTEN: `${ADDRESS.witness}:8090`, SECRETS_FILE: await this.#secretsFile(), STATE_DIR: await this.#stateDir("witness"), STATUS_LISTEN: "127.0.0.1:8091", ...this.#references(), ...this.options.knobs, ...knobs }));
    this.witness = await this.lab.spawn("witness", process.execPath, ["--enable-source-maps", join(REPOSITORY, "dist", "main.js")], { name: "agent-witness", env: { AGENT_ENV_FILE: file } });
  }

  /** Waits until every node serves, one of them is active (if `active` is given, that one), and the caller is answered. */
  async steady(active: NodeName | null, withinMs = 60_000): Promise<void> {
    await waitUntil(`a steady pair with ${active ?? "any"} active`, async () => {
      const views = await Promise.all([...this.nodes.keys()].map((name) => this.status(name)));
      const actives = views.filter((view) => view.role === "active");
      const roles = views.every((view) => view.role === "active" || view.role === "standby") && actives.length === 1 && (active === null || actives[0]?.node === active);
      return roles && views.every((view) => view.health?.serving === "serving" && view.members.every((member) => member.hearing === "heard"));
    }, withinMs);
    await this.caller?.answeredBy(active, withinMs);
  }

  #references(): Record<string, string> {
    return { REFERENCE_PRIVATE: `${REFERENCE_PRIVATE.address}:${REFERENCE_PRIVATE.port}`, REFERENCE_PUBLIC: `${REFERENCE_PUBLIC.address}:${REFERENCE_PUBLIC.port}` };
  }

  #members(except: NodeName | null): string {
    return [...this.nodes.keys()].filter((name) => name !== except).map((name) => `${name}=${ADDRESS[name]}:8090`).join(",");
  }

  #databaseKnobs(): Record<string, string> {
    return this.options.database === true ? { DATABASE_HOST: DATABASE_ADDRESS, DATABASE_PORT: String(DATABASE_PORT), DATABASE_NAME } : {};
  }

  async #stateDir(name: string): Promise<string> {
    const folder = join(this.lab.dir, "state", name);
    await mkdir(folder, { recursive: true, mode: 0o750 });
    return folder;
  }

  async #secretsFile(): Promise<string> {
    const file = join(this.lab.dir, "secrets.json");
    await writeFile(file, JSON.stringify(this.secret), { mode: 0o600 });
    await chmod(file, 0o600);
    return file;
  }

  async #environmentFile(name: NodeName, knobs: Readonly<Record<string, string>> = {}): Promise<string> {
    const peers = [...this.nodes.keys()].filter((other) => other !== name);
    const file = join(this.lab.dir, `${name}.env`);
    await writeFile(file, toEnv({
      CLUSTER_ID: CLUSTER, NODE_ID: name, PEERS: this.#members(name), ...(this.options.witness === true ? { WITNESSES: `witness-1=${ADDRESS.witness}:8090` } : {}),
      EIP_ALLOCATION_ID: ALLOCATION, PEER_INSTANCES: peers.map((peer) => `${peer}=${instanceOf(peer)}`).join(","), SECRET_ID: SECRET, LISTEN: `${ADDRESS[name]}:8090`,
      ARI_URL: "http://127.0.0.1:8088", ARI_USERNAME: "agent", SIP_ADDRESS: "127.0.0.1:5060", STATE_DIR: await this.#stateDir(name), STATUS_LISTEN: "127.0.0.1:8091",
      ASTERISK_CONTROL_SOCKET: this.node(name).asterisk.controlSocket, AWS_REGION: REGION, AWS_LOCAL_ADDRESS: MANAGEMENT_ADDRESS[name],
      AWS_ENDPOINT_URL: `http://${ADDRESS.aws}:${AWS_PORT}`, AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${IMDS_ADDRESS[name]}`, ...this.#references(), ...this.#databaseKnobs(),
      RENDER_TARGET: this.node(name).asterisk.etcDir, INCOMING_APP: "callcenter", TLS_CERTIFICATE_FILE: "/etc/asterisk/keys/sip.crt", TLS_KEY_FILE: "/etc/asterisk/keys/sip.key", ...this.options.knobs, ...knobs,
    }));
    return file;
  }

  /** A move that the router is just following is let finish: it needs the namespaces. Rejects if one could not be followed. */
  async close(): Promise<void> {
    try {
      await this.#following;
    } finally {
      await this.lab.close();
    }
  }

  /** Starts the embedded AWS; the router follows its moves. */
  async startAws(): Promise<void> {
    const names = [...this.nodes.keys()];
    const { holder = "node-a", mutateMs = 300, followMs = 1_000, witness = false } = this.options;
    const spec: AwsInLabSpec = {
      host: ADDRESS.aws, port: AWS_PORT,
      imds: [...names.map((name) => ({ instanceId: instanceOf(name), accessKeyId: accessKeyOf(name), host: IMDS_ADDRESS[name] })), ...(witness ? [{ instanceId: WITNESS_INSTANCE, accessKeyId: accessKeyOf("witness"), host: IMDS_ADDRESS.witness }] : [])],
      world: {
        region: REGION, secrets: { [SECRET]: JSON.stringify(this.secret), [WITNESS_SECRET]: JSON.stringify({ heartbeat_keys: this.secret.heartbeat_keys }) },
        instances: [...names.map((name) => ({ id: instanceOf(name), availabilityZone: `${REGION}a`, interfaces: [{ id: `eni-${name}`, privateIps: [ADDRESS[name], MANAGEMENT_ADDRESS[name]] }] })), ...(witness ? [{ id: WITNESS_INSTANCE, availabilityZone: `${REGION}c`, interfaces: [{ id: "eni-witness", privateIps: [ADDRESS.witness] }] }] : []), { id: "i-0stranger", availabilityZone: `${REGION}c`, interfaces: [{ id: "eni-stranger", privateIps: ["10.0.7.7"] }] }],
        addresses: [{ allocationId: ALLOCATION, publicIp: ELASTIC_IP, ...(holder === null ? {} : { heldBy: holder === "stranger" ? "i-0stranger" : instanceOf(holder) }) }],
      },
    };
    const file = join(this.lab.dir, "aws.json");
    await writeFile(file, JSON.stringify(spec));
    let ready = false;
    await this.lab.spawn("aws", process.execPath, [await labProgram("support/lab/aws-in-lab.ts"), file], { name: "aws", onLine: (line) => {
      const told = JSON.parse(line) as { readonly ready?: boolean; readonly move?: string | null };
      if (told.ready === true) ready = true;
      else this.#following = this.#following.then(() => this.#follow(told.move ?? null));
    } });
    await waitUntil("the embedded AWS to listen", () => ready, 20_000);
    await this.lab.setEipTarget(holder === "stranger" ? null : holder);
    await this.aws("setDataPlaneDelay", followMs);
    for (const action of ["AssociateAddress", "CreateTags"]) await this.aws("addFault", { action, delayBeforeMs: mutateMs });
    await this.aws("addFault", { action: "DescribeAddresses", delayBeforeMs: 50 });
  }

  async #follow(instanceId: string | null): Promise<void> {
    const name = [...this.nodes.keys()].find((each) => instanceOf(each) === instanceId) ?? null;
    this.moves.push(name ?? (instanceId === null ? null : "stranger"));
    await this.lab.setEipTarget(name);
  }
}

function toEnv(values: Readonly<Record<string, string>>): string {
  return Object.entries(values).map(([name, value]) => `${name}=${value}\n`).join("");
}

/** Opens a lab with everything started except the agents. */
export async function openPair(options: PairOptions = {}): Promise<Pair> {
  const names = options.nodes ?? ["node-a", "node-b"];
  const pair = new Pair(await openLab({ nodes: names, witness: options.witness === true }), options);
  try {
    if (options.database === true) pair.database = await startMariaDb(pair.lab, pair.secret.password);
    const asteriskOptions = { ariPassword: pair.secret.ari_password, ...(pair.database === null ? {} : { database: pair.database.access }), files: options.asteriskFiles ?? {} };
    for (const name of names) pair.nodes.set(name, { name, asterisk: await prepareAsterisk(pair.lab, name, asteriskOptions), agent: null });
    await pair.startAws();
    await Promise.all([...pair.nodes.values()].map(async ({ name, asterisk }) => {
      await pair.render(name);
      await asterisk.start();
      await asterisk.waitBooted();
    }));
    pair.caller = await startCaller(pair.lab, { perSecond: 20 });
    return pair;
  } catch (error) {
    await pair.close();
    throw error;
  }
}
