import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { persistedSchema } from "../../agent/core/persisted.ts";
import { adoptPause, agePolicy, distrustfulPolicy, initialPolicy, operatorPolicy, persistPolicy, recordMove, restorePolicy } from "../../agent/core/policy.ts";
import type { Policy } from "../../agent/core/state.ts";
import { clusterFrom, perform } from "../simulation/commands.ts";
import { sampleConfig } from "../simulation/core-samples.ts";

const config = sampleConfig();
const HOUR_MS = 3_600_000;
const WALL = 1_700_000_000_000;
const paused = (over: Partial<Policy["pause"]>): Policy => ({ ...initialPolicy(0), pause: { revision: 3, setBy: "node-b", on: true, reason: "maintenance", untilMs: null, ...over } });

/** Any policy that an agent may have at monotonic instant `nowMs`. */
const NOW = 50_000_000;
const policies = fc.record({
  pause: fc.record({ revision: fc.nat(1_000), setBy: fc.constantFrom("", "node-a", "node-b"), on: fc.boolean(), reason: fc.string({ maxLength: 20 }), untilMs: fc.option(fc.integer({ min: NOW + 1, max: NOW + HOUR_MS }), { nil: null }) }),
  blocked: fc.boolean(),
  holdDownUntilMs: fc.integer({ min: 0, max: NOW + config.holdDownMs }),
  claimsAtMs: fc.array(fc.integer({ min: NOW - HOUR_MS + 1, max: NOW }), { maxLength: 6 }).map((all) => all.toSorted((a, b) => a - b)),
  claimNotBeforeMs: fc.constant(NOW),
  claimFailures: fc.constant(0),
  claimFailedAtMs: fc.constant(NOW),
  claimFailure: fc.constant(null),
  moves: fc.array(fc.record({ atWallMs: fc.constant(WALL), from: fc.constant("node-a"), to: fc.constant("node-b"), reason: fc.string({ maxLength: 20 }) }, { noNullPrototype: true }), { maxLength: 3 }),
}, { noNullPrototype: true });

describe("what a restart must remember", () => {
  it("comes back as it was, moved to the new clock", () => {
    fc.assert(fc.property(policies, fc.nat(1_000_000), fc.nat(10_000), (policy, atMs, downMs) => {
      const saved = persistedSchema.parse(JSON.parse(JSON.stringify(persistPolicy(policy, NOW, WALL))));
      const back = restorePolicy(saved, atMs, WALL + downMs, config);
      // Every remaining time is what it was, less the time in which no agent ran.
      const left = (untilMs: number | null, nowMs: number, passedMs: number): number | null => (untilMs === null ? null : Math.max(0, untilMs - nowMs - passedMs));
      assert.equal(left(back.holdDownUntilMs, atMs, 0), left(policy.holdDownUntilMs, NOW, downMs));
      assert.equal(back.pause.on, policy.pause.on && left(policy.pause.untilMs, NOW, downMs) !== 0);
      if (back.pause.on) assert.equal(left(back.pause.untilMs, atMs, 0), left(policy.pause.untilMs, NOW, downMs));
      assert.deepEqual([back.pause.revision, back.pause.setBy, back.blocked, back.moves], [policy.pause.revision, policy.pause.setBy, policy.blocked, policy.moves]);
      assert.deepEqual(back.claimsAtMs.map((claimedAtMs) => atMs - claimedAtMs), policy.claimsAtMs.map((claimedAtMs) => NOW - claimedAtMs + downMs).filter((ageMs) => ageMs < HOUR_MS));
    }));
  });

  it("is saved by the wall clock of its instant, also between two ticks: no restart shortens a hold-down", () => {
    const cluster = clusterFrom("cluster nodes=2 holder=node-a");
    const off: number[] = [];
    cluster.onStep((_member, _before, _event, { state, actions }) => {
      for (const action of actions) if (action.type === "request" && action.request.kind === "save") off.push(action.request.state.holdDownUntilWallMs - (Date.UTC(2026, 0, 1) + state.policy.holdDownUntilMs));
    });
    for (const sentence of ["start everything", "run 60 s", "asterisk of node-a crashes", "run 60 s", "asterisk of node-a recovers", "run 60 s", "asterisk of node-b crashes", "run 60 s"]) perform(cluster, sentence);
    assert.ok(off.length >= 4, `${off.length} times`);
    assert.ok(off.every((ms) => Math.abs(ms) <= 1), off.join(", "));
  });

  it("errs on the safe side when the wall clock was set back", () => {
    const policy = { ...initialPolicy(0), holdDownUntilMs: NOW + 10_000, claimsAtMs: [NOW - 1_000_000] };
    const back = restorePolicy(persistPolicy(policy, NOW, WALL), 5_000, WALL - 7_200_000, config);
    assert.equal(back.holdDownUntilMs, 5_000 + config.holdDownMs, "a full hold-down, never more");
    assert.deepEqual(back.claimsAtMs, [5_000], "as if just made");
  });

  it("counts a saved claim for an hour and not a millisecond longer", () => {
    const saved = persistPolicy({ ...initialPolicy(0), claimsAtMs: [NOW - HOUR_MS, NOW - HOUR_MS + 1] }, NOW, WALL);
    assert.deepEqual(restorePolicy(saved, NOW, WALL, config).claimsAtMs, [NOW - HOUR_MS + 1]);
  });

  it("is a full hold-down where it can't be read", () => {
    assert.equal(distrustfulPolicy(5_000, config).holdDownUntilMs, 5_000 + config.holdDownMs);
    assert.equal(initialPolicy(5_000).holdDownUntilMs, 5_000, "a first start has nothing to hold down");
  });
});

