// What each single answer and each silence of Asterisk means for the verdict: the cases that only one condition decides.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProbeValue } from "../../agent/core/events.ts";
import { doubtHealth, foldProbe, healthHurries, initialHealth, judgeHealth, probeHealth, restsOnOldAnswers, stillFails, type Health, type ProbeName, type Refusal } from "../../agent/core/health.ts";
import { sampleConfig } from "../simulation/core-samples.ts";

const ivr = sampleConfig({ knobs: { STASIS_APPS: "ivr" } });
const all = { ...ivr, sipTcp: true, database: true };
const two = sampleConfig({ knobs: { STASIS_APPS: "ivr,agents" } });

type Answer = readonly [ProbeName, ProbeValue | "refused" | "silent"];
const completion = ([probe, answer]: Answer): Parameters<typeof foldProbe>[1] => ({
  kind: "probe",
  probe,
  outcome: typeof answer === "object" ? { ok: true, value: answer } : { ok: false, failure: { code: answer === "refused" ? "AGENT_PROBE_REFUSED" : "AGENT_PROBE_TIMEOUT", message: `${probe} ${answer}` } },
});
/** Folds and judges them, ten milliseconds apart, each sent five before. */
function after(health: Health, answers: readonly Answer[], atMs = 2_000, config = ivr, refusal: Refusal = "own"): Health {
  return answers.reduce((now, answer, index) => judgeHealth(foldProbe(now, completion(answer), atMs + 10 * index - 5, atMs + 10 * index, refusal), atMs + 10 * index, config), health);
}
const times = (count: number, ...answers: readonly Answer[]): readonly Answer[] => Array.from({ length: count }, () => answers).flat();

const GOOD: readonly Answer[] = [["ari", {}], ["sip", { status: 200 }], ["stasis:ivr", { registered: true }], ["canary", {}]];
const fresh = { ...initialHealth(0), ariSocketOpen: true };
const well = after(fresh, GOOD, 1_000);
const gone = after(well, [["ari", "refused"], ["sip", "refused"]]);

describe("a start", () => {
  it("names what has not answered yet, and begins without the event socket", () => {
    const first = judgeHealth(initialHealth(0), 0, ivr);
    assert.deepEqual([first.serving, first.reason, first.ariSocketOpen], ["unknown", "Waiting for the first answer of: ari, sip, canary.", false]);
    assert.equal(after(fresh, [["ari", {}], ["canary", {}]]).reason, "Waiting for the first answer of: sip.");
  });

  it("is down where both doors are refused, and waits for every application", () => {
    assert.equal(after(fresh, [["ari", "refused"], ["sip", "refused"]]).serving, "down");
    assert.equal(after(fresh, GOOD, 1_000, two).serving, "unknown");
    assert.equal(after(fresh, [...GOOD, ["stasis:agents", { registered: true }]], 1_000, two).serving, "serving");
  });

  it("takes every answer but 503 for what it is before Asterisk has been told whether to refuse calls", () => {
    assert.equal(after(fresh, GOOD, 1_000, ivr, "unknown").serving, "serving");
    assert.equal(after(fresh, [["ari", "refused"], ["sip", "refused"]], 1_000, ivr, "unknown").serving, "down");
  });
});

