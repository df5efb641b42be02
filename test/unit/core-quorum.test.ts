import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cloudVote, cloudWasAsked, decisiveReadAtMs, tally } from "../../agent/core/quorum.ts";
import type { Verdict } from "../../agent/core/evidence.ts";
import type { InstanceState } from "../../agent/core/types.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleConfig, sampleHeartbeat, sampleMember, sampleSilence, sampleStandby } from "../simulation/core-samples.ts";

const WITNESSES = ["witness-1", "witness-2", "witness-3"];
/** node-a has been silent since 10000 and is suspected since 10600; it is 12000 now, and EC2 was read at 11600. */
const config = sampleConfig();
const silent = sampleSilence(12_000, 10_000, 11_600);
const owning = (over: Partial<State["ownership"]>, state: State = silent): State => ({ ...state, ownership: { ...state.ownership, ...over } });

/** The silence with witnesses that say so, heard now. */
function withWitnesses(verdicts: readonly Verdict[], about = "node-a"): { readonly state: State; readonly tally: ReturnType<typeof tally> } {
  const witnesses = WITNESSES.slice(0, verdicts.length);
  const settings = sampleConfig({ witnesses });
  const before = sampleSilence(12_000, 10_000, 11_600, settings);
  const said = Object.fromEntries(verdicts.map((verdict, index) => [`witness-${index + 1}`, sampleMember(12_000, sampleHeartbeat({ node: `witness-${index + 1}`, role: "witness", holds: false, verdict: { about, verdict, heartbeat: verdict, sip: verdict, eip: verdict } }))]));
  const state = { ...before, members: { ...before.members, ...said } };
  return { state, tally: tally(state, settings) };
}

describe("the vote", () => {
  const cases: readonly [string, readonly Verdict[], { downs: number; observers: number; majority: boolean; ups: readonly string[] }][] = [
    ["alone", [], { downs: 1, observers: 1, majority: true, ups: [] }],
    ["one witness agrees", ["down"], { downs: 2, observers: 2, majority: true, ups: [] }],
    ["one witness can't tell", ["unknown"], { downs: 1, observers: 2, majority: false, ups: [] }],
    ["one of two witnesses agrees", ["down", "unknown"], { downs: 2, observers: 3, majority: true, ups: [] }],
    ["none of two witnesses can tell", ["unknown", "unknown"], { downs: 1, observers: 3, majority: false, ups: [] }],
    ["one of three witnesses agrees", ["down", "unknown", "unknown"], { downs: 2, observers: 4, majority: false, ups: [] }],
    ["two of three witnesses agree", ["down", "down", "unknown"], { downs: 3, observers: 4, majority: true, ups: [] }],
    ["one witness sees it alive", ["down", "up"], { downs: 2, observers: 3, majority: true, ups: ["witness-2"] }],
  ];
  for (const [when, verdicts, expected] of cases) {
    it(`counts when ${when}`, () => {
      const { downs, observers, majority, ups } = withWitnesses(verdicts).tally;
      assert.deepEqual({ downs, observers, majority, ups }, expected);
    });
  }

  it("takes no notice of what a witness says about another node", () => {
    assert.equal(withWitnesses(["down"], "node-c").tally.downs, 1);
    assert.deepEqual(withWitnesses(["up"], "node-c").tally.ups, []);
  });

  it("takes a witness whose word is old for one that can't tell", () => {
    const { state } = withWitnesses(["down"]);
    const old = { ...state, members: { ...state.members, "witness-1": sampleMember(10_500, sampleHeartbeat({ node: "witness-1" })) } };
    assert.deepEqual(tally(old, sampleConfig({ witnesses: ["witness-1"] })).downs, 1);
  });

  it("shows how old a witness's word is, and that there is none yet", () => {
    const settings = sampleConfig({ witnesses: ["witness-1", "witness-2"] });
    const members = { ...silent.members, "witness-1": sampleMember(11_700, sampleHeartbeat({ node: "witness-1" })), "witness-2": sampleMember(null, null) };
    assert.deepEqual(tally({ ...silent, members }, settings).witnesses.map(({ ageMs }) => ageMs), [300, null]);
  });

  it("counts EC2's own word as one more", () => {
    const stopped = owning({ instance: { node: "node-a", state: "stopped", atMs: 11_500 } });
    assert.deepEqual([tally(stopped, config).downs, tally(stopped, config).observers], [2, 1]);
    assert.equal(tally(sampleStandby(10_000), config).ups.includes("node-b"), true);
  });
});

