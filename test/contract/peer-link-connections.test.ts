/** Whom the real peer link lets in and keeps: one connection a member, with a key that counts now, from where it may come, as long as it speaks. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { beforeEach, describe, it } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { WsPeerLink } from "../../agent/adapters/ws-peer-link.ts";
import { encodeFrame } from "../../agent/core/heartbeat.ts";
import { clock, DEADLINE_MS, gone, KEY, loopbackLinks, type Started } from "../support/loopback-links.ts";
import { CLUSTER, heartbeatOf, keyOf, recorder, rosterOf } from "../support/peer-frames.ts";
import { dialLink, dialTls, stalledMember } from "../support/raw-peer.ts";
import { waitUntil } from "../support/wait-until.ts";

describe("the connections of a peer link", () => {
  const { start, goodPeerOf, closing } = loopbackLinks();
  let good: Started;
  beforeEach(async () => {
    good = await start();
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
