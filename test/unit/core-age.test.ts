// What follows from the passing of time, one step of it at a time, on small states.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { age, doubtIfLate } from "../../agent/core/age.ts";
import { initialPolicy } from "../../agent/core/policy.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { ProbeHealth } from "../../agent/core/health.ts";
import type { State } from "../../agent/core/state.ts";
import { initialState } from "../../agent/core/step.ts";
import { sampleConfig, sampleHeartbeat, sampleMember, sampleStandby } from "../simulation/core-samples.ts";
import { CLAIMABLE, CLAIMABLE_CONFIG } from "../support/claimable.ts";
import { coreConfig } from "../support/small-world.ts";

const config = sampleConfig();
const NOW = 12_000;
const HOUR_MS = 3_600_000;
/** Already aged once, so that nothing is left to be noted. */
const standby = age({ ...sampleStandby(NOW, config), heartbeatNow: false }, config);
const row = (over: Partial<ProbeHealth>): ProbeHealth => ({ okAtMs: null, hits: 0, misses: 0, firstMissAtMs: null, refused: false, latencyMs: null, failure: null, ...over });

/** node-b as the active, beside a standby that says this. */
function active(over: Partial<State> = {}, said: Parameters<typeof sampleHeartbeat>[0] = {}): State {
  const ownership = { ...standby.ownership, holder: { kind: "node", node: "node-b" } as const };
  const members = { "node-a": sampleMember(NOW, sampleHeartbeat({ role: "standby", holds: false, ...said })) };
  return { ...standby, role: "active", ownership, members, evidence: { ...standby.evidence, target: null }, ...over };
}

/** Its Asterisk has been refusing on both doors for so long. */
function down(forMs: number): State["health"] {
  const refusing = row({ misses: 4, firstMissAtMs: NOW - forMs, refused: true, failure: "refused" });
  return { ...standby.health, serving: "down", reason: "Asterisk is not running: ARI and SIP are both refused.", sinceMs: NOW - forMs, probes: { ari: refusing, sip: refusing } };
}

describe("a late tick", () => {
  const arrives = (lateMs: number): State => doubtIfLate(standby, { type: "callEnded", atMs: standby.tickedAtMs + config.tickIntervalMs + lateMs, call: "1" }, config);

  it("is no reason for doubt up to SELF_DOUBT_AFTER_MS, and one beyond it", () => {
    assert.equal(arrives(config.selfDoubtAfterMs), standby);
    assert.notEqual(arrives(config.selfDoubtAfterMs + 1), standby);
  });

  it("throws away what was known, and asks everybody anew", () => {
    const before = { ...standby, sequence: 9, readySince: { cause: "quorum", sinceMs: 5 } as const, evidence: { ...standby.evidence, suspectedAtMs: 11_000 }, health: { ...standby.health, probes: { sip: row({ misses: 2, firstMissAtMs: 11_500 }) } } };
    const atMs = NOW + 5_000;
    const after = doubtIfLate(before, { type: "callEnded", atMs, call: "1" }, config);
    assert.deepEqual([after.tickedAtMs, after.doubtedAtMs, after.doubtedSequence, after.lastLateByMs, after.readySince, after.heartbeatNow], [atMs, atMs, 9, 5_000 - config.tickIntervalMs, null, true]);
    assert.deepEqual([after.ownership.readSentAtMs, after.ownership.retryAtMs, after.ownership.holder], [null, atMs, before.ownership.holder]);
    assert.deepEqual([after.evidence.suspectedAtMs, after.evidence.sip.okAtMs, after.evidence.private.okSinceMs], [null, null, null]);
    assert.deepEqual(after.health.probes.sip, row({}));
  });
});

