import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeFrame, encodeFrame, FRAME_MAX_BYTES, PROTOCOL_VERSION, type Heartbeat } from "../../agent/core/heartbeat.ts";
import { speak } from "../../agent/core/speak.ts";
import { sampleConfig, sampleHeartbeat, sampleStandby } from "../simulation/core-samples.ts";

const verdict = fc.constantFrom("up" as const, "down" as const, "unknown" as const);
const sentence = fc.string({ maxLength: 60, unit: "grapheme" }).map((text) => text.slice(0, 200));
const name = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/);
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

const heartbeats: fc.Arbitrary<Heartbeat> = fc.record({
  v: fc.constantFrom(PROTOCOL_VERSION, PROTOCOL_VERSION + 1),
  kind: fc.constant("heartbeat" as const),
  cluster: fc.constant("sim"),
  node: name,
  incarnation: fc.stringMatching(/^[0-9a-f]{16}$/),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  role: fc.constantFrom("starting" as const, "standby" as const, "claiming" as const, "active" as const, "witness" as const),
  serving: fc.constantFrom("serving" as const, "degraded" as const, "down" as const, "unknown" as const),
  servingReason: sentence,
  yield: optional(sentence),
  holds: fc.boolean(),
  publicIp: optional(fc.ipV4()),
  pause: fc.record({ revision: fc.nat(), setBy: fc.constantFrom("", "node-a"), on: fc.boolean(), reason: sentence, remainingMs: optional(fc.nat()) }, { noNullPrototype: true }),
  hearsYou: fc.constantFrom("never" as const, "heard" as const, "late" as const, "lost" as const),
  echo: optional(fc.record({ sequence: fc.nat(), heldMs: fc.double({ min: 0, max: 1e6, noNaN: true }).map(Math.abs) }, { noNullPrototype: true })),
  verdict: optional(fc.record({ about: name, verdict, heartbeat: verdict, sip: verdict, eip: verdict }, { noNullPrototype: true })),
  rosterHeld: optional(fc.nat()),
  draining: fc.boolean(), mark: fc.option(fc.nat()),
  blocked: fc.boolean(),
  zone: optional(fc.constantFrom("eu-central-1a", "ap-northeast-1a")),
  ready: optional(fc.boolean()),
  switchover: optional(fc.record({ id: fc.stringMatching(/^[0-9a-f]{16}$/), to: optional(name), phase: fc.constantFrom("draining" as const, "yielding" as const, "withdrawing" as const, "done" as const, "failed" as const, "refused" as const, "checked" as const), says: sentence, reason: sentence.map((text) => text.slice(0, 100)) }, { noNullPrototype: true })),
  answer: optional(sentence),
  coldStart: optional(sentence),
  software: fc.constant("1.0.0"),
  asterisk: optional(fc.constant("22.10.1")),
  configDigest: fc.constant("abc"),
  calls: fc.nat(),
}, { noNullPrototype: true });

