// A webhook's other end: an HTTP server that keeps what is posted to it, and that can be away, or have enough.
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that keeps what is posted to it. */
export class Receiver {
  readonly bodies: string[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  status = 204;
  #server: Server | null = null;
  port = 0;

  async open(): Promise<void> {
    const server = createServer((incoming, outgoing) => {
      let body = "";
      incoming.setEncoding("utf8").on("data", (chunk: string) => { body += chunk; });
      incoming.on("end", () => {
        if (this.status < 300) this.bodies.push(body);
        this.headers.push(incoming.headers);
        outgoing.writeHead(this.status).end();
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  }
}