describe("the passing of time", () => {
  it("changes nothing in a node that is well", () => {
    assert.deepEqual(age(standby, config), standby);
  });

  it("leaves a policy to be saved when something in it has run out, and only then", () => {
    const claimed = (atMs: number): State => ({ ...standby, nowMs: HOUR_MS + 1_000, policy: { ...initialPolicy(0), claimsAtMs: [atMs] } });
    assert.deepEqual([age(claimed(1_000), config).unsaved, age(claimed(1_000), config).policy.claimsAtMs], [true, []]);
    assert.equal(age(claimed(1_001), config).unsaved, false);
  });

  it("measures no Asterisk on a witness, and asks nothing of it", () => {
    const witness = coreConfig("witness-1", { peers: ["node-a", "node-b"] });
    const fresh = initialState({ atMs: 0, wallMs: 0, incarnation: "00000000000000cc", policy: null }, witness);
    assert.equal(age(fresh, witness).health, fresh.health);
  });

  it("tells the others at once that this node's health has another verdict, and not of another reason for the same", () => {
    const gone = { ...standby, health: { ...standby.health, probes: { ari: row({ misses: 1, refused: true }), sip: row({ misses: 1, refused: true }) } } };
    assert.deepEqual([age(gone, config).health.serving, age(gone, config).heartbeatNow], ["down", true]);
    const reworded = { ...standby, health: { ...standby.health, reason: "Other words." } };
    assert.notEqual(age(reworded, config).health, reworded.health);
    assert.equal(age(reworded, config).heartbeatNow, false);
    assert.equal(age({ ...reworded, heartbeatNow: true }, config).heartbeatNow, true, "what was to be told before is told still");
  });

  it("ends a drain at its end, unless it belongs to a switchover that goes on", () => {
    const drained = (untilMs: number): State => ({ ...active(), draining: { sinceMs: 1_000, untilMs, reason: "a new kernel" } });
    assert.notEqual(age(drained(NOW + 1), config).draining, null);
    const over = age(drained(NOW), config);
    assert.deepEqual([over.draining, over.heartbeatNow], [null, true]);
    const switchover = { id: "00000000000000d1", to: "node-a", reason: "a new kernel", phase: "yielding", ending: "", startedAtMs: NOW, drainUntilMs: NOW, refusingSinceMs: 2_000, empty: true, troubleSinceMs: null, phaseAtMs: NOW, phaseSequence: 0, offeredAtMs: NOW, before: null } as const;
    assert.notEqual(age({ ...drained(NOW), switchover }, config).draining, null);
    assert.equal(age({ ...drained(NOW), switchover: { ...switchover, phase: "done" } }, config).draining, null);
  });
});

describe("a member that is missed", () => {
  const member = standby.members["node-a"] ?? assert.fail();
  const agedWith = (over: Partial<typeof member>, state: State = active()): State => age({ ...state, members: { "node-a": { ...member, ...over } } }, config);

  it("is told so at once, once", () => {
    const late = agedWith({ heardAtMs: NOW - config.peerLateAfterMs });
    assert.deepEqual([late.members["node-a"]?.unheardSinceMs, late.heartbeatNow], [NOW, true]);
    const lost = agedWith({ heardAtMs: NOW - config.peerLostAfterMs, unheardSinceMs: NOW - 10 });
    assert.deepEqual([lost.members["node-a"]?.absentSinceMs, lost.heartbeatNow], [NOW, false]);
  });

  it("is not told so when it is the one that misses us", () => {
    const misses = agedWith({ heartbeat: sampleHeartbeat({ role: "standby", holds: false, hearsYou: "lost" }) });
    assert.deepEqual([misses.members["node-a"]?.unheardSinceMs, misses.heartbeatNow], [NOW, false]);
  });

  it("keeps what was to be told anyway", () => {
    assert.equal(agedWith({ absentSinceMs: null, unheardSinceMs: 5 }, active({ heartbeatNow: true })).heartbeatNow, true);
  });

  it("has a row of its own from the first step on, and keeps the others' rows", () => {
    const three = sampleConfig({ nodes: ["node-a", "node-b", "node-c"], witnesses: ["witness-1"] });
    const members = age({ ...sampleStandby(NOW, three), members: {} }, three).members;
    assert.deepEqual(Object.keys(members).toSorted(), ["node-a", "node-c", "witness-1"]);
  });
});

