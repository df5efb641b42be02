import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Event } from "../../agent/core/events.ts";
import { brokenInvariant } from "../../agent/core/invariants.ts";
import { initialState, step } from "../../agent/core/step.ts";
import { TRANSITIONS } from "../../agent/core/transitions.ts";
import type { Role } from "../../agent/core/types.ts";
import { clusterFrom, perform } from "../simulation/commands.ts";
import { sampleConfig } from "../simulation/core-samples.ts";

/** Freezes a value and all in it, as far as it is not frozen yet. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const each of Object.values(value)) freeze(each);
}

describe("the step", () => {
  it("changes nothing that it is given, and gives the same for the same", () => {
    const cluster = clusterFrom("cluster nodes=2 witnesses=1 holder=node-a");
    let steps = 0;
    cluster.onStep((member, before, event, result) => {
      freeze(before);
      freeze(event);
      freeze(result);
      steps += 1;
      // Every step is too much for deep comparison; those that do something are the ones to look at.
      if (steps % 7 !== 0 && result.reason === null) return;
      assert.deepEqual(step(before, event, cluster.member(member).config), result);
    });
    for (const sentence of ["start everything", "run until steady", "node-a carries 3 calls", "run 6 s", "operator pauses on node-b for 2 s", "run 3 s", "asterisk of node-a crashes", "run 3 s", "asterisk of node-a recovers", "cut node-a - node-b", "run 5 s", "heal everything", "agent of node-a is stopped", "run 3 s", "agent of node-a continues", "run 35 s", "power off node-b", "run 5 s"]) perform(cluster, sentence);
    assert.deepEqual(cluster.brokenInvariants, []);
    assert.deepEqual(cluster.believers(), ["node-a"]);
    assert.ok(steps > 3_000);
  });

  it("does not accept that time goes back", () => {
    const config = sampleConfig();
    const state = initialState({ atMs: 1_000, wallMs: 0, incarnation: "00000000000000bb", policy: null }, config);
    const ticked: Event = { type: "ticked", atMs: 999, wallMs: 0, lagMs: 0, memoryMib: 1 };
    assert.throws(() => step(state, ticked, config), RangeError);
  });
});

describe("the table of transitions", () => {
  const names = TRANSITIONS.map((row) => row.name);

  it("names every row once", () => {
    assert.equal(new Set(names).size, names.length);
  });

  it("lets every role of a node be reached and left", () => {
    const roles: readonly Role[] = ["starting", "standby", "claiming", "active"];
    for (const role of roles) {
      assert.ok(role === "starting" || TRANSITIONS.some((row) => row.to === role), `${role} can be reached`);
      assert.ok(TRANSITIONS.some((row) => row.from === role), `${role} can be left`);
    }
    assert.ok(!TRANSITIONS.some((row) => row.from === "witness" || row.to === "witness"), "a witness stays one");
  });

  it("makes a claim of every row into claiming, and of no other", () => {
    for (const row of TRANSITIONS) assert.equal(row.cause !== undefined, row.to === "claiming", row.name);
  });
});

describe("an invariant", () => {
  const config = sampleConfig();
  const state = initialState({ atMs: 1_000, wallMs: 0, incarnation: "00000000000000bb", policy: null }, config);
  const claim = { type: "request", id: 1, key: "claim", deadlineMs: 1, request: { kind: "claim", allowReassociation: false, notAfterMs: 2_000 } } as const;

  it("is broken by a claim of a node that does not serve, or that is paused", () => {
    assert.match(brokenInvariant(state, { state, actions: [claim], reason: null }, config) ?? "", /S3/);
    const serving = { ...state, health: { ...state.health, serving: "serving" as const } };
    assert.equal(brokenInvariant(state, { state: serving, actions: [claim], reason: null }, config), null);
    const paused = { ...serving, policy: { ...state.policy, pause: { ...state.policy.pause, on: true } } };
    assert.match(brokenInvariant(state, { state: paused, actions: [claim], reason: null }, config) ?? "", /paused/);
  });

  it("is broken by a claim from a stranger, and by a flag that does not fit the holder", () => {
    const held = (holder: { kind: "stranger"; instanceId: null } | { kind: "node"; node: string }): typeof state => ({ ...state, health: { ...state.health, serving: "serving" }, ownership: { ...state.ownership, holder } });
    assert.match(brokenInvariant(state, { state: held({ kind: "stranger", instanceId: null }), actions: [claim], reason: null }, config) ?? "", /S6/);
    assert.match(brokenInvariant(state, { state: held({ kind: "node", node: "node-a" }), actions: [claim], reason: null }, config) ?? "", /S5/);
  });

  it("is not broken by claims that were saved under a more generous limit", () => {
    const many = { ...state, policy: { ...state.policy, claimsAtMs: [1, 2, 3, 4, 5, 6, 7] } };
    assert.equal(brokenInvariant(many, { state: many, actions: [], reason: null }, config), null);
    assert.match(brokenInvariant(state, { state: many, actions: [], reason: null }, config) ?? "", /CLAIMS_PER_HOUR/);
  });

  it("is broken by a role that does not fit", () => {
    assert.match(brokenInvariant(state, { state: { ...state, role: "claiming" }, actions: [], reason: null }, config) ?? "", /does not fit/);
    assert.match(brokenInvariant(state, { state: { ...state, role: "active" }, actions: [], reason: null }, config) ?? "", /became active/);
    assert.match(brokenInvariant(state, { state: { ...state, yielding: "x" }, actions: [], reason: null }, config) ?? "", /yields/);
  });
});
