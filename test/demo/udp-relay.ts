/**
 * UDP that is forwarded, as a router with address translation does it: the demo's Elastic IP, whose packets follow the
 * address from node to node, and the private paths between the nodes, which can go dark. Works without root, and needs no
 * address but 127.0.0.1.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

const HOST = "127.0.0.1";
/** A probe comes from a new port each time: what nobody uses any more is let go after this (ms). */
const IDLE_MS = 5_000;

/** What one sender has open. */
interface Flow {
  readonly socket: Socket;
  usedAtMs: number;
}

/** Listens on a free port and forwards to wherever `target` says at that moment; null drops, as for a dead machine. */
export class UdpRelay {
  readonly #target: () => number | null;
  readonly #socket = createSocket("udp4");
  readonly #flows = new Map<number, Flow>();
  readonly #sweeper: NodeJS.Timeout;
  #dark = false;

  constructor(target: () => number | null) {
    this.#target = target;
    this.#socket.on("message", (datagram, from) => this.#forward(datagram, from));
    this.#sweeper = setInterval(() => this.#sweep(Date.now() - IDLE_MS), IDLE_MS).unref();
  }

  /** Known once it listens. */
  get port(): number {
    return this.#socket.address().port;
  }

  async listen(): Promise<void> {
    this.#socket.bind(0, HOST);
    await once(this.#socket, "listening");
  }

  /** Dark: everything is dropped, both ways. */
  setDark(dark: boolean): void {
    this.#dark = dark;
  }

  close(): void {
    clearInterval(this.#sweeper);
    this.#sweep(Infinity);
    this.#socket.close();
  }

  #forward(datagram: Buffer, from: RemoteInfo): void {
    const port = this.#target();
    if (this.#dark || port === null) return;
    const flow = this.#flows.get(from.port) ?? this.#open(from.port);
    flow.usedAtMs = Date.now();
    flow.socket.send(datagram, port, HOST);
  }

  #open(sender: number): Flow {
    // An error here is a target that is gone: the packet is lost, which is what happens to packets.
    const socket = createSocket("udp4").on("error", () => undefined);
    socket.on("message", (datagram) => {
      if (!this.#dark) this.#socket.send(datagram, sender, HOST);
    });
    const flow: Flow = { socket, usedAtMs: Date.now() };
    this.#flows.set(sender, flow);
    return flow;
  }

  #sweep(unusedSinceMs: number): void {
    for (const [sender, flow] of this.#flows) {
      if (flow.usedAtMs >= unusedSinceMs) continue;
      this.#flows.delete(sender);
      flow.socket.close();
    }
  }
}
