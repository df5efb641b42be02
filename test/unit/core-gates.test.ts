import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gateContext, GATES, gatesPass, limitIsHit, rankOf, rankPasses, waitsFor, yieldOf } from "../../agent/core/gates.ts";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import type { State } from "../../agent/core/state.ts";
import type { ClaimCause, Holder } from "../../agent/core/types.ts";
import { sampleConfig, sampleHeartbeat, sampleMember, sampleSilence, sampleStandby } from "../simulation/core-samples.ts";

const config = sampleConfig();

/** A state from which a claim of that cause may be made, and which each test spoils in one way. */
const OPEN: Readonly<Record<Exclude<ClaimCause, "switchover" | "takeover">, State>> = {
  quorum: sampleSilence(12_000, 10_000, 11_600),
  consent: yielding(),
  vacant: { ...sampleStandby(12_000), ownership: { ...sampleStandby(12_000).ownership, holder: { kind: "nobody" }, sinceMs: 9_000 }, evidence: { ...sampleStandby(12_000).evidence, target: null } },
};

function yielding(): State {
  const before = sampleStandby(12_000);
  const member = sampleMember(11_900, sampleHeartbeat({ serving: "down", yield: "Asterisk is not running." }));
  return { ...before, members: { "node-a": member }, evidence: { ...before.evidence, suspectedAtMs: 11_700 }, ownership: { ...before.ownership, readSentAtMs: 11_700 } };
}

const passes = (cause: ClaimCause, state: State, settings = config): boolean => gatesPass(cause, gateContext(state, settings));
/** Names of the gates that are closed. */
const closed = (cause: ClaimCause, state: State): readonly string[] => GATES[cause].filter((gate) => !gate.passes(gateContext(state, config))).map((gate) => gate.name);
const policy = (state: State, over: Partial<State["policy"]>): State => ({ ...state, policy: { ...state.policy, ...over } });
const owner = (state: State, over: Partial<State["ownership"]>): State => ({ ...state, ownership: { ...state.ownership, ...over } });

describe("the gates before every automatic claim", () => {
  it("let a degraded node claim, and the last free claim of the hour through", () => {
    assert.ok(passes("quorum", { ...OPEN.quorum, health: { ...OPEN.quorum.health, serving: "degraded" } }));
    assert.ok(passes("quorum", policy(OPEN.quorum, { claimsAtMs: [1, 2, 3, 4, 5] })));
  });

  it("let the next try through at the very instant at which it is due, on a read that began when the last one failed", () => {
    for (const cause of ["quorum", "consent", "vacant"] as const) {
      const { readSentAtMs } = OPEN[cause].ownership;
      assert.ok(passes(cause, policy(OPEN[cause], { claimFailures: 1, claimFailedAtMs: readSentAtMs ?? NaN, claimNotBeforeMs: 12_000 })));
    }
  });

  it("tell when only the hourly limit is in the way, which then blocks", () => {
    const full = policy(OPEN.consent, { claimsAtMs: [1, 2, 3, 4, 5, 6] });
    assert.ok(limitIsHit("consent", gateContext(full, config)));
    assert.ok(!limitIsHit("consent", gateContext(OPEN.consent, config)));
    assert.ok(!limitIsHit("consent", gateContext({ ...full, health: { ...full.health, serving: "down" } }, config)));
  });
});

describe("a claim by quorum", () => {
  const open = OPEN.quorum;

  it("waits for the hold-down, and a claim by consent does not", () => {
    assert.deepEqual(closed("quorum", policy(open, { holdDownUntilMs: 12_001 })), ["hold-down over"]);
    assert.ok(passes("quorum", policy(open, { holdDownUntilMs: 12_000 })));
    assert.ok(passes("consent", policy(OPEN.consent, { holdDownUntilMs: 99_000 })));
  });

  it("is not made from a stranger, from nobody, or from ourselves", () => {
    const holders: readonly Holder[] = [{ kind: "stranger", instanceId: "i-x" }, { kind: "nobody" }, { kind: "node", node: "node-b" }];
    for (const holder of holders) assert.ok(!passes("quorum", { ...owner(open, { holder }), evidence: { ...open.evidence, target: null } }));
  });

  it("is not made while a mark moves or EC2 has not been read late enough", () => {
    assert.deepEqual(closed("quorum", owner(open, { markMovedAtMs: 11_600 })), ["nobody says up", "EC2 asked"]);
    assert.deepEqual(closed("quorum", owner(open, { readSentAtMs: 11_000 })), ["EC2 asked"]);
  });

  it("explains the first thing that it waits for", () => {
    assert.match(waitsFor("quorum", gateContext(policy(open, { holdDownUntilMs: 15_000 }), config)), /Hold-down.*3000 ms to go/);
    assert.match(waitsFor("quorum", gateContext(sampleStandby(10_000), config)), /sees the active up/);
    assert.equal(waitsFor("quorum", gateContext({ ...open, readySince: { cause: "quorum", sinceMs: 12_000 } }, config)), "Nothing: it claims now.");
    assert.match(waitsFor("quorum", gateContext({ ...open, readySince: null }, config)), /^Its turn: 0 serving standby/);
  });
});

