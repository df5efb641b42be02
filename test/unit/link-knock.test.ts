// The doctor's knock at a heartbeat port: each way in which it can fail has a name of its own.
import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { describe, it } from "node:test";
import { knock } from "../../agent/adapters/link-knock.ts";
import { rejectsWith } from "../support/rejects-with.ts";

/** A server on a port of its own for the length of the story. */
async function withServer(onConnection: (socket: Socket) => void, story: (port: number, server: Server) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // A reset is one of the ways to end here.
    onConnection(socket);
  });
  await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  try {
    await story(address.port, server);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const knockAt = (port: number, withinMs: number): Promise<void> => knock({ clusterId: "lab", nodeId: "node-a", member: "node-b", host: "127.0.0.1", port, keyId: "k1", key: new Uint8Array(32) }, AbortSignal.timeout(withinMs));

describe("knocking at a heartbeat port", () => {
  it("says that nothing listens there, each time", async () => {
    let free = 0;
    await withServer(() => undefined, async (port, server) => {
      free = port;
      await new Promise<void>((resolve) => { server.close(() => { resolve(); }); });
    });
    for (let time = 0; time < 20; time += 1) assert.match((await rejectsWith("AGENT_PROBE_REFUSED", knockAt(free, 10_000))).message, /nothing listens there \(ECONNREFUSED\)/);
  });

  it("says that who listens there hangs up, or speaks something else", async () => {
    await withServer((socket) => { socket.end(); }, async (port) => { assert.match((await rejectsWith("AGENT_PEER_REFUSED", knockAt(port, 10_000))).message, /ended|closed/); });
    await withServer((socket) => { socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"); }, async (port) => { assert.match((await rejectsWith("AGENT_PEER_REFUSED", knockAt(port, 10_000))).message, /heartbeat port/); });
  });

  it("says that who listens there does not answer", async () => {
    await withServer(() => undefined, async (port) => { assert.match((await rejectsWith("AGENT_PROBE_TIMEOUT", knockAt(port, 200))).message, /accepts connections and does not answer/); });
  });
});
