/** What the real peer link withstands: nothing that arrives on its port may stop the heartbeats of a good member. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { LINK_PATH } from "../../agent/adapters/link-tls.ts";
import { WsPeerLink, type WsPeerLinkOptions } from "../../agent/adapters/ws-peer-link.ts";
import { encodeFrame, FRAME_MAX_BYTES } from "../../agent/core/heartbeat.ts";
import { CLUSTER, heartbeatOf, keyOf, recorder, rosterOf, type Seen } from "../support/peer-frames.ts";
import { dialLink, dialTcp, dialTls, stalledMember } from "../support/raw-peer.ts";
import { waitUntil } from "../support/wait-until.ts";

const KEY = keyOf(1);
const DEADLINE_MS = 20_000;
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
/** A member's address with nobody there: the connections in these tests are made by hand. */
const ELSEWHERE = { host: "127.0.0.1", port: 1 };

interface Started {
  readonly link: WsPeerLink;
  readonly seen: Seen;
  readonly port: number;
}

/** Resolves when a connection has ended, in whatever way. */
async function gone(connection: { once(event: "close", listener: () => void): unknown }): Promise<void> {
  let over = false;
  connection.once("close", () => (over = true));
  await waitUntil("a connection to end", () => over, DEADLINE_MS);
}