describe("the verdict", () => {
  const cases: readonly [string, readonly Answer[], string, RegExp, (typeof all)?][] = [
    ["only SIP is refused once", [["sip", "refused"]], "serving", /Takes calls/],
    ["ARI is refused and SIP is answered with 503: something still listens", [["ari", "refused"], ["sip", { status: 503 }]], "serving", /Takes calls/],
    ["an application is missing and the canary call fails twice: the worse counts", [["stasis:ivr", { registered: false }], ...times(2, ["canary", "silent"])], "down", /can't make a call/],
    ["SIP over TCP misses three times", times(3, ["sipTcp", "silent"]), "degraded", /SIP over TCP does not answer: sipTcp silent/, all],
    ["SIP over TCP misses twice", times(2, ["sipTcp", "silent"]), "serving", /Takes calls/, all],
    ["SIP over TCP is not in use", times(3, ["sipTcp", "silent"]), "serving", /Takes calls/],
    ["the database is missed twice", times(2, ["database", { connected: false }]), "degraded", /no database: phones can't register or be called \(Asterisk's query failed\)/, all],
    ["the database is missed once", [["database", { connected: false }]], "serving", /Takes calls/, all],
    ["the database answers", times(3, ["database", { connected: true }]), "serving", /Takes calls/, all],
    ["there is no database", times(3, ["database", { connected: false }]), "serving", /Takes calls/],
  ];
  for (const [when, answers, serving, reason, config] of cases) {
    it(`is ${serving} when ${when}`, () => {
      const judged = after(well, answers, 2_000, config);
      assert.equal(judged.serving, serving);
      assert.match(judged.reason, reason);
    });
  }

  it("is degraded while the event socket is closed although ARI answers, and says nothing of it when ARI does not", () => {
    const closed = { ...well, ariSocketOpen: false };
    const judged = judgeHealth(closed, 2_000, ivr);
    assert.deepEqual([judged.serving, judged.reason], ["degraded", "The ARI event socket is closed although ARI answers: no canary call can be made."]);
    assert.equal(after(closed, [["ari", "silent"]]).serving, "serving");
  });

  it("keeps its age when only its sentence changes", () => {
    const coming = after(gone, [["ari", {}], ["sip", { status: 200 }]], 5_000);
    assert.deepEqual([coming.serving, coming.reason, coming.sinceMs], ["down", "Answers again; waiting for several good answers in a row.", gone.sinceMs]);
  });
});

describe("the pace of the probes", () => {
  it("is quick up to twice the misses that make a node down, of either probe, and calm after that", () => {
    for (const probe of ["ari", "sip"] as const) assert.ok(healthHurries(after(well, [[probe, "silent"]]), ivr), probe);
    const both = (count: number): Health => after(well, times(count, ["ari", "silent"], ["sip", "silent"]));
    assert.ok(healthHurries(both(2 * ivr.probeDownAfter), ivr));
    assert.ok(!healthHurries(both(2 * ivr.probeDownAfter + 1), ivr));
  });

  it("is quick up to twice the good answers that bring it back, of either probe, and calm after that", () => {
    // What keeps it down is the canary call; the hits before do not count.
    const dead = after(well, [...times(2, ["canary", "silent"]), ...times(7, ["ari", "silent"], ["sip", "silent"])]);
    for (const answer of [["ari", {}], ["sip", { status: 200 }]] satisfies Answer[]) {
      assert.ok(healthHurries(after(dead, times(2 * ivr.probeUpAfter, answer), 5_000), ivr), answer[0]);
      assert.ok(!healthHurries(after(dead, times(2 * ivr.probeUpAfter + 1, answer), 5_000), ivr), answer[0]);
    }
  });
});

describe("a verdict after a stall of ours", () => {
  it("rests on old answers where ARI or SIP was last asked before it", () => {
    // Of `well`: ARI was asked at 995 and answered at 1000, SIP ten milliseconds later.
    assert.equal(probeHealth(well, "ari").latencyMs, 5);
    assert.ok(!restsOnOldAnswers(well, 995));
    assert.ok(restsOnOldAnswers(well, 996), "answered later, but asked before");
    const asked = after(well, [["ari", {}]], 3_000);
    assert.ok(restsOnOldAnswers(asked, 2_000), "SIP is old");
    assert.ok(restsOnOldAnswers(after(well, [["sip", { status: 200 }]], 3_000), 2_000), "ARI is old");
    assert.ok(!restsOnOldAnswers(after(asked, [["sip", { status: 200 }]], 3_000), 2_000));
    assert.ok(!restsOnOldAnswers(initialHealth(0), 2_000), "no answer is no old answer");
  });

  it("has no row of misses behind it, and keeps its good answers", () => {
    const doubted = doubtHealth(gone);
    for (const name of ["ari", "sip"] as const) assert.deepEqual(doubted.probes[name], { ...gone.probes[name], misses: 0, firstMissAtMs: null, refused: false });
    assert.deepEqual([doubted.probes.canary, doubted.serving], [gone.probes.canary, "down"]);
  });

  it("is still borne out by a miss of ARI alone, and by one of SIP alone", () => {
    for (const probe of ["ari", "sip"] as const) assert.ok(stillFails(after(well, [[probe, "silent"]])), probe);
  });
});
