// The start of a stopped standby, gate by gate and question by question: from a state in which a witness starts one.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COLD_START_GATES, coldStandbyDue, coldStandbySays, foldDryStart, foldStandbyInstance, foldStart, initialColdStart, marksReadAtMs, stoppedStandby, type ColdStart } from "../../agent/core/cold-standby.ts";
import { gateContext } from "../../agent/core/gates.ts";
import { markVisibleMs } from "../../agent/core/quorum.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleHeartbeat, sampleMember } from "../simulation/core-samples.ts";
import { pilotLight, WITNESS } from "../support/pilot-light.ts";

const { state: READY, config } = readyToStart();
const FAILURE = { code: "AGENT_CLOUD_FAILED", message: "InsufficientInstanceCapacity" };
const SUSPECTED_MS = READY.evidence.suspectedAtMs ?? NaN;

/** A witness in the very step in which it starts node-b, as if it had not done so yet. */
function readyToStart(): { readonly state: State; readonly config: CoreConfig } {
  const world = pilotLight();
  const seen: State[] = [];
  world.observe(WITNESS, (_before, _event, { state, actions }) => { if (actions.some((action) => action.type === "request" && action.request.kind === "startInstance")) seen.push(state); });
  world.kill("node-a");
  world.run(40_000);
  const [state] = seen;
  assert.ok(state !== undefined, "it starts node-b");
  const inFlight = Object.fromEntries(Object.entries(state.inFlight).filter(([key]) => key !== "startInstance"));
  return { state: { ...state, inFlight }, config: world.config(WITNESS) };
}

const cold = (over: Partial<ColdStart>, state: State = READY): State => ({ ...state, coldStart: { ...state.coldStart, ...over } });
const standby = (state: "stopped" | "running" | "stopping", over: { readonly sentAtMs?: number; readonly sinceMs?: number } = {}): State => {
  const before = READY.coldStart.instances["node-b"];
  assert.ok(before !== undefined);
  return cold({ instances: { "node-b": { ...before, state, ...over } } });
};
const heard = (node: string, over: object = {}, atMs = READY.nowMs): State => ({ ...READY, members: { ...READY.members, [node]: sampleMember(atMs, sampleHeartbeat({ node, role: "standby", holds: false, ...over })) } });
const closed = (state: State): readonly string[] => COLD_START_GATES.filter((gate) => !gate.passes(gateContext(state, config))).map(({ name }) => name);
const due = (state: State, sinceStart: (key: string) => number = () => Infinity): readonly string[] => coldStandbyDue(gateContext(state, config), sinceStart, 1_000).map(({ key }) => key);

