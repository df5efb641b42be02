// How each event changes what is known: the fields of the state that one answer touches, and those that it must leave alone.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Completion, Event } from "../../agent/core/events.ts";
import { fold, refusalOf } from "../../agent/core/fold.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { State } from "../../agent/core/state.ts";
import type { AddressReading, ClaimTags } from "../../agent/core/types.ts";
import { sampleConfig, sampleHeartbeat, sampleMember, sampleStandby } from "../simulation/core-samples.ts";
import { coreConfig } from "../support/small-world.ts";

const config = sampleConfig({ witnesses: ["witness-1"] });
const NOW = 12_000;
const standby = { ...sampleStandby(NOW, config), heartbeatNow: false };
const DENIED = { code: "AGENT_CLOUD_DENIED", message: "UnauthorizedOperation" };
const THROTTLED = { code: "AGENT_CLOUD_THROTTLED", message: "RequestLimitExceeded" };
const done = { ok: true, value: null } as const;
const fails = (failure: typeof DENIED): { readonly ok: false; readonly failure: typeof DENIED } => ({ ok: false, failure });

/** The answer to a request of that key, which is under way and was made at that instant. */
function answered(state: State, key: string, completion: Completion, startedAtMs = NOW - 10, of: CoreConfig = config): State {
  return fold({ ...state, inFlight: { ...state.inFlight, [key]: 7 } }, { type: "completed", atMs: NOW, id: 7, key, startedAtMs, random: 0.25, completion }, of);
}

const switchover = { id: "00000000000000d1", to: "node-a", reason: "a new kernel.", phase: "draining", ending: "", startedAtMs: 11_000, drainUntilMs: 20_000, refusingSinceMs: 11_000, empty: false, troubleSinceMs: null, phaseAtMs: 11_000, phaseSequence: 0, offeredAtMs: null, before: null } as const;
const draining = { sinceMs: 9_000, untilMs: 20_000, reason: "a new kernel" };

describe("an answer", () => {
  it("ends its request and brings its chance along, and no other's", () => {
    const state = { ...standby, inFlight: { save: 3 } };
    const after = answered(state, "dryRunClaim", { kind: "dryRunClaim", outcome: done });
    assert.deepEqual([after.inFlight, after.jitter], [{ save: 3 }, 0.25]);
    const late: Event = { type: "completed", atMs: NOW, id: 6, key: "save", startedAtMs: NOW, random: 0.25, completion: { kind: "save", outcome: fails(DENIED) } };
    assert.equal(fold(state, late, config), state, "after its deadline");
  });

  it("says nothing when it was asked for before we doubted ourselves, and something from that instant on", () => {
    const before = { ...standby, doubtedAtMs: NOW - 10, evidence: { ...standby.evidence, sip: { okAtMs: null, misses: 0, firstMissAtMs: null, proven: true } } };
    const completions: readonly Completion[] = [
      { kind: "watchSip", outcome: { ok: true, value: { status: 200 } } },
      { kind: "reference", side: "private", outcome: fails(THROTTLED) },
      { kind: "probe", probe: "ari", outcome: { ok: true, value: {} } },
      { kind: "readAddress", outcome: fails(THROTTLED) },
      { kind: "readInstance", node: "node-a", outcome: { ok: true, value: "stopped" } },
    ];
    for (const completion of completions) {
      const told = (startedAtMs: number): unknown => { const { evidence, health, ownership } = answered(before, "key", completion, startedAtMs); return { evidence, health, ownership }; };
      const { evidence, health, ownership } = before;
      assert.deepEqual(told(NOW - 11), { evidence, health, ownership }, completion.kind);
      assert.notDeepEqual(told(NOW - 10), { evidence, health, ownership }, completion.kind);
    }
  });
});

