// When EC2 is asked and told: every reason to read it, and every interval, to the millisecond. A steady node asks once a minute.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import { decisiveReadAtMs } from "../../agent/core/quorum.ts";
import { schedule, unheardPeersSince } from "../../agent/core/schedule.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleHeartbeat, sampleMember } from "../simulation/core-samples.ts";
import { assertEvery, assertNever, assertNow, DUE_CONFIG, DUE_NOW as NOW, dueIn, QUIET, startedAgo } from "../support/due.ts";
import { coreConfig, settledPair } from "../support/small-world.ts";

const READ = "readAddress";
const own = (over: Partial<State["ownership"]>, from: State = QUIET): State => ({ ...from, ownership: { ...from.ownership, ...over } });
const silent = { okAtMs: 900, misses: 0, firstMissAtMs: null, proven: true };
const suspected = (ms: number, over: Partial<State["ownership"]> = {}): State => own({ readSentAtMs: NOW - 2_000, readAnsweredAtMs: NOW - 1_940, answeringSinceMs: 500, ...over }, { ...QUIET, evidence: { ...QUIET.evidence, suspectedAtMs: NOW - ms, sip: silent, eip: silent } });
const hears = (said: Partial<Heartbeat>, over: Parameters<typeof sampleMember>[2] = {}, node = "node-a"): State["members"] => ({ [node]: sampleMember(NOW, sampleHeartbeat({ node, ...said }), over) });

describe("the owner of the address", () => {
  it("is read once a minute in quiet times, and not while a backoff lasts", () => {
    assertEvery(60_000, READ);
    assertNever(READ, own({ retryAtMs: NOW + 1 }));
    assertEvery(60_000, READ, own({ retryAtMs: NOW }));
    assertNow(READ, own({ failures: 1 }));
  });

  it("is read at the pace of a confirmation while nothing is certain", () => {
    assertEvery(250, READ, own({ readSentAtMs: null }));
    assertEvery(250, READ, own({ holder: null }));
    assertEvery(250, READ, own({ candidate: { kind: "nobody" } }));
  });

  it("is read during a claim when its answer is there, or slow", () => {
    const claim = (phase: "calling" | "accepted" | "unknown", decidedAgoMs: number): State => ({ ...startedAgo(QUIET, "claim", 0), role: "claiming", claim: { cause: "quorum", reason: "", basis: { suspectedForMs: null, verdicts: [], cloud: "unknown" }, decidedAtMs: NOW - decidedAgoMs, phase, calledAtMs: null, failure: null, contraryReads: 0 } });
    for (const phase of ["accepted", "unknown"] as const) assertEvery(250, READ, claim(phase, 1));
    assertNever(READ, claim("calling", 499));
    assertEvery(250, READ, claim("calling", 500));
  });

  it("is read as soon as an operator has asked for a takeover", () => {
    const asked = { id: "00000000000000e1", reason: "", from: "node-a", accepted: [], evenIfNotServing: false, phase: "claiming", ending: "", overrides: [], askedAtMs: NOW - 100, phaseAtMs: NOW - 100 } as const;
    assertEvery(101, READ, { ...QUIET, takeover: asked });
    assertEvery(60_000, READ, { ...QUIET, takeover: { ...asked, phase: "failed" } });
  });

  it("is read often by who offers it, or has withdrawn the offer", () => {
    const offer = { id: "00000000000000d1", to: "node-a", reason: "work", phase: "yielding", ending: "", startedAtMs: 1, drainUntilMs: 1, refusingSinceMs: 1, empty: true, troubleSinceMs: null, phaseAtMs: 1, phaseSequence: 0, offeredAtMs: 1, before: null } as const;
    for (const phase of ["yielding", "withdrawing"] as const) assertEvery(1_000, READ, { ...QUIET, switchover: { ...offer, phase } });
    for (const phase of ["draining", "done"] as const) assertEvery(60_000, READ, { ...QUIET, switchover: { ...offer, phase } });
  });

  it("is read after a claim in vain, and often for a while", () => {
    const failed = (ms: number, claimFailures = 1): State => ({ ...QUIET, policy: { ...QUIET.policy, claimFailures, claimFailedAtMs: NOW - ms } });
    assertEvery(101, READ, failed(100));
    assertEvery(1_000, READ, startedAgo(failed(19_999), "probe:ari", 0));
    assertEvery(20_001, READ, failed(20_000));
    assertEvery(60_000, READ, failed(60_001));
    assertEvery(60_000, READ, failed(100, 0));
  });

  it("is read often while a peer's fresh word contradicts what we believe", () => {
    const said = (says: Partial<Heartbeat>, over: Parameters<typeof sampleMember>[2] = {}): State => ({ ...QUIET, members: hears(says, over) });
    assertEvery(1_000, READ, said({ holds: false }));
    assertEvery(60_000, READ, said({ holds: false, role: "starting" }));
    assertEvery(60_000, READ, said({ holds: false }, { heardAtMs: NOW - DUE_CONFIG.peerLostAfterMs }));
    assertEvery(1_000, READ, own({ holder: { kind: "node", node: "node-b" } }, said({ holds: true })));
    const three = { ...DUE_CONFIG, peers: ["node-a", "node-c"] };
    assertEvery(1_000, READ, { ...QUIET, members: { ...QUIET.members, ...hears({ holds: true }, {}, "node-c") } }, three);
  });

  it("is read every few seconds by an active that is not sure to be heard", () => {
    const active = own({ holder: { kind: "node", node: "node-b" } }, { ...QUIET, role: "active", evidence: { ...QUIET.evidence, target: null } });
    assertEvery(5_000, READ, { ...active, members: hears({ holds: false, role: "standby" }, { unheardSinceMs: NOW - 9_000 }) });
    assertEvery(60_000, READ, { ...active, members: hears({ holds: false, role: "standby" }) });
  });
});

