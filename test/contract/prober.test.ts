/** The prober against the stand-in, and against servers that do what a SIP server should not. */
import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { SocketProber } from "../../agent/adapters/socket-prober.ts";
import { StandInProcess } from "../support/asterisk-stand-in/stand-in-process.ts";
import { AsteriskStandIn } from "../support/asterisk-stand-in/asterisk-stand-in.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { describeProberContract, type TestSipServer } from "./prober-contract.ts";
import { soon } from "./telephony-contract.ts";

async function makeStandIn(): Promise<TestSipServer> {
  const folder = await temporaryFolder();
  const options = { nodeId: "node-a", username: "agent", password: "stand-in-pass", controlSocketPath: join(folder.path, "asterisk.ctl") };
  let process = await StandInProcess.start(options);
  const port = process.sipPort;
  return {
    host: "127.0.0.1",
    port,
    start: async () => {
      process = await StandInProcess.start({ ...options, sipPort: port });
    },
    kill: () => process.kill(),
    freeze: () => process.freeze(),
    thaw: () => process.thaw(),
    remove: async () => {
      await process.kill();
      await folder.remove();
    },
  };
}

describeProberContract("the stand-in", makeStandIn);

/** A UDP server that answers as `answer` says; it is closed after the test. */
async function udpServer(context: TestContext, answer: (request: string, reply: (text: string | Buffer) => void, socket: UdpSocket) => void): Promise<number> {
  const socket = createSocket("udp4");
  context.after(() => socket.close());
  socket.on("message", (datagram, from) => answer(datagram.toString("latin1"), (text) => socket.send(text, from.port, from.address), socket));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return socket.address().port;
}

async function tcpServer(context: TestContext, serve: (socket: Socket) => void): Promise<{ port: number; server: Server; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    serve(socket);
  });
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, server, sockets };
}

/** A response to that request, its head changed where asked. */
function respond(request: string, status: string, change: (head: string) => string = (head) => head): string {
  const copied = request.split("\r\n").filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
  return change([`SIP/2.0 ${status}`, ...copied, "Content-Length: 0", "", ""].join("\r\n"));
}