describe("the one that is watched", () => {
  const holds = (holder: State["ownership"]["holder"]): State => ({ ...standby, ownership: { ...standby.ownership, holder } });

  it("is the node that holds the address, unless that is this one", () => {
    assert.equal(age(standby, config).evidence, standby.evidence, "who is watched already is not watched anew");
    const own = age(holds({ kind: "node", node: "node-b" }), config).evidence;
    assert.deepEqual([own.target, own.suspectedAtMs], [null, null], "nobody is suspected where nobody is watched");
    assert.equal(age(holds({ kind: "nobody" }), config).evidence.target, null);
    assert.equal(age(holds({ kind: "stranger", instanceId: null }), config).evidence.target, null);
    const moved = age(holds({ kind: "node", node: "node-c" }), config).evidence;
    assert.deepEqual([moved.target, moved.sinceMs, moved.sip.okAtMs], ["node-c", NOW, null]);
  });
});

describe("suspicion", () => {
  const suspected = (over: object, said: Parameters<typeof sampleHeartbeat>[0] = {}, from: State = standby): number | null =>
    age({ ...from, members: { "node-a": sampleMember(NOW, sampleHeartbeat(said), over) } }, config).evidence.suspectedAtMs;

  it("begins when the heartbeat is late, says that its node can't serve, asks for relief or offers us the address", () => {
    assert.equal(suspected({}), null);
    assert.equal(suspected({ heardAtMs: NOW - config.peerLateAfterMs + 1 }), null);
    assert.equal(suspected({ heardAtMs: NOW - config.peerLateAfterMs }), NOW);
    assert.equal(suspected({}, { serving: "degraded" }), null);
    assert.equal(suspected({}, { serving: "down" }), NOW);
    assert.equal(suspected({}, { serving: "unknown" }), NOW);
    assert.equal(suspected({}, { yield: "Asterisk is gone." }), NOW);
    const offer = { id: "00000000000000d1", to: "node-b", phase: "yielding", says: "", reason: "new kernel" } as const;
    assert.equal(suspected({}, { switchover: offer }), NOW);
    assert.equal(suspected({}, { switchover: { ...offer, to: "node-c" } }), null, "an offer to somebody else");
  });

  it("begins when nothing has been heard since we doubted ourselves, or ever", () => {
    assert.equal(suspected({}, {}, { ...standby, doubtedAtMs: NOW }), null);
    assert.equal(suspected({ heardAtMs: NOW - 1 }, {}, { ...standby, doubtedAtMs: NOW }), NOW);
    assert.equal(age({ ...standby, members: { "node-a": sampleMember(null, null) } }, config).evidence.suspectedAtMs, NOW);
  });

  it("goes on from where it began, ends with a good heartbeat, and begins by forgetting what EC2 said before", () => {
    const since = { ...standby, evidence: { ...standby.evidence, suspectedAtMs: 11_000 } };
    assert.equal(suspected({}, { serving: "down" }, since), 11_000);
    assert.equal(suspected({}, {}, since), null);
    const marked = { ...standby, ownership: { ...standby.ownership, markMovedAtMs: 5_000 }, members: { "node-a": sampleMember(NOW, sampleHeartbeat({ serving: "down" })) } };
    assert.equal(age(marked, config).ownership.markMovedAtMs, null);
  });
});