describe("what EC2 says", () => {
  const reading = (over: Partial<AddressReading> = {}): AddressReading => ({ holder: { kind: "node", node: "node-a" }, publicIp: "203.0.113.10", mark: null, lastClaim: null, ...over });
  const read = (state: State, over: Partial<AddressReading> = {}): State => answered(state, "readAddress", { kind: "readAddress", outcome: { ok: true, value: reading(over) } });
  const moving = (to: string): State => ({ ...standby, ownership: { ...standby.ownership, candidate: { kind: "node", node: to } } });

  it("is a move when two reads show another holder: it is told, saved and has its reason", () => {
    const same = read(standby);
    assert.deepEqual([same.policy, same.unsaved, same.heartbeatNow], [standby.policy, false, false]);
    const first = read({ ...standby, ownership: { ...standby.ownership, holder: null, candidate: { kind: "node", node: "node-a" } } });
    assert.deepEqual([first.ownership.holder, first.policy.moves, first.unsaved], [{ kind: "node", node: "node-a" }, [], false], "to learn who has it is no move");
    const moved = read(moving("node-b"), { holder: { kind: "node", node: "node-b" } });
    assert.deepEqual([moved.unsaved, moved.heartbeatNow, moved.policy.holdDownUntilMs, moved.policy.moves], [true, true, NOW + config.holdDownMs, [{ atWallMs: standby.wallMs, from: "node-a", to: "node-b", reason: "seen on EC2" }]]);
  });

  it("is the move that our own switchover has led to, when the address is where that offered it", () => {
    const why = (over: Partial<State>, to = "node-c"): string | undefined => read({ ...moving(to), ...over }, { holder: { kind: "node", node: to } }).policy.moves.at(-1)?.reason;
    const offered = { ...switchover, to: "node-c", phase: "yielding", offeredAtMs: 11_500 } as const;
    assert.equal(why({ switchover: offered }), "Handed over, as an operator asked: a new kernel.");
    assert.equal(why({ switchover: { ...offered, offeredAtMs: null } }), "seen on EC2", "before it was offered");
    assert.equal(why({ switchover: offered }, "node-d"), "seen on EC2", "to somebody else");
    const free = { ...standby, switchover: offered, ownership: { ...standby.ownership, candidate: { kind: "nobody" } } } as const;
    assert.equal(read(free, { holder: { kind: "nobody" } }).policy.moves.at(-1)?.reason, "seen on EC2");
    const claim = { cause: "quorum", reason: "node-a is gone.", basis: { suspectedForMs: null, verdicts: [], cloud: "unknown" }, decidedAtMs: 11_000, phase: "accepted", calledAtMs: 11_100, failure: null, contraryReads: 0 } as const;
    assert.equal(why({ claim, switchover: offered }), "node-a is gone.");
  });

  it("is no movement of a mark of which the member has told itself", () => {
    const mark = { node: "node-a", counter: 5 };
    const suspected = { ...standby, evidence: { ...standby.evidence, suspectedAtMs: 11_000 }, members: { ...standby.members, "node-a": sampleMember(11_000, sampleHeartbeat({ mark: 5 })) } };
    assert.equal(read(suspected, { mark }).ownership.markMovedAtMs, null);
    assert.notEqual(read(suspected, { mark: { ...mark, counter: 6 } }).ownership.markMovedAtMs, null);
  });

  it("of an instance is noted with its instant where it could be read", () => {
    const told = answered(standby, "readInstance", { kind: "readInstance", node: "node-a", outcome: { ok: true, value: "stopped" } });
    assert.deepEqual(told.ownership.instance, { node: "node-a", state: "stopped", atMs: NOW });
    assert.equal(answered(told, "readInstance", { kind: "readInstance", node: "node-a", outcome: fails(THROTTLED) }).ownership.instance, told.ownership.instance);
  });

  it("of a stopped standby is for a witness that may start it; of the active it is evidence", () => {
    const cold = coreConfig("witness-1", { peers: ["node-a", "node-b"], coldStandby: true });
    const about = (node: string, of: CoreConfig): State => answered(standby, "readInstance", { kind: "readInstance", node, outcome: { ok: true, value: "stopped" } }, NOW - 10, of);
    assert.deepEqual([about("node-b", cold).coldStart.instances["node-b"]?.state, about("node-b", cold).ownership.instance], ["stopped", null]);
    assert.equal(about("node-a", cold).ownership.instance?.state, "stopped");
    assert.equal(about("node-b", config).ownership.instance?.node, "node-b");
  });
});

