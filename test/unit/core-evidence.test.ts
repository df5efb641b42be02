import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { doubtEvidence, foldAnswer, foldMiss, foldReference, initialEvidence, judge, judgeHeartbeat, judgeProbe, unprovenChannels, watch, type ProbeTrack, type ReferenceTrack } from "../../agent/core/evidence.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleConfig, sampleHeartbeat, sampleMember, sampleSilence, sampleStandby } from "../simulation/core-samples.ts";

const config = sampleConfig();
const track = (over: Partial<ProbeTrack>): ProbeTrack => ({ okAtMs: null, misses: 0, firstMissAtMs: null, proven: false, ...over });
const reference = (over: Partial<ReferenceTrack>): ReferenceTrack => ({ okSentAtMs: null, failedSentAtMs: null, okSinceMs: null, ...over });
const silent = sampleSilence(12_000, 10_000, 11_600);
const with_ = (over: Partial<State["evidence"]>, state: State = silent): State => ({ ...state, evidence: { ...state.evidence, ...over } });

describe("a probed channel", () => {
  const vouching = reference({ okSentAtMs: 1_000, okSinceMs: 500 });
  const cases: readonly [string, ProbeTrack, ReferenceTrack, string][] = [
    ["was never probed", track({}), vouching, "unknown"],
    ["has answered", track({ okAtMs: 900, proven: true }), vouching, "up"],
    ["has answered and missed twice since", track({ okAtMs: 900, misses: 2, firstMissAtMs: 950 }), vouching, "up"],
    ["has only ever missed, but not often enough", track({ misses: 2, firstMissAtMs: 950 }), vouching, "unknown"],
    ["misses, and the reference has answered since", track({ okAtMs: 900, misses: 3, firstMissAtMs: 950 }), vouching, "down"],
    ["misses, and the reference was asked at the same instant", track({ okAtMs: 900, misses: 3, firstMissAtMs: 1_000 }), vouching, "down"],
    ["misses, and the reference was asked before that only", track({ okAtMs: 900, misses: 3, firstMissAtMs: 1_001 }), vouching, "unknown"],
    ["misses, and the reference fails too", track({ okAtMs: 900, misses: 9, firstMissAtMs: 950 }), reference({ okSentAtMs: 1_000, failedSentAtMs: 1_100, okSinceMs: null }), "unknown"],
    ["misses, and the reference was never asked", track({ okAtMs: 900, misses: 9, firstMissAtMs: 950 }), reference({}), "unknown"],
  ];
  for (const [when, probe, ref, expected] of cases) it(`is ${expected} when it ${when}`, () => assert.equal(judgeProbe(probe, ref, config), expected));

  it("counts a row of misses from its first one, and an answer ends it", () => {
    const twice = foldMiss(foldMiss(foldAnswer(100), 200), 300);
    assert.deepEqual(twice, { okAtMs: 100, misses: 2, firstMissAtMs: 200, proven: true });
    assert.deepEqual(foldAnswer(400), { okAtMs: 400, misses: 0, firstMissAtMs: null, proven: true });
  });

  it("has a reference that is good since its last failure", () => {
    const good = foldReference(foldReference(reference({}), true, 100), true, 200);
    assert.deepEqual(good, { okSentAtMs: 200, failedSentAtMs: null, okSinceMs: 100 });
    const failed = foldReference(good, false, 300);
    assert.deepEqual(failed, { okSentAtMs: 200, failedSentAtMs: 300, okSinceMs: null });
    assert.equal(foldReference(failed, true, 400).okSinceMs, 400);
  });
});

