// When the agent asks its own Asterisk, the active and the references, and when it does what is left to do: every interval to the millisecond.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ProbeHealth } from "../../agent/core/health.ts";
import { schedule } from "../../agent/core/schedule.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleMember } from "../simulation/core-samples.ts";
import { assertEvery, assertNever, assertNow, DUE_CONFIG, DUE_NOW as NOW, dueIn, QUIET, startedAgo } from "../support/due.ts";
import { coreConfig } from "../support/small-world.ts";

const STASIS = DUE_CONFIG.stasisProbes[0]?.key ?? "";
const evidence = (over: Partial<State["evidence"]>, from: State = QUIET): State => ({ ...from, evidence: { ...from.evidence, ...over } });
const probes = (over: Partial<Record<"ari" | "sip" | "canary", Partial<ProbeHealth>>>, health: Partial<State["health"]> = {}): State => {
  const rows = Object.fromEntries(Object.entries(QUIET.health.probes).map(([name, row]) => [name, { ...row, ...over[name as "ari"] }])) as State["health"]["probes"];
  return { ...QUIET, health: { ...QUIET.health, ...health, probes: rows } };
};
const silentSince = (ms: number): State => evidence({ suspectedAtMs: NOW - ms });

describe("the schedule", () => {
  it("starts nothing when all was started a moment ago, and everything that has never been", () => {
    assert.deepEqual(schedule(QUIET, DUE_CONFIG), { state: QUIET, actions: [] });
    const fresh = Object.keys(dueIn({ ...QUIET, startedActions: {} }));
    assert.deepEqual(fresh.toSorted(), [...["ari", "sip", "sipTcp", "canary", "queues", "database", "counts", "contacts", "version"].map((name) => `probe:${name}`), STASIS, "dryRunClaim", "dryRunMark", "readAddress", "reference:private", "reference:public", "watchEip", "watchSip"].toSorted());
  });

  it("numbers what it starts, and starts nothing of which one is under way", () => {
    const state = { ...startedAgo(startedAgo(QUIET, "probe:ari", 5_000), "probe:sip", 5_000), inFlight: { "probe:ari": 3 }, nextActionId: 8, unsaved: true, saveFailure: { code: "AGENT_STORE_FAILED", message: "full" } };
    const { state: after, actions } = schedule(state, DUE_CONFIG);
    assert.deepEqual(actions.map(({ id, key }) => [id, key]), [[8, "probe:sip"]]);
    assert.deepEqual([after.inFlight, after.nextActionId, after.startedActions["probe:sip"], after.startedActions["probe:ari"], after.unsaved], [{ "probe:ari": 3, "probe:sip": 8 }, 9, NOW, NOW - 5_000, true]);
  });

  it("asks nothing of Asterisk and EC2 on a witness", () => {
    const witness = coreConfig("witness-1", { peers: ["node-a", "node-b"] });
    const of = (cold: boolean): readonly string[] => Object.keys(dueIn({ ...QUIET, role: "witness", startedActions: {} }, { ...witness, coldStandby: cold }));
    assert.deepEqual(of(false).toSorted(), ["reference:private", "reference:public", "watchEip", "watchSip"]);
    assert.ok(of(true).includes("readAddress"), "but of EC2 where it may start a standby");
  });
});