describe("an active that asks to be relieved", () => {
  const asks = (state: State): string | null => age(state, config).yielding;

  it("does so when its Asterisk has been down for YIELD_AFTER_MS, still fails, and a peer takes calls", () => {
    assert.equal(asks(active({ health: down(config.yieldAfterMs) })), "Asterisk is not running: ARI and SIP are both refused.");
    assert.equal(asks(active({ health: down(config.yieldAfterMs - 1) })), null);
    const { health } = active({ health: down(config.yieldAfterMs) });
    assert.equal(asks(active({ health: { ...health, probes: { ari: row({ hits: 1, okAtMs: NOW }), sip: row({ hits: 1, okAtMs: NOW }) } } })), null, "it answers again");
    for (const said of [{ serving: "down" }, { serving: "unknown" }, { draining: true }] as const) assert.equal(asks(active({ health }, said)), null, JSON.stringify(said));
    assert.equal(asks(active({ health: { ...health, serving: "degraded", probes: { canary: row({ okAtMs: 500, misses: 1, firstMissAtMs: 600 }) } } })), null, "it takes calls, whatever else fails");
    assert.equal(asks({ ...standby, health }), null, "a standby has nothing to be relieved of");
  });

  it("does so when one peer of several takes calls", () => {
    const three = sampleConfig({ nodes: ["node-a", "node-b", "node-c"] });
    const state = active({ health: down(three.yieldAfterMs) });
    const members = { ...state.members, "node-c": sampleMember(NOW, sampleHeartbeat({ node: "node-c", role: "standby", holds: false, serving: "down" })) };
    assert.notEqual(age({ ...state, members }, three).yielding, null);
  });

  it("tells the others at once that it asks and that it asks no more, and not that it words it otherwise", () => {
    const health = down(config.yieldAfterMs);
    assert.equal(age(active({ health }), config).heartbeatNow, true);
    const again = age(active({ health, yielding: "Other words." }), config);
    assert.deepEqual([again.yielding, again.heartbeatNow], [health.reason, false]);
    assert.equal(age(active({ health, yielding: "Other words.", heartbeatNow: true }), config).heartbeatNow, true, "what was to be told before is told still");
    const well = age(active({ yielding: health.reason }), config);
    assert.deepEqual([well.yielding, well.heartbeatNow], [null, true]);
  });
});

describe("what speaks for a claim", () => {
  const quorum: State = { ...CLAIMABLE.quorum, heartbeatNow: false };
  const ready = (state: State): State["readySince"] => age(state, CLAIMABLE_CONFIG).readySince;

  it("is noted with the instant from which all but the rank spoke for it", () => {
    assert.deepEqual(ready(quorum), { cause: "quorum", sinceMs: NOW });
    assert.deepEqual(ready({ ...quorum, readySince: { cause: "quorum", sinceMs: 9_000 } }), { cause: "quorum", sinceMs: 9_000 });
    assert.deepEqual(ready({ ...quorum, readySince: { cause: "vacant", sinceMs: 9_000 } }), { cause: "quorum", sinceMs: NOW }, "another cause begins anew");
    assert.deepEqual(ready(CLAIMABLE.consent), { cause: "consent", sinceMs: NOW });
    assert.deepEqual(ready(CLAIMABLE.vacant), { cause: "vacant", sinceMs: NOW });
  });

  it("is forgotten when it speaks for a claim no longer", () => {
    const since = { cause: "quorum", sinceMs: 9_000 } as const;
    assert.equal(ready({ ...quorum, readySince: since, role: "claiming" }), null);
    assert.equal(ready({ ...quorum, readySince: since, policy: { ...quorum.policy, blocked: true } }), null);
    assert.equal(age({ ...standby, readySince: since }, config).readySince, null, "the active is unsuspected");
  });
});

describe("the hourly limit", () => {
  const many = (count: number, over: Partial<State> = {}): State => ({ ...CLAIMABLE.quorum, unsaved: false, ...over, policy: { ...CLAIMABLE.quorum.policy, claimsAtMs: Array.from({ length: count }, () => NOW - 5_000), ...over.policy } });
  const limited = (state: State, of: CoreConfig = CLAIMABLE_CONFIG): readonly boolean[] => { const { policy, unsaved } = age(state, of); return [policy.blocked, unsaved]; };

  it("blocks the claim that would be one too many, and has that saved", () => {
    assert.deepEqual(limited(many(CLAIMABLE_CONFIG.claimsPerHour)), [true, true]);
    assert.deepEqual(limited(many(CLAIMABLE_CONFIG.claimsPerHour - 1)), [false, false]);
  });

  it("blocks nobody who would not claim now", () => {
    assert.deepEqual(limited({ ...standby, policy: { ...standby.policy, claimsAtMs: many(6).policy.claimsAtMs } }, config), [false, false], "the active is well");
    assert.deepEqual(limited(many(6, { role: "claiming" })), [false, false]);
    const blocked = { ...many(6), policy: { ...many(6).policy, blocked: true } };
    assert.deepEqual(limited(blocked), [true, false], "blocked already: nothing to save");
  });
});