describe("the owner of the address in a suspicion", () => {
  it("is read when it begins, and then each second; after a minute every few seconds", () => {
    assertEvery(101, READ, suspected(100));
    assertEvery(1_000, READ, suspected(20_000, { markMovedAtMs: NOW - 1 }));
    assertEvery(5_000, READ, suspected(60_000, { markMovedAtMs: NOW - 1 }));
    assertEvery(1_000, READ, suspected(59_999, { markMovedAtMs: NOW - 1 }));
  });

  it("is read at once at the instant from which no mark means no life", () => {
    assert.equal(decisiveReadAtMs(suspected(900), DUE_CONFIG), NOW);
    assertEvery(1, READ, suspected(900));
    assert.equal(dueIn(startedAgo(suspected(899), READ, 500))[READ], undefined, "not before it");
  });

  it("is not read again before that instant when EC2 answers again after it did not", () => {
    const again = (answeringSinceMs: number | null): State => suspected(1_500, { answeringSinceMs, markMovedAtMs: NOW - 1 });
    assert.equal(dueIn(startedAgo(again(NOW - 1_499), READ, 1_400))[READ], undefined);
    assertEvery(1_000, READ, again(NOW - 1_500));
    assertEvery(1_000, READ, again(null));
    const later = suspected(9_000, { answeringSinceMs: NOW - 1_900 });
    assert.equal(decisiveReadAtMs(later, DUE_CONFIG), NOW);
    assertEvery(1, READ, later);
    assertEvery(1_000, READ, suspected(9_000, { answeringSinceMs: NOW - 5_000 }));
  });

  it("is read twice when EC2 answers again after it has refused: to find out, and to decide", () => {
    const world = settledPair();
    world.machine("node-b").cloud = { code: "AGENT_CLOUD_THROTTLED", message: "RequestLimitExceeded" };
    world.kill("node-a");
    world.run(5_000);
    assert.ok(world.state("node-b").ownership.failures >= 2);
    const reads = world.requests("node-b", "readAddress");
    world.machine("node-b").cloud = null;
    while (world.state("node-b").role !== "claiming" && world.nowMs < 60_000) world.run(50);
    assert.ok(world.state("node-b").claim !== null, "it claims");
    const instants = reads.map(({ atMs }) => atMs);
    assert.equal(instants.length, 2, instants.join(", "));
    const [found = 0, decided = 0] = instants;
    assert.ok(decided - found >= world.config("node-b").markVisibleAfterMs, "late enough for a mark to show");
    assert.ok(decided >= (decisiveReadAtMs(world.state("node-b"), world.config("node-b")) ?? Infinity));
  });

  it("comes with the state of the active's instance, from half the time that a mark needs", () => {
    assertNever("readInstance", QUIET);
    assertNever("readInstance", { ...suspected(5_000), evidence: { ...suspected(5_000).evidence, target: null } });
    assertNever("readInstance", suspected(449));
    assertEvery(1_000, "readInstance", suspected(450));
    assertEvery(5_000, "readInstance", suspected(60_000));
  });
});