describe("our own Asterisk", () => {
  it("is asked in its good times at the pace of the knobs", () => {
    const paces: Readonly<Record<string, number>> = { "probe:ari": 1_000, "probe:sip": 1_000, "probe:sipTcp": 5_000, [STASIS]: 2_000, "probe:canary": 10_000, "probe:queues": 10_000, "probe:database": 2_000, "probe:counts": 5_000, "probe:contacts": 60_000, "probe:version": 60_000 };
    for (const [key, ms] of Object.entries(paces)) assertEvery(ms, key);
    for (const key of ["probe:sipTcp", "probe:database"]) assertNever(key, QUIET, coreConfig("node-b"));
  });

  it("is asked quickly while it is unclear whether it goes or comes, and for a canary call soon after one has failed", () => {
    assertEvery(200, "probe:ari", probes({ sip: { misses: 1, hits: 0 } }));
    assertEvery(200, "probe:sip", probes({ ari: { misses: 1, hits: 0 } }));
    assertEvery(1_000, "probe:canary", probes({ canary: { misses: 1 } }));
    assertEvery(1_000, "probe:canary", probes({}, { serving: "down" }));
    assertEvery(10_000, "probe:canary", { ...QUIET, health: { ...QUIET.health, probes: { ari: QUIET.health.probes.ari } } } as State);
  });

  it("is asked for no canary call without its event socket, and for nothing more before ARI has answered", () => {
    assertNever("probe:canary", probes({}, { ariSocketOpen: false }));
    for (const key of ["probe:queues", "probe:database", "probe:counts", "probe:contacts", "probe:version"]) assertNever(key, probes({ ari: { okAtMs: null } }));
    assertNever("listCalls", { ...probes({ ari: { okAtMs: null } }), role: "active" });
  });

  it("is asked for its calls by who is active or carries some, as often as that is cheap", () => {
    assertNever("listCalls", QUIET);
    assertEvery(2_000, "listCalls", { ...QUIET, role: "active" });
    const roster = { ...QUIET.roster, calls: new Map([["1", { id: "1", party: "x", sinceWallMs: 1 }]]) };
    assertEvery(2_000, "listCalls", { ...QUIET, roster });
    assertEvery(5_000, "listCalls", { ...QUIET, roster: { ...roster, listingMs: 50 } });
  });

  it("is asked how many calls are left by a switchover that waits for them: at once when Asterisk has begun to refuse, then often", () => {
    const draining = { id: "00000000000000d1", to: "node-a", reason: "work", phase: "draining", ending: "", startedAtMs: NOW - 900, drainUntilMs: NOW + 9_000, refusingSinceMs: NOW, empty: false, troubleSinceMs: null, phaseAtMs: NOW - 900, phaseSequence: 0, offeredAtMs: null, before: null } as const;
    const waits = (refusingSinceMs: number | null, phase: "draining" | "yielding" = "draining"): State => ({ ...QUIET, switchover: { ...draining, refusingSinceMs, phase } });
    assertNow("probe:counts", startedAgo(waits(NOW - 10), "probe:counts", 11));
    assert.equal(dueIn(startedAgo(waits(NOW - 10), "probe:counts", 10))["probe:counts"], undefined, "since then");
    assertEvery(1_000, "probe:counts", waits(NOW - 3_000));
    assertEvery(1_000, "probe:counts", waits(null));
    assertEvery(5_000, "probe:counts", waits(null, "yielding"));
    assertNow("probe:counts", { ...waits(NOW), startedActions: { ...QUIET.startedActions, "probe:counts": -1 } });
  });
});

describe("the active", () => {
  it("is asked calmly while it is well, and quickly for the first minute of a suspicion", () => {
    for (const key of ["watchSip", "watchEip"]) {
      assertEvery(1_000, key);
      assertEvery(200, key, silentSince(0));
      assertEvery(200, key, silentSince(59_999));
      assertEvery(1_000, key, silentSince(60_000));
      assert.deepEqual([dueIn(startedAgo(QUIET, key, 1_000))[key]?.deadlineMs, dueIn(startedAgo(silentSince(0), key, 1_000))[key]?.deadlineMs], [400, 200]);
    }
  });

  it("is asked calmly in the first minute of the clock, too", () => {
    const young = (startedAtMs: number): State => ({ ...QUIET, nowMs: 30_000, startedActions: { ...QUIET.startedActions, watchSip: startedAtMs } });
    assert.deepEqual([dueIn(young(29_001))["watchSip"], dueIn(young(29_000))["watchSip"] === undefined], [undefined, false]);
  });

  it("is asked quickly while a miss needs company, and only there", () => {
    const missed = (misses: number, okAtMs: number | null = NOW - 5_000): State => evidence({ sip: { okAtMs, misses, firstMissAtMs: NOW - 100, proven: true } });
    for (const misses of [1, 2]) assertEvery(200, "watchSip", missed(misses));
    assertEvery(1_000, "watchSip", missed(3));
    assertEvery(1_000, "watchSip", missed(1, null));
    assertEvery(1_000, "watchEip", missed(1));
  });

  it("is asked on the address only when that is known, and not at all when there is none to watch", () => {
    assertNever("watchEip", { ...QUIET, ownership: { ...QUIET.ownership, publicIp: null } });
    for (const key of ["watchSip", "watchEip"]) assertNever(key, evidence({ target: null }));
  });
});

