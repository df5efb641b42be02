/** Whom every PeerLink believes: members who have a key that counts now, and nobody else. A part of the contract in peer-link-contract.ts. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { beforeEach, describe, it } from "node:test";
import { CLUSTER, heartbeatOf } from "../support/peer-frames.ts";
import { BOTH, connected, KEY_1, KEY_2, linkStand, ONE, refused, TWO, type LinkBench } from "./peer-link-stand.ts";

export function describeLinkTrust(name: string, makeBench: () => Promise<LinkBench>): void {
  describe(`peer link, whom it believes: ${name}`, () => {
    const stand = linkStand(makeBench);
    const { pair, beat } = stand;
    let bench: LinkBench;
    beforeEach(() => {
      bench = stand.bench();
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
