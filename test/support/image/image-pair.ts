// Machines booted from the node image, in the lab: the product as it is deployed, two nodes and, where asked for, a witness. Nothing is
// started by hand; what runs was started by the image's own units. Everything around the machines (router, AWS, caller) is the lab's.
import { ADDRESS, AWS_PORT, IMDS_ADDRESS, MANAGEMENT_ADDRESS, REFERENCE_PRIVATE, REFERENCE_PUBLIC, type NodeName } from "../lab/addresses.ts";
import { CALLER_TRUNK, type LabAsterisk } from "../lab/asterisk.ts";
import { startCaller } from "../lab/caller.ts";
import { openLab } from "../lab/network.ts";
import { ALLOCATION, CLUSTER, instanceOf, Pair, WITNESS_SECRET } from "../lab/pair.ts";
import { APP_SECRET } from "../stasis-app/lab-app.ts";
import { ensureImage } from "./image.ts";
import { bootMachine, removeRemains, type Machine } from "./machine.ts";

const NAMES = ["node-a", "node-b"] as const satisfies readonly NodeName[];
/** NODE_ID of the machine in the place "witness". */
export const WITNESS = "witness-1";

export type MachineName = (typeof NAMES)[number] | "witness";

export interface ImagePair {
  /** The lab's view of the pair: AWS, claims, status pages, caller. Its own Asterisks and agents were never started. */
  readonly pair: Pair;
  readonly machines: ReadonlyMap<MachineName, Machine>;
  machine(name: MachineName): Machine;
  /** Boots a machine of that name (again). Resolves as soon as its init runs. */
  boot(name: MachineName): Promise<Machine>;
  close(): Promise<void>;
}

export interface ImagePairOptions {
  /** Added to all agents' settings. */
  readonly knobs?: Readonly<Record<string, string>>;
  /** Whether a third machine is the witness; none by default. */
  readonly witness?: boolean;
  /** Called when everything around the machines is there, just before they start. */
  readonly onBoot?: () => void;
}

/** Opens the lab, boots the machines and starts the caller. Resolves when all have started their units. */
export async function openImagePair(options: ImagePairOptions = {}): Promise<ImagePair> {
  const image = await ensureImage();
  const witness = options.witness === true;
  const pair = new Pair(await openLab({ nodes: NAMES, witness }), { knobs: options.knobs ?? {}, witness });
  const machines = new Map<MachineName, Machine>();
  const boot = async (name: MachineName): Promise<Machine> => {
    if (name !== "witness") await asAfterPowerOn(pair, name);
    const files = { "etc/asterisk-node-agent/agent.env": name === "witness" ? witnessSettings(pair) : nodeSettings(pair, name), ...(name === "witness" ? {} : OPERATORS_FILES) };
    const machine = await bootMachine({ lab: pair.lab, place: name, image, files, prepare: OWNERS });
    machines.set(name, machine);
    return machine;
  };
  const close = async (): Promise<void> => {
    for (const each of machines.values()) await each.die();
    await pair.close();
    await removeRemains(pair.lab);
  };
  const machine = (name: MachineName): Machine => {
    const found = machines.get(name);
    if (found === undefined) throw new Error(`${name} was never booted`);
    return found;
  };
  try {
    for (const name of NAMES) {
      pair.nodes.set(name, { name, asterisk: NO_ASTERISK, agent: null });
      // As Terraform makes them: the primary address has no public one but the Elastic IP.
      await pair.lab.setPublicAddress(name, false);
    }
    // As Terraform makes it: the secret has the Stasis app's fields, too.
    Object.assign(pair.secret, APP_SECRET);
    await pair.startAws();
    options.onBoot?.();
    const names: readonly MachineName[] = witness ? [...NAMES, "witness"] : NAMES;
    await Promise.all(names.map(async (name) => (await boot(name)).waitBooted()));
    pair.caller = await startCaller(pair.lab, { perSecond: 20 });
    return { pair, machines, machine, boot, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The machines bring their own: a test that reaches for the lab's Asterisk is wrong here, and finds nothing. */
const NO_ASTERISK = null as unknown as LabAsterisk;

/** The operator's own: the trunk that the caller comes over. Everything else is rendered on the machine. */
const OPERATORS_FILES = { "etc/asterisk/pjsip_local.conf": CALLER_TRUNK };

/** Owners as the image's own tmpfiles and Terraform's userdata give them. */
const OWNERS = `
chown root:node-agent /etc/asterisk-node-agent/agent.env
chown -R node-agent:asterisk /etc/asterisk
`;

/** The network of a place outlives the machine in it. DHCP gives an instance its primary address and nothing else: the rest is the image's work. */
async function asAfterPowerOn(pair: Pair, name: NodeName): Promise<void> {
  await pair.lab.run(name, "sh", ["-c", `ip address delete ${MANAGEMENT_ADDRESS[name]}/32 dev eth0; ip route flush table 8090; for p in 8088 8089 8090; do ip rule delete preference $p; done; nft flush ruleset`], { accept: [1, 2, 127] });
}

const members = (names: readonly NodeName[]): string => names.map((name) => `${name}=${ADDRESS[name]}:8090`).join(",");

function commonSettings(pair: Pair, place: MachineName): Readonly<Record<string, string>> {
  return {
    CLUSTER_ID: CLUSTER,
    AWS_REGION: "eu-central-1",
    AWS_ENDPOINT_URL: `http://${ADDRESS.aws}:${AWS_PORT}`,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${IMDS_ADDRESS[place]}`,
    REFERENCE_PRIVATE: `${REFERENCE_PRIVATE.address}:${REFERENCE_PRIVATE.port}`,
    REFERENCE_PUBLIC: `${REFERENCE_PUBLIC.address}:${REFERENCE_PUBLIC.port}`,
    ...pair.options.knobs,
  };
}

function nodeSettings(pair: Pair, name: (typeof NAMES)[number]): string {
  const peers = NAMES.filter((other) => other !== name);
  return lines({
    ...commonSettings(pair, name),
    NODE_ID: name,
    PEERS: members(peers),
    ...(pair.options.witness === true ? { WITNESSES: `${WITNESS}=${ADDRESS.witness}:8090` } : {}),
    PEER_INSTANCES: peers.map((peer) => `${peer}=${instanceOf(peer)}`).join(","),
    EIP_ALLOCATION_ID: ALLOCATION,
    SECRET_ID: "lab/secret",
    INCOMING_APP: "callcenter",
    AWS_LOCAL_ADDRESS: MANAGEMENT_ADDRESS[name],
  });
}

function witnessSettings(pair: Pair): string {
  return lines({ ...commonSettings(pair, "witness"), ROLE: "witness", NODE_ID: WITNESS, PEERS: members(NAMES), SECRET_ID: WITNESS_SECRET });
}

function lines(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join("");
}