describe("the answer to a claim", () => {
  const claim = { cause: "quorum", reason: "gone", basis: { suspectedForMs: null, verdicts: [], cloud: "unknown" }, decidedAtMs: NOW - 10, phase: "calling", calledAtMs: null, failure: null, contraryReads: 0 } as const;
  const phaseAfter = (startedAtMs: number): string | undefined => answered({ ...standby, role: "claiming", claim }, "claim", { kind: "claim", outcome: done }, startedAtMs).claim?.phase;

  it("is of this claim when it was sent since it was decided", () => {
    assert.deepEqual([phaseAfter(NOW - 10), phaseAfter(NOW - 11)], ["accepted", "calling"]);
    assert.equal(answered(standby, "claim", { kind: "claim", outcome: done }).claim, null, "one that comes when no claim is under way any more");
  });
});

describe("a probe", () => {
  it("of the active is about somebody else when it was sent before this one was active", () => {
    const seen = (startedAtMs: number): unknown => answered({ ...standby, evidence: { ...standby.evidence, sinceMs: 11_000 } }, "watchSip", { kind: "watchSip", outcome: fails(THROTTLED) }, startedAtMs).evidence.sip.misses;
    assert.deepEqual([seen(10_999), seen(11_000)], [0, 1]);
  });

  it("counts for its own channel, from when it was sent", () => {
    const miss = (kind: "watchSip" | "watchEip"): State["evidence"] => answered(standby, kind, { kind, outcome: fails(THROTTLED) }).evidence;
    assert.deepEqual([miss("watchSip").sip.firstMissAtMs, miss("watchSip").eip.misses, miss("watchEip").eip.firstMissAtMs, miss("watchEip").sip.misses], [NOW - 10, 0, NOW - 10, 0]);
  });

  it("of the active that is answered proves its channel", () => {
    const silent = { ...standby, evidence: { ...standby.evidence, sip: { okAtMs: null, misses: 5, firstMissAtMs: 9_000, proven: false } } };
    assert.deepEqual(answered(silent, "watchSip", { kind: "watchSip", outcome: { ok: true, value: { status: 200 } } }).evidence.sip, { okAtMs: NOW, misses: 0, firstMissAtMs: null, proven: true });
  });

  it("that finds the database back has the active told its role again, and no other probe", () => {
    const told = (probe: "database" | "queues", connected: boolean, role: State["role"] = "active"): State["appliedRole"] => {
      const row = { okAtMs: null, hits: 0, misses: 2, firstMissAtMs: 9_000, refused: false, latencyMs: null, failure: "Asterisk's query failed" };
      return answered({ ...standby, role, appliedRole: "active", health: { ...standby.health, probes: { database: row } } }, "key", { kind: "probe", probe, outcome: { ok: true, value: { connected } } }).appliedRole;
    };
    assert.deepEqual([told("database", true), told("database", false), told("queues", true), told("database", true, "standby")], [null, "active", "active", "active"]);
  });

  it("of our own Asterisk is timed where it has a metric and an answer", () => {
    const metrics = (probe: "ari" | "queues", ok: boolean): State["metrics"] => answered(standby, "key", { kind: "probe", probe, outcome: ok ? { ok: true, value: {} } : fails(THROTTLED) }).metrics;
    assert.deepEqual(metrics("ari", true).since.at(-1), { name: "AriLatency", value: 10 });
    assert.deepEqual([metrics("ari", false), metrics("queues", true)], [standby.metrics, standby.metrics]);
  });

  it("that counts calls tells a switchover that waits for them", () => {
    const counts: Completion = { kind: "probe", probe: "counts", outcome: { ok: true, value: { calls: 0, channels: 0 } } };
    assert.equal(answered({ ...standby, switchover }, "probe:counts", counts).switchover?.empty, true);
  });
});

