import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dialledEndpointOf, endpointOf, filled, pace, spent, type Bucket, type CampaignLoad, type Limits } from "../../agent/stasis-app/core/pacing.ts";
import { afterAttempt, resultOf } from "../../agent/stasis-app/core/retry.ts";

const rules = {
  retry: { busy: { tries: 3, waitSeconds: 300 }, noAnswer: { tries: 2, waitSeconds: 60 }, failed: { tries: 1, waitSeconds: 5 } },
  cut: { outbound: "retry", inbound: "ring-back", tries: 2, waitSeconds: 5 },
} as const;

describe("what follows an attempt", () => {
  it("is the campaign's rule for how it ended", () => {
    assert.deepEqual(afterAttempt(rules, "out", "busy", { busy: 2 }), { then: "again", waitMs: 300_000 });
    assert.deepEqual(afterAttempt(rules, "out", "busy", { busy: 3 }), { then: "end" });
    assert.deepEqual(afterAttempt(rules, "out", "no-answer", { busy: 2, "no-answer": 1 }), { then: "again", waitMs: 60_000 });
    assert.deepEqual(afterAttempt(rules, "out", "failed", { failed: 1 }), { then: "end" });
    for (const result of ["answered", "cancelled", "do-not-call"] as const) assert.deepEqual(afterAttempt(rules, "out", result, {}), { then: "end" });
  });

  it("is another attempt or a call back after a failover, unless the campaign leaves it", () => {
    assert.deepEqual(afterAttempt(rules, "out", "cut", { cut: 1 }), { then: "again", waitMs: 5_000 });
    assert.deepEqual(afterAttempt(rules, "out", "cut", { cut: 2 }), { then: "end" });
    assert.deepEqual(afterAttempt(rules, "in", "cut", { cut: 1 }), { then: "ring-back", waitMs: 5_000 });
    const leaving = { ...rules, cut: { ...rules.cut, outbound: "leave", inbound: "leave" } } as const;
    for (const direction of ["in", "out"] as const) assert.deepEqual(afterAttempt(leaving, direction, "cut", { cut: 1 }), { then: "end" });
  });

  it("is nothing for a caller who hung up, and for a call whose campaign is gone", () => {
    assert.deepEqual(afterAttempt(rules, "in", "answered", { answered: 1 }), { then: "end" });
    assert.deepEqual(afterAttempt(null, "out", "busy", { busy: 1 }), { then: "end" });
  });
});

describe("how an attempt ended that nobody answered", () => {
  it("is read from the cause, and from the time where the cause says nothing", () => {
    assert.equal(resultOf(17, 1_000, 30), "busy");
    assert.equal(resultOf(19, 30_000, 30), "no-answer");
    assert.equal(resultOf(0, 30_000, 30), "no-answer");
    assert.equal(resultOf(16, 5_000, 30), "failed");
    assert.equal(resultOf(1, 30_000, 30), "failed");
  });
});

describe("pacing", () => {
  const load = (id: string, running: number, limits: Partial<Limits> = {}, trunk = "carrier"): CampaignLoad => ({ id, trunk, running, limits: { callsPerSecond: 10, concurrent: 20, ...limits } });
  const wide = (): Limits => ({ callsPerSecond: 1_000, concurrent: 1_000 });

  /** Runs a clock and starts whatever may be started; returns when each call of each campaign began. */
  function drive(loads: readonly CampaignLoad[], trunks: (name: string) => Limits, seconds: number, others = 0): ReadonlyMap<string, readonly number[]> {
    const starts = new Map<string, number[]>(loads.map(({ id }) => [id, []]));
    let buckets: ReadonlyMap<string, Bucket> = new Map();
    for (let nowMs = 0; nowMs < seconds * 1000; nowMs += 50) {
      const running = loads.map((each) => ({ ...each, running: each.running + (starts.get(each.id)?.length ?? 0) }));
      const paced = pace(running, trunks, (trunk) => running.filter((each) => each.trunk === trunk).reduce((sum, each) => sum + each.running, others), buckets, nowMs);
      buckets = paced.buckets;
      for (const each of loads) {
        const count = paced.rooms.get(each.id) ?? 0;
        buckets = spent(buckets, each, count);
        for (let started = 0; started < count; started += 1) starts.get(each.id)?.push(nowMs);
      }
    }
    return starts;
  }

  it("starts calls at the campaign's rate and never more at once than it allows", () => {
    assert.equal(drive([load("a", 0)], wide, 1).get("a")?.length, 10);
    assert.equal(drive([load("a", 0)], wide, 10).get("a")?.length, 20);
    assert.equal(drive([load("a", 20)], wide, 1).get("a")?.length, 0);
  });

  it("never starts more in any second than the rate and what a bucket holds", () => {
    const starts = drive([load("a", 0, { callsPerSecond: 7, concurrent: 1_000 })], wide, 20).get("a") ?? [];
    assert.ok(starts.length >= 138 && starts.length <= 142, String(starts.length));
    for (const from of starts) assert.ok(starts.filter((at) => at >= from && at < from + 1_000).length <= 9);
  });

  it("shares a trunk's limits evenly among its campaigns", () => {
    const starts = drive([load("a", 0), load("b", 0), load("c", 0, {}, "other")], (name) => (name === "carrier" ? { callsPerSecond: 4, concurrent: 6 } : wide()), 5);
    assert.deepEqual(["a", "b", "c"].map((id) => starts.get(id)?.length), [3, 3, 20]);
  });

  it("counts what else is on a trunk: callers, and agents who are called through it", () => {
    const narrow = (): Limits => ({ callsPerSecond: 1_000, concurrent: 8 });
    assert.equal(drive([load("a", 0)], narrow, 5, 3).get("a")?.length, 5);
    assert.equal(drive([load("a", 0)], narrow, 5, 9).get("a")?.length, 0);
    assert.deepEqual(["PJSIP/carrier-0000001f", "PJSIP/my-trunk-2-0000001f", "Local/answer@canary-1;1"].map(endpointOf), ["carrier", "my-trunk-2", null]);
    assert.deepEqual(["PJSIP/+49301@carrier", "PJSIP/agents", "PJSIP/carrier/sip:1@192.0.2.1", "Local/x@y"].map(dialledEndpointOf), ["carrier", "agents", "carrier", null]);
  });

  it("takes less than one call a second as one in several seconds", () => {
    assert.deepEqual(drive([load("a", 0, { callsPerSecond: 0.5 })], wide, 5).get("a"), [0, 2_000, 4_000]);
  });

  it("does not make up for time in which nothing was started", () => {
    assert.deepEqual(filled({ tokens: 0, atMs: 0 }, { callsPerSecond: 50, concurrent: 1 }, 3_600_000), { tokens: 6, atMs: 3_600_000 });
    assert.deepEqual(filled({ tokens: 2, atMs: 100 }, { callsPerSecond: 50, concurrent: 1 }, 50).tokens, 2);
  });
});
