import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProbeValue } from "../../agent/core/events.ts";
import { refusalOf } from "../../agent/core/fold.ts";
import { canServe, doubtHealth, foldProbe, healthHurries, initialHealth, judgeHealth, stillFails, type Health, type ProbeName, type Refusal } from "../../agent/core/health.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleConfig } from "../simulation/core-samples.ts";

const config = sampleConfig({ knobs: { STASIS_APPS: "ivr" } });

type Answer = ProbeValue | "refused" | "silent";
const completion = (probe: ProbeName, answer: Answer): Parameters<typeof foldProbe>[1] => ({
  kind: "probe",
  probe,
  outcome: typeof answer === "object" ? { ok: true, value: answer } : { ok: false, failure: { code: answer === "refused" ? "AGENT_PROBE_REFUSED" : "AGENT_PROBE_TIMEOUT", message: `${probe} ${answer}` } },
});

/** Folds answers one after the other, ten milliseconds apart from `atMs`, and judges after each. */
function after(health: Health, answers: readonly (readonly [ProbeName, Answer])[], atMs = 1_000, refusal: Refusal = "own"): Health {
  return answers.reduce((now, [probe, answer], index) => judgeHealth(foldProbe(now, completion(probe, answer), atMs + 10 * index - 5, atMs + 10 * index, refusal), atMs + 10 * index, config), health);
}

const GOOD: readonly (readonly [ProbeName, Answer])[] = [["ari", {}], ["sip", { status: 200 }], ["stasis:ivr", { registered: true }], ["canary", {}]];
const well = after({ ...initialHealth(0), ariSocketOpen: true }, GOOD);
const times = (count: number, ...answers: readonly (readonly [ProbeName, Answer])[]): readonly (readonly [ProbeName, Answer])[] => Array.from({ length: count }, () => answers).flat();

