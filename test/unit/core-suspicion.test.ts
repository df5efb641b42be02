import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ageMember, answersUs, foldHeartbeat, freshHeartbeat, hearing, initialMember, lateByMs, takesCalls } from "../../agent/core/suspicion.ts";
import { sampleConfig, sampleHeartbeat, sampleMember } from "../simulation/core-samples.ts";

const config = sampleConfig();
const heard = (atMs: number | null): ReturnType<typeof sampleMember> => sampleMember(atMs, atMs === null ? null : sampleHeartbeat());

describe("suspicion", () => {
  it("calls a member heard, late and lost by the age of its last heartbeat", () => {
    const cases: readonly [number | null, number, string][] = [[null, 5_000, "never"], [1_000, 1_000, "heard"], [1_000, 1_599, "heard"], [1_000, 1_600, "late"], [1_000, 2_499, "late"], [1_000, 2_500, "lost"], [1_000, 900_000, "lost"]];
    for (const [heardAtMs, nowMs, expected] of cases) assert.equal(hearing(heard(heardAtMs), nowMs, config), expected, `heard at ${String(heardAtMs)}, now ${nowMs}`);
    assert.equal(hearing(undefined, 5_000, config), "never");
  });

  it("measures lateness as what lies beyond one tick", () => {
    const cases: readonly [number, number, number][] = [[1_000, 1_000, 0], [1_000, 1_050, 0], [1_000, 1_051, 1], [1_000, 11_050, 10_000]];
    for (const [tickedAtMs, atMs, expected] of cases) assert.equal(lateByMs(tickedAtMs, atMs, config), expected);
  });

  it("acts only on a heartbeat that is young and from after the last doubt", () => {
    const members = { "node-a": heard(1_000) };
    assert.notEqual(freshHeartbeat({ members, nowMs: 2_499, doubtedAtMs: 0 }, "node-a", config), null);
    assert.equal(freshHeartbeat({ members, nowMs: 2_500, doubtedAtMs: 0 }, "node-a", config), null);
    assert.equal(freshHeartbeat({ members, nowMs: 1_100, doubtedAtMs: 1_001 }, "node-a", config), null);
    assert.notEqual(freshHeartbeat({ members, nowMs: 1_100, doubtedAtMs: 1_000 }, "node-a", config), null);
    assert.equal(freshHeartbeat({ members, nowMs: 1_100, doubtedAtMs: 0 }, "node-z", config), null);
  });

  it("takes a heartbeat for an answer only if it echoes one of ours from this life and after the last doubt", () => {
    const cases: readonly [number | null, boolean][] = [[null, false], [10, false], [11, true], [20, true], [21, false], [5_000, false]];
    for (const [echoed, expected] of cases) {
      const heartbeat = sampleHeartbeat({ echo: echoed === null ? null : { sequence: echoed, heldMs: 1 } });
      assert.equal(answersUs(heartbeat, { doubtedSequence: 10, sequence: 20 }), expected, `echo of ${String(echoed)}`);
    }
  });

  it("takes a node for one that could take calls when it says that it serves and does not refuse them", () => {
    const cases: readonly [Parameters<typeof sampleHeartbeat>[0], boolean][] = [[{}, true], [{ serving: "degraded" }, true], [{ serving: "down" }, false], [{ serving: "unknown" }, false], [{ draining: true }, false]];
    for (const [said, expected] of cases) assert.equal(takesCalls(sampleHeartbeat(said)), expected, JSON.stringify(said));
    assert.equal(takesCalls(null), false);
  });

  it("knows since when an incarnation is heard", () => {
    const first = foldHeartbeat(initialMember(0), sampleHeartbeat(), 1_000, undefined);
    assert.equal(first.incarnationSinceMs, 1_000);
    assert.equal(foldHeartbeat(first, sampleHeartbeat(), 1_250, undefined).incarnationSinceMs, 1_000);
    assert.equal(foldHeartbeat(first, sampleHeartbeat({ incarnation: "00000000000000ff" }), 1_250, undefined).incarnationSinceMs, 1_250);
  });

  it("takes the other side's holding time off the round trip, and never goes below zero", () => {
    const echo = { sequence: 3, heldMs: 40 };
    assert.equal(foldHeartbeat(heard(1_000), sampleHeartbeat({ echo }), 1_100, 1_050).rttMs, 10);
    assert.equal(foldHeartbeat(heard(1_000), sampleHeartbeat({ echo }), 1_100, 1_090).rttMs, 0);
    assert.equal(foldHeartbeat(heard(1_000), sampleHeartbeat({ echo }), 1_100, undefined).rttMs, null, "a send time that is no longer known");
    assert.equal(foldHeartbeat(heard(1_000), sampleHeartbeat({ echo: null }), 1_100, 1_050).rttMs, null);
  });

  it("notes since when a member is absent, not counting what a doubt made void", () => {
    const state = { nowMs: 2_500, doubtedAtMs: 0, startedAtMs: 0 };
    assert.equal(ageMember(heard(1_000), { ...state, nowMs: 2_499 }, config).absentSinceMs, null);
    assert.equal(ageMember(heard(1_000), state, config).absentSinceMs, 2_500);
    assert.equal(ageMember(heard(1_000), { ...state, doubtedAtMs: 2_000 }, config).absentSinceMs, null);
    assert.equal(initialMember(700).absentSinceMs, 700, "who was never heard is absent since our start");
    const aged = ageMember(heard(1_000), state, config);
    assert.equal(ageMember(aged, { ...state, nowMs: 9_000 }, config), aged, "the same object when nothing changed");
    assert.deepEqual(ageMember({ ...heard(1_000), unheardSinceMs: 1_600 }, state, config), { ...heard(1_000), unheardSinceMs: 1_600, absentSinceMs: 2_500 });
  });

  it("misses each other as soon as either side is late, and grants a new member the time to hear us", () => {
    const state = { nowMs: 1_100, doubtedAtMs: 0, startedAtMs: 0 };
    const since = (hearsYou: "never" | "heard" | "late" | "lost", nowMs = 1_100): number | null => ageMember(sampleMember(1_000, sampleHeartbeat({ hearsYou })), { ...state, nowMs }, config).unheardSinceMs;
    assert.equal(since("heard"), null);
    assert.equal(since("late"), 1_100);
    assert.equal(since("lost"), 1_100);
    assert.equal(since("never"), null);
    assert.equal(since("heard", 1_600), 1_600, "we miss it");
    assert.equal(since("heard", 2_500), 2_500, "it is lost");
    const longSilent = sampleMember(1_000, sampleHeartbeat({ hearsYou: "late" }));
    assert.equal(ageMember(longSilent, { ...state, doubtedAtMs: 60_000, nowMs: 60_100 }, config).unheardSinceMs, null, "we stood still: its word is as old as that");
    const deaf = sampleMember(2_400, sampleHeartbeat({ hearsYou: "never" }), { incarnationSinceMs: 1_000 });
    assert.equal(ageMember(deaf, { ...state, nowMs: 2_499 }, config).unheardSinceMs, null, "it has just started");
    assert.equal(ageMember(deaf, { ...state, nowMs: 2_500 }, config).unheardSinceMs, 2_500, "by now it should have heard us");
    assert.equal(ageMember({ ...deaf, heartbeat: sampleHeartbeat() }, { ...state, nowMs: 2_500 }, config).unheardSinceMs, null);
    assert.equal(ageMember(initialMember(0), { ...state, nowMs: 1_499 }, config).unheardSinceMs, null);
    assert.equal(ageMember(initialMember(0), { ...state, nowMs: 1_500 }, config).unheardSinceMs, 1_500);
  });
});