describe("the prober among strange servers", { timeout: 60_000 }, () => {
  const prober = new SocketProber({ userAgent: "node-agent test" });
  const udp = (port: number, signal = soon()): Promise<{ readonly status: number }> => prober.sipOptions({ transport: "udp", host: "127.0.0.1", port }, signal);
  const tcp = (port: number, signal = soon()): Promise<{ readonly status: number }> => prober.sipOptions({ transport: "tcp", host: "127.0.0.1", port }, signal);

  it("sends a whole OPTIONS request, different each time", async (context) => {
    const requests: string[] = [];
    const port = await udpServer(context, (request, reply) => {
      requests.push(request);
      reply(respond(request, "200 OK"));
    });
    await udp(port);
    await udp(port);
    const [first = "", second = ""] = requests;
    assert.ok(first.startsWith(`OPTIONS sip:127.0.0.1:${port} SIP/2.0\r\n`) && first.endsWith("\r\n\r\n"), first);
    for (const header of [/^Via: SIP\/2\.0\/UDP 127\.0\.0\.1:\d+;rport;branch=z9hG4bK\S+$/m, /^Max-Forwards: 70$/m, /^From: <sip:\S+>;tag=\S+$/m, /^To: <sip:127\.0\.0\.1:\d+>$/m, /^Contact: <sip:\S+>$/m, /^CSeq: 1 OPTIONS$/m, /^Accept: application\/sdp$/m, /^User-Agent: node-agent test$/m, /^Content-Length: 0$/m]) {
      assert.match(first.replaceAll("\r", ""), header);
    }
    assert.notEqual(/Call-ID: (.*)/.exec(first)?.[1], /Call-ID: (.*)/.exec(second)?.[1]);
  });

  it("leaves from the chosen local address over UDP and TCP, and says so in the request", async (context) => {
    const chosen = new SocketProber({ localAddress: "127.0.0.9" });
    const from: string[] = [];
    const server = createSocket("udp4").on("message", (datagram, sender) => {
      from.push(sender.address);
      assert.match(datagram.toString("latin1"), /^Via: SIP\/2\.0\/UDP 127\.0\.0\.9:\d+;/m);
      server.send(respond(datagram.toString("latin1"), "200 OK"), sender.port, sender.address);
    });
    context.after(() => server.close());
    await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
    await chosen.sipOptions({ transport: "udp", host: "127.0.0.1", port: server.address().port }, soon());
    const { port } = await tcpServer(context, (socket) => { from.push(socket.remoteAddress ?? ""); });
    await chosen.tcpConnect([`127.0.0.1:${port}`], soon());
    await new SocketProber({ localAddress: "127.0.0.9", resolve: (_name, _family, done) => { done(null, [{ address: "127.0.0.1", family: 4 }]); } }).tcpConnect([`reference.example:${port}`], soon());
    await waitUntil("both connections to be seen", () => from.length === 3, 5_000);
    assert.deepEqual(from, ["127.0.0.9", "127.0.0.9", "127.0.0.9"]);
  });

  it("gets no answer, and names the reason, from an address that this machine doesn't have", async () => {
    const nowhere = new SocketProber({ localAddress: "192.0.2.1" });
    for (const probe of [nowhere.sipOptions({ transport: "udp", host: "198.51.100.1", port: 5060 }, soon()), nowhere.tcpConnect(["198.51.100.1:443"], soon())]) {
      await assert.rejects(probe, (error: { readonly code?: string; readonly message: string }) => error.code === "AGENT_PROBE_TIMEOUT" && error.message.includes("EADDRNOTAVAIL"));
    }
  });

  it("passes on any final status, and takes no provisional one for it", async (context) => {
    for (const status of ["200 OK", "404 Not Found", "401 Unauthorized", "503 Service Unavailable"]) {
      const port = await udpServer(context, (request, reply) => {
        reply(respond(request, "100 Trying"));
        reply(respond(request, "183 Session Progress"));
        reply(respond(request, status));
      });
      assert.equal((await udp(port)).status, Number(status.slice(0, 3)));
    }
  });

  it("takes no answer but its own: other dialogs, doubled Vias, garbage and giants are ignored", async (context) => {
    const port = await udpServer(context, (request, reply) => {
      reply("");
      reply("\0\0\0\0");
      reply(Buffer.alloc(60_000, "A"));
      reply(request);
      reply(respond(request, "503 Busy", (head) => head.replace(/Call-ID: ./, "Call-ID: !")));
      reply(respond(request, "503 Busy", (head) => head.replace("CSeq: 1 ", "CSeq: 2 ")));
      reply(respond(request, "503 Busy", (head) => head.replace("1 OPTIONS", "1 INVITE")));
      reply(respond(request, "503 Busy", (head) => head.replace("branch=z9hG4bK", "branch=z9hG4bX")));
      reply(respond(request, "503 Busy", (head) => head.replace("\r\nFrom", "\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother\r\nFrom")));
      reply(respond(request, "503 Busy", (head) => head.replace("SIP/2.0 503", "SIP/3.0 503")));
      reply(respond(request, "200 OK"));
    });
    assert.deepEqual(await udp(port), { status: 200 });
  });

  it("does not take a late answer to an older probe for the answer to this one", async (context) => {
    const late: (() => void)[] = [];
    const port = await udpServer(context, (request, reply) => {
      if (late.length === 0) late.push(() => reply(respond(request, "200 OK")));
      else late[0]?.();
    });
    await rejectsWith("AGENT_PROBE_TIMEOUT", udp(port, AbortSignal.timeout(100)));
    await rejectsWith("AGENT_PROBE_TIMEOUT", udp(port, AbortSignal.timeout(100)));
  });

  it("does not take a stranger's datagram, whatever it says", async (context) => {
    const stranger = createSocket("udp4");
    context.after(() => stranger.close());
    const port = await udpServer(context, (request) => {
      const from = Number(/^Via: \S+ 127\.0\.0\.1:(\d+)/m.exec(request)?.[1]);
      stranger.send(respond(request, "200 OK"), from, "127.0.0.1");
    });
    await rejectsWith("AGENT_PROBE_TIMEOUT", udp(port, AbortSignal.timeout(100)));
  });

  it("reads a TCP answer in single bytes, behind keep-alives, another's response and a body", async (context) => {
    const { port } = await tcpServer(context, (socket) => {
      socket.on("data", (chunk: Buffer) => {
        const request = chunk.toString("latin1");
        const other = respond(request, "404 Not Found", (head) => head.replace("Call-ID: ", "Call-ID: x").replace("Content-Length: 0", "l: 7")) + "SIP/2.0";
        const text = `\r\n\r\n${other}${respond(request, "100 Trying")}${respond(request, "200 OK")}`;
        for (const byte of text) socket.write(byte, "latin1");
      });
    });
    assert.deepEqual(await tcp(port), { status: 200 });
  });

  it("gives up on a TCP server that closes, resets or floods instead of answering", async (context) => {
    const closes = await tcpServer(context, (socket) => socket.on("data", () => socket.end()));
    const resets = await tcpServer(context, (socket) => socket.on("data", () => socket.resetAndDestroy()));
    const floods = await tcpServer(context, (socket) => socket.on("data", () => socket.write("A".repeat(100_000))));
    await rejectsWith("AGENT_PROBE_TIMEOUT", tcp(closes.port));
    await rejectsWith("AGENT_PROBE_TIMEOUT", tcp(resets.port));
    await rejectsWith("AGENT_PROBE_TIMEOUT", tcp(floods.port, AbortSignal.timeout(200)));
  });

  it("leaves no connection open after an abort or a lost race", async (context) => {
    const silent = await tcpServer(context, (socket) => socket.resume());
    await rejectsWith("AGENT_PROBE_TIMEOUT", tcp(silent.port, AbortSignal.timeout(100)));
    await waitUntil("the connection to be closed", () => silent.sockets.size === 0, 10_000);
    await prober.tcpConnect([`127.0.0.1:${silent.port}`, `localhost:${silent.port}`, `127.0.0.1:${silent.port}`], soon());
    await waitUntil("the connections to be closed", () => silent.sockets.size === 0, 10_000);
  });

  it("tells a refusal from everything else that is wrong with a reference", async (context) => {
    const { port } = await tcpServer(context, () => undefined);
    const refused = await tcpServer(context, () => undefined);
    await new Promise((resolve) => refused.server.close(resolve));
    const unresolvable = new SocketProber({ resolve: (_name, _family, done) => done(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), []) });
    await rejectsWith("AGENT_PROBE_REFUSED", prober.tcpConnect([`127.0.0.1:${refused.port}`], soon()));
    await rejectsWith("AGENT_PROBE_TIMEOUT", unresolvable.tcpConnect(["reference.invalid:443", `127.0.0.1:${refused.port}`], soon()));
    await unresolvable.tcpConnect(["reference.invalid:443", `127.0.0.1:${port}`], soon());
    for (const nonsense of [[], ["no-port"], ["127.0.0.1:0"], ["127.0.0.1:70000"]]) await rejectsWith("AGENT_PROBE_TIMEOUT", prober.tcpConnect(nonsense, soon()));
    await rejectsWith("AGENT_PROBE_TIMEOUT", prober.sipOptions({ transport: "udp", host: "not-an-address", port: 5060 }, soon()));
  });

  it("asks a hanging resolver once, however often it probes", async () => {
    let asked = 0;
    const hanging = new SocketProber({ resolve: () => { asked += 1; } });
    for (let probe = 0; probe < 5; probe += 1) {
      // Nothing but this timer keeps the process alive meanwhile.
      const deadline = new AbortController();
      setTimeout(() => deadline.abort(), 20);
      await rejectsWith("AGENT_PROBE_TIMEOUT", hanging.tcpConnect(["reference.invalid:443"], deadline.signal));
    }
    assert.equal(asked, 1);
  });

  it("is refused long before its deadline by a server that died holding the request", async () => {
    const dying = createSocket("udp4");
    const request = new Promise<void>((resolve) => dying.once("message", () => { dying.close(resolve); }));
    await new Promise<void>((resolve) => dying.bind(0, "127.0.0.1", resolve));
    const { port } = dying.address();
    // Without a second request nothing would ever meet the closed port, and the abort would come with its own code.
    const probing = rejectsWith("AGENT_PROBE_REFUSED", udp(port, AbortSignal.timeout(30_000)));
    await request;
    await probing;
  });

  it("sends nothing after an abort", async (context) => {
    let seen = 0;
    const { port } = await tcpServer(context, () => { seen += 1; });
    await rejectsWith("AGENT_PROBE_TIMEOUT", tcp(port, AbortSignal.abort()));
    await rejectsWith("AGENT_PROBE_TIMEOUT", udp(port, AbortSignal.abort()));
    await rejectsWith("AGENT_PROBE_TIMEOUT", prober.tcpConnect([`127.0.0.1:${port}`], AbortSignal.abort()));
    assert.equal(seen, 0);
  });

  it("sees a draining server's 503, and an overloaded one's silence over UDP and 503 over TCP", async (context) => {
    const folder = await temporaryFolder();
    const standIn = new AsteriskStandIn({ nodeId: "node-a", username: "agent", password: "p", controlSocketPath: join(folder.path, "asterisk.ctl") });
    await standIn.start();
    context.after(async () => {
      await standIn.stop();
      await folder.remove();
    });
    standIn.setFault("drain", true);
    assert.equal((await udp(standIn.sipPort)).status, 503);
    standIn.setFault("drain", false);
    standIn.setFault("overload", true);
    await rejectsWith("AGENT_PROBE_TIMEOUT", udp(standIn.sipPort, AbortSignal.timeout(100)));
    assert.equal((await tcp(standIn.sipPort)).status, 503);
  });
});
