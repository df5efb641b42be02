// An operator's takeover, question by question: what each override is for, what ends the order, and when.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { State } from "../../agent/core/state.ts";
import { advanceTakeover, askTakeover, overridesOf, takeoverRefusal, takeoverSays, TAKEOVER_FOR_MS, type Override, type Takeover } from "../../agent/core/takeover.ts";
import type { Holder } from "../../agent/core/types.ts";
import { believed, sampleHeartbeat, sampleMember, sampleSilence } from "../simulation/core-samples.ts";
import { CLAIMABLE, CLAIMABLE_CONFIG as config, witnessSays } from "../support/claimable.ts";

const AT_MS = 12_000;
const request = { id: "00000000000000e2", reason: "zone 1 is gone.", from: "node-a", accepted: ["active gone"], evenIfNotServing: false };
/** A standby whose active is gone by every channel, so that nothing has to be overridden. */
const gone = CLAIMABLE.quorum;
/** A standby whose active lives, which nobody has asked yet. */
const alive: State = { ...CLAIMABLE.takeover, takeover: null };
const names = (state: State): readonly string[] => overridesOf(state, config).map(({ gate }) => gate);
const override = (state: State, gate: string): Override => {
  const found = overridesOf(state, config).find((each) => each.gate === gate);
  assert.ok(found !== undefined, `${gate} is not overridden`);
  return found;
};
const holding = (holder: Holder): State => ({ ...alive, ownership: believed(alive.ownership, holder) });
const asked = (): State => askTakeover(alive, request, config);
const takeoverOf = ({ takeover }: State): Takeover => {
  assert.ok(takeover !== null);
  return takeover;
};

describe("what a takeover overrides", () => {
  it("is nothing when every sign of life is gone, nobody says otherwise, and EC2 was asked", () => {
    assert.deepEqual(names(gone), []);
  });

  const spoiled: readonly [string, State][] = [
    ["we can't tell", { ...gone, evidence: { ...gone.evidence, private: { ...gone.evidence.private, okSinceMs: null } } }],
    ["a witness sees it alive", { ...gone, members: { ...gone.members, ...witnessSays("witness-2", "up") } }],
    ["no majority sees it down", { ...gone, members: { ...gone.members, ...witnessSays("witness-1", "unknown"), ...witnessSays("witness-2", "unknown") } }],
    ["EC2 was read too early", { ...gone, ownership: { ...gone.ownership, readSentAtMs: 11_499 } }],
  ];
  for (const [what, state] of spoiled) it(`is the doubt that the active is gone when ${what}`, () => assert.deepEqual(names(state), ["active gone"]));

  it("is no doubt where nobody has the address, or the active asks to be relieved", () => {
    assert.deepEqual(names({ ...alive, evidence: { ...alive.evidence, target: null } }), []);
    assert.deepEqual(names(CLAIMABLE.consent), []);
  });

  it("says what it would cost: calls that are counted where the active is heard, and what is feared where it is not", () => {
    const heard = { ...alive, members: { ...alive.members, "node-a": sampleMember(AT_MS, sampleHeartbeat({ calls: 4 })) } };
    assert.match(override(heard, "active gone").danger, /^node-a lives and carries 4 call\(s\)/);
    const unheard = sampleSilence(AT_MS, 10_000, 10_500, config);
    assert.match(override(unheard, "active gone").danger, /^If node-a still serves callers, their calls are cut/);
    assert.match(override(holding({ kind: "stranger", instanceId: "i-9" }), "not a stranger's").says, /^The address is on an instance outside the cluster \(i-9\)\.$/);
  });
});

