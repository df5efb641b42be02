/** What the real peer link withstands: nothing that arrives on its port may stop the heartbeats of a good member. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, describe, it } from "node:test";
import { LINK_PATH } from "../../agent/adapters/link-tls.ts";
import { encodeFrame, FRAME_MAX_BYTES } from "../../agent/core/heartbeat.ts";
import { DEADLINE_MS, gone, KEY, loopbackLinks, type Started } from "../support/loopback-links.ts";
import { CLUSTER, heartbeatOf, keyOf, rosterOf } from "../support/peer-frames.ts";
import { dialLink, dialTcp, dialTls } from "../support/raw-peer.ts";
import { waitUntil } from "../support/wait-until.ts";

const refusals = (of: Started, refusal: string): number => of.seen.refusals.filter((entry) => entry.refusal === refusal).length;

describe("peer link under abuse", () => {
  const { start, goodPeerOf, closing } = loopbackLinks();
  let good: Started;
  beforeEach(async () => {
    good = await start();
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
});
