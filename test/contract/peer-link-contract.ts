/** What every PeerLink must do, real or in memory. The real one has more to withstand: see peer-link-abuse.test.ts and peer-link-connections.test.ts. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { EMPTY_ROSTER, foldListing, framesFor, publish, ROSTER_MAX } from "../../agent/core/roster.ts";
import { CLUSTER, FIRST_LIFE, heartbeatOf, operationOf, rosterOf, SECOND_LIFE } from "../support/peer-frames.ts";
import { describeLinkTrust } from "./peer-link-trust-contract.ts";
import { connected, heard, linkStand, refused, type LinkBench } from "./peer-link-stand.ts";

export function describePeerLinkContract(name: string, makeBench: () => Promise<LinkBench>): void {
  describe(`peer link: ${name}`, () => {
    const stand = linkStand(makeBench);
    const { pair, beat } = stand;
    let bench: LinkBench;
    beforeEach(() => {
      bench = stand.bench();
    });

    it("delivers heartbeats and rosters whole, with the authenticated sender", async () => {
      const { a, b } = await pair();
      const heartbeat = heartbeatOf("a", 1, { yield: "its Asterisk does not answer", servingReason: "ünïcode → ok" });
      assert.equal(a.link.send("b", heartbeat), true);
      assert.equal(a.link.send("b", rosterOf("a")), true);
      await bench.until("both frames to arrive", () => heard(b, "a", 1) && b.seen.rosters.length === 1);
      assert.deepEqual(b.seen.heartbeats, [{ from: "a", heartbeat }]);
      assert.deepEqual(b.seen.rosters, [{ from: "a", frame: rosterOf("a") }]);
      assert.deepEqual(a.seen.heartbeats, []);
    });

    it("delivers the roster of as many calls as a node may tell of, whole and at once, and a heartbeat behind it", async () => {
      const { a, b } = await pair();
      const calls = Array.from({ length: ROSTER_MAX }, (_, index) => ({ id: `1700000000.${index}`, party: `+4930123${index}`, sinceWallMs: 1_700_000_000_000 + index }));
      const frames = framesFor(publish(foldListing(EMPTY_ROSTER, calls, 5, 0)), null, { cluster: CLUSTER, node: "a", incarnation: FIRST_LIFE });
      assert.deepEqual(frames.map((frame) => a.link.send("b", frame)), frames.map(() => true));
      await beat(a, "a", b, "b", 1);
      await bench.until("all frames to arrive", () => b.seen.rosters.length === frames.length);
      assert.deepEqual(b.seen.rosters.map(({ frame }) => frame), frames);
    });

    it("delivers an operator's order once, whatever is sent", async () => {
      const { a, b } = await pair();
      for (let times = 0; times < 3; times += 1) assert.equal(a.link.send("b", operationOf("a", 1)), true);
      assert.equal(a.link.send("b", operationOf("a", 2)), true);
      await bench.until("both orders to arrive", () => b.seen.operations.length === 2);
      assert.deepEqual(b.seen.operations, [{ from: "a", frame: operationOf("a", 1) }, { from: "a", frame: operationOf("a", 2) }]);
      assert.deepEqual(b.seen.refusals.map(({ refusal }) => refusal), ["replayed", "replayed"]);
    });

    it("drops a frame that has no connection, and says so", async () => {
      const a = await bench.join({ node: "a" });
      assert.equal(a.link.send("b", heartbeatOf("a", 1)), false);
      assert.equal(a.link.send("nobody", heartbeatOf("a", 1)), false);
      await bench.until("a to say that it can't connect", () => a.seen.connections.some((change) => change.to === "b" && !change.connected));
      const b = await bench.join({ node: "b" });
      await bench.until("a to be connected", () => connected(a, "b"));
      await beat(a, "a", b, "b", 2);
      assert.equal(heard(b, "a", 1), false);
    });

    it("hands on only the newest of the heartbeats that arrive in one batch", async () => {
      const { a, b } = await pair();
      a.link.send("b", heartbeatOf("a", 1, { yield: "its Asterisk does not answer" }));
      a.link.send("b", heartbeatOf("a", 2, { yield: null }));
      await bench.until("the second heartbeat to arrive", () => heard(b, "a", 2));
      assert.equal(b.seen.heartbeats.at(-1)?.heartbeat.sequence, 2);
      assert.deepEqual(b.seen.refusals, []);
    });

    it("judges each direction by itself", async () => {
      const { a, b } = await pair();
      bench.setDark("a", "b", true);
      a.link.send("b", heartbeatOf("a", 1));
      for (let sequence = 1; sequence <= 5; sequence += 1) await beat(b, "b", a, "a", sequence);
      await bench.until("a to give its connection up", () => !connected(a, "b"));
      await beat(b, "b", a, "a", 6);
      assert.equal(heard(b, "a", 1), false);
      assert.equal(a.link.send("b", heartbeatOf("a", 2)), false);
    });

    it("resets a silent connection, redials, and delivers nothing stale", async () => {
      const { a, b } = await pair();
      await beat(a, "a", b, "b", 1);
      bench.setDark("a", "b", true);
      a.link.send("b", heartbeatOf("a", 2, { yield: "long taken back" }));
      await bench.aWhile();
      assert.equal(connected(a, "b"), false);
      bench.setDark("a", "b", false);
      await bench.until("a to be connected again", () => connected(a, "b"));
      await beat(a, "a", b, "b", 3);
      assert.equal(heard(b, "a", 2), false);
    });

    it("refuses what it has heard before, within an incarnation and across a restart of the sender", async () => {
      const { a, b } = await pair();
      await beat(a, "a", b, "b", 5);
      a.link.send("b", heartbeatOf("a", 5));
      await bench.until("the duplicate to be refused", () => b.seen.refusals.length === 1);
      a.link.send("b", heartbeatOf("a", 4));
      await bench.until("the older one to be refused", () => b.seen.refusals.length === 2);
      await beat(a, "a", b, "b", 1, { incarnation: SECOND_LIFE });
      a.link.send("b", heartbeatOf("a", 6, { incarnation: FIRST_LIFE }));
      await bench.until("the former life to be refused", () => b.seen.refusals.length === 3);
      a.link.send("b", rosterOf("a", { incarnation: FIRST_LIFE }));
      await bench.until("its roster to be refused", () => b.seen.refusals.length === 4);
      assert.deepEqual(b.seen.refusals.map((entry) => entry.refusal), ["replayed", "replayed", "replayed", "replayed"]);
      await beat(a, "a", b, "b", 2, { incarnation: SECOND_LIFE });
      assert.deepEqual(b.seen.heartbeats.map((entry) => entry.heartbeat.sequence), [5, 1, 2]);
    });

    it("refuses frames that name another node, another cluster or a version of the far future", async () => {
      const { a, b } = await pair();
      a.link.send("b", heartbeatOf("c", 1));
      await bench.until("the borrowed name to be refused", () => refused(b, "unknown-node"));
      a.link.send("b", heartbeatOf("a", 1, { cluster: "other" }));
      await bench.until("the other cluster to be refused", () => refused(b, "other-cluster"));
      a.link.send("b", heartbeatOf("a", 1, { v: 99 }));
      await bench.until("the version to be refused", () => refused(b, "version"));
      a.link.send("b", heartbeatOf("a", 1, { calls: -1 }));
      await bench.until("the nonsense to be refused", () => refused(b, "malformed"));
      await beat(a, "a", b, "b", 1);
    });

    it("hears a peer that was restarted, and is heard by it", async () => {
      const { a, b } = await pair();
      await beat(b, "b", a, "a", 9);
      await b.link.close();
      await bench.until("a to notice", () => !connected(a, "b"));
      const again = await bench.join({ node: "b" });
      await bench.until("both to be connected", () => connected(a, "b") && connected(again, "a"));
      await beat(again, "b", a, "a", 1, { incarnation: SECOND_LIFE });
      await beat(a, "a", again, "b", 1);
    });

    it("says goodbye when it is closed, and is silent from then on", async () => {
      const { a, b } = await pair();
      await beat(a, "a", b, "b", 1);
      await a.link.close();
      await a.link.close();
      const told = a.seen.connections.length;
      assert.equal(a.link.send("b", heartbeatOf("a", 2)), false);
      await bench.until("b to notice", () => !connected(b, "a"));
      await bench.aWhile();
      assert.equal(a.seen.connections.length, told);
      assert.equal(heard(b, "a", 2), false);
    });
  });
  describeLinkTrust(name, makeBench);
}