describe("a takeover is refused, whatever is overridden,", () => {
  const cases: readonly [string, State, RegExp | null][] = [
    ["to the active", { ...alive, role: "active" }, /has the address already/],
    ["to a witness", { ...alive, role: "witness" }, /^A witness/],
    ["to a node that starts", { ...alive, role: "starting" }, /is starting: wait until it is standby/],
    ["to a node that claims", { ...alive, role: "claiming" }, /is claiming: wait until it is standby/],
    ["while one read contradicts", { ...alive, ownership: { ...alive.ownership, candidate: { kind: "nobody" } } }, /waiting for a second read/],
    ["while an operator drains it", { ...alive, draining: { sinceMs: 1, untilMs: AT_MS + 1, reason: "x" } }, /refuses new calls/],
    ["while EC2 can't be read", { ...alive, ownership: { ...alive.ownership, failures: 1, failure: { code: "x", message: "no way" } } }, /EC2 can't be read here: no way/],
    ["but not for a failure that is over", { ...alive, ownership: { ...alive.ownership, failures: 0, failure: { code: "x", message: "no way" } } }, null],
    ["but not to a standby that can take it", alive, null],
  ];
  for (const [when, state, says] of cases) {
    it(when, () => {
      const refusal = takeoverRefusal(state, false, config);
      if (says === null) assert.equal(refusal, null);
      else assert.match(refusal ?? "", says);
    });
  }

  it("to a node that can't take calls, unless the operator says so", () => {
    const down = { ...alive, health: { ...alive.health, serving: "down", reason: "It crashed." } } as const;
    assert.match(takeoverRefusal(down, false, config) ?? "", /Only --even-if-not-serving/);
    assert.equal(takeoverRefusal(down, true, config), null);
  });
});

describe("the order of a takeover", () => {
  it("is kept as it was given, with the gates that it overrides", () => {
    assert.deepEqual(takeoverOf(asked()), { ...request, phase: "claiming", ending: "", overrides: ["active gone"], askedAtMs: AT_MS, phaseAtMs: AT_MS });
    const refused = takeoverOf(askTakeover(alive, { ...request, from: "node-c" }, config));
    assert.deepEqual([refused.phase, refused.overrides, refused.phaseAtMs], ["refused", [], AT_MS]);
    assert.match(refused.ending, /You were shown the address on node-c; it is on node-a now/);
  });

  it("is refused when something is closed that the operator was not shown, and taken when all was", () => {
    assert.match(takeoverOf(askTakeover(alive, { ...request, accepted: [] }, config)).ending, /^Meanwhile this would have to be overridden, too: /);
    assert.equal(takeoverOf(askTakeover(gone, { ...request, accepted: [] }, config)).phase, "claiming");
  });

  it("is taken once, and no other one while it is under way; another one after it", () => {
    const state = asked();
    assert.equal(askTakeover(state, request, config), state);
    assert.equal(askTakeover(state, { ...request, id: "00000000000000e3" }, config), state);
    const failed = { ...state, takeover: { ...takeoverOf(state), phase: "failed" } } as const;
    assert.equal(askTakeover(failed, request, config), failed);
    assert.equal(takeoverOf(askTakeover(failed, { ...request, id: "00000000000000e3" }, config)).phase, "claiming");
  });
});

describe("a takeover under way", () => {
  const advanced = (over: Partial<State>): Takeover => takeoverOf(advanceTakeover({ ...asked(), ...over }, config));

  it("has succeeded when this node is active", () => {
    const done = advanced({ role: "active", nowMs: AT_MS + 900 });
    assert.deepEqual([done.phase, done.phaseAtMs], ["done", AT_MS + 900]);
    assert.match(done.ending, /Two reads of EC2 show the address on node-b/);
  });

  it("is left alone while the claim is under way, however long that takes", () => {
    const state: State = { ...asked(), role: "claiming", nowMs: AT_MS + TAKEOVER_FOR_MS };
    assert.equal(advanceTakeover(state, config), state);
  });

  it("has failed when the address has gone elsewhere, but not when it has come here", () => {
    const { ownership } = holding({ kind: "nobody" });
    const elsewhere = advanced({ ownership });
    assert.equal(elsewhere.phase, "failed");
    assert.match(elsewhere.ending, /it is on nobody now\. Nothing was done about that/);
    assert.equal(advanced({ ownership: holding({ kind: "node", node: "node-b" }).ownership }).phase, "claiming");
    assert.equal(advanced({}).phase, "claiming");
  });

  it("has failed after half a minute, and says what it waited for", () => {
    assert.equal(advanced({ nowMs: AT_MS + TAKEOVER_FOR_MS - 1 }).phase, "claiming");
    const waited = advanced({ nowMs: AT_MS + TAKEOVER_FOR_MS, policy: { ...alive.policy, claimNotBeforeMs: AT_MS + TAKEOVER_FOR_MS + 5_000 } });
    assert.equal(waited.phase, "failed");
    assert.match(waited.ending, /^EC2 shows the address on node-a still\. The last claim failed; the next try is in/);
    const open = advanced({ nowMs: AT_MS + TAKEOVER_FOR_MS, reason: "The claim came to nothing.", ownership: { ...alive.ownership, readSentAtMs: AT_MS + 1 } });
    assert.match(open.ending, /^EC2 shows the address on node-a still\. The claim came to nothing\.$/);
  });

  it("is told for two minutes after its end, whichever it was, and then forgotten", () => {
    for (const phase of ["done", "failed", "refused"] as const) {
      const ended = (ms: number): State => advanceTakeover({ ...asked(), takeover: { ...takeoverOf(asked()), phase }, nowMs: AT_MS + ms }, config);
      assert.equal(takeoverOf(ended(119_999)).phase, phase);
      assert.equal(ended(120_000).takeover, null);
    }
    assert.equal(advanceTakeover(alive, config), alive);
  });

  it("says in a sentence what the operator wants, with what is overridden where something is", () => {
    assert.equal(takeoverSays(asked()), "An operator takes the address over from node-a: zone 1 is gone. Overridden: active gone.");
    assert.equal(takeoverSays(askTakeover(gone, request, config)), "An operator takes the address over from node-a: zone 1 is gone.");
  });
});
