/**
 * A TCP relay between two nodes of a test, so that the path between them can go dark: it then accepts and forwards nothing,
 * and refuses nothing, as a network does that drops packets. Works without root.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

/** Listens on a free loopback port and forwards to whatever `target` says at that moment. */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #dark = false;
  #port = 0;

  constructor(target: () => number | null) {
    this.#server = createServer({ noDelay: true, allowHalfOpen: false }, (near) => this.#forward(near, target()));
  }

  get port(): number {
    return this.#port;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        const address = this.#server.address();
        this.#port = address !== null && typeof address === "object" ? address.port : 0;
        resolve();
      });
    });
  }

  /** Dark: nothing passes until it is lit again; what waits then passes, unless an end has given up. */
  setDark(dark: boolean): void {
    this.#dark = dark;
    for (const socket of this.#sockets) {
      if (dark) socket.pause();
      else socket.resume();
    }
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #forward(near: Socket, port: number | null): void {
    if (port === null) return void near.resetAndDestroy();
    const far = connect({ host: "127.0.0.1", port, noDelay: true });
    for (const [one, other] of [[near, far], [far, near]] as const) {
      this.#sockets.add(one);
      if (this.#dark) one.pause();
      one.on("data", (data) => other.write(data));
      one.on("end", () => other.end());
      // A broken end breaks the other; that is the whole of error handling in a relay.
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
