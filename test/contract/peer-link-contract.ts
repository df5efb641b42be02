/** What every PeerLink must do, real or in memory. The real one has more to withstand: see peer-link-abuse.test.ts and peer-link-connections.test.ts. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import { EMPTY_ROSTER, foldListing, framesFor, publish, ROSTER_MAX } from "../../agent/core/roster.ts";
import type { NodeId } from "../../agent/core/types.ts";
import type { PeerLink } from "../../agent/ports.ts";
import { CLUSTER, FIRST_LIFE, heartbeatOf, keyOf, operationOf, rosterOf, SECOND_LIFE, type Seen } from "../support/peer-frames.ts";

/** Who joins. Defaults: the lab's cluster, key k1 made of ones, knowing everybody else. */
export interface Joiner {
  readonly node: NodeId;
  readonly cluster?: string;
  readonly keys?: ReadonlyMap<string, Uint8Array>;
  readonly dialWith?: string;
  readonly knows?: readonly NodeId[];
  /** Dials under that name, but whoever dials the name reaches the real one. */
  readonly impostor?: boolean;
}

export interface Joined {
  readonly link: PeerLink;
  readonly seen: Seen;
}

/** A small network of the nodes a, b and c. */
export interface LinkBench {
  /** Makes a link and starts it. */
  join(joiner: Joiner): Promise<Joined>;
  /** The path that `from` dials to `to` goes dark, or is lit again. */
  setDark(from: NodeId, to: NodeId, dark: boolean): void;
  /** Lets time pass until the condition holds; fails, saying `what`, when it never does. */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Lets time pass for longer than every deadline of the link. */
  aWhile(): Promise<void>;
  close(): Promise<void>;
}

const KEY_1 = keyOf(1);
const KEY_2 = keyOf(0x5a);
const ONE = new Map([["k1", KEY_1]]);
const BOTH = new Map([["k1", KEY_1], ["k2", KEY_2]]);
const TWO = new Map([["k2", KEY_2]]);

const connected = (joined: Joined, to: NodeId): boolean => joined.seen.connections.findLast((change) => change.to === to)?.connected === true;
const heard = (joined: Joined, from: NodeId, sequence: number): boolean => joined.seen.heartbeats.some((entry) => entry.from === from && entry.heartbeat.sequence === sequence);
const refused = (joined: Joined, refusal: string): boolean => joined.seen.refusals.some((entry) => entry.refusal === refusal);

