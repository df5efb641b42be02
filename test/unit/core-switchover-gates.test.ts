// The questions of a planned failover, each alone: what opens it and what closes it. And what an offer and its answer must have.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gateContext, type Gate } from "../../agent/core/gates.ts";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import { answeringTarget, offerOf } from "../../agent/core/offer.ts";
import type { State } from "../../agent/core/state.ts";
import { beginSwitchover } from "../../agent/core/switchover.ts";
import { holdsTheAddress, refusesCalls, targetGates } from "../../agent/core/switchover-gates.ts";
import type { Holder } from "../../agent/core/types.ts";
import { believed, sampleHeartbeat, sampleMember, sampleStandby } from "../simulation/core-samples.ts";
import { AT_MS, config, request, sampleActive } from "../support/switching.ts";

const passes = (gate: Gate, state: State): boolean => gate.passes(gateContext(state, config));
const says = (gate: Gate, state: State): string => gate.says(gateContext(state, config));

describe("the active that is asked for a switchover", () => {
  it("must be active, and the address must be here", () => {
    const elsewhere = { ...sampleActive(), ownership: sampleStandby(AT_MS, config).ownership };
    assert.equal(passes(holdsTheAddress, sampleActive()), true);
    assert.equal(passes(holdsTheAddress, { ...sampleActive(), role: "standby" }), false);
    assert.equal(passes(holdsTheAddress, elsewhere), false);
  });

  it("says whom to ask where it is not active", () => {
    const standby = sampleStandby(AT_MS, config);
    const on = (holder: Holder): State => ({ ...standby, ownership: believed(standby.ownership, holder) });
    assert.match(says(holdsTheAddress, sampleActive()), /^node-b is active\.$/);
    assert.match(says(holdsTheAddress, standby), /^The active, node-a, is not heard here/);
    assert.match(says(holdsTheAddress, on({ kind: "node", node: "node-b" })), /^The address is on node-b, so that no node can hand it over/);
    assert.match(says(holdsTheAddress, on({ kind: "nobody" })), /^The address is on nobody, so that no node can hand it over/);
  });

  it("must know by two reads of EC2 where the address is", () => {
    const { ownership } = sampleActive();
    const refused = beginSwitchover(sampleActive({}, { ownership: { ...ownership, candidate: { kind: "stranger", instanceId: null } } }), request, config);
    assert.equal(refused.switchover?.phase, "refused");
    assert.match(refused.switchover.ending, /waiting for a second read/);
  });

  it("must have told Asterisk to refuse new calls", () => {
    for (const [maintenance, open] of [[true, true], [false, false], [null, false]] as const) assert.equal(passes(refusesCalls, sampleActive({}, { maintenance })), open);
    assert.match(says(refusesCalls, sampleActive({}, { maintenance: true })), /^Asterisk refuses new calls/);
    assert.match(says(refusesCalls, sampleActive()), /does not take the order/);
  });
});

describe("the target of a switchover", () => {
  const gate = (name: string, to: string | null = "node-a"): Gate => {
    const found = targetGates(to).find((each) => each.name === name);
    assert.ok(found !== undefined);
    return found;
  };
  const cases: readonly [string, Partial<Heartbeat>, boolean, RegExp][] = [
    ["target heard", { hearsYou: "heard" }, true, /^node-a is heard and hears this node/],
    ["target heard", { hearsYou: "late" }, false, /^node-a does not hear this node/],
    ["target serving", { serving: "serving" }, true, /^node-a's Asterisk is serving/],
    ["target serving", { serving: "degraded" }, true, /^node-a's Asterisk is degraded/],
    ["target serving", { serving: "unknown" }, false, /^node-a's Asterisk is unknown/],
    ["target takes calls", { draining: false }, true, /^node-a takes calls/],
    ["target takes calls", { draining: true }, false, /^node-a refuses new calls/],
    ["target standby", { role: "standby" }, true, /^node-a is standby/],
    ["target standby", { role: "claiming" }, true, /^node-a is claiming/],
    ["target standby", { role: "starting" }, false, /^node-a is starting/],
    ["target may claim", { ready: true }, true, /^node-a's last dry run of a claim succeeded/],
    ["target may claim", { ready: false }, false, /^node-a's last dry run of a claim failed/],
    ["target may claim", { ready: null }, false, /^node-a has not yet proven/],
  ];
  for (const [name, said, open, sentence] of cases) {
    it(`${open ? "passes" : "does not pass"} "${name}" with ${JSON.stringify(said)}`, () => {
      assert.equal(passes(gate(name), sampleActive(said)), open);
      assert.match(says(gate(name), sampleActive(said)), sentence);
    });
  }

  it("passes nothing while it is not heard, and each gate says why", () => {
    const silences: readonly [string | null, State, RegExp][] = [
      [null, sampleActive(), /^There is no other node/],
      ["node-z", sampleActive(), /^node-z is no other node of this cluster; there is node-a/],
      ["node-a", { ...sampleActive(), members: { "node-a": sampleMember(null, null) } }, /^node-a has not been heard since this agent's start/],
      ["node-a", { ...sampleActive(), members: { "node-a": sampleMember(AT_MS - 4_000, sampleHeartbeat()) } }, /^node-a has been silent for 4\.0 s/],
    ];
    for (const [to, state, sentence] of silences) {
      for (const each of targetGates(to)) {
        assert.equal(passes(each, state), false);
        assert.match(says(each, state), sentence);
      }
    }
  });
});

describe("the answer of the target", () => {
  const answering = (echoed: number | null, over: Partial<State> = {}): Heartbeat | null => {
    const state = sampleActive({ echo: echoed === null ? null : { sequence: echoed, heldMs: 1 } }, { sequence: 9, ...over });
    return answeringTarget(state, "node-a", 5, config);
  };

  it("counts when it echoes what was said after the offer", () => {
    assert.notEqual(answering(6), null);
    assert.equal(answering(5), null, "the offer came later");
    assert.equal(answering(null), null);
  });

  it("does not count when it echoes what was said before this agent doubted itself, or what has not been said yet", () => {
    assert.equal(answering(7, { doubtedSequence: 7 }), null);
    assert.notEqual(answering(8, { doubtedSequence: 7 }), null);
    assert.equal(answering(10), null);
  });

  it("is not there without a target, or without a word of it", () => {
    assert.equal(answeringTarget(sampleActive({}, { sequence: 9 }), null, 0, config), null);
    assert.equal(answeringTarget({ ...sampleActive({}, { sequence: 9 }), members: {} }, "node-a", 0, config), null);
  });
});

describe("an offer", () => {
  const offered = (over: Partial<Heartbeat> = {}, state: Partial<State> = {}): string | null => {
    const switchover = { id: request.id, to: "node-b", phase: "yielding", says: "", reason: "new kernel" } as const;
    return offerOf({ ...sampleStandby(AT_MS, config), members: { "node-a": sampleMember(AT_MS, sampleHeartbeat({ switchover, ...over })) }, ...state }, config);
  };

  it("counts when the holder of the address makes it to this node, in answer to it", () => {
    assert.equal(offered(), "new kernel");
    assert.equal(offered({ holds: false }), null);
    assert.equal(offered({ echo: null }), null);
    assert.equal(offered({ switchover: null }), null);
    assert.equal(offered({}, { evidence: { ...sampleStandby(AT_MS, config).evidence, target: null } }), null);
    for (const said of [{ to: "node-c" }, { to: null }, { phase: "withdrawing" }, { phase: "draining" }] as const) assert.equal(offered({ switchover: { id: request.id, to: "node-b", phase: "yielding", says: "", reason: "x", ...said } }), null);
  });
});