describe("a start", () => {
  it("is made when every gate is open, with what is known", () => {
    assert.deepEqual(closed(READY), []);
    const [order] = coldStandbyDue(gateContext(READY, config), () => 0, 1_000);
    assert.deepEqual([order?.key, order?.deadlineMs, order?.request.kind], ["startInstance", config.claimTimeoutMs, "startInstance"]);
    assert.match(order?.request.kind === "startInstance" ? order.request.reason : "", /^node-a is lost: 1 of 1 observer\(s\) say down\..* No standby runs; node-b is stopped and is started\.$/);
    assert.equal(coldStandbySays(gateContext(READY, config)), "It starts a standby now.");
  });

  const spoiled: readonly [string, string, State][] = [
    ["not paused", "claims are paused", { ...READY, policy: { ...READY.policy, pause: { ...READY.policy.pause, on: true } } }],
    ["owner known", "one read contradicts", { ...READY, ownership: { ...READY.ownership, candidate: { kind: "nobody" } } }],
    ["address on a peer", "the address is on a node that is no peer", { ...READY, evidence: { ...READY.evidence, target: "node-z" } }],
    ["own verdict down", "the witness can't tell", { ...READY, evidence: { ...READY.evidence, private: { ...READY.evidence.private, okSinceMs: null } } }],
    ["majority down", "the witness can't tell, and nobody else does", { ...READY, evidence: { ...READY.evidence, private: { ...READY.evidence.private, okSinceMs: null } } }],
    ["nobody says up", "EC2 has shown a new mark, and was not read since", { ...READY, ownership: { ...READY.ownership, markMovedAtMs: READY.nowMs, readSentAtMs: READY.nowMs - 1 } }],
    ["no standby runs", "node-b is heard and takes calls", heard("node-b")],
    ["EC2 asked", "EC2 can't be read", { ...READY, ownership: { ...READY.ownership, failures: 3, failure: FAILURE, readSentAtMs: SUSPECTED_MS } }],
    ["a standby is stopped", "its instance is only stopping", standby("stopping")],
    ["marks had time", "it has been stopped only since a moment ago", standby("stopped", { sinceMs: READY.nowMs - 1 })],
    ["start due", "an earlier start failed a moment ago", cold({ notBeforeMs: READY.nowMs + 1 })],
    ["start due", "a start is under way", { ...READY, inFlight: { ...READY.inFlight, startInstance: 7 } }],
    ["start due", "node-b was started, and needs its time", cold({ started: { node: "node-b", atMs: READY.nowMs - config.coldStartWaitMs + 1, reason: "" } })],
  ];
  for (const [gate, what, state] of spoiled) {
    it(`waits for "${gate}" when ${what}`, () => {
      assert.ok(closed(state).includes(gate), closed(state).join(", "));
      assert.ok(!due(state).includes("startInstance"));
      assert.match(coldStandbySays(gateContext(state, config)) ?? "", /^A start of a standby waits for "/);
    });
  }

  it("has every gate among those", () => {
    assert.deepEqual(COLD_START_GATES.map(({ name }) => name).filter((name) => !spoiled.some(([gate]) => gate === name)), []);
  });

  it("is made again after its time, at once when the started node has taken over and is itself lost, and after a backoff", () => {
    const started = (node: string, agoMs: number): State => cold({ started: { node, atMs: READY.nowMs - agoMs, reason: "" } });
    assert.deepEqual(closed(started("node-b", config.coldStartWaitMs)), []);
    assert.deepEqual(closed(started("node-a", 1)), [], "it is the one that is lost");
    assert.deepEqual(closed(cold({ notBeforeMs: READY.nowMs })), []);
    assert.deepEqual(closed(cold({ notBeforeMs: READY.nowMs + 1, started: { node: "node-b", atMs: 0, reason: "" } })), ["start due"]);
  });

  it("is not held up by a standby that runs but drains or is down: only one that takes calls claims by itself", () => {
    for (const over of [{ draining: true }, { serving: "down" }]) assert.ok(!closed(heard("node-b", over)).includes("no standby runs"));
  });

  it("is not made, whatever the gates say, while nothing is suspected", () => {
    const calm = { ...READY, evidence: { ...READY.evidence, suspectedAtMs: null } };
    assert.ok(!due(calm).includes("startInstance"));
    assert.match(coldStandbySays(gateContext(calm, config)) ?? "", /^It would start a stopped standby if node-a were lost\. node-b is stopped\.$/);
  });
});

describe("a stopped standby", () => {
  it("is one that EC2 has called stopped since the suspicion, and since it was last heard", () => {
    assert.equal(stoppedStandby(READY, config), "node-b");
    assert.equal(stoppedStandby(standby("running"), config), null);
    assert.equal(stoppedStandby(standby("stopped", { sentAtMs: SUSPECTED_MS }), config), "node-b");
    assert.equal(stoppedStandby(standby("stopped", { sentAtMs: SUSPECTED_MS - 1 }), config), null);
    assert.equal(stoppedStandby(cold({ instances: {} }), config), null);
    const sentAtMs = READY.coldStart.instances["node-b"]?.sentAtMs ?? NaN;
    assert.equal(stoppedStandby(heard("node-b", {}, sentAtMs), config), "node-b");
    assert.equal(stoppedStandby(heard("node-b", {}, sentAtMs + 1), config), null, "it has been heard since");
    assert.equal(stoppedStandby({ ...READY, evidence: { ...READY.evidence, suspectedAtMs: null } }, config), null);
    assert.equal(stoppedStandby({ ...READY, evidence: { ...READY.evidence, target: "node-b" } }, config), null, "it holds the address");
  });

  it("leaves the active time to be missed and for its first mark to show", () => {
    const needMs = config.peerLostAfterMs + markVisibleMs(READY, config);
    const sinceMs = SUSPECTED_MS + 7;
    assert.equal(marksReadAtMs(standby("stopped", { sinceMs }), config), sinceMs + needMs);
    assert.equal(marksReadAtMs(heard("node-b", {}, SUSPECTED_MS), config), SUSPECTED_MS + needMs, "it was heard after it had been called stopped");
    assert.equal(marksReadAtMs(standby("running"), config), null);
    const read = (atMs: number | null): State => ({ ...standby("stopped", { sinceMs }), ownership: { ...READY.ownership, readSentAtMs: atMs } });
    const marks = (state: State): boolean => !closed(state).includes("marks had time");
    assert.equal(marks(standby("running")), false, "none is stopped");
    assert.deepEqual([marks(read(sinceMs + needMs)), marks(read(sinceMs + needMs - 1)), marks(read(null))], [true, false, false]);
  });
});

describe("what a witness asks EC2 for", () => {
  const since = (ages: Readonly<Record<string, number>>) => (key: string): number => ages[key] ?? 0;
  const calm: State = { ...READY, evidence: { ...READY.evidence, suspectedAtMs: null } };

  it("is the instance of each standby that is not heard: often in a suspicion, else as rarely as the address", () => {
    assert.deepEqual(due(READY, since({ "readInstance:node-b": 999 })), ["startInstance"]);
    assert.deepEqual(due(READY, since({ "readInstance:node-b": 1_000 })), ["readInstance:node-b", "startInstance"]);
    assert.deepEqual(due(calm, since({ "readInstance:node-b": config.ownerReadIntervalMs - 1 })), []);
    assert.deepEqual(due(calm, since({ "readInstance:node-b": config.ownerReadIntervalMs })), ["readInstance:node-b"]);
    assert.deepEqual(due({ ...heard("node-b"), evidence: calm.evidence }, since({ "readInstance:node-b": Infinity })), []);
    const [read] = coldStandbyDue(gateContext(calm, config), () => Infinity, 1_000);
    assert.deepEqual([read?.deadlineMs, read?.request], [config.cloudTimeoutMs, { kind: "readInstance", node: "node-b" }]);
  });

  it("is asked at once about a standby that has just fallen silent", () => {
    const silentForMs = config.peerLostAfterMs;
    const silent = { ...heard("node-b", {}, READY.nowMs - silentForMs), evidence: calm.evidence };
    assert.deepEqual(due(silent, since({ "readInstance:node-b": silentForMs - 1 })), []);
    assert.deepEqual(due(silent, since({ "readInstance:node-b": silentForMs })), ["readInstance:node-b"]);
  });

  it("is a dry run of the start, sooner after one that failed, and none before it is known who is active", () => {
    const everyMs = { fine: config.dryRunIntervalMs, failed: config.ownerReadIntervalMs };
    assert.ok(everyMs.failed < everyMs.fine);
    for (const [ready, ms] of [[true, everyMs.fine], [null, everyMs.fine], [false, everyMs.failed]] as const) {
      assert.deepEqual(due(cold({ ready }, calm), since({ dryRunStart: ms - 1 })), []);
      assert.deepEqual(due(cold({ ready }, calm), since({ dryRunStart: ms })), ["dryRunStart"]);
    }
    const [dryRun] = coldStandbyDue(gateContext(calm, config), since({ dryRunStart: Infinity }), 1_000);
    assert.deepEqual([dryRun?.deadlineMs, dryRun?.request], [config.claimTimeoutMs, { kind: "dryRunStart", node: "node-b" }]);
    assert.deepEqual(due({ ...calm, evidence: { ...calm.evidence, target: null } }, since({ dryRunStart: Infinity })), []);
  });
});

describe("what EC2 has said", () => {
  const start = initialColdStart(5);
  const ended = (ok: boolean) => ({ node: "node-b", reason: "lost", outcome: ok ? { ok: true, value: null } as const : { ok: false, failure: FAILURE } as const });

  it("of an instance is kept with the question since which it has said so", () => {
    const first = foldStandbyInstance(start, "node-b", "stopped", 10);
    const same = foldStandbyInstance(first, "node-b", "stopped", 20);
    const other = foldStandbyInstance(same, "node-b", "running", 30);
    const both = foldStandbyInstance(same, "node-c", "stopped", 30);
    assert.deepEqual([first, same, other].map(({ instances }) => instances["node-b"]), [{ state: "stopped", sentAtMs: 10, sinceMs: 10 }, { state: "stopped", sentAtMs: 20, sinceMs: 10 }, { state: "running", sentAtMs: 30, sinceMs: 30 }]);
    assert.deepEqual(Object.keys(both.instances), ["node-b", "node-c"]);
  });

  it("of a dry run says whether it may start one", () => {
    assert.deepEqual([foldDryStart(start, null).ready, foldDryStart(start, FAILURE).ready, foldDryStart(start, FAILURE).readyFailure], [true, false, FAILURE]);
  });

  it("of a start ends a row of failures, or makes the next try later: 2 s at first, at most 30 s, jittered by half", () => {
    const failed = (times: number, random = 1): ColdStart => Array.from({ length: times }).reduce<ColdStart>((state) => foldStart(state, ended(false), 1_000, random, null), start);
    assert.deepEqual([1, 2, 3, 4, 5, 12].map((times) => failed(times).notBeforeMs - 1_000), [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert.equal(failed(1, 0).notBeforeMs, 2_000);
    assert.deepEqual([failed(3).failures, failed(3).failure], [3, FAILURE]);
    const made = foldStart(failed(3), ended(true), 9_000, 1, null);
    assert.deepEqual([made.started, made.failures, made.failure], [{ node: "node-b", atMs: 9_000, reason: "lost" }, 0, null]);
  });

  it("in an earlier outage is forgotten in a new one", () => {
    const before = { ...start, failures: 4, notBeforeMs: 500 };
    assert.equal(foldStart(before, ended(false), 1_000, 1, 501).failures, 1);
    assert.equal(foldStart(before, ended(false), 1_000, 1, 500).failures, 5);
    assert.equal(foldStart(before, ended(false), 1_000, 1, null).failures, 5);
  });
});

describe("what a witness says of the standbys", () => {
  const says = (state: State, over: Partial<CoreConfig> = {}): string | null => coldStandbySays(gateContext(state, { ...config, ...over }));
  const calm: State = { ...READY, evidence: { ...READY.evidence, suspectedAtMs: null } };

  it("is nothing without COLD_STANDBY, and what it waits for with it", () => {
    assert.equal(says(READY, { coldStandby: false }), null);
    assert.match(says({ ...calm, evidence: { ...calm.evidence, target: null } }) ?? "", /waits to learn who is active/);
    assert.match(says({ ...heard("node-b"), evidence: calm.evidence }) ?? "", /node-b runs\.$/);
    assert.match(says(cold({ instances: {} }, calm)) ?? "", /node-b: EC2 not asked yet\.$/);
    assert.match(says(standby("running")) ?? "", /EC2 has not called a standby stopped since the active is suspected\. node-b is running\.$/);
    assert.match(says({ ...READY, inFlight: { startInstance: 3 } }) ?? "", /A start is under way\.$/);
    assert.match(says(cold({ started: { node: "node-b", atMs: READY.nowMs - 10_000, reason: "" } })) ?? "", /node-b was started 10 s ago\. Another start at the earliest in 50 s\.$/);
    assert.match(says(cold({ failures: 2, failure: FAILURE, notBeforeMs: READY.nowMs + 3_000 })) ?? "", /2 start\(s\) failed \(AGENT_CLOUD_FAILED: InsufficientInstanceCapacity\)\. Another start at the earliest in 3\.0 s\.$/);
    assert.match(says(heard("node-b")) ?? "", /node-b takes calls, and claims by itself\.$/);
  });
});
