import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { acceptsKey, formatIdentity, judgeIdentity, makeKeyRing, parseIdentity, printable } from "../../agent/adapters/psk.ts";
import { keyOf } from "../support/peer-frames.ts";

const RING = makeKeyRing(new Map([["k1", keyOf(1)], ["k2", keyOf(2)]]), "k2");
const MEMBERS = new Set(["node-b", "w1"]);

describe("identities of the peer link", () => {
  it("are read as they are written", () => {
    const identity = { cluster: "aicc-prod", node: "node-a", keyId: "2026-11.k_1" };
    assert.equal(formatIdentity(identity), "aicc-prod/node-a/2026-11.k_1");
    assert.deepEqual(parseIdentity(formatIdentity(identity)), identity);
  });

  it("have three parts, none of them empty, and a bounded length", () => {
    for (const text of ["", "a", "a/b", "a/b/c/d", "/b/c", "a//c", "a/b/", "a/b/k 1", "a/b/k\u00e9", `a/b/${"k".repeat(33)}`, `${"a".repeat(200)}/b/k`]) assert.equal(parseIdentity(text), null, text);
  });

  for (const [text, verdict] of [
    ["lab/node-b/k1", "ok"], ["lab/w1/k2", "ok"], ["lab/node-b/k3", "wrong-key"], ["lab/node-x/k1", "unknown-node"], ["lab/node-a/k1", "unknown-node"],
    ["other/node-b/k1", "other-cluster"], ["other/node-x/k9", "other-cluster"], ["lab/node-b", "malformed"], ["lab/node-b/k1/", "malformed"], ["LAB/node-b/k1", "other-cluster"], ["lab/__proto__/k1", "unknown-node"],
  ] as const) {
    it(`are judged: ${text} is ${verdict}`, () => {
      const judged = judgeIdentity(text, "lab", MEMBERS, RING);
      assert.equal(judged.ok ? "ok" : judged.refusal, verdict);
      assert.equal(judged.claimed, text);
    });
  }

  it("bring the key that they name", () => {
    const judged = judgeIdentity("lab/node-b/k1", "lab", MEMBERS, RING);
    assert.deepEqual(judged.ok ? judged.key : null, keyOf(1));
  });

  it("of strangers are made harmless before they are shown", () => {
    assert.equal(printable("lab/\u001b[2J\n\u202eevil/k"), "lab/?[2J??evil/k");
    assert.equal(printable("x".repeat(1000)).length, 128);
  });
});

describe("keys of the peer link", () => {
  it("are accepted by id and content", () => {
    assert.equal(acceptsKey(RING, "k1", keyOf(1)), true);
    assert.equal(acceptsKey(RING, "k1", keyOf(2)), false);
    assert.equal(acceptsKey(RING, "k3", keyOf(1)), false);
  });

  it("are copied, so that nobody changes them afterwards", () => {
    const key = keyOf(1);
    const ring = makeKeyRing(new Map([["k1", key]]), "k1");
    key.fill(9);
    assert.equal(acceptsKey(ring, "k1", keyOf(1)), true);
  });

  for (const [what, keys, dialWith] of [
    ["a key of the wrong length", new Map([["k1", keyOf(1).subarray(1)]]), "k1"],
    ["an id that can't be part of an identity", new Map([["k/1", keyOf(1)]]), "k/1"],
    ["no key to dial with", new Map([["k1", keyOf(1)]]), "k2"],
    ["no key at all", new Map<string, Uint8Array>(), "k1"],
  ] as const) {
    it(`are refused with ${what}`, () => assert.throws(() => makeKeyRing(keys, dialWith), { name: "AgentError", code: "AGENT_SECRET_INVALID" }));
  }
});