describe("a witness that is away", () => {
  const settings = sampleConfig({ witnesses: ["witness-1"] });
  const counted = (state: State): boolean => tally(state, settings).witnesses[0]?.counted === true;
  const absent = (absentSinceMs: number | null, heardAtMs: number | null, over: Partial<State> = {}): State => {
    const before = sampleSilence(112_000, 110_000, 111_600, settings);
    return { ...before, ...over, members: { ...before.members, "witness-1": sampleMember(heardAtMs, heardAtMs === null ? null : sampleHeartbeat({ node: "witness-1" }), { absentSinceMs }) } };
  };

  it("counts unless it was absent for thirty seconds before the active fell silent", () => {
    assert.ok(counted(absent(null, 112_000)));
    assert.ok(counted(absent(110_000, 108_000)), "it went away together with the active");
    assert.ok(counted(absent(80_601, 79_000)));
    assert.ok(!counted(absent(80_600, 79_000)));
  });

  it("is compared with the last sign of life, not with the beginning of a suspicion that may be hours old", () => {
    const old = absent(60_000, 58_000);
    assert.ok(!counted({ ...old, evidence: { ...old.evidence, suspectedAtMs: 1_000 } }), "heartbeats have been missing since 1000, but SIP answered until 110000");
  });

  it("is compared with this instant while nothing is suspected: SIP to the active may be blocked for ever", () => {
    const away = absent(80_000, 79_000);
    const answered = { okAtMs: 85_000, misses: 9, firstMissAtMs: 86_000, proven: true };
    const calm = (nowMs: number): State => ({ ...away, nowMs, evidence: { ...away.evidence, suspectedAtMs: null, sip: answered, eip: answered } });
    assert.ok(counted(calm(109_999)));
    assert.ok(!counted(calm(110_000)));
  });

  it("is left out after the same time when it was never heard", () => {
    const cold = absent(85_000, null);
    assert.ok(counted({ ...cold, nowMs: 114_999 }));
    assert.ok(!counted({ ...cold, nowMs: 115_000 }));
  });
});

describe("EC2's vote", () => {
  const vote = (state: State): Verdict => cloudVote(state, config).verdict;

  it("is unknown without a suspicion, and while nothing has been seen", () => {
    const calm = sampleStandby(10_000);
    assert.equal(vote(calm), "unknown");
    assert.equal(vote(owning({ markMovedAtMs: 9_000 }, calm)), "unknown", "it was about a suspicion that has ended");
    assert.equal(vote(owning({ instance: { node: "node-a", state: "impaired", atMs: 9_000 } }, calm)), "unknown");
    assert.equal(vote(silent), "unknown");
  });

  it("is up from the moment a mark has moved until a later read had to show the next one", () => {
    const moved = owning({ markMovedAtMs: 11_600, mark: { node: "node-a", counter: 2 } });
    assert.equal(vote(moved), "up");
    assert.equal(decisiveReadAtMs(moved, config), 11_600 + 1_000 + 900);
    assert.equal(vote(owning({ readSentAtMs: 13_499 }, { ...moved, nowMs: 13_600 })), "up");
    assert.equal(vote(owning({ readSentAtMs: 13_500 }, { ...moved, nowMs: 13_600 })), "unknown");
  });

  const states: readonly [InstanceState, Verdict][] = [["running", "unknown"], ["pending", "unknown"], ["impaired", "down"], ["stopping", "down"], ["stopped", "down"], ["shutting-down", "down"], ["terminated", "down"]];
  for (const [state, expected] of states) {
    it(`is ${expected} when the instance is ${state}`, () => assert.equal(vote(owning({ instance: { node: "node-a", state, atMs: 11_000 } })), expected));
  }

  it("is not about another node's instance, and a moving mark outweighs a bad status", () => {
    assert.equal(vote(owning({ instance: { node: "node-c", state: "stopped", atMs: 11_000 } })), "unknown");
    assert.equal(vote(owning({ instance: { node: "node-a", state: "impaired", atMs: 11_000 }, markMovedAtMs: 11_600 })), "up");
  });
});