describe("the references", () => {
  const vouches = { okSentAtMs: NOW - 50, failedSentAtMs: null, okSinceMs: 500 };
  const missing = { okAtMs: 1, misses: 1, firstMissAtMs: NOW - 50, proven: true };
  const sides = [["reference:private", "private", "sip"], ["reference:public", "public", "eip"]] as const;

  it("are asked rarely in quiet times, more often in a suspicion, and quickly while a silence is unexplained", () => {
    for (const [key, side, channel] of sides) {
      assertEvery(60_000, key);
      assertEvery(60_000, key, evidence({ [side]: { okSentAtMs: null, failedSentAtMs: null, okSinceMs: null } }));
      assertEvery(1_000, key, silentSince(10));
      assertEvery(1_000, key, evidence({ [channel]: missing, [side]: vouches }));
      for (const track of [{ ...vouches, okSentAtMs: NOW - 51 }, { ...vouches, okSentAtMs: null }, { ...vouches, okSinceMs: null }]) assertEvery(200, key, evidence({ [channel]: missing, [side]: track }));
    }
  });

  it("are asked on the public side by an active that misses a peer, or is missed", () => {
    const unheard = (role: State["role"]): State => ({ ...QUIET, role, members: { "node-a": { ...sampleMember(NOW, null), ...QUIET.members["node-a"], unheardSinceMs: NOW - 50 } } });
    assertEvery(200, "reference:public", evidence({ target: null, public: { ...vouches, okSentAtMs: NOW - 51 } }, unheard("active")));
    assertEvery(1_000, "reference:public", evidence({ target: null, public: vouches }, unheard("active")));
    assertEvery(60_000, "reference:public", unheard("standby"));
  });
});

describe("what is left to do", () => {
  const drain = { sinceMs: 1, untilMs: NOW + 9_000, reason: "work" };

  it("is told to Asterisk until it has taken it: that it refuses calls, and that it no longer does", () => {
    assertNever("setMaintenance", QUIET);
    assertNever("setMaintenance", { ...QUIET, maintenance: true, draining: drain });
    assertEvery(500, "setMaintenance", { ...QUIET, draining: drain });
    assertEvery(500, "setMaintenance", { ...QUIET, maintenance: true });
    assertEvery(500, "setMaintenance", { ...QUIET, maintenance: null });
    assertNever("setMaintenance", { ...probes({}, { ariSocketOpen: false }), draining: drain });
    const asked = (draining: State["draining"]): unknown => dueIn({ ...QUIET, draining, maintenance: null, startedActions: {} })["setMaintenance"]?.request;
    assert.deepEqual([asked(drain), asked(null)], [{ kind: "setMaintenance", on: true }, { kind: "setMaintenance", on: false }]);
  });

  it("is a role that Asterisk was not told: a change at once, and what failed each second", () => {
    assertNever("applyRole", QUIET);
    assertNow("applyRole", { ...QUIET, role: "active" });
    assertEvery(1_000, "applyRole", { ...QUIET, appliedRole: null });
    for (const role of ["starting", "claiming"] as const) assertNever("applyRole", { ...QUIET, role });
  });

  it("is the ledger of dropped calls and the claim's tags, until they are written", () => {
    assertEvery(5_000, "recordDropped", { ...QUIET, dropped: { from: "node-a", atWallMs: 1, reason: "gone", calls: [] } });
    assertNever("recordDropped", QUIET);
    assertEvery(1_000, "writeClaimTags", { ...QUIET, tagging: {} as State["tagging"] });
    assertNever("writeClaimTags", QUIET);
  });

  it("is the record: at once when something has changed, and every five seconds where that fails", () => {
    const failure = { code: "AGENT_STORE_FAILED", message: "full" };
    const unsaved = { ...QUIET, unsaved: true };
    assertNever("save", QUIET);
    assertNow("save", unsaved);
    assertEvery(5_000, "save", { ...unsaved, saveFailure: failure });
    const { state } = schedule(unsaved, DUE_CONFIG);
    assert.deepEqual([state.unsaved, state.inFlight["save"]], [false, 1]);
    assert.equal(schedule(startedAgo(QUIET, "probe:ari", 5_000), DUE_CONFIG).state.unsaved, false, "what else is started leaves nothing to save");
    assert.deepEqual(schedule({ ...unsaved, inFlight: { save: 4 } }, DUE_CONFIG).actions, []);
    assert.equal(schedule(startedAgo({ ...unsaved, inFlight: { save: 4 } }, "probe:ari", 5_000), DUE_CONFIG).state.unsaved, true, "what changed after it left is still unsaved");
  });
});