describe("the heartbeat channel", () => {
  const cases: readonly [string, Parameters<typeof judgeHeartbeat>[0], number, number, string][] = [
    ["nobody was ever heard", undefined, 0, 5_000, "unknown"],
    ["it was just heard", sampleMember(1_000, sampleHeartbeat()), 0, 1_200, "up"],
    ["it is late", sampleMember(1_000, sampleHeartbeat()), 0, 2_499, "up"],
    ["it is lost", sampleMember(1_000, sampleHeartbeat()), 0, 2_500, "down"],
    ["it says that it is down", sampleMember(1_000, sampleHeartbeat({ serving: "down" })), 0, 1_100, "down"],
    ["it says that it is degraded", sampleMember(1_000, sampleHeartbeat({ serving: "degraded" })), 0, 1_100, "up"],
    ["it has not measured itself yet", sampleMember(1_000, sampleHeartbeat({ serving: "unknown" })), 0, 1_100, "unknown"],
    ["it has just shown us that we stood still", sampleMember(1_000, sampleHeartbeat()), 1_000, 1_100, "up"],
    ["we doubted ourselves since", sampleMember(1_000, sampleHeartbeat()), 1_001, 1_100, "unknown"],
    ["we doubted ourselves, and have listened in vain since", sampleMember(1_000, sampleHeartbeat()), 2_000, 3_500, "down"],
    ["we doubted ourselves a moment ago, after a long silence", sampleMember(1_000, sampleHeartbeat()), 60_000, 60_100, "unknown"],
  ];
  for (const [when, member, doubtedAtMs, nowMs, expected] of cases) it(`is ${expected} when ${when}`, () => assert.equal(judgeHeartbeat(member, doubtedAtMs, nowMs, config), expected));
});

describe("an observer's verdict", () => {
  it("is up while any channel is", () => {
    assert.equal(judge(sampleStandby(10_000), config).verdict, "up");
    assert.equal(judge({ ...silent, members: { "node-a": sampleMember(11_900, sampleHeartbeat()) } }, config).verdict, "up");
    assert.equal(judge(with_({ sip: foldAnswer(11_900) }), config).verdict, "up");
    assert.equal(judge(with_({ eip: foldAnswer(11_900) }), config).verdict, "up");
  });

  it("is down when every channel is", () => {
    assert.deepEqual(judge(silent, config), { verdict: "down", heartbeat: "down", sip: "down", eip: "down" });
  });

  it("is unknown when the heartbeat alone is silent, or a channel can't be told from our own breakage", () => {
    assert.equal(judge(with_({ private: reference({ okSentAtMs: 10_050, failedSentAtMs: 10_300 }) }), config).verdict, "unknown");
    assert.equal(judge(with_({ public: reference({}) }), config).verdict, "unknown");
  });

  it("leaves an unproven channel out, but never all of them", () => {
    const unproven = { okAtMs: null, misses: 50, firstMissAtMs: 900, proven: false };
    assert.equal(judge(with_({ eip: unproven }), config).verdict, "down");
    assert.equal(judge(with_({ sip: unproven }), config).verdict, "down");
    assert.equal(judge(with_({ sip: unproven, eip: unproven }), config).verdict, "unknown");
  });

  it("does not blame the active for our own egress just after the address moved", () => {
    assert.equal(judge({ ...silent, egressGraceUntilMs: 12_001 }, config).verdict, "unknown");
    assert.equal(judge({ ...silent, egressGraceUntilMs: 12_000 }, config).verdict, "down");
    assert.equal(judge({ ...with_({ eip: foldAnswer(11_900) }), egressGraceUntilMs: 12_001 }, config).verdict, "up", "an answer is an answer");
  });

  it("is unknown when there is nobody to watch", () => {
    assert.deepEqual(judge(with_({ target: null }), config), { verdict: "unknown", heartbeat: "unknown", sip: "unknown", eip: "unknown" });
  });
});

