// What comes with a change of role besides the role: connections dropped, calls counted as cut, claim tags, an order ended.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { databaseIsBack } from "../../agent/core/asterisk-role.ts";
import type { Event } from "../../agent/core/events.ts";
import { setsOf } from "../../agent/core/metrics.ts";
import type { State } from "../../agent/core/state.ts";
import { initialState, step, type Step } from "../../agent/core/step.ts";
import { sampleConfig } from "../simulation/core-samples.ts";
import { settledPair, type SmallWorld } from "../support/small-world.ts";

interface Seen {
  readonly before: State;
  readonly event: Event;
  readonly result: Step;
}

/** Every step of that member from now on. The list grows while time passes. */
function steps(world: SmallWorld, id: string): Seen[] {
  const seen: Seen[] = [];
  world.observe(id, (before, event, result) => seen.push({ before, event, result }));
  return seen;
}

const rowOf = ({ result }: Seen): string | null => result.actions.flatMap((action) => (action.type === "roleChanged" ? [action.row] : []))[0] ?? null;
const resets = ({ result }: Seen): boolean => result.actions.some(({ type }) => type === "resetCloudConnections");
const counted = (state: State, name: "Demotions" | "Claims"): number => setsOf(state.metrics)[name]?.sum ?? 0;

/** The step in which that row fired. */
function stepOf(seen: readonly Seen[], row: string): Seen {
  const found = seen.find((each) => rowOf(each) === row);
  assert.ok(found !== undefined, `${row} did not fire`);
  return found;
}

/** node-a dies, and node-b has some seconds. */
function nodeADies(world: SmallWorld, forMs = 8_000): Seen[] {
  const seen = steps(world, "node-b");
  world.kill("node-a");
  world.run(forMs);
  return seen;
}

const CALLS = [1, 2, 3].map((n) => ({ id: `c${n}`, party: "", sinceWallMs: n }));
/** The same step, had node-a told of three calls. */
function withCalls({ before, event }: Seen, world: SmallWorld): Step {
  const roster = { incarnation: "00000000000000aa", generation: 1, calls: new Map(CALLS.map((call) => [call.id, call])), arriving: null };
  return step({ ...before, peerRosters: { "node-a": roster } }, event, world.config("node-b"));
}

describe("a start", () => {
  const boot = { atMs: 1_000, wallMs: 0, incarnation: "00000000000000bb", policy: null };

  it("knows the availability zone where it was told", () => {
    assert.equal(initialState({ ...boot, zone: "eu-central-1a" }, sampleConfig()).zone, "eu-central-1a");
    assert.equal(initialState(boot, sampleConfig()).zone, null);
  });

  it("speaks to its peers in the very first step", () => {
    const { actions } = step(initialState(boot, sampleConfig()), { type: "ticked", atMs: 1_000, wallMs: 0, lagMs: 0, memoryMib: 1 }, sampleConfig());
    assert.ok(actions.some(({ type }) => type === "sendHeartbeat"));
  });
});

describe("connections to EC2 that were opened before the address moved", () => {
  it("are dropped when the claim is answered and when it is confirmed, and at no other time", () => {
    const world = settledPair();
    const seen = nodeADies(world);
    const answered = seen.filter(({ before, result }) => before.claim?.phase === "calling" && result.state.claim?.phase === "accepted");
    assert.equal(answered.length, 1);
    assert.deepEqual(seen.filter(resets), [...answered, stepOf(seen, "claim-confirmed")]);
  });

  it("are dropped when nobody knows whether the claim took effect", () => {
    const world = settledPair();
    world.machine("node-b").claim = { code: "AGENT_CLOUD_TIMEOUT", message: "no answer" };
    const seen = nodeADies(world, 3_000);
    const dropped = seen.filter(resets);
    assert.ok(dropped.length > 0);
    for (const { before, result } of dropped) assert.deepEqual([before.claim?.phase, result.state.claim?.phase], ["calling", "unknown"]);
  });

  it("are kept when EC2 has refused the claim", () => {
    const world = settledPair();
    world.machine("node-b").claim = { code: "AGENT_CLOUD_THROTTLED", message: "too often" };
    const seen = nodeADies(world);
    assert.ok(seen.some((each) => rowOf(each) === "claim-refused"));
    assert.deepEqual(seen.filter(resets), []);
  });

  it("excuse this node's own way out for the grace, from the answer on", () => {
    const world = settledPair();
    const seen = nodeADies(world);
    const config = world.config("node-b");
    assert.ok(config.egressGraceMs > 0);
    const during = seen.filter(({ before, result }) => before.role === "claiming" && result.state.role === "claiming");
    const [answered, ...more] = during.filter(({ before, result }) => before.claim?.phase === "calling" && result.state.claim?.phase === "accepted");
    assert.ok(answered !== undefined && more.length === 0 && during.length > 1);
    assert.equal(answered.result.state.egressGraceUntilMs, answered.result.state.nowMs + config.egressGraceMs);
    for (const each of during) if (each !== answered) assert.equal(each.result.state.egressGraceUntilMs, each.before.egressGraceUntilMs);
  });
});