describe("health", () => {
  it("is unknown until everything has answered once", () => {
    for (let missing = 0; missing < GOOD.length; missing += 1) assert.equal(after({ ...initialHealth(0), ariSocketOpen: true }, GOOD.filter((_, index) => index !== missing)).serving, "unknown");
    assert.equal(well.serving, "serving");
  });

  const cases: readonly [string, readonly (readonly [ProbeName, Answer])[], string, RegExp][] = [
    ["both doors are refused", [["ari", "refused"], ["sip", "refused"]], "down", /not running/],
    ["only ARI is refused once", [["ari", "refused"]], "serving", /Takes calls/],
    ["two probes in a row miss", times(2, ["ari", "silent"], ["sip", "silent"]), "serving", /Takes calls/],
    ["three probes in a row miss on both", times(3, ["ari", "silent"], ["sip", "silent"]), "down", /neither ARI nor SIP/],
    ["SIP alone misses three times", times(3, ["sip", "silent"]), "down", /SIP over UDP does not answer: sip silent/],
    ["ARI alone misses three times", times(3, ["ari", "silent"]), "down", /ARI does not answer/],
    ["an answer comes between the misses", [...times(2, ["sip", "silent"]), ["sip", { status: 404 }], ...times(2, ["sip", "silent"])], "serving", /Takes calls/],
    ["SIP is answered with 503 three times", times(3, ["sip", { status: 503 }]), "down", /answered with 503/],
    ["SIP is answered with any other final response", times(3, ["sip", { status: 484 }]), "serving", /Takes calls/],
    ["one canary call fails", [["canary", "silent"]], "degraded", /last canary call failed/],
    ["two canary calls fail", times(2, ["canary", "silent"]), "down", /can't make a call.*2 times/],
    ["the Stasis application goes", [["stasis:ivr", { registered: false }]], "degraded", /ivr is missing: the application is not registered/],
    ["queues are in alert", [["queues", { alerted: 2 }]], "degraded", /2 taskprocessor/],
  ];
  for (const [when, answers, serving, reason] of cases) {
    it(`is ${serving} when ${when}`, () => {
      const judged = after(well, answers, 2_000);
      assert.equal(judged.serving, serving);
      assert.match(judged.reason, reason);
    });
  }

  it("takes 503 for health while we drain on purpose", () => {
    assert.equal(after(well, times(3, ["sip", { status: 503 }]), 2_000, "ours").serving, "serving");
  });

  it("learns nothing from 503 before Asterisk has been told whether to refuse calls: the agent before this one may have drained it", () => {
    const fresh = { ...initialHealth(0), ariSocketOpen: true };
    assert.deepEqual(after(fresh, times(5, ["sip", { status: 503 }]), 2_000, "unknown"), judgeHealth(fresh, 2_000, config));
    const state = { draining: null, maintenance: null, startedActions: {}, inFlight: {} };
    const told = { setMaintenance: 1_000 };
    const cases: readonly (readonly [Refusal, Partial<State>])[] = [
      ["unknown", {}],
      ["unknown", { startedActions: told, inFlight: { setMaintenance: 7 } }],
      ["own", { startedActions: told }],
      ["own", { startedActions: told, maintenance: false }],
      ["ours", { startedActions: told, maintenance: true }],
      ["ours", { draining: { sinceMs: 0, untilMs: 9_000, reason: "a new kernel" } }],
    ];
    for (const [refusal, over] of cases) assert.equal(refusalOf({ ...state, ...over } as State), refusal, JSON.stringify(over));
  });

  it("gives a missing Stasis application its time, and two misses", () => {
    const missing = after(well, [["stasis:ivr", "silent"]], 2_000);
    assert.equal(judgeHealth(missing, 2_000 + config.stasisDownAfterMs, config).serving, "degraded", "one miss is not enough, however old");
    const twice = after(missing, [["stasis:ivr", "silent"]], 4_000);
    assert.equal(judgeHealth(twice, 1_995 + config.stasisDownAfterMs - 1, config).serving, "degraded");
    assert.equal(judgeHealth(twice, 1_995 + config.stasisDownAfterMs, config).serving, "down");
  });

  it("comes back only after several good answers of the fast probes and one of the others", () => {
    const down = after(well, [["ari", "refused"], ["sip", "refused"]], 2_000);
    const twice = after(down, times(2, ["ari", {}], ["sip", { status: 200 }]), 3_000);
    assert.equal(twice.serving, "down");
    const thrice = after(twice, [["ari", {}], ["sip", { status: 200 }]], 4_000);
    assert.equal(thrice.serving, "serving", "the canary and the application have never missed");
    const noCalls = after(well, times(2, ["canary", "silent"]), 2_000);
    assert.equal(after(noCalls, times(3, ["ari", {}], ["sip", { status: 200 }]), 3_000).serving, "down");
    assert.equal(after(noCalls, [...times(3, ["ari", {}], ["sip", { status: 200 }]), ["canary", {}]], 3_000).serving, "serving");
    const flapping = after(down, [...times(2, ["ari", {}], ["sip", { status: 200 }]), ["ari", "refused"], ...times(2, ["ari", {}], ["sip", { status: 200 }])], 3_000);
    assert.equal(flapping.serving, "down");
  });

  it("changes its age only with its verdict", () => {
    const down = after(well, [["ari", "refused"], ["sip", "refused"]], 2_000);
    assert.equal(down.sinceMs, 2_010);
    assert.equal(after(down, [["ari", "refused"]], 5_000).sinceMs, 2_010);
    assert.equal(judgeHealth(well, 9_000, config), well, "the same object when nothing changed");
  });

  it("keeps its verdict through a doubt, but not the misses behind it", () => {
    const doubted = doubtHealth(after(well, times(2, ["sip", "silent"]), 2_000));
    assert.equal(doubted.serving, "serving");
    assert.equal(after(doubted, times(2, ["sip", "silent"]), 60_010).serving, "serving");
    const down = judgeHealth(doubtHealth(after(well, [["ari", "refused"], ["sip", "refused"]], 2_000)), 60_000, config);
    assert.equal(down.serving, "down");
    assert.ok(!stillFails(down), "so nobody is asked to take over on the word of a node that has just woken up");
  });

  it("still fails while something that makes it down does, and not while it comes back", () => {
    const down = after(well, [["ari", "refused"], ["sip", "refused"]], 2_000);
    assert.ok(stillFails(down));
    const coming = after(down, [["ari", {}], ["sip", { status: 200 }]], 3_000);
    assert.deepEqual([coming.serving, stillFails(coming)], ["down", false]);
    assert.ok(!stillFails(after(well, [["contacts", "silent"], ["version", "silent"], ["queues", "silent"]], 2_000)), "what is only measured makes nobody down");
    assert.ok(stillFails(after(well, [["stasis:ivr", "silent"]], 2_000)));
    assert.ok(stillFails(after(well, [["canary", "silent"]], 2_000)));
  });

  it("hurries while Asterisk is going or coming, and no longer", () => {
    assert.ok(!healthHurries(well, config));
    assert.ok(healthHurries(after(well, [["sip", "silent"]], 2_000), config));
    assert.ok(healthHurries(after(well, times(6, ["sip", "silent"]), 2_000), config));
    assert.ok(!healthHurries(after(well, times(7, ["ari", "silent"], ["sip", "silent"]), 2_000), config), "it is gone: no need to hammer");
    const down = after(well, times(7, ["ari", "refused"], ["sip", "refused"]), 2_000);
    assert.ok(!healthHurries(down, config));
    assert.ok(healthHurries(after(down, [["ari", {}]], 3_000), config));
  });

  it("keeps what was measured besides", () => {
    const counted = after(well, [["counts", { calls: 4, channels: 9 }], ["contacts", { reachable: 7, unreachable: 1 }], ["version", { version: "22.1.0" }], ["counts", "silent"]], 2_000);
    assert.deepEqual([counted.calls, counted.channels, counted.contactsReachable, counted.contactsUnreachable, counted.version], [4, 9, 7, 1, "22.1.0"]);
  });

  it("says which verdicts mean that calls can be taken", () => {
    assert.deepEqual((["serving", "degraded", "down", "unknown"] as const).map(canServe), [true, true, false, false]);
  });
});
