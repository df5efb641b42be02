import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { beginSuspicion, doubtOwnership, foldReadFailure, foldReading, holderName, initialOwnership, isHeldBy, sameHolder, type Ownership } from "../../agent/core/ownership.ts";
import type { AddressReading, Holder, Mark } from "../../agent/core/types.ts";
import { sampleConfig } from "../simulation/core-samples.ts";

const config = sampleConfig();
const A: Holder = { kind: "node", node: "node-a" };
const B: Holder = { kind: "node", node: "node-b" };
const NOBODY: Holder = { kind: "nobody" };
const reading = (holder: Holder, mark: Mark | null = null): AddressReading => ({ holder, publicIp: "203.0.113.10", mark, lastClaim: null });
/** Reads one after the other, a second apart, each taking 60 ms. */
const reads = (holders: readonly Holder[], from: Ownership = initialOwnership(0)): Ownership => holders.reduce((ownership, holder, index) => foldReading(ownership, reading(holder), 1_000 * (index + 1), 1_000 * (index + 1) + 60), from);

describe("the holder of the address", () => {
  it("is believed after two consecutive reads agree", () => {
    const cases: readonly [readonly Holder[], Holder | null][] = [[[], null], [[A], null], [[A, A], A], [[A, B], null], [[A, B, B], B], [[A, A, B], A], [[A, A, B, B], B], [[A, A, B, A, B, A], A], [[A, A, B, NOBODY, B], A], [[A, A, NOBODY, NOBODY], NOBODY]];
    for (const [sequence, expected] of cases) assert.deepEqual(reads(sequence).holder, expected, sequence.map(holderName).join(", "));
  });

  it("never changes on a single contrary read, whatever came before", () => {
    const holder = fc.constantFrom<Holder>(A, B, NOBODY, { kind: "stranger", instanceId: "i-x" }, { kind: "stranger", instanceId: null });
    fc.assert(fc.property(fc.array(holder, { maxLength: 30 }), (sequence) => {
      let ownership = initialOwnership(0);
      for (const [index, each] of sequence.entries()) {
        const next = foldReading(ownership, reading(each), index, index);
        if (!sameHolder(next.holder, ownership.holder)) assert.ok(index > 0 && sameHolder(each, sequence[index - 1] ?? null) && sameHolder(next.holder, each));
        ownership = next;
      }
    }));
  });

  it("keeps who held it before", () => {
    assert.deepEqual(reads([A, A, B, B]).previous, A);
  });

  it("does not mix reads from before and after a doubt", () => {
    const doubted = doubtOwnership(reads([A, A, B]), 5_000);
    assert.deepEqual([doubted.holder, doubted.candidate, doubted.readSentAtMs], [A, null, null]);
    assert.deepEqual(foldReading(doubted, reading(B), 5_100, 5_160).holder, A);
  });

  it("is compared by place", () => {
    assert.ok(sameHolder({ kind: "stranger", instanceId: null }, { kind: "stranger", instanceId: null }));
    assert.ok(!sameHolder({ kind: "stranger", instanceId: "i-1" }, { kind: "stranger", instanceId: "i-2" }));
    assert.ok(!sameHolder(A, B));
    assert.ok(!sameHolder(null, NOBODY));
    assert.ok(sameHolder(null, null));
    assert.ok(isHeldBy(reads([A, A]), "node-a"));
    assert.ok(!isHeldBy(reads([A, A]), "node-b"));
    assert.ok(!isHeldBy(initialOwnership(0), "node-b"));
  });
});

describe("one read", () => {
  const failure = { code: "AGENT_CLOUD_TIMEOUT", message: "no answer" };
  const mark = { node: "node-a", counter: 7 };
  const before: Ownership = { holder: A, previous: NOBODY, sinceMs: 100, candidate: B, publicIp: null, readSentAtMs: 900, readAnsweredAtMs: 960, failures: 2, failure, answeringSinceMs: null, retryAtMs: 9_000, slowestReadMs: 60, mark: null, markMovedAtMs: 900, instance: { node: "node-a", state: "running", atMs: 900 } };
  const after: Ownership = { ...before, publicIp: "203.0.113.10", readSentAtMs: 2_000, readAnsweredAtMs: 2_500, failures: 0, failure: null, answeringSinceMs: 2_000, retryAtMs: 2_500, slowestReadMs: 500, mark };

  it("that agrees ends the doubt about the holder, and every failure before it", () => {
    assert.deepEqual(foldReading(before, reading(A, mark), 2_000, 2_500), { ...after, markMovedAtMs: 2_000, candidate: null });
    assert.equal(foldReading({ ...before, slowestReadMs: 800 }, reading(A, mark), 2_000, 2_500).slowestReadMs, 800);
    assert.equal(foldReading({ ...before, answeringSinceMs: 300 }, reading(A, mark), 2_000, 2_500).answeringSinceMs, 300);
  });

  it("that agrees with the one before it changes the holder, and forgets what was seen of the old one", () => {
    assert.deepEqual(foldReading(before, reading(B, mark), 2_000, 2_500), { ...after, holder: B, previous: A, sinceMs: 2_500, candidate: null, markMovedAtMs: null, instance: null });
  });

  it("that agrees with neither starts another doubt", () => {
    assert.deepEqual(foldReading(before, reading(NOBODY, mark), 2_000, 2_500), { ...after, candidate: NOBODY });
  });

  it("is forgotten when we doubt ourselves, apart from who holds the address", () => {
    assert.deepEqual(doubtOwnership({ ...after, answeringSinceMs: 300 }, 7_000), { ...after, candidate: null, readSentAtMs: null, readAnsweredAtMs: null, answeringSinceMs: null, instance: null, markMovedAtMs: null, retryAtMs: 7_000, failures: 0 });
    assert.equal(doubtOwnership({ ...after, failures: 3 }, 7_000).failures, 0, "EC2 is asked at once");
  });

  it("leaves nothing behind for the next suspicion but the mark itself", () => {
    assert.deepEqual(beginSuspicion(after), { ...after, markMovedAtMs: null, instance: null, slowestReadMs: 0 });
  });
});