describe("the calls of the node before", () => {
  it("are cut when this node becomes active, and the claim's tags tell how many", () => {
    const world = settledPair();
    const { state } = withCalls(stepOf(nodeADies(world), "claim-confirmed"), world);
    assert.deepEqual(state.dropped?.calls, CALLS);
    assert.equal(state.dropped.from, "node-a");
    assert.equal(state.tagging?.details?.dropped, 3);
  });

  it("are not cut by the claim alone, nor by one that comes to nothing", () => {
    const world = settledPair();
    world.machine("node-b").claim = { code: "AGENT_CLOUD_THROTTLED", message: "too often" };
    const seen = nodeADies(world);
    for (const row of ["claim-by-quorum", "claim-refused"]) assert.equal(withCalls(stepOf(seen, row), world).state.dropped, null, row);
  });

  it("are unknown when no node had the address before: nothing is told of them", () => {
    const world = settledPair();
    world.holder = { kind: "nobody" };
    const seen = steps(world, "node-a");
    world.run(90_000);
    const { state } = stepOf(seen, "claim-confirmed").result;
    assert.equal(state.ownership.previous?.kind, "nobody");
    assert.equal(state.dropped, null);
    assert.equal(state.tagging?.details?.dropped, null);
  });

  it("stay to be written when the address leaves before they could be, and then no others are cut", () => {
    const world = settledPair();
    const { dropped } = stepOf(nodeADies(world), "claim-confirmed").result.state;
    const seen = steps(world, "node-b");
    world.holder = { kind: "node", node: "node-a" };
    world.run(90_000);
    const { before, event, result } = stepOf(seen, "deposed");
    assert.equal(result.state.dropped, null);
    assert.equal(step({ ...before, dropped }, event, world.config("node-b")).state.dropped, dropped);
  });
});

describe("the tags of a claim", () => {
  it("are written for a claim that was confirmed, with its reason", () => {
    const world = settledPair();
    const { result } = stepOf(nodeADies(world), "claim-confirmed");
    assert.equal(result.state.tagging?.claimedBy, "node-b");
    assert.match(result.state.tagging.reason, /node-a is gone/);
  });

  it("are not written for a claim that came to nothing", () => {
    const world = settledPair();
    world.machine("node-b").claim = { code: "AGENT_CLOUD_THROTTLED", message: "too often" };
    assert.equal(stepOf(nodeADies(world), "claim-refused").result.state.tagging, null);
  });

  it("are given up when the address leaves before they could be written", () => {
    const world = settledPair();
    const { result } = stepOf(nodeADies(world), "claim-confirmed");
    const seen = steps(world, "node-b");
    world.holder = { kind: "node", node: "node-a" };
    world.run(90_000);
    const { before, event } = stepOf(seen, "deposed");
    assert.equal(step({ ...before, tagging: result.state.tagging }, event, world.config("node-b")).state.tagging, null);
  });
});

describe("who loses the address", () => {
  it("counts a demotion; who gains it does not", () => {
    const world = settledPair();
    const [a, b] = [steps(world, "node-a"), steps(world, "node-b")];
    world.holder = { kind: "node", node: "node-b" };
    world.run(90_000);
    const [deposed, handedOver] = [stepOf(a, "deposed"), stepOf(b, "handed-over")];
    assert.equal(counted(deposed.result.state, "Demotions") - counted(deposed.before, "Demotions"), 1);
    assert.equal(counted(handedOver.result.state, "Demotions") - counted(handedOver.before, "Demotions"), 0);
  });

  it("ends the switchover that it had begun", () => {
    const world = settledPair();
    const a = steps(world, "node-a");
    world.command("node-a", { kind: "switchover", request: { id: "00000000000000d1", to: "node-b", reason: "work", drainMs: 600_000, dryRun: false } });
    world.run(2_000);
    assert.equal(world.state("node-a").switchover?.phase, "draining");
    world.holder = { kind: "node", node: "node-b" };
    world.run(90_000);
    const { before, result } = stepOf(a, "deposed");
    assert.deepEqual([before.switchover?.phase, result.state.switchover?.phase], ["draining", "done"]);
  });
});

describe("a database that is back", () => {
  const active = (failure: string | null): State => {
    const state = settledPair().state("node-a");
    const row = state.health.probes.ari;
    assert.ok(row !== undefined);
    return { ...state, health: { ...state.health, probes: { ...state.health.probes, database: { ...row, failure } } } };
  };
  const answer = (probe: "database" | "canary", connected: boolean | null): Extract<Event, { type: "completed" }> => ({
    type: "completed", atMs: 1, id: 1, key: `probe:${probe}`, startedAtMs: 0, random: 0.5,
    completion: { kind: "probe", probe, outcome: connected === null ? { ok: false, failure: { code: "AGENT_PROBE_TIMEOUT", message: "no answer" } } : { ok: true, value: { connected } } },
  });

  it("is one that the last probe missed and this one has reached, and nothing else", () => {
    assert.equal(databaseIsBack(active("gone"), answer("database", true)), true);
    assert.equal(databaseIsBack(active(null), answer("database", true)), false);
    assert.equal(databaseIsBack(active("gone"), answer("database", false)), false);
    assert.equal(databaseIsBack(active("gone"), answer("database", null)), false, "it was not answered");
    assert.equal(databaseIsBack(active("gone"), answer("canary", true)), false, "another probe");
    assert.equal(databaseIsBack({ ...active("gone"), role: "standby" }, answer("database", true)), false);
  });
});