describe("a cold observer", () => {
  /** Has watched node-a since 1000 and never had a sign of life of it. */
  const cold = (nowMs: number, over: Partial<State["evidence"]> = {}, heardAtMs: number | null = null): State => {
    const misses = { okAtMs: null, misses: 200, firstMissAtMs: 1_500, proven: false };
    const ref = reference({ okSentAtMs: nowMs - 500, okSinceMs: 1_500 });
    const evidence = { ...silent.evidence, sinceMs: 1_000, suspectedAtMs: 1_000, sip: misses, eip: misses, private: ref, public: ref, ...over };
    return { ...silent, nowMs, evidence, members: { "node-a": sampleMember(heardAtMs, heardAtMs === null ? null : sampleHeartbeat()) } };
  };

  it("says down only after the whole cold time of total silence", () => {
    assert.equal(judge(cold(60_999), config).verdict, "unknown");
    assert.equal(judge(cold(61_000), config).verdict, "down");
  });

  it("says it of a node that is no member, too", () => {
    assert.equal(judge({ ...cold(61_000), members: {} }, config).verdict, "down");
  });

  const missed = (over: Partial<ProbeTrack>): ProbeTrack => track({ misses: 200, firstMissAtMs: 1_500, ...over });
  const total: readonly [string, ProbeTrack, string][] = [
    ["was never probed", track({}), "unknown"],
    ["has missed once too few", missed({ misses: 2 }), "unknown"],
    ["has missed just often enough", missed({ misses: 3 }), "down"],
    ["has missed from within the first interval on", missed({ firstMissAtMs: 2_000 }), "down"],
    ["has missed for less than that", missed({ firstMissAtMs: 2_001 }), "unknown"],
  ];
  for (const [when, probe, expected] of total) {
    it(`says ${expected} when one channel ${when}`, () => {
      assert.equal(judge(cold(61_000, { sip: probe }), config).verdict, expected);
      assert.equal(judge(cold(61_000, { eip: probe }), config).verdict, expected);
    });
  }

  it("begins anew after a doubt", () => {
    assert.equal(judge({ ...cold(61_000), doubtedAtMs: 5_000 }, config).verdict, "unknown");
    assert.equal(judge({ ...cold(65_000), doubtedAtMs: 5_000 }, config).verdict, "down");
  });

  it("needs both references good for all that time", () => {
    for (const [okSinceMs, expected] of [[2_000, "down"], [2_001, "unknown"], [30_000, "unknown"]] as const) {
      assert.equal(judge(cold(61_000, { private: reference({ okSentAtMs: 60_500, okSinceMs }) }), config).verdict, expected);
      assert.equal(judge(cold(61_000, { public: reference({ okSentAtMs: 60_500, okSinceMs }) }), config).verdict, expected);
    }
    assert.equal(judge(cold(61_000, { public: reference({ okSentAtMs: null, okSinceMs: null }) }), config).verdict, "unknown");
  });

  it("is also one that has heard the node only before it became the active", () => {
    assert.equal(judge(cold(61_000, {}, 900), config).verdict, "down");
    assert.equal(judge(cold(61_000, {}, 1_100), config).verdict, "unknown", "heard since: then a channel must be proven");
    assert.equal(judge(cold(61_000, {}, 1_000), config).verdict, "unknown", "heard by the very word that made it the active");
  });

  it("goes by the ordinary rule as soon as a channel has answered", () => {
    const answered = { okAtMs: 40_000, misses: 3, firstMissAtMs: 41_000, proven: true };
    assert.equal(judge(cold(61_000, { sip: answered }, 900), config).verdict, "down");
    assert.equal(judge(cold(61_000, { sip: answered }), config).verdict, "unknown", "without any heartbeat the silence must still be total");
  });
});

describe("the evidence", () => {
  it("is thrown away by a doubt, but not that a channel has once answered", () => {
    const { target, sinceMs } = silent.evidence;
    const thrown = { ...initialEvidence(sinceMs), target, sip: track({ proven: true }), eip: track({ proven: true }) };
    assert.deepEqual(doubtEvidence(silent.evidence), thrown);
    assert.deepEqual(doubtEvidence({ ...silent.evidence, sip: track({}), eip: track({}) }), { ...thrown, sip: track({}), eip: track({}) });
  });

  it("begins anew with another active, apart from our own references", () => {
    const watched = watch(silent.evidence, "node-c", 12_000);
    assert.deepEqual([watched.sip.proven, watched.eip.proven], [false, false]);
    assert.deepEqual(watched, { ...initialEvidence(12_000), target: "node-c", private: silent.evidence.private, public: silent.evidence.public });
  });

  it("names channels that stay silent although the heartbeats are good", () => {
    const blocked = { okAtMs: null, misses: 3, firstMissAtMs: 900, proven: false };
    const standby = sampleStandby(10_000);
    assert.deepEqual(unprovenChannels({ ...standby.evidence, eip: blocked }, config), ["eip"]);
    assert.deepEqual(unprovenChannels({ ...standby.evidence, sip: blocked, eip: blocked }, config), ["sip", "eip"]);
    assert.deepEqual(unprovenChannels({ ...standby.evidence, sip: { ...blocked, proven: true } }, config), [], "it has shown that it can speak");
    assert.deepEqual(unprovenChannels({ ...standby.evidence, sip: blocked, target: null }, config), [], "nobody is watched");
    assert.deepEqual(unprovenChannels({ ...standby.evidence, eip: { ...blocked, misses: 2 } }, config), []);
    assert.deepEqual(unprovenChannels({ ...standby.evidence, eip: blocked, suspectedAtMs: 9_000 }, config), [], "during a suspicion it is no news");
  });
});
