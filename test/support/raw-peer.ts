/** The other side of the peer link, without its manners: what a broken, hostile or stalled peer does on the wire. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { WebSocket, WebSocketServer } from "ws";
import { LINK_PATH, LINK_TLS } from "../../agent/adapters/link-tls.ts";

/** A TCP connection to the heartbeat port, from an address of ours that may differ from 127.0.0.1. Errors are kept, not thrown. */
export function dialTcp(port: number, localAddress = "127.0.0.1"): Socket {
  const socket = connectTcp({ host: "127.0.0.1", port, localAddress, noDelay: true });
  // Being reset is what these tests are about.
  socket.on("error", () => undefined);
  return socket;
}

/** TLS with an identity and a key; resolves when the handshake is done, rejects with node's error when it is refused. */
export async function dialTls(port: number, identity: string, key: Uint8Array, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ ...LINK_TLS, host: "127.0.0.1", port, checkServerIdentity: () => undefined, pskCallback: () => ({ psk: key, identity }), ...more });
  await once(socket, "secureConnect");
  // From here on a reset is an outcome, which tests see as "close".
  socket.on("error", () => undefined);
  return socket;
}

/** A whole connection of the link, for sending whatever a test likes. */
export async function dialLink(port: number, identity: string, key: Uint8Array, path: string = LINK_PATH): Promise<WebSocket> {
  const socket = await dialTls(port, identity, key);
  const ws = new WebSocket(`wss://link${path}`, { createConnection: () => socket, perMessageDeflate: false });
  await once(ws, "open");
  ws.on("error", () => undefined);
  return ws;
}

/** A member that accepts the link, and then reads nothing more. */
export async function stalledMember(hint: string, key: Uint8Array): Promise<{ readonly port: number; accepted(): number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const tls = createTlsServer({ ...LINK_TLS, pskIdentityHint: hint, pskCallback: () => key }, (socket) => http.emit("connection", socket));
  const upgrader = new WebSocketServer({ noServer: true });
  const http = createHttpServer().on("upgrade", (request, socket, head) => {
    upgrader.handleUpgrade(request, socket, head, (ws) => {
      accepted += 1;
      ws.on("error", () => undefined);
      socket.pause();
    });
  });
  const gate = createTcpServer((raw) => {
    sockets.add(raw);
    raw.once("close", () => sockets.delete(raw));
    tls.emit("connection", raw);
  });
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  const address = gate.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    accepted: () => accepted,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => gate.close(() => resolve()));
    },
  };
}