describe("the decisive read", () => {
  it("comes when a first mark must have become visible", () => {
    assert.equal(decisiveReadAtMs(silent, config), 10_600 + 900);
    assert.ok(cloudWasAsked(silent, config));
    assert.ok(!cloudWasAsked(owning({ readSentAtMs: 11_499 }), config));
    assert.ok(!cloudWasAsked(owning({ failures: 1 }), config));
    assert.ok(!cloudWasAsked(owning({ readSentAtMs: null }), config));
    assert.equal(decisiveReadAtMs(sampleStandby(10_000), config), null);
  });

  it("waits longer for an EC2 that answers slowly", () => {
    assert.equal(decisiveReadAtMs(owning({ slowestReadMs: 1_000 }), config), 10_600 + 3_000);
  });

  it("waits a whole interval when the first mark is not the one that is waited for", () => {
    assert.equal(decisiveReadAtMs(owning({ markMovedAtMs: 10_600 }), config), 10_600 + 1_000 + 900, "seen by the very read that began the suspicion");
    assert.equal(decisiveReadAtMs(owning({ answeringSinceMs: 11_000 }), config), 11_000 + 1_000 + 900, "EC2 was away");
    const alive = { ...silent, evidence: { ...silent.evidence, sip: { ...silent.evidence.sip, okAtMs: 11_200 } } };
    assert.equal(decisiveReadAtMs(alive, config), 11_200 + 1_000 + 900, "SIP has answered since");
    const reached = { ...silent, evidence: { ...silent.evidence, eip: { ...silent.evidence.eip, okAtMs: 11_200 } } };
    assert.equal(decisiveReadAtMs(reached, config), 11_200 + 1_000 + 900, "the address has answered since");
  });

  it("waits for the slow interval when the active may have been marking for long", () => {
    const late = { ...silent, nowMs: 70_000 };
    assert.equal(decisiveReadAtMs(owning({ markMovedAtMs: 60_000 }, late), config), 60_000 + 5_000 + 900);
    const missing = silent.members["node-a"];
    assert.ok(missing !== undefined);
    const oneWay = { ...silent, members: { "node-a": { ...missing, unheardSinceMs: -50_000 } } };
    assert.equal(decisiveReadAtMs(oneWay, config), 10_600 + 5_000 + 900, "it has missed us for a minute, as it told us");
    const asleep = { ...silent, doubtedSequence: 1 };
    assert.equal(decisiveReadAtMs(asleep, config), 10_600 + 5_000 + 900, "it has not answered us since we doubted ourselves");
    const neverAnswered = { ...silent, members: { "node-a": sampleMember(10_000, sampleHeartbeat({ echo: null, hearsYou: "never" })) } };
    assert.equal(decisiveReadAtMs(neverAnswered, config), 10_600 + 5_000 + 900);
    assert.equal(decisiveReadAtMs({ ...silent, members: { "node-a": sampleMember(null, null) } }, config), 10_600 + 5_000 + 900, "it has never been heard");
    assert.equal(decisiveReadAtMs({ ...silent, role: "witness" }, config), 10_600 + 5_000 + 900, "an active marks for standbys that it misses, of which a witness knows nothing");
  });
});
