/** The stand-in's SIP side: answers every OPTIONS over UDP and TCP, and says in its Server header who answered. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { FaultBoard } from "./faults.ts";

/** One life of the SIP side. */
export class SipResponder {
  readonly #server: string;
  readonly #faults: FaultBoard;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();

  /** @param server what the Server header says, `node-agent NODE` on a node */
  constructor(server: string, faults: FaultBoard) {
    this.#server = server;
    this.#faults = faults;
    this.#udp = createSocket("udp4").on("message", (datagram, from) =>
      this.#faults.whenAwake(() => {
        const answer = this.#faults.has("overload") ? null : this.#answer(datagram.toString("latin1"), `;received=${from.address};rport=${from.port}`);
        if (answer !== null) this.#udp.send(answer, from.port, from.address);
      }),
    );
    this.#tcp = createServer((socket) => this.#accept(socket));
  }

  /** Listens on one port with both transports; 0 for any. Resolves with the port. */
  async listen(host: string, port: number): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      await new Promise<void>((resolve, reject) => this.#tcp.once("error", reject).listen(port, host, resolve));
      const got = (this.#tcp.address() as AddressInfo).port;
      try {
        await new Promise<void>((resolve, reject) => this.#udp.once("error", reject).bind(got, host, resolve));
        return got;
      } catch (error) {
        // Any TCP port may be taken for UDP; then it isn't the one.
        if (port !== 0 || attempt === 10) throw error;
        await new Promise((resolve) => this.#tcp.close(resolve));
      }
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.resetAndDestroy();
    await new Promise<void>((resolve) => this.#udp.close(resolve));
    await new Promise((resolve) => this.#tcp.close(resolve));
  }

  #accept(socket: Socket): void {
    this.#connections.add(socket);
    socket.once("close", () => this.#connections.delete(socket)).on("error", () => undefined);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        const request = text.slice(0, end + 4);
        text = text.slice(end + 4);
        this.#faults.whenAwake(() => {
          const answer = this.#answer(request, "");
          if (answer !== null) socket.write(answer);
        });
      }
    });
  }

  /** null for what isn't a request that wants an answer. */
  #answer(request: string, received: string): string | null {
    const [requestLine = "", ...lines] = request.split("\r\n");
    const method = /^([A-Z]+) sip:\S+ SIP\/2\.0$/.exec(requestLine)?.[1];
    if (method === undefined || method === "ACK") return null;
    const busy = this.#faults.has("drain") || this.#faults.has("overload");
    const status = busy ? "503 Service Unavailable" : method === "OPTIONS" ? "200 OK" : "501 Not Implemented";
    const copied = lines.flatMap((line) => {
      if (/^Via:/i.test(line)) return [line.replace(";rport", received)];
      if (/^To:/i.test(line)) return [/;tag=/i.test(line) ? line : `${line};tag=stand-in`];
      return /^(From|Call-ID|CSeq):/i.test(line) ? [line] : [];
    });
    const more = busy ? ["Retry-After: 300"] : [];
    return [`SIP/2.0 ${status}`, ...copied, ...more, "Allow: OPTIONS", `Server: ${this.#server}`, "Content-Length: 0", "\r\n"].join("\r\n");
  }
}