describe("the heartbeat codec", () => {
  it("gives back what was sent", () => {
    fc.assert(fc.property(heartbeats, (heartbeat) => {
      assert.deepEqual(decodeFrame(encodeFrame(heartbeat), "sim", heartbeat.node), { ok: true, frame: heartbeat });
    }));
  });

  it("never throws, whatever arrives", () => {
    const anything = fc.oneof(fc.string({ unit: "binary" }), fc.json(), fc.jsonValue().map((value) => JSON.stringify(value)));
    fc.assert(fc.property(anything, (text) => { assert.equal(decodeFrame(text, "sim", "node-a").ok, false); }), { numRuns: 500 });
  });

  it("refuses a heartbeat with one field spoiled or missing, and names the field but not its content", () => {
    const good = sampleHeartbeat();
    const optionalFields = new Set(["rosterHeld", "draining", "mark", "blocked", "zone", "ready", "switchover", "answer", "coldStart"]);
    for (const field of Object.keys(good) as (keyof Heartbeat)[]) {
      for (const spoiled of [{ ...good, [field]: { secret: "4930123" } }, Object.fromEntries(Object.entries(good).filter(([key]) => key !== field))]) {
        const decoded = decodeFrame(JSON.stringify(spoiled), "sim", "node-a");
        if (optionalFields.has(field) && !(field in spoiled)) assert.ok(decoded.ok, `a version before ${field} is understood`);
        else {
          assert.ok(!decoded.ok, `${field} was spoiled`);
          assert.doesNotMatch(decoded.detail, /4930123/);
        }
      }
    }
  });

  it("understands what a newer version adds", () => {
    const newer = { ...sampleHeartbeat(), v: PROTOCOL_VERSION + 1, added: { later: true } };
    const decoded = decodeFrame(JSON.stringify(newer), "sim", "node-a");
    assert.ok(decoded.ok && !("added" in decoded.frame));
  });

  const refused: readonly [string, string, string][] = [
    ["a version from the far future", JSON.stringify({ ...sampleHeartbeat(), v: PROTOCOL_VERSION + 2 }), "version"],
    ["another cluster's frame", JSON.stringify(sampleHeartbeat({ cluster: "other" })), "other-cluster"],
    ["a frame in another node's name", JSON.stringify(sampleHeartbeat({ node: "node-c" })), "unknown-node"],
    ["a frame that is too long", JSON.stringify({ ...sampleHeartbeat(), padding: "x".repeat(FRAME_MAX_BYTES) }), "oversized"],
    ["an array", "[]", "malformed"],
    ["nothing", "", "malformed"],
    ["null", "null", "malformed"],
    ["a deep nest", "[".repeat(2_000), "malformed"],
    ["a frame of an unknown kind without a heartbeat's fields", JSON.stringify({ v: 1, kind: "gossip", cluster: "sim", node: "node-a" }), "malformed"],
  ];
  for (const [what, text, refusal] of refused) {
    it(`refuses ${what}`, () => {
      const decoded = decodeFrame(text, "sim", "node-a");
      assert.equal(decoded.ok ? null : decoded.refusal, refusal);
    });
  }

  it("does not send a frame that a receiver would refuse for its length", () => {
    assert.throws(() => encodeFrame(sampleHeartbeat({ servingReason: "\u4e00".repeat(2_000) })), RangeError);
  });
});

describe("what a node says", () => {
  it("fits into a frame and is understood, whatever operators and Asterisk have written", () => {
    const config = sampleConfig();
    const text = fc.oneof(fc.string({ unit: "binary", maxLength: 400 }), fc.constantFrom("\u0000".repeat(400), "\"".repeat(400), "\ud800".repeat(400), "\u4e00".repeat(400), "\u{1f4de}".repeat(200)));
    fc.assert(fc.property(text, text, (reason, pauseReason) => {
      const before = sampleStandby(10_000);
      const switchover = { id: "00000000000000d1", to: "node-a", reason, phase: "failed" as const, ending: reason, startedAtMs: 0, drainUntilMs: 0, refusingSinceMs: null, empty: false, troubleSinceMs: null, phaseAtMs: 0, phaseSequence: 0, offeredAtMs: null, before: null };
      const state = { ...before, heartbeatNow: true, yielding: reason, switchover, health: { ...before.health, reason }, policy: { ...before.policy, pause: { ...before.policy.pause, reason: pauseReason } } };
      const [notice] = speak(state, config).notices;
      assert.ok(notice?.type === "sendHeartbeat");
      assert.ok(decodeFrame(encodeFrame(notice.heartbeat), config.clusterId, config.nodeId).ok);
    }), { numRuns: 200 });
  });

  it("is said every interval, and at once when there is news", () => {
    const config = sampleConfig();
    const said = { ...sampleStandby(10_000), heartbeatNow: false, sentAtMs: [9_900] };
    const heartbeatsAt = (nowMs: number, over = {}): number => speak({ ...said, ...over, nowMs }, config).notices.filter((notice) => notice.type === "sendHeartbeat").length;
    assert.equal(heartbeatsAt(10_149), 0);
    assert.equal(heartbeatsAt(10_150), 1);
    assert.equal(heartbeatsAt(10_000, { heartbeatNow: true }), 1);
    assert.equal(heartbeatsAt(10_000, { sentAtMs: [] }), 1);
  });
});
