// The planned failover in the core, on the active's side and on the target's: what it needs, how it goes on, how it ends.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gateContext, gatesPass, waitsFor } from "../../agent/core/gates.ts";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import type { State } from "../../agent/core/state.ts";
import { advanceSwitchover, askSwitchover, beginSwitchover, callOff, foldCount, handOverMs, switchoverSays } from "../../agent/core/switchover.ts";
import { sampleHeartbeat, sampleMember, sampleStandby } from "../simulation/core-samples.ts";
import { AT_MS, config, counts, later, request, sampleActive, sampleOffer } from "../support/switching.ts";

describe("a switchover that is asked for", () => {
  it("begins to drain where both sides are well", () => {
    const { switchover, draining, heartbeatNow } = beginSwitchover(sampleActive(), request, config);
    assert.deepEqual([switchover?.phase, switchover?.to, heartbeatNow], ["draining", "node-a", true]);
    assert.ok((draining?.untilMs ?? 0) > AT_MS + 60_000 + handOverMs(config), "the drain outlasts the hand-over");
  });

  const refusals: readonly [string, State, RegExp][] = [
    ["this node is not active", { ...sampleActive(), role: "standby" }, /so that no node can hand it over|is not heard here/],
    ["its own Asterisk is down", sampleActive({}, { health: { ...sampleActive().health, serving: "down", reason: "Asterisk is not running." } }), /This node's Asterisk is down: Asterisk is not running\./],
    ["claims are paused", sampleActive({}, { policy: { ...sampleActive().policy, pause: { ...sampleActive().policy.pause, on: true, reason: "works" } } }), /paused by an operator: works/],
    ["EC2 can't be read", sampleActive({}, { ownership: { ...sampleActive().ownership, failures: 1, failure: { code: "AGENT_CLOUD_THROTTLED", message: "too often" } } }), /EC2 can't be read here: too often/],
    ["the target does not hear us", sampleActive({ hearsYou: "lost" }), /node-a does not hear this node/],
    ["the target is down", sampleActive({ serving: "down", servingReason: "Asterisk hangs." }), /node-a's Asterisk is down: Asterisk hangs\./],
    ["the target drains", sampleActive({ draining: true }), /node-a refuses new calls/],
    ["the target is no standby", sampleActive({ role: "starting" }), /node-a is starting/],
    ["the target may not claim", sampleActive({ ready: false }), /dry run of a claim failed/],
    ["the target has not proven that it may claim", sampleActive({ ready: null }), /not yet proven/],
    ["the target is silent", { ...sampleActive(), members: { "node-a": sampleMember(AT_MS - 3_000, sampleHeartbeat()) } }, /node-a has been silent for 3\.0 s/],
  ];
  for (const [when, state, says] of refusals) {
    it(`is refused with the gate's sentence when ${when}, and changes nothing`, () => {
      const refused = beginSwitchover(state, request, config);
      assert.equal(refused.switchover?.phase, "refused");
      assert.match(refused.switchover.ending, says);
      assert.equal(refused.draining, null);
    });
  }

  it("is refused for a target that is no node of the cluster", () => {
    assert.match(beginSwitchover(sampleActive(), { ...request, to: "node-z" }, config).switchover?.ending ?? "", /node-z is no other node of this cluster; there is node-a/);
  });

  it("finds the target that is fit when none is named", () => {
    assert.equal(beginSwitchover(sampleActive(), { ...request, to: null }, config).switchover?.to, "node-a");
  });

  it("is only checked in a dry run", () => {
    const { switchover, draining } = beginSwitchover(sampleActive(), { ...request, dryRun: true }, config);
    assert.deepEqual([switchover?.phase, draining], ["checked", null]);
  });

  it("is done once, however often it is asked, and no second one begins while it lasts", () => {
    const begun = beginSwitchover(sampleActive(), request, config);
    assert.equal(beginSwitchover(begun, request, config), begun);
    assert.equal(beginSwitchover(begun, { ...request, id: "00000000000000d2" }, config), begun);
  });

  it("is passed on by a standby to the active that it hears, and answered here when there is none", () => {
    const standby = sampleStandby(AT_MS, config);
    assert.deepEqual(askSwitchover(standby, request, config).passingOn, [{ to: "node-a", request }]);
    const deaf = { ...standby, members: { "node-a": sampleMember(AT_MS - 5_000, sampleHeartbeat()) } };
    const refused = askSwitchover(deaf, request, config);
    assert.match(refused.switchover?.ending ?? "", /node-a, is not heard here.*takeover --force/);
    assert.deepEqual(refused.passingOn, []);
  });
});

describe("a switchover under way", () => {
  it("waits until Asterisk refuses new calls and a count from after that shows none", () => {
    const begun = beginSwitchover(sampleActive(), request, config);
    assert.equal(advanceSwitchover(later(begun, 1_000), config).switchover?.phase, "draining", "Asterisk has not said that it refuses calls");
    const refusing = advanceSwitchover(later(begun, 1_000, {}, { maintenance: true }), config);
    assert.equal(refusing.switchover?.refusingSinceMs, AT_MS + 1_000);
    assert.equal(foldCount(refusing.switchover, counts(0, 0), AT_MS + 999)?.empty, false, "counted before");
    assert.equal(foldCount(refusing.switchover, counts(0, 1), AT_MS + 1_001)?.empty, false, "somebody is still there");
    assert.equal(foldCount(refusing.switchover, counts(0, 0), AT_MS + 1_001)?.empty, true);
    assert.equal(sampleOffer().switchover?.phase, "yielding");
  });

  it("offers the address when the drain is over, with calls that go on", () => {
    const refusing = advanceSwitchover({ ...beginSwitchover(sampleActive(), request, config), maintenance: true }, config);
    assert.equal(advanceSwitchover(later(refusing, 59_000), config).switchover?.phase, "draining");
    assert.equal(advanceSwitchover(later(refusing, 60_000), config).switchover?.phase, "yielding");
  });

  it("is given up when a precondition fails for several seconds, and everything is as before", () => {
    const earlier = { sinceMs: 1, untilMs: AT_MS + 600_000, reason: "works" };
    for (const [before, says] of [[null, /^Nothing has moved, and node-b takes new calls again: node-a's Asterisk is down/], [earlier, /^Nothing has moved, and node-b is drained as it was before: /]] as const) {
      let state = advanceSwitchover({ ...beginSwitchover(sampleActive({}, { draining: before }), request, config), maintenance: true }, config);
      const down = { serving: "down", servingReason: "It crashed." } as const;
      state = advanceSwitchover(later(state, 1_000, down), config);
      assert.equal(state.switchover?.phase, "draining", "one second is no reason");
      state = advanceSwitchover(later(state, 5_000, down), config);
      assert.equal(state.switchover?.phase, "failed");
      assert.match(switchoverSays(state), says);
      assert.deepEqual(state.draining, before);
    }
  });

  it("is called off by the operator who ends the drain, and keeps no earlier drain", () => {
    const begun = beginSwitchover(sampleActive({}, { draining: { sinceMs: 1, untilMs: AT_MS + 600_000, reason: "works" } }), request, config);
    const off = callOff(begun, config);
    assert.deepEqual([off.switchover?.phase, off.draining], ["failed", null]);
    assert.match(switchoverSays(off), /an operator ended the drain/);
  });

  it("makes way at once when its own Asterisk fails", () => {
    const failed = advanceSwitchover({ ...beginSwitchover(sampleActive(), request, config), yielding: "Asterisk is not running." }, config);
    assert.deepEqual([failed.switchover?.phase, failed.draining], ["failed", null]);
  });

  it("is done when the target says, in answer to the offer, that it is active; calls are refused here until packets have followed", () => {
    const offer = sampleOffer();
    const old = later(offer, 500, { role: "active", holds: true, echo: { sequence: offer.sequence, heldMs: 1 } });
    assert.equal(advanceSwitchover(old, config).switchover?.phase, "yielding", "an answer to what was said before the offer");
    const done = advanceSwitchover(later(offer, 500, { role: "active", holds: true }), config);
    assert.equal(done.switchover?.phase, "done");
    assert.match(switchoverSays(done), /Two reads of EC2 show the address on node-a/);
    assert.equal(done.draining?.untilMs, done.nowMs + config.egressGraceMs);
  });

  it("withdraws an offer that is not taken in time, with the target's own reason, and waits for a claim under way", () => {
    let state = advanceSwitchover(later(sampleOffer(), handOverMs(config), { answer: "EC2 can't be read: throttled" }), config);
    assert.equal(state.switchover?.phase, "withdrawing");
    assert.ok(state.draining !== null, "calls are refused until it is certain that nothing moves");
    state = advanceSwitchover(later(state, 250, { role: "claiming" }), config);
    assert.equal(state.switchover?.phase, "withdrawing", "its claim is under way");
    state = advanceSwitchover(later(state, 250), config);
    assert.equal(state.switchover?.phase, "failed");
    assert.match(switchoverSays(state), /Nothing has moved, and node-b takes new calls again: node-a has not taken the address within .*EC2 can't be read: throttled/);
    assert.equal(state.draining, null);
  });

  it("is forgotten a while after its end", () => {
    const failed = callOff(beginSwitchover(sampleActive(), request, config), config);
    assert.notEqual(advanceSwitchover(later(failed, 60_000), config).switchover, null);
    assert.equal(advanceSwitchover(later(failed, 120_000), config).switchover, null);
  });
});

describe("a standby to which the address is offered", () => {
  const offering = (to: string, over: Partial<Heartbeat> = {}): Heartbeat => sampleHeartbeat({ sequence: 2, draining: true, switchover: { id: request.id, to, phase: "yielding", says: "offered", reason: "new kernel" }, ...over });
  const standby = (heartbeat: Heartbeat, over: Partial<State> = {}): State => {
    const state = sampleStandby(AT_MS, config);
    return { ...state, members: { "node-a": sampleMember(AT_MS, heartbeat) }, evidence: { ...state.evidence, suspectedAtMs: AT_MS - 300 }, ownership: { ...state.ownership, readSentAtMs: AT_MS - 100 }, ...over };
  };
  const passes = (state: State): boolean => gatesPass("switchover", gateContext(state, config));

  it("claims, whatever the hold-down and the hourly limit say", () => {
    const { policy } = standby(offering("node-b"));
    assert.ok(passes(standby(offering("node-b"), { policy: { ...policy, holdDownUntilMs: AT_MS + 30_000, claimsAtMs: [1, 2, 3, 4, 5, 6], blocked: true } })));
  });

  it("does not claim what is offered to another, no longer, or by one that does not hold it", () => {
    for (const heartbeat of [offering("node-c"), offering("node-b", { switchover: { id: request.id, to: "node-b", phase: "withdrawing", says: "", reason: "" } }), offering("node-b", { holds: false }), offering("node-b", { echo: null })]) assert.equal(passes(standby(heartbeat)), false);
  });

  it("does not claim while it can't serve, drains, is paused, or before EC2 was read since the offer, and says which", () => {
    const state = standby(offering("node-b"));
    const closed: readonly [Partial<State>, RegExp][] = [
      [{ health: { ...state.health, serving: "down", reason: "It crashed." } }, /This node's Asterisk is down: It crashed\./],
      [{ draining: { sinceMs: 1, untilMs: AT_MS + 9_000, reason: "works" } }, /refuses new calls/],
      [{ policy: { ...state.policy, pause: { ...state.policy.pause, on: true, reason: "works" } } }, /paused/],
      [{ ownership: { ...state.ownership, readSentAtMs: AT_MS - 5_000 } }, /EC2 has not yet been read/],
    ];
    for (const [over, says] of closed) {
      const shut = standby(offering("node-b"), over);
      assert.equal(passes(shut), false);
      assert.match(waitsFor("switchover", gateContext(shut, config)), says);
    }
  });
});