describe("the claim", () => {
  const claiming = (phase: "calling" | "accepted"): State => ({ ...QUIET, role: "claiming", claim: { cause: "quorum", reason: "", basis: { suspectedForMs: null, verdicts: [], cloud: "unknown" }, decidedAtMs: NOW - 10, phase, calledAtMs: null, failure: null, contraryReads: 0 } });

  it("is called once for each decision", () => {
    assertEvery(11, "claim", claiming("calling"));
    assertNever("claim", claiming("accepted"));
    assertNow("claim", claiming("calling"));
  });

  it("is tried dry every ten minutes, each minute after a failure, and never before the owner is known", () => {
    for (const key of ["dryRunClaim", "dryRunMark"]) {
      assertEvery(600_000, key);
      assertNever(key, own({ holder: null }));
    }
    const ready = { ready: true, failure: null, markAllowed: true };
    assertEvery(60_000, "dryRunClaim", { ...QUIET, claimReady: { ...ready, ready: false } });
    assertEvery(60_000, "dryRunMark", { ...QUIET, claimReady: { ...ready, markAllowed: false } });
    assertEvery(600_000, "dryRunMark", { ...QUIET, claimReady: { ...ready, ready: false } });
    assertEvery(600_000, "dryRunClaim", { ...QUIET, claimReady: { ...ready, markAllowed: false } });
  });
});

describe("the alive mark", () => {
  const MARK = "writeMark";
  const reference = { okSentAtMs: NOW - 10, failedSentAtMs: null, okSinceMs: 500 };
  const active = (unheardForMs: number | null, over: Partial<State> = {}): State =>
    own({ holder: { kind: "node", node: "node-b" } }, { ...QUIET, role: "active", evidence: { ...QUIET.evidence, target: null, public: reference }, members: hears({ role: "standby", holds: false }, { unheardSinceMs: unheardForMs === null ? null : NOW - unheardForMs }), ...over });

  it("is written at once when a peer may miss us, then each second, and after a minute every few seconds", () => {
    assertEvery(501, MARK, active(500));
    assertEvery(1_000, MARK, active(30_000));
    assertEvery(1_000, MARK, active(59_999));
    assertEvery(5_000, MARK, active(60_000));
    assertNow(MARK, { ...active(500), startedActions: Object.fromEntries(Object.entries(QUIET.startedActions).filter(([key]) => key !== MARK)) });
  });

  it("is written by nobody who is heard, does not serve, is not active, or whose own way out may be what is broken", () => {
    assertNever(MARK, active(null));
    assertNever(MARK, { ...active(500), role: "standby" });
    assertNever(MARK, active(500, { health: { ...QUIET.health, serving: "down" } }));
    for (const track of [{ ...reference, okSentAtMs: null }, { ...reference, okSentAtMs: NOW - 501 }, { ...reference, okSinceMs: null }]) assertNever(MARK, active(500, { evidence: { ...QUIET.evidence, target: null, public: track } }));
    assertNow(MARK, startedAgo(active(500, { evidence: { ...QUIET.evidence, target: null, public: { ...reference, okSentAtMs: NOW - 500 } } }), MARK, 501));
  });

  it("differs from every mark that anybody can have seen", () => {
    const next = (counter: number, seen: number | null): readonly unknown[] => {
      const state = startedAgo(own({ mark: seen === null ? null : { node: "node-a", counter: seen } }, { ...active(500), marking: { counter, confirmed: null, failure: null } }), MARK, 501);
      const { state: after, actions } = schedule(state, DUE_CONFIG);
      const { request } = actions.find(({ key }) => key === MARK) ?? assert.fail();
      return [request.kind === "writeMark" ? request.mark : null, after.marking.counter];
    };
    const mark = (counter: number): readonly unknown[] => [{ node: "node-b", counter }, counter];
    assert.deepEqual(next(0, null), mark(60), "a start skips those that reads may not show yet");
    assert.deepEqual(next(0, 100), mark(160));
    assert.deepEqual(next(7, null), mark(8));
    assert.deepEqual(next(7, 100), mark(101));
    assert.deepEqual(next(7, 5), mark(8));
    assert.equal(schedule(startedAgo(QUIET, "probe:ari", 9_000), DUE_CONFIG).state.marking, QUIET.marking, "none is written, none is counted");
  });

  it("counts from the newest of the peers that miss us", () => {
    const three = coreConfig("node-b", { peers: ["node-a", "node-c", "node-d"] });
    const since = (a: number | null, c: number | null, role: State["role"] = "active"): number | null => unheardPeersSince({ ...QUIET, role, members: { ...hears({}, { unheardSinceMs: a }), ...hears({}, { unheardSinceMs: c }, "node-c") } }, three);
    assert.deepEqual([since(5, 9), since(9, 5), since(null, 5), since(5, null), since(null, null), since(5, 9, "standby")], [9, 9, 5, 5, null, null]);
  });
});
