// Two machines booted from the node image, in the lab: the product as it is deployed. Nothing is started by hand; what runs was
// started by the image's own units. Everything around the machines (router, AWS, caller) is the lab's.
import { ADDRESS, AWS_PORT, IMDS_ADDRESS, MANAGEMENT_ADDRESS, REFERENCE_PRIVATE, REFERENCE_PUBLIC, type NodeName } from "../lab/addresses.ts";
import type { LabAsterisk } from "../lab/asterisk.ts";
import { startCaller } from "../lab/caller.ts";
import { openLab } from "../lab/network.ts";
import { ALLOCATION, CLUSTER, instanceOf, Pair } from "../lab/pair.ts";
import { ensureImage } from "./image.ts";
import { bootMachine, removeRemains, type Machine } from "./machine.ts";

const NAMES = ["node-a", "node-b"] as const satisfies readonly NodeName[];

export interface ImagePair {
  /** The lab's view of the pair: AWS, claims, status pages, caller. Its own Asterisks and agents were never started. */
  readonly pair: Pair;
  readonly machines: ReadonlyMap<NodeName, Machine>;
  machine(name: NodeName): Machine;
  /** Boots a machine of that name (again). */
  boot(name: NodeName): Promise<Machine>;
  close(): Promise<void>;
}

export interface ImagePairOptions {
  /** Further files that are on a machine before its first boot, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Added to both agents' settings. */
  readonly knobs?: Readonly<Record<string, string>>;
  /** Called when everything around the machines is there, just before they start. */
  readonly onBoot?: () => void;
}

/** Opens the lab, boots both machines and starts the caller. Resolves when both have started their units. */
export async function openImagePair(options: ImagePairOptions = {}): Promise<ImagePair> {
  const image = await ensureImage();
  const pair = new Pair(await openLab({ nodes: NAMES }), { knobs: options.knobs ?? {} });
  const machines = new Map<NodeName, Machine>();
  const boot = async (name: NodeName): Promise<Machine> => {
    const machine = await bootMachine({ lab: pair.lab, node: name, image, files: { "etc/asterisk-node-agent/agent.env": settingsOf(pair, name), ...options.files }, prepare: OWNERS });
    machines.set(name, machine);
    return machine;
  };
  const close = async (): Promise<void> => {
    for (const each of machines.values()) await each.die();
    await pair.close();
    await removeRemains(pair.lab);
  };
  const machine = (name: NodeName): Machine => {
    const found = machines.get(name);
    if (found === undefined) throw new Error(`${name} was never booted`);
    return found;
  };
  try {
    for (const name of NAMES) pair.nodes.set(name, { name, asterisk: NO_ASTERISK, agent: null });
    await pair.startAws();
    options.onBoot?.();
    await Promise.all(NAMES.map(async (name) => (await boot(name)).waitBooted()));
    pair.caller = await startCaller(pair.lab, { perSecond: 20 });
    return { pair, machines, machine, boot, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The machines bring their own: a test that reaches for the lab's Asterisk is wrong here, and finds nothing. */
const NO_ASTERISK = null as unknown as LabAsterisk;

/** Owners as the image's own tmpfiles and Terraform's userdata give them. */
const OWNERS = `
chown root:node-agent /etc/asterisk-node-agent/agent.env
chown -R node-agent:asterisk /etc/asterisk
`;

function settingsOf(pair: Pair, name: NodeName): string {
  const peers = NAMES.filter((other) => other !== name);
  const settings = {
    CLUSTER_ID: CLUSTER,
    NODE_ID: name,
    PEERS: peers.map((peer) => `${peer}=${ADDRESS[peer]}:8090`).join(","),
    PEER_INSTANCES: peers.map((peer) => `${peer}=${instanceOf(peer)}`).join(","),
    EIP_ALLOCATION_ID: ALLOCATION,
    SECRET_ID: "lab/secret",
    INCOMING_APP: "callcenter",
    AWS_REGION: "eu-central-1",
    AWS_LOCAL_ADDRESS: MANAGEMENT_ADDRESS[name],
    AWS_ENDPOINT_URL: `http://${ADDRESS.aws}:${AWS_PORT}`,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${IMDS_ADDRESS[name]}`,
    REFERENCE_PRIVATE: `${REFERENCE_PRIVATE.address}:${REFERENCE_PRIVATE.port}`,
    REFERENCE_PUBLIC: `${REFERENCE_PUBLIC.address}:${REFERENCE_PUBLIC.port}`,
    ...pair.options.knobs,
  };
  return Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join("");
}
