// When Asterisk is told its role: the core, in a small world.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { foldRole, roleNotApplied } from "../../agent/core/asterisk-role.ts";
import type { Event } from "../../agent/core/events.ts";
import type { State } from "../../agent/core/state.ts";
import { coreConfig, settledPair, SmallWorld, type RequestMade } from "../support/small-world.ts";

const roles = (asked: readonly RequestMade<"applyRole">[]): readonly string[] => asked.map((each) => each.role);

/** The first instant at which a member had this role. */
function roleInstant(world: SmallWorld, id: string, role: State["role"]): { atMs: number | null } {
  const found: { atMs: number | null } = { atMs: null };
  world.observe(id, (before, _event: Event, { state }) => { if (before.role !== role && state.role === role) found.atMs ??= world.nowMs; });
  return found;
}

describe("Asterisk's role", () => {
  it("is told at a start as soon as it is known, and then no more", () => {
    const world = new SmallWorld();
    const [a, b] = [world.requests("node-a", "applyRole"), world.requests("node-b", "applyRole")];
    world.run(20_000);
    assert.deepEqual([...new Set(roles(a)), ...new Set(roles(b))], ["active", "standby"]);
    // Once when the role is known, perhaps once more when the event socket opens.
    assert.ok(roles(a).length <= 2 && roles(b).length <= 2, `${roles(a).length} and ${roles(b).length} times`);
    const before = a.length + b.length;
    world.run(120_000);
    assert.equal(a.length + b.length, before);
  });

  it("is told in the very step that changes it, on both nodes, and not while a claim is under way", () => {
    const world = settledPair();
    const [a, b] = [world.requests("node-a", "applyRole"), world.requests("node-b", "applyRole")];
    const [demoted, promoted] = [roleInstant(world, "node-a", "standby"), roleInstant(world, "node-b", "active")];
    world.machine("node-a").asterisk = false;
    world.run(30_000);
    assert.equal(world.state("node-b").role, "active");
    assert.equal(b[0]?.atMs, promoted.atMs);
    assert.ok(a.some((each) => each.role === "standby" && each.atMs === demoted.atMs));
    assert.deepEqual(roles(b), ["active"]);
    assert.deepEqual([world.state("node-a").appliedRole, world.state("node-b").appliedRole], ["standby", "active"]);
  });

  it("is told again each second until Asterisk takes it", () => {
    const world = settledPair();
    world.machine("node-b").role = { code: "AGENT_ARI_FAILED", message: "409" };
    world.holder = { kind: "node", node: "node-b" };
    world.run(70_000);
    assert.equal(world.state("node-b").role, "active");
    assert.equal(world.state("node-b").appliedRole, null);
    const asked = world.requests("node-b", "applyRole");
    world.run(10_000);
    assert.ok(asked.length >= 8 && asked.length <= 11, `${asked.length} tries in ten seconds`);
    world.machine("node-b").role = null;
    world.run(2_000);
    assert.equal(world.state("node-b").appliedRole, "active");
  });

  it("is told again after Asterisk has restarted, also when the answer to the last time comes only then", () => {
    const world = settledPair();
    const asked = world.requests("node-a", "applyRole");
    world.ariSocket("node-a", false);
    world.ariSocket("node-a", true);
    assert.equal(world.state("node-a").appliedRole, null);
    world.run(3_000);
    assert.ok(asked.length >= 1);
    world.run(2_000);
    // One is on its way when the socket opens: what it did was done to the Asterisk before.
    asked.length = 0;
    world.ariSocket("node-a", true);
    assert.equal(asked.length, 1);
    world.run(1);
    world.ariSocket("node-a", true);
    world.run(500);
    assert.equal(world.state("node-a").appliedRole, null);
    world.run(1_500);
    assert.equal(asked.length, 2);
    assert.equal(world.state("node-a").appliedRole, "active");
  });

  it("is told again to an active whose database is back, and to no standby", () => {
    const world = settledPair(["node-a", "node-b"].map((node) => coreConfig(node, { database: true })));
    const [a, b] = [world.requests("node-a", "applyRole"), world.requests("node-b", "applyRole")];
    for (const node of ["node-a", "node-b"]) world.machine(node).database = false;
    world.run(20_000);
    assert.deepEqual([a, b], [[], []]);
    for (const node of ["node-a", "node-b"]) world.machine(node).database = true;
    world.run(20_000);
    assert.deepEqual([roles(a), roles(b)], [["active"], []]);
  });

  it("is no concern of a peer's: an old active that comes back and demotes, or a standby's agent that restarts, changes nothing here", () => {
    const world = settledPair();
    world.machine("node-a").agent = false;
    world.machine("node-a").asterisk = false;
    world.instance = "stopped";
    world.run(30_000);
    assert.equal(world.state("node-b").role, "active");
    const asked = world.requests("node-b", "applyRole");
    world.machine("node-a").agent = true;
    world.machine("node-a").asterisk = true;
    world.run(90_000);
    assert.equal(world.state("node-a").role, "standby");
    world.restart("node-a");
    world.run(20_000);
    assert.deepEqual(asked, []);
  });

  it("is nothing to a witness", () => {
    const members = (node: string): ReturnType<typeof coreConfig> => coreConfig(node, node === "witness-1" ? { peers: ["node-a", "node-b"] } : { witnesses: ["witness-1"] });
    const world = new SmallWorld(["node-a", "node-b", "witness-1"].map(members));
    const asked = world.requests("witness-1", "applyRole");
    world.run(20_000);
    assert.deepEqual(asked, []);
  });

  it("that Asterisk does not take is told to the operator from the third failure in a row, with the first one's instant", () => {
    const tried = (state: State, atMs: number, ok: boolean): State => foldRole(state, { kind: "applyRole", role: "standby", outcome: ok ? { ok: true, value: null } : { ok: false, failure: { code: "AGENT_ARI_FAILED", message: "409" } } }, atMs);
    const start = settledPair().state("node-b");
    const twice = tried(tried(start, 50_000, false), 51_000, false);
    assert.deepEqual([roleNotApplied(start), roleNotApplied(twice), twice.appliedRole], [null, null, null]);
    const thrice = tried(twice, 52_000, false);
    assert.deepEqual(roleNotApplied(thrice), { sinceMs: 50_000, tries: 3, failure: { code: "AGENT_ARI_FAILED", message: "409" } });
    const taken = tried(thrice, 53_000, true);
    assert.deepEqual([roleNotApplied(taken), taken.roleFailure, taken.appliedRole], [null, null, "standby"]);
  });
});