describe("the pause", () => {
  it("is set and ended by operators, each word a new revision", () => {
    const on = operatorPolicy(initialPolicy(0), { kind: "pause", reason: "maintenance", forMs: 60_000 }, 1_000, config);
    assert.deepEqual(on.pause, { revision: 1, setBy: "node-b", on: true, reason: "maintenance", untilMs: 61_000 });
    const off = operatorPolicy(on, { kind: "resume" }, 2_000, config);
    assert.deepEqual(off.pause, { revision: 2, setBy: "node-b", on: false, reason: "", untilMs: null });
  });

  const theirs = (revision: number, setBy: string, on = true, remainingMs: number | null = null): Parameters<typeof adoptPause>[1] => ({ revision, setBy, on, reason: "theirs", remainingMs });
  const cases: readonly [string, ReturnType<typeof theirs>, boolean][] = [
    ["a newer revision", theirs(4, "node-a"), true],
    ["an older revision", theirs(2, "node-z"), false],
    ["the same word", theirs(3, "node-b"), false],
    ["the same revision of a greater name", theirs(3, "node-c"), true],
    ["the same revision of a lesser name", theirs(3, "node-a"), false],
    ["a newer resume", theirs(4, "node-a", false), true],
  ];
  for (const [what, pause, adopted] of cases) it(`${adopted ? "yields to" : "stands against"} ${what}`, () => assert.equal(adoptPause(paused({}), pause, 1_000) !== paused({}) && adoptPause(paused({}), pause, 1_000).pause.reason === "theirs", adopted));

  it("is the same on every node, in whatever order they hear of it", () => {
    const words = fc.array(fc.record({ revision: fc.nat(5), setBy: fc.constantFrom("node-a", "node-b", "node-c"), on: fc.boolean(), reason: fc.constant("x"), remainingMs: fc.constant(null) }), { maxLength: 6 })
      .map((all) => [...new Map(all.map((word) => [`${word.revision} ${word.setBy}`, word])).values()]);
    fc.assert(fc.property(words, fc.integer(), (all, seed) => {
      const hear = (order: typeof all): Policy["pause"] => order.reduce((policy, word) => adoptPause(policy, word, 0), initialPolicy(0)).pause;
      const other = all.toSorted((a, b) => Math.sin(seed + a.revision * 7 + a.setBy.charCodeAt(5)) - Math.sin(seed + b.revision * 7 + b.setBy.charCodeAt(5)));
      assert.deepEqual(hear(other), hear(all));
    }));
  });

  it("runs out on every node's own clock, without a new revision", () => {
    const policy = adoptPause(initialPolicy(0), theirs(4, "node-a", true, 500), 1_000);
    assert.equal(policy.pause.untilMs, 1_500);
    assert.equal(agePolicy(policy, 1_499), policy);
    assert.deepEqual(agePolicy(policy, 1_500).pause, { revision: 4, setBy: "node-a", on: false, reason: "theirs", untilMs: null });
    const ended = paused({ on: false, untilMs: 500 });
    assert.equal(agePolicy(ended, 1_000), ended, "one that is off, as after a restart, does not end a second time");
  });
});

describe("the limits", () => {
  it("leave a pause as it is when a claim is forgotten", () => {
    const policy = { ...paused({ untilMs: 2 * HOUR_MS }), claimsAtMs: [1_000] };
    const aged = agePolicy(policy, HOUR_MS + 1_000);
    assert.equal(aged.pause, policy.pause);
    assert.deepEqual(aged.claimsAtMs, []);
  });

  it("forget a claim after an hour", () => {
    const policy = { ...initialPolicy(0), claimsAtMs: [1_000, 2_000] };
    assert.equal(agePolicy(policy, HOUR_MS + 999), policy);
    assert.deepEqual(agePolicy(policy, HOUR_MS + 1_000).claimsAtMs, [2_000]);
  });

  it("are lifted by an operator's acknowledgement", () => {
    const policy = operatorPolicy({ ...initialPolicy(0), blocked: true, claimsAtMs: [1, 2] }, { kind: "acknowledge" }, 5, config);
    assert.deepEqual([policy.blocked, policy.claimsAtMs], [false, []]);
  });

  it("begin a hold-down with every move, and keep a bounded history", () => {
    let policy = initialPolicy(0);
    for (let move = 0; move < 200; move += 1) policy = recordMove(policy, { atWallMs: WALL + move, from: "node-a", to: "node-b", reason: "" }, 1_000 * move, config);
    assert.equal(policy.holdDownUntilMs, 199_000 + config.holdDownMs);
    assert.equal(policy.moves.length, 50);
    assert.equal(policy.moves.at(-1)?.atWallMs, WALL + 199);
  });
});