describe("a claim by consent", () => {
  const said = (over: Partial<Heartbeat>, heardAtMs = 11_900): State => ({ ...OPEN.consent, members: { "node-a": sampleMember(heardAtMs, sampleHeartbeat({ serving: "down", yield: "Asterisk hangs.", ...over })) } });

  it("rests on the active's own word", () => {
    assert.equal(yieldOf(said({}), config), "Asterisk hangs.");
    assert.equal(yieldOf(said({ yield: null }), config), null);
    assert.equal(yieldOf(said({ holds: false }), config), null, "who does not hold the address has nothing to give");
    assert.equal(yieldOf(said({}, 10_500), config), null, "the word is old");
    assert.equal(yieldOf({ ...said({}), evidence: { ...OPEN.consent.evidence, target: null } }, config), null);
  });

  it("does not rest on words that waited in our socket while we stood still", () => {
    assert.equal(yieldOf({ ...said({}), doubtedSequence: 1, sequence: 4 }, config), null);
    assert.equal(yieldOf({ ...said({ echo: { sequence: 2, heldMs: 1 } }), doubtedSequence: 1, sequence: 4 }, config), "Asterisk hangs.");
    assert.equal(yieldOf(said({ echo: null }), config), null);
  });

  it("asks EC2 first, because the belief may be a minute old", () => {
    assert.deepEqual(closed("consent", owner(OPEN.consent, { readSentAtMs: 11_699 })), ["owner asked"]);
    assert.deepEqual(closed("consent", owner(OPEN.consent, { failures: 1 })), ["owner asked"]);
  });
});

describe("a claim of the free address", () => {
  it("waits for the grace time", () => {
    assert.deepEqual(closed("vacant", owner(OPEN.vacant, { sinceMs: 9_001 })), ["grace over"]);
  });

  it("is not made of an address that somebody holds", () => {
    assert.deepEqual(closed("vacant", owner(OPEN.vacant, { holder: { kind: "stranger", instanceId: null } })), ["nobody holds it"]);
  });
});

describe("the rank", () => {
  const settings = sampleConfig({ nodes: ["node-0", "node-a", "node-b", "node-c"] });
  const last = sampleConfig({ nodes: ["node-0", "node-1", "node-a", "node-b"] });
  const standby = (node: string, over: Partial<Heartbeat> = {}, heardAtMs = 12_000): State["members"] => ({ [node]: sampleMember(heardAtMs, sampleHeartbeat({ node, role: "standby", holds: false, ...over })) });
  const state = (members: State["members"], over: Partial<State> = {}): State => ({ ...sampleSilence(12_000, 10_000, 11_600, settings), members, readySince: { cause: "quorum", sinceMs: 11_000 }, ...over });

  it("counts the serving standbys that come before us", () => {
    assert.equal(rankOf(state({}), settings), 0);
    assert.equal(rankOf(state(standby("node-0")), settings), 1);
    assert.equal(rankOf(state({ ...standby("node-0"), ...standby("node-1") }), last), 2);
    assert.equal(rankOf(state(standby("node-c")), settings), 0, "it comes after us");
    assert.equal(rankOf(state(standby("node-a")), settings), 0, "it holds the address");
    assert.equal(rankOf(state(standby("node-0", { serving: "down" })), settings), 0);
    assert.equal(rankOf(state(standby("node-0", {}, 10_400)), settings), 0, "it has not been heard for long");
  });

  const turn = (members: State["members"], readyForMs: number, readSentAtMs = 11_900, cause: ClaimCause = "quorum", config = settings): boolean => {
    const before = state(members, { readySince: { cause, sinceMs: 12_000 - readyForMs } });
    return rankPasses(cause, owner(before, { readSentAtMs }), config);
  };

  it("makes each wait as many stagger times as come before it", () => {
    assert.ok(turn({}, 0));
    assert.ok(!turn(standby("node-0"), 999));
    assert.ok(turn(standby("node-0"), 1_000));
    assert.ok(!turn({ ...standby("node-0"), ...standby("node-1") }, 1_999, 11_900, "quorum", last));
    assert.ok(turn({ ...standby("node-0"), ...standby("node-1") }, 2_000, 11_900, "quorum", last));
  });

  it("makes who waited read EC2 again before it claims, save for an address that EC2 gives to one only", () => {
    assert.ok(!turn(standby("node-0"), 1_000, 11_000), "it began when we could have claimed ourselves: too early to show who was faster");
    assert.ok(turn(standby("node-0"), 1_000, 11_001));
    assert.ok(turn(standby("node-0"), 1_000, 11_000, "vacant"));
  });

  it("lets another's claim end first, for as long as a call may take", () => {
    assert.ok(!turn(standby("node-c", { role: "claiming" }), 2_999));
    assert.ok(turn(standby("node-c", { role: "claiming" }), 3_000));
    assert.ok(!turn(standby("node-c", { role: "active", holds: true }), 0), "another says that it has the address");
    assert.ok(turn(standby("node-a", { role: "active", holds: true }), 0), "that is the one we watch");
  });

  it("counts only since all else spoke for a claim of this cause", () => {
    assert.ok(!rankPasses("consent", state({}), settings));
    assert.ok(!rankPasses("quorum", state({}, { readySince: null }), settings));
  });
});