describe("what the agent tries now and then", () => {
  const ready = { ready: true, failure: null, markAllowed: true };

  it("says whether a claim would be allowed, but not while our own way out settles after a move", () => {
    const tried = (egressGraceUntilMs: number, outcome: typeof done | ReturnType<typeof fails>): State["claimReady"] => answered({ ...standby, claimReady: ready, egressGraceUntilMs }, "dryRunClaim", { kind: "dryRunClaim", outcome }).claimReady;
    assert.deepEqual(tried(NOW, fails(DENIED)), { ready: false, failure: DENIED, markAllowed: true });
    assert.deepEqual(tried(NOW + 1, fails(DENIED)), ready);
    assert.deepEqual(answered({ ...standby, egressGraceUntilMs: NOW + 1 }, "dryRunClaim", { kind: "dryRunClaim", outcome: done }).claimReady.ready, true);
    assert.deepEqual(answered({ ...standby, claimReady: ready }, "dryRunMark", { kind: "dryRunMark", outcome: fails(DENIED) }).claimReady, { ...ready, markAllowed: false });
    assert.equal(answered(standby, "dryRunMark", { kind: "dryRunMark", outcome: done }).claimReady.markAllowed, true);
  });

  it("confirms a mark and counts it, when EC2 took it", () => {
    const state = { ...standby, marking: { counter: 61, confirmed: 60, failure: THROTTLED } };
    const taken = answered(state, "writeMark", { kind: "writeMark", outcome: done });
    assert.deepEqual([taken.marking, taken.metrics === state.metrics], [{ counter: 61, confirmed: 61, failure: null }, false]);
    const refused = answered(state, "writeMark", { kind: "writeMark", outcome: fails(DENIED) });
    assert.deepEqual([refused.marking, refused.metrics], [{ counter: 61, confirmed: 60, failure: DENIED }, state.metrics]);
  });

  it("notes what Asterisk was told, or that nobody knows", () => {
    assert.equal(answered(standby, "setMaintenance", { kind: "setMaintenance", on: true, outcome: done }).maintenance, true);
    assert.equal(answered({ ...standby, maintenance: true }, "setMaintenance", { kind: "setMaintenance", on: false, outcome: fails(DENIED) }).maintenance, null);
    assert.equal(refusalOf({ ...standby, maintenance: false, startedActions: { setMaintenance: NOW }, inFlight: { setMaintenance: 7 } }), "own", "what it was told last holds until it takes the next");
  });

  it("keeps the ledger of dropped calls, and what is to be saved, until they are written", () => {
    const dropped = { from: "node-a", atWallMs: 1, reason: "gone", calls: [] };
    assert.equal(answered({ ...standby, dropped }, "recordDropped", { kind: "recordDropped", outcome: done }).dropped, null);
    assert.equal(answered({ ...standby, dropped }, "recordDropped", { kind: "recordDropped", outcome: fails(DENIED) }).dropped, dropped);
    const saved = (unsaved: boolean, outcome: typeof done | ReturnType<typeof fails>): readonly unknown[] => { const after = answered({ ...standby, unsaved }, "save", { kind: "save", outcome }); return [after.unsaved, after.saveFailure]; };
    assert.deepEqual(saved(false, done), [false, null]);
    assert.deepEqual(saved(true, done), [true, null], "something has changed meanwhile");
    assert.deepEqual(saved(false, fails(DENIED)), [true, DENIED]);
  });

  it("writes the claim's tags until it may not or has", () => {
    const tagging = { claimedBy: "node-b" } as ClaimTags;
    const left = (outcome: typeof done | ReturnType<typeof fails>): unknown => answered({ ...standby, tagging }, "writeClaimTags", { kind: "writeClaimTags", outcome }).tagging;
    assert.deepEqual([left(done), left(fails(DENIED)), left(fails(THROTTLED))], [null, null, tagging]);
  });

  it("counts the minutes of metrics that were dropped, and why none leave", () => {
    const published = answered({ ...standby, metricsDropped: 2 }, "publishMetrics", { kind: "publishMetrics", outcome: { ok: true, value: { dropped: 3, failure: THROTTLED } } });
    assert.deepEqual([published.metricsDropped, published.publishFailure, published.metrics === standby.metrics], [5, THROTTLED, false]);
    const fine = answered({ ...standby, metricsDropped: 2, publishFailure: DENIED }, "publishMetrics", { kind: "publishMetrics", outcome: { ok: true, value: { dropped: 0, failure: null } } });
    assert.deepEqual([fine.metricsDropped, fine.publishFailure, fine.metrics], [2, null, standby.metrics]);
    const lost = answered({ ...standby, metricsDropped: 2 }, "publishMetrics", { kind: "publishMetrics", outcome: fails(THROTTLED) });
    assert.deepEqual([lost.metricsDropped, lost.publishFailure], [2, THROTTLED]);
  });

  it("lists the calls, or keeps those of the last list", () => {
    const calls = [{ id: "1", party: "x", sinceWallMs: 5 }];
    const listed = answered(standby, "listCalls", { kind: "listCalls", outcome: { ok: true, value: calls } }, NOW - 30);
    assert.deepEqual([[...listed.roster.calls.keys()], listed.roster.listingMs, listed.roster.listedAtMs], [["1"], 30, NOW]);
    assert.equal(answered(listed, "listCalls", { kind: "listCalls", outcome: fails(THROTTLED) }).roster, listed.roster);
  });
});

