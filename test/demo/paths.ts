/**
 * Everything between the nodes that a router would be: the Elastic IP, and the private paths from each node to the other,
 * as relays on loopback ports, so that a cable can be cut without root.
 */
import { createServer, type AddressInfo, type Server } from "node:net";
import { once } from "node:events";
import { Relay } from "../support/relay.ts";
import type { NodeName } from "./record.ts";
import { UdpRelay } from "./udp-relay.ts";

/** The ports on which a node's own programs listen. */
export interface NodePorts {
  readonly sip: number;
  readonly http: number;
  readonly heartbeats: number;
  readonly status: number;
}

/** The way to one node on the private network. */
interface PrivatePath {
  readonly heartbeats: Relay;
  readonly sip: UdpRelay;
}

export class Paths {
  /** Answers TCP connections, as the VPC's resolver does: the private reference. */
  readonly #reference: Server = createServer((socket) => socket.on("error", () => undefined).end());
  readonly #eip: UdpRelay;
  readonly #to: Readonly<Record<NodeName, PrivatePath>>;
  readonly #dead = new Set<NodeName>();
  #holder: NodeName | null;

  constructor(ports: Readonly<Record<NodeName, NodePorts>>, holder: NodeName) {
    this.#holder = holder;
    const alive = (node: NodeName | null, port: keyof NodePorts): number | null => (node === null || this.#dead.has(node) ? null : ports[node][port]);
    const path = (node: NodeName): PrivatePath => ({ heartbeats: new Relay(() => ports[node].heartbeats), sip: new UdpRelay(() => alive(node, "sip")) });
    this.#eip = new UdpRelay(() => alive(this.#holder, "sip"));
    this.#to = { "node-a": path("node-a"), "node-b": path("node-b") };
  }

  async open(): Promise<void> {
    this.#reference.listen(0, "127.0.0.1");
    await Promise.all([once(this.#reference, "listening"), this.#eip.listen(), ...Object.values(this.#to).flatMap((path) => [path.heartbeats.listen(), path.sip.listen()])]);
  }

  get eipPort(): number {
    return this.#eip.port;
  }

  get referencePort(): number {
    return (this.#reference.address() as AddressInfo).port;
  }

  /** Where the other node finds this one. */
  heartbeatPortTo(node: NodeName): number {
    return this.#to[node].heartbeats.port;
  }

  sipPortTo(node: NodeName): number {
    return this.#to[node].sip.port;
  }

  /** Packets to the Elastic IP follow its move. */
  setHolder(holder: NodeName | null): void {
    this.#holder = holder;
  }

  /** Cuts what lies between the nodes, and nothing else. */
  cutBetweenNodes(): void {
    for (const path of Object.values(this.#to)) {
      path.heartbeats.setDark(true);
      path.sip.setDark(true);
    }
  }

  /** A machine that is gone refuses nothing: packets to it vanish, and nobody hears its connections end. */
  bury(node: NodeName): void {
    this.#dead.add(node);
    for (const path of Object.values(this.#to)) path.heartbeats.setDark(true);
  }

  async close(): Promise<void> {
    this.#eip.close();
    for (const path of Object.values(this.#to)) path.sip.close();
    await Promise.all([new Promise((resolve) => this.#reference.close(resolve)), ...Object.values(this.#to).map((path) => path.heartbeats.close())]);
  }
}