describe("the alive mark", () => {
  const marked = (counter: number, node = "node-a"): AddressReading => reading(A, { node, counter });
  const known = foldReading(foldReading(initialOwnership(0), marked(4), 1_000, 1_060), marked(4), 1_250, 1_310);

  it("is only a baseline at the first read", () => {
    assert.equal(known.markMovedAtMs, null);
  });

  it("has moved when the holder's counter differs, as of when the read was sent", () => {
    assert.equal(foldReading(known, marked(5), 2_000, 2_500).markMovedAtMs, 2_000);
    assert.equal(foldReading(known, marked(3), 2_000, 2_500).markMovedAtMs, 2_000, "a restarted writer may count lower");
    assert.equal(foldReading(known, marked(4), 2_000, 2_500).markMovedAtMs, null);
    assert.equal(foldReading(known, reading(A, null), 2_000, 2_500).markMovedAtMs, null);
  });

  it("has not moved when the holder had told of that very mark in a heartbeat", () => {
    assert.equal(foldReading(known, marked(5), 2_000, 2_500, { node: "node-a", counter: 5 }).markMovedAtMs, null);
    assert.equal(foldReading(known, marked(6), 2_000, 2_500, { node: "node-a", counter: 5 }).markMovedAtMs, 2_000, "one that came after the heartbeat");
    assert.equal(foldReading(known, marked(5), 2_000, 2_500, { node: "node-b", counter: 5 }).markMovedAtMs, 2_000, "somebody else told of it");
  });

  it("says nothing when somebody else wrote it", () => {
    assert.equal(foldReading(known, marked(9, "node-b"), 2_000, 2_500).markMovedAtMs, null);
  });

  it("counts anew with every suspicion, from the last mark seen", () => {
    const moved = foldReading(known, marked(5), 2_000, 2_060);
    const suspected = beginSuspicion(moved);
    assert.equal(suspected.markMovedAtMs, null);
    assert.equal(foldReading(suspected, marked(5), 3_000, 3_060).markMovedAtMs, null);
    assert.equal(foldReading(suspected, marked(6), 3_000, 3_060).markMovedAtMs, 3_000);
  });

  it("is a baseline again after a doubt", () => {
    assert.equal(foldReading(doubtOwnership(known, 5_000), marked(9), 5_100, 5_160).markMovedAtMs, null);
  });
});

describe("a read that fails", () => {
  const failure = { code: "AGENT_CLOUD_THROTTLED", message: "no" };

  it("is retried with a jittered, doubling, bounded backoff", () => {
    let ownership = initialOwnership(0);
    for (const ceilingMs of [500, 1_000, 2_000, 4_000, 4_000, 4_000]) {
      assert.equal(foldReadFailure(ownership, failure, 1_000, 0, config).retryAtMs, 1_000 + ceilingMs / 2);
      assert.equal(foldReadFailure(ownership, failure, 1_000, 1, config).retryAtMs, 1_000 + ceilingMs);
      ownership = foldReadFailure(ownership, failure, 1_000, 0.5, config);
    }
  });

  it("makes silence count anew from the next read that succeeds", () => {
    const before = reads([A, A]);
    assert.equal(before.answeringSinceMs, 1_000);
    const failed = foldReadFailure(before, failure, 3_000, 0.5, config);
    assert.equal(failed.answeringSinceMs, null);
    assert.deepEqual([failed.holder, failed.failures], [A, 1]);
    const again = foldReading(failed, reading(A), 4_000, 4_900);
    assert.deepEqual([again.answeringSinceMs, again.failures, again.failure, again.slowestReadMs], [4_000, 0, null, 900]);
  });
});

describe("a holder in words", () => {
  it("is what an operator would say", () => {
    assert.deepEqual([null, A, NOBODY, { kind: "stranger", instanceId: "i-9" } as const, { kind: "stranger", instanceId: null } as const].map(holderName), [
      "unknown", "node-a", "nobody", "an instance outside the cluster (i-9)", "an instance outside the cluster (held through an interface)",
    ]);
  });
});