export function describePeerLinkContract(name: string, makeBench: () => Promise<LinkBench>): void {
  describe(`peer link: ${name}`, () => {
    let bench: LinkBench;
    beforeEach(async () => {
      bench = await makeBench();
    });
    afterEach(() => bench.close());

    async function pair(): Promise<{ a: Joined; b: Joined }> {
      const a = await bench.join({ node: "a" });
      const b = await bench.join({ node: "b" });
      await bench.until("a and b to be connected both ways", () => connected(a, "b") && connected(b, "a"));
      return { a, b };
    }

    /** Sends one heartbeat from a to b and waits for it. */
    async function beat(from: Joined, node: NodeId, at: Joined, to: NodeId, sequence: number, replaced: Partial<Heartbeat> = {}): Promise<void> {
      assert.equal(from.link.send(to, heartbeatOf(node, sequence, replaced)), true, `${node} could not send heartbeat ${sequence}`);
      await bench.until(`heartbeat ${sequence} of ${node} to arrive`, () => heard(at, node, sequence));
    }

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

    it("refuses a wrong key, tells both sides, and leaves the good peer alone", async () => {
      const { a, b } = await pair();
      const c = await bench.join({ node: "c", keys: new Map([["k1", KEY_2]]) });
      await bench.until("a to refuse it", () => refused(a, "wrong-key"));
      await bench.until("c to be told why", () => c.seen.connections.some((change) => change.to === "a" && /another key/.test(change.detail)));
      assert.equal(a.seen.refusals.find((entry) => entry.refusal === "wrong-key")?.claimed, `${CLUSTER}/c/k1`);
      for (let sequence = 1; sequence <= 5; sequence += 1) await beat(b, "b", a, "a", sequence);
      assert.equal(c.link.send("a", heartbeatOf("c", 1)), false);
      assert.equal(a.seen.heartbeats.some((entry) => entry.from === "c"), false);
    });

    it("refuses an impostor who has a member's name but not its key, and keeps the member", async () => {
      const { a, b } = await pair();
      await bench.join({ node: "b", keys: new Map([["k1", KEY_2]]), impostor: true });
      await bench.until("a to refuse it", () => refused(a, "wrong-key"));
      await beat(b, "b", a, "a", 1);
      await beat(a, "a", b, "b", 1);
    });

    it("refuses a node that it does not know", async () => {
      const a = await bench.join({ node: "a", knows: ["b"] });
      const b = await bench.join({ node: "b" });
      const c = await bench.join({ node: "c", knows: ["a"] });
      await bench.until("a to refuse c", () => refused(a, "unknown-node"));
      await bench.until("c to be told", () => c.seen.connections.some((change) => change.to === "a" && /does not accept our identity/.test(change.detail)));
      await bench.until("b to be connected", () => connected(b, "a"));
      await beat(b, "b", a, "a", 1);
    });

    it("refuses a member of another cluster, although the key is right", async () => {
      const { a, b } = await pair();
      const c = await bench.join({ node: "c", cluster: "other" });
      await bench.until("a to refuse it", () => refused(a, "other-cluster"));
      assert.equal(connected(c, "a"), false);
      await beat(b, "b", a, "a", 1);
    });

    it("refuses a key id that it does not have", async () => {
      const { a } = await pair();
      await bench.join({ node: "c", keys: BOTH, dialWith: "k2" });
      await bench.until("a to refuse it", () => a.seen.refusals.some((entry) => entry.refusal === "wrong-key" && entry.claimed === `${CLUSTER}/c/k2`));
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

    it("rotates keys without losing a heartbeat", async () => {
      const { a, b } = await pair();
      let sequence = 0;
      const both = async (): Promise<void> => {
        sequence += 1;
        await beat(a, "a", b, "b", sequence);
        await beat(b, "b", a, "a", sequence);
      };
      for (const change of [() => a.link.setKeys(BOTH, "k1"), () => b.link.setKeys(BOTH, "k1"), () => a.link.setKeys(BOTH, "k2"), () => b.link.setKeys(BOTH, "k2"), () => a.link.setKeys(TWO, "k2"), () => b.link.setKeys(TWO, "k2")]) {
        change();
        for (let times = 0; times < 4; times += 1) await both();
      }
      await bench.until("both to use the new key", () => [a, b].every(({ seen }) => seen.connections.at(-1)?.connected === true && seen.connections.at(-1)?.detail.endsWith("k2") === true));
      await both();
      assert.equal([...a.seen.connections, ...b.seen.connections].some((change) => !change.connected && /lost/.test(change.detail)), false);
      assert.deepEqual([...a.seen.refusals, ...b.seen.refusals], []);
    });

    it("keeps a connection whose key was removed, and refuses that key at the next dial", async () => {
      const { a, b } = await pair();
      a.link.setKeys(BOTH, "k2");
      b.link.setKeys(BOTH, "k2");
      await bench.until("both to use the new key", () => [a, b].every(({ seen }) => seen.connections.at(-1)?.detail.endsWith("k2") === true));
      b.link.setKeys(BOTH, "k1");
      await bench.until("b to be back on the old key", () => b.seen.connections.at(-1)?.detail.endsWith("k1") === true);
      a.link.setKeys(TWO, "k2");
      await beat(b, "b", a, "a", 1);
      bench.setDark("b", "a", true);
      await bench.until("b to lose its connection", () => !connected(b, "a"));
      bench.setDark("b", "a", false);
      await bench.until("a to refuse the old key", () => refused(a, "wrong-key"));
      assert.equal(b.link.send("a", heartbeatOf("b", 2)), false);
      b.link.setKeys(TWO, "k2");
      await bench.until("b to be connected with the new key", () => connected(b, "a"));
      await beat(b, "b", a, "a", 3);
    });

    it("refuses keys that can't be used, and goes on with those it has", async () => {
      const { a, b } = await pair();
      for (const [keys, dialWith] of [[ONE, "k2"], [new Map([["k1", new Uint8Array(16)]]), "k1"], [new Map([["k/1", KEY_1]]), "k/1"], [new Map<string, Uint8Array>(), "k1"]] as const) {
        assert.throws(() => a.link.setKeys(keys, dialWith), { code: "AGENT_SECRET_INVALID" });
      }
      await beat(a, "a", b, "b", 1);
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

    it("writes no key into any message", async () => {
      const { a, b } = await pair();
      const c = await bench.join({ node: "c", keys: new Map([["k1", KEY_2]]) });
      await bench.until("the wrong key to be refused", () => refused(a, "wrong-key") && refused(b, "wrong-key"));
      const thrown: string[] = [];
      try {
        a.link.setKeys(new Map([["k1", KEY_2.subarray(1)]]), "k1");
      } catch (error) {
        thrown.push(error instanceof Error ? `${error.message} ${error.stack ?? ""}` : "");
      }
      const text = JSON.stringify([a.seen, b.seen, c.seen, thrown]).toLowerCase();
      for (const key of [KEY_1, KEY_2]) {
        for (const form of ["hex", "base64", "latin1"] as const) assert.equal(text.includes(Buffer.from(key.subarray(0, 12)).toString(form).toLowerCase()), false);
        assert.equal(text.includes(key.subarray(0, 12).join(",")), false);
      }
    });
  });
}