describe("peer link under abuse", () => {
  const closing: (() => unknown)[] = [];
  let good: Started;

  async function start(options: Partial<WsPeerLinkOptions> = {}): Promise<Started> {
    const { seen, handlers } = recorder();
    const link = new WsPeerLink({
      clusterId: CLUSTER, nodeId: "a", members: new Map([["b", ELSEWHERE], ["c", ELSEWHERE]]), listen: { host: "127.0.0.1", port: 0 }, keys: new Map([["k1", KEY]]), dialWith: "k1",
      deadlines: { handshakeTimeoutMs: 1500, silentAfterMs: 1000 }, redial: { minMs: 50, maxMs: 200 }, clock, random: Math.random, ...options,
    });
    await link.start(handlers);
    closing.push(() => link.close());
    return { link, seen, port: link.port ?? 0 };
  }

  /** A good member b that sends 20 heartbeats a second to `to`, and what it has got through so far. */
  async function goodPeerOf(to: Started): Promise<{ arrived(): number; connectionsLost(): number }> {
    const peer = await start({ nodeId: "b", members: new Map([["a", { host: "127.0.0.1", port: to.port }]]) });
    await waitUntil("the good peer to be connected", () => peer.seen.connections.at(-1)?.connected === true, DEADLINE_MS);
    let sequence = 0;
    const timer = setInterval(() => peer.link.send("a", heartbeatOf("b", (sequence += 1))), 50);
    closing.push(() => clearInterval(timer));
    return { arrived: () => to.seen.heartbeats.length, connectionsLost: () => peer.seen.connections.filter((change) => !change.connected).length };
  }

  const refusals = (of: Started, refusal: string): number => of.seen.refusals.filter((entry) => entry.refusal === refusal).length;

  beforeEach(async () => {
    good = await start();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  it("refuses malformed, binary and empty frames, and keeps the connection for the next good one", async () => {
    const ws = await dialLink(good.port, `${CLUSTER}/b/k1`, KEY);
    for (const bad of ["", "not json", "[]", "{}", '{"v":1}', encodeFrame(rosterOf("b")).slice(0, -2)]) ws.send(bad);
    ws.send(Buffer.from(encodeFrame(heartbeatOf("b", 1))), { binary: true });
    ws.send(encodeFrame(heartbeatOf("b", 2)));
    await waitUntil("the good frame", () => good.seen.heartbeats.length === 1, DEADLINE_MS);
    assert.equal(good.seen.heartbeats[0]?.heartbeat.sequence, 2);
    assert.deepEqual(good.seen.refusals.map(({ refusal, claimed, address }) => `${refusal} ${claimed ?? ""} ${address}`), Array.from({ length: 7 }, () => `malformed ${CLUSTER}/b/k1 127.0.0.1`));
  });

  it("refuses an oversized frame and ends that connection", async () => {
    const ws = await dialLink(good.port, `${CLUSTER}/b/k1`, KEY);
    ws.send("x".repeat(FRAME_MAX_BYTES + 1));
    await gone(ws);
    assert.deepEqual(good.seen.refusals.map((entry) => entry.refusal), ["oversized"]);
  });

  it("refuses a frame in endless fragments", async () => {
    const ws = await dialLink(good.port, `${CLUSTER}/b/k1`, KEY);
    for (let part = 0; part < 50; part += 1) ws.send("x", { fin: false });
    await gone(ws);
    assert.deepEqual(good.seen.refusals.map((entry) => entry.refusal), ["malformed"]);
  });

  for (const [what, flood] of [["frames", (ws: { send(text: string): void }) => ws.send(encodeFrame(rosterOf("c")))], ["pings", (ws: { ping(): void }) => ws.ping()]] as const) {
    it(`cuts off a member that floods with ${what}, who gains nothing by redialling, and hears the other`, async () => {
      const peer = await goodPeerOf(good);
      for (let times = 0; times < 3; times += 1) {
        const ws = await dialLink(good.port, `${CLUSTER}/c/k1`, KEY);
        const closed = gone(ws);
        for (let sent = 0; sent < 2000; sent += 1) flood(ws);
        await closed;
      }
      assert.equal(refusals(good, "flood"), 3);
      // The burst, and what dripped in during the test; far from the 6000 that were sent.
      assert.ok(good.seen.rosters.length <= 256 + 64 * 20, `${good.seen.rosters.length} frames were let in`);
      const before = peer.arrived();
      await waitUntil("heartbeats to go on", () => peer.arrived() >= before + 10, DEADLINE_MS);
      assert.equal(peer.connectionsLost(), 0);
    });
  }

  it("refuses a flood of connections from elsewhere before any handshake, while heartbeats arrive", async () => {
    const peer = await goodPeerOf(good);
    const before = peer.arrived();
    const flooders = new Set<Socket>();
    let resets = 0;
    const flood = (): void => {
      const socket = dialTcp(good.port, "127.0.0.9");
      flooders.add(socket);
      socket.once("close", () => {
        flooders.delete(socket);
        resets += 1;
        if (resets < 2000) flood();
      });
    };
    for (let parallel = 0; parallel < 50; parallel += 1) flood();
    await waitUntil("all of them to be refused", () => resets >= 2000 && flooders.size === 0, DEADLINE_MS);
    await waitUntil("heartbeats to go on", () => peer.arrived() >= before + 10, DEADLINE_MS);
    assert.equal(peer.connectionsLost(), 0);
    // Some die in the kernel's queue, before anybody sees them.
    assert.ok(refusals(good, "unknown-node") > 0);
    assert.ok(good.seen.refusals.every(({ claimed, address }) => claimed === null && address === "127.0.0.9"));
  });

  it("limits handshakes from a member's own address, while its heartbeats arrive", async () => {
    const peer = await goodPeerOf(good);
    const before = peer.arrived();
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => dialTls(good.port, `${CLUSTER}/b/k1`, keyOf(2)).then(() => "in", (error: unknown) => (error instanceof Error ? "refused" : "odd"))));
    assert.deepEqual([...new Set(outcomes)], ["refused"]);
    assert.ok(refusals(good, "flood") >= 100, `only ${refusals(good, "flood")} were refused without a handshake`);
    assert.ok(refusals(good, "wrong-key") >= 1);
    await waitUntil("heartbeats to go on", () => peer.arrived() >= before + 10, DEADLINE_MS);
    assert.equal(peer.connectionsLost(), 0);
  });

  it("ends handshakes that trickle, and lets heartbeats and then newcomers in", async () => {
    const peer = await goodPeerOf(good);
    const before = peer.arrived();
    const slow = Array.from({ length: 8 }, () => dialTcp(good.port));
    const ended = slow.map(gone);
    // The beginning of a TLS record that announces 512 bytes, then a byte now and again.
    for (const socket of slow) socket.on("connect", () => socket.write(Uint8Array.of(22, 3, 1, 2, 0)));
    const trickle = setInterval(() => slow.forEach((socket) => socket.writable && socket.write(Uint8Array.of(0))), 50);
    closing.push(() => clearInterval(trickle));
    await Promise.all(ended);
    assert.ok(refusals(good, "malformed") >= 1);
    await waitUntil("heartbeats to go on", () => peer.arrived() >= before + 10, DEADLINE_MS);
    assert.equal(peer.connectionsLost(), 0);
    const ws = await waitUntil("a newcomer to get in", () => dialLink(good.port, `${CLUSTER}/c/k1`, KEY), DEADLINE_MS);
    ws.terminate();
  });

  it("ends an upgrade that trickles, although the key is right", async () => {
    const socket = await dialTls(good.port, `${CLUSTER}/b/k1`, KEY);
    socket.write(`GET ${LINK_PATH} HTTP/1.1\r\nHost: a\r\n`);
    await gone(socket);
    assert.equal(refusals(good, "malformed"), 1);
  });

  it("says nothing of a connection that is opened and closed, as a probe does", async () => {
    const socket = dialTcp(good.port);
    await once(socket, "connect");
    socket.end();
    await gone(socket);
    const ws = await dialLink(good.port, `${CLUSTER}/b/k1`, KEY);
    ws.send(encodeFrame(heartbeatOf("b", 1)));
    await waitUntil("a heartbeat after it", () => good.seen.heartbeats.length === 1, DEADLINE_MS);
    assert.deepEqual(good.seen.refusals, []);
  });

  for (const [what, request] of [
    ["plain HTTP requests", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["an upgrade of another path", "GET /other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"],
    ["an upgrade without a key", `GET ${LINK_PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n`],
    ["what is not HTTP", "\0\x01\x02\x03\r\n\r\n"],
    ["endless headers", `GET ${LINK_PATH} HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(10_000)}\r\n\r\n`],
  ] as const) {
    it(`answers ${what} with nothing at all`, async () => {
      const socket = await dialTls(good.port, `${CLUSTER}/b/k1`, KEY);
      let answer = "";
      socket.on("data", (data: Buffer) => (answer += data.toString("latin1")));
      socket.write(request);
      await gone(socket);
      assert.equal(answer, "");
      assert.deepEqual(good.seen.refusals.map((entry) => entry.refusal), ["malformed"]);
    });
  }

  it("refuses plain text, other ciphers and garbled identities, each once", async () => {
    const plain = dialTcp(good.port);
    plain.on("connect", () => plain.write("GET / HTTP/1.1\r\n\r\n"));
    await gone(plain);
    await assert.rejects(dialTls(good.port, "", KEY, { ciphers: "ECDHE-RSA-AES128-GCM-SHA256", pskCallback: () => null }));
    await assert.rejects(dialTls(good.port, "no slashes\u0007", KEY), { code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY" });
    await waitUntil("three refusals", () => good.seen.refusals.length === 3, DEADLINE_MS);
    assert.deepEqual(good.seen.refusals.map(({ refusal, claimed }) => [refusal, claimed]), [["malformed", null], ["malformed", null], ["malformed", "no slashes?"]]);
  });

  it("resumes no session and renegotiates nothing, so a removed key opens no door", async () => {
    const first = await dialTls(good.port, `${CLUSTER}/b/k1`, KEY);
    const session = first.getSession();
    assert.ok(session !== undefined);
    await new Promise<void>((resolve) => first.renegotiate({}, (error) => {
      assert.match(String(error), /renegotiation/i);
      resolve();
    }));
    first.destroy();
    const second = await dialTls(good.port, `${CLUSTER}/b/k1`, KEY, { session });
    assert.equal(second.isSessionReused(), false);
    second.destroy();
    good.link.setKeys(new Map([["k2", keyOf(2)]]), "k2");
    await assert.rejects(dialTls(good.port, `${CLUSTER}/b/k1`, KEY, { session }), { code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY" });
  });

  it("closes a connection whose key was removed when its owner does not redial in time", async () => {
    const strict = await start({ limits: { removedKeyGraceMs: 300 } });
    const ws = await dialLink(strict.port, `${CLUSTER}/b/k1`, KEY);
    const closed = gone(ws);
    strict.link.setKeys(new Map([["k2", keyOf(2)]]), "k2");
    ws.send(encodeFrame(heartbeatOf("b", 1)));
    await waitUntil("a heartbeat within the grace time", () => strict.seen.heartbeats.length === 1, DEADLINE_MS);
    await closed;
    await assert.rejects(dialLink(strict.port, `${CLUSTER}/b/k1`, KEY));
  });

  it("keeps one connection per member: the newer replaces the older", async () => {
    const older = await dialLink(good.port, `${CLUSTER}/b/k1`, KEY);
    const closed = gone(older);
    const newer = await dialLink(good.port, `${CLUSTER}/b/k1`, KEY);
    older.send(encodeFrame(heartbeatOf("b", 1)));
    await waitUntil("what was under way", () => good.seen.heartbeats.length === 1, DEADLINE_MS);
    newer.send(encodeFrame(heartbeatOf("b", 2)));
    await closed;
    await waitUntil("the newer connection's heartbeat", () => good.seen.heartbeats.length === 2, DEADLINE_MS);
    assert.deepEqual(good.seen.refusals, []);
  });

  it("drops a member's connection on which nothing is said", async () => {
    const ws = await dialLink(good.port, `${CLUSTER}/b/k1`, KEY);
    await gone(ws);
    assert.deepEqual(good.seen.refusals, []);
  });

  it("does not hold its own stall against anybody", async () => {
    const peer = await goodPeerOf(good);
    const before = peer.arrived();
    // What a stopped process or a long garbage collection is to the link: longer than its deadline for silence.
    for (const untilMs = clock.monotonicMs() + 1600; clock.monotonicMs() < untilMs; );
    await waitUntil("heartbeats to go on", () => peer.arrived() >= before + 10, DEADLINE_MS);
    assert.equal(peer.connectionsLost(), 0);
    assert.deepEqual(good.seen.refusals, []);
  });

  it("never queues for a receiver that has stalled, and redials it", async () => {
    const stalled = await stalledMember(`${CLUSTER}/b`, KEY);
    closing.push(() => stalled.close());
    const link = await start({ members: new Map([["b", { host: "127.0.0.1", port: stalled.port }]]) });
    await waitUntil("the connection", () => link.seen.connections.at(-1)?.connected === true, DEADLINE_MS);
    const frame = rosterOf("a", { added: Array.from({ length: 24 }, (_, call) => ({ id: `${"9".repeat(50)}${call}`, party: "p".repeat(60), sinceWallMs: 1 })) });
    let accepted = 0;
    while (accepted < 5000 && link.link.send("b", frame)) accepted += 1;
    assert.ok(accepted < 5000, "a stalled receiver was sent to without end");
    assert.equal(link.link.send("b", heartbeatOf("a", 1)), true, "a roster that waits must not keep a heartbeat from leaving");
    await waitUntil("the connection to be given up", () => link.seen.connections.some((change) => !change.connected && /silent/.test(change.detail)), DEADLINE_MS);
    await waitUntil("it to be dialled again", () => stalled.accepted() >= 2, DEADLINE_MS);
  });

  it("lets in a member that is configured by name, as soon as the name has been resolved", async () => {
    const named = await start({ members: new Map([["b", { host: "localhost", port: 1 }]]) });
    const peer = await goodPeerOf(named);
    await waitUntil("its heartbeats", () => peer.arrived() > 0, DEADLINE_MS);
  });

  it("lets in only the addresses that were given, whatever the members' own are", async () => {
    const strict = await start({ onlyFrom: new Set(["127.0.0.3"]) });
    await assert.rejects(dialTls(strict.port, `${CLUSTER}/b/k1`, KEY));
    assert.deepEqual(strict.seen.refusals, [{ refusal: "unknown-node", claimed: null, address: "127.0.0.1" }]);
    (await dialTls(strict.port, `${CLUSTER}/b/k1`, KEY, { localAddress: "127.0.0.3" } as ConnectionOptions)).destroy();
    const open = await start({ onlyFrom: "anyone" });
    (await dialTls(open.port, `${CLUSTER}/b/k1`, KEY, { localAddress: "127.0.0.3" } as ConnectionOptions)).destroy();
  });

  it("does not connect to a node that is not the one it means", async () => {
    const link = await start({ nodeId: "c", members: new Map([["b", { host: "127.0.0.1", port: good.port }]]) });
    const change = await waitUntil("it to say so", () => link.seen.connections.find((entry) => entry.to === "b" && entry.detail.includes("another node")), DEADLINE_MS);
    assert.equal(change.connected, false);
    assert.match(change.detail, new RegExp(`${CLUSTER}/a`));
    assert.equal(link.link.send("b", heartbeatOf("c", 1)), false);
    assert.deepEqual(good.seen.refusals, []);
  });

  it("gives its port back, and says clearly when it can't have it", async () => {
    await goodPeerOf(good);
    const { port } = good;
    const { handlers } = recorder();
    const second = new WsPeerLink({ clusterId: CLUSTER, nodeId: "a", members: new Map(), listen: { host: "127.0.0.1", port }, keys: new Map([["k1", KEY]]), dialWith: "k1", deadlines: { handshakeTimeoutMs: 500, silentAfterMs: 1000 }, clock, random: Math.random });
    await assert.rejects(second.start(handlers), { name: "AgentError", message: new RegExp(`127\\.0\\.0\\.1:${port}.*EADDRINUSE`) });
    await second.close();
    await good.link.close();
    assert.equal(good.link.port, null);
    const after = createServer();
    after.listen(port, "127.0.0.1");
    await once(after, "listening");
    await new Promise((resolve) => after.close(resolve));
  });
});