describe("an event of Asterisk or of an operator", () => {
  const happens = (state: State, event: Event): State => fold(state, event, config);
  const started = { "probe:ari": 1, "probe:sip": 2, "probe:counts": 3, save: 4 };

  it("closes the socket: what Asterisk was told counts no longer, and it is asked at once how it is", () => {
    const told = { ...standby, startedActions: started, maintenance: false, appliedRole: "standby" } as const;
    const closed = happens(told, { type: "ariSocketChanged", atMs: NOW, open: false });
    assert.deepEqual([closed.maintenance, closed.appliedRole, closed.roleDoubtedAtMs, closed.health.ariSocketOpen, closed.startedActions], [null, null, NOW, false, { "probe:counts": 3, save: 4 }]);
    const opened = happens(told, { type: "ariSocketChanged", atMs: NOW, open: true });
    assert.deepEqual([opened.maintenance, opened.appliedRole, opened.health.ariSocketOpen, opened.startedActions], [null, null, true, started]);
  });

  it("ends a call: it leaves the roster, and a switchover that waits for the last counts again", () => {
    const roster = { ...standby.roster, calls: new Map([["1", { id: "1", party: "x", sinceWallMs: 5 }]]) };
    const ended = (over: Partial<State>): State => happens({ ...standby, roster, startedActions: started, ...over }, { type: "callEnded", atMs: NOW, call: "1" });
    assert.deepEqual([ended({}).roster.calls.size, ended({}).startedActions], [0, started]);
    assert.deepEqual(ended({ switchover }).startedActions, { "probe:ari": 1, "probe:sip": 2, save: 4 });
  });

  it("drains from when it began, as long as the last order says, and leaves the drain of a switchover alone", () => {
    const drain = (over: Partial<State>): State => happens({ ...standby, ...over }, { type: "operatorCommanded", atMs: NOW, wallMs: 0, command: { kind: "drain", forMs: 1_000, reason: "a new kernel" } });
    assert.deepEqual([drain({}).draining, drain({}).heartbeatNow, drain({}).unsaved], [{ sinceMs: NOW, untilMs: NOW + 1_000, reason: "a new kernel" }, true, true]);
    assert.deepEqual(drain({ draining }).draining, { sinceMs: 9_000, untilMs: NOW + 1_000, reason: "a new kernel" });
    const during = drain({ switchover, draining });
    assert.deepEqual([during.draining, during.switchover?.before], [draining, { sinceMs: 9_000, untilMs: NOW + 1_000, reason: "a new kernel" }]);
  });

  it("tries a new secret: since when it fails is kept until it does not", () => {
    const tried = (over: Partial<State>, failure: typeof DENIED | null): State["secretFailure"] => happens({ ...standby, ...over }, { type: "secretTried", atMs: NOW, failure }).secretFailure;
    assert.deepEqual(tried({}, DENIED), { sinceMs: NOW, failure: DENIED });
    assert.deepEqual(tried({ secretFailure: { sinceMs: 5, failure: THROTTLED } }, DENIED), { sinceMs: 5, failure: DENIED });
    assert.equal(tried({ secretFailure: { sinceMs: 5, failure: THROTTLED } }, null), null);
  });
});
