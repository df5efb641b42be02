// An operator's takeover in the core: what it overrides, what can't be overridden, and that it does not act later than it was meant.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimRequest, beginClaim, settleSuccess } from "../../agent/core/claim.ts";
import { gateContext, gatesPass } from "../../agent/core/gates.ts";
import type { ClaimBasis } from "../../agent/core/moves.ts";
import type { State } from "../../agent/core/state.ts";
import { advanceTakeover, askTakeover, overridesOf, takeoverRefusal, takeoverSays, TAKEOVER_FOR_MS } from "../../agent/core/takeover.ts";
import type { Holder } from "../../agent/core/types.ts";
import { believed, sampleConfig, sampleHeartbeat, sampleMember, sampleSilence, sampleStandby } from "../simulation/core-samples.ts";

const AT_MS = 10_000;
const BASIS: ClaimBasis = { suspectedForMs: null, verdicts: [], cloud: "unknown" };
const config = sampleConfig();
const request = { id: "00000000000000e1", reason: "zone 1 is gone", from: "node-a", accepted: ["active gone"], evenIfNotServing: false };
const standby = sampleStandby(AT_MS, config);
const names = (state: State): readonly string[] => overridesOf(state, config).map(({ gate }) => gate);

function heldBy(holder: Holder): State {
  return { ...standby, ownership: believed(standby.ownership, holder), evidence: { ...standby.evidence, target: null } };
}

describe("a takeover", () => {
  it("from an active that lives overrides that, and says whose calls it cuts and what would be better", () => {
    const busy = { ...standby, members: { "node-a": sampleMember(AT_MS, sampleHeartbeat({ calls: 12 })) } };
    const [override] = overridesOf(busy, config);
    assert.equal(override?.gate, "active gone");
    assert.match(override.says, /This node sees the active up/);
    assert.match(override.danger, /12 call\(s\), which are cut.*nodectl switchover/);
  });

  it("from an active that is gone by every channel overrides nothing", () => {
    assert.deepEqual(names(sampleSilence(14_000, 10_000, 13_500, config)), []);
  });

  it("from a stranger overrides that, and may take the address from it", () => {
    const state = heldBy({ kind: "stranger", instanceId: "i-stranger" });
    assert.deepEqual(names(state), ["not a stranger's"]);
    assert.equal(claimRequest({ ...state, claim: beginClaim("takeover", "", BASIS, AT_MS) }, config).allowReassociation, true);
    assert.equal(claimRequest({ ...state, claim: beginClaim("vacant", "", BASIS, AT_MS) }, config).allowReassociation, false);
    assert.equal(claimRequest({ ...heldBy({ kind: "nobody" }), claim: beginClaim("takeover", "", BASIS, AT_MS) }, config).allowReassociation, false);
  });

  it("overrides the pause, the hold-down, the block and the hourly limit, each by name and with its danger", () => {
    const policy = { ...standby.policy, pause: { ...standby.policy.pause, on: true, reason: "works" }, blocked: true, holdDownUntilMs: AT_MS + 9_000, claimsAtMs: [1, 2, 3, 4, 5, 6] };
    const found = overridesOf({ ...standby, policy }, config);
    assert.deepEqual(found.map(({ gate }) => gate), ["active gone", "not paused", "hold-down over", "not blocked", "under the hourly limit"]);
    for (const { says, danger } of found) assert.ok(says.length > 10 && danger.length > 10);
  });

  const refusals: readonly [string, Partial<State>, RegExp][] = [
    ["it is active", { role: "active" }, /has the address already/],
    ["it has just started", { role: "starting" }, /is starting: wait/],
    ["it drains", { draining: { sinceMs: 1, untilMs: AT_MS + 9_000, reason: "works" } }, /refuses new calls/],
    ["EC2 has not told who has the address", { ownership: { ...standby.ownership, readSentAtMs: null } }, /EC2 has not been read/],
    ["EC2 can't be read", { ownership: { ...standby.ownership, failures: 2, failure: { code: "AGENT_CLOUD_TIMEOUT", message: "no answer" } } }, /EC2 can't be read here: no answer\. Without EC2 no address moves\./],
    ["its own Asterisk is down", { health: { ...standby.health, serving: "down", reason: "It crashed." } }, /It crashed\. Only --even-if-not-serving goes past this\./],
  ];
  for (const [when, over, says] of refusals) {
    it(`is refused when ${when}`, () => {
      const { takeover } = askTakeover({ ...standby, ...over }, request, config);
      assert.equal(takeover?.phase, "refused");
      assert.match(takeover.ending, says);
    });
  }

  it("goes past an Asterisk that is down only with an explicit word, and names it", () => {
    const down = { ...standby, health: { ...standby.health, serving: "down" as const, reason: "It crashed." } };
    assert.equal(takeoverRefusal(down, true, config), null);
    const asked = askTakeover(down, { ...request, accepted: ["serving", "active gone"], evenIfNotServing: true }, config);
    assert.ok(asked.takeover?.overrides.includes("serving"));
    const read = { ...asked, ownership: { ...asked.ownership, readSentAtMs: AT_MS } };
    assert.ok(gatesPass("takeover", gateContext(read, config)));
    const without = read.takeover === null ? read : { ...read, takeover: { ...read.takeover, evenIfNotServing: false } };
    assert.equal(gatesPass("takeover", gateContext(without, config)), false);
  });

  it("waits for a read of EC2 from after the word, and says all of it in its sentence", () => {
    const asked = askTakeover(standby, request, config);
    assert.equal(gatesPass("takeover", gateContext(asked, config)), false);
    assert.ok(gatesPass("takeover", gateContext({ ...asked, ownership: { ...asked.ownership, readSentAtMs: AT_MS } }, config)));
    assert.equal(takeoverSays(asked), "An operator takes the address over from node-a: zone 1 is gone. Overridden: active gone.");
  });

  it("holds for what the operator was shown and for no more: another holder, or a gate that has closed since, ends it", () => {
    const paused = { ...standby, policy: { ...standby.policy, pause: { ...standby.policy.pause, on: true, reason: "works" } } };
    assert.match(askTakeover(paused, request, config).takeover?.ending ?? "", /Meanwhile this would have to be overridden, too: .*paused by an operator: works.*Ask again\./);
    const stranger = heldBy({ kind: "stranger", instanceId: "i-stranger" });
    const shown = /You were shown the address on node-a; it is on an instance outside the cluster \(i-stranger\) now/;
    assert.match(askTakeover(stranger, request, config).takeover?.ending ?? "", shown);
    const moved = advanceTakeover({ ...askTakeover(standby, request, config), ownership: stranger.ownership }, config);
    assert.deepEqual([moved.takeover?.phase, gatesPass("takeover", gateContext(moved, config))], ["failed", false]);
    assert.match(moved.takeover?.ending ?? "", shown);
  });

  it("is no automatic claim: it does not count towards the hourly limit", () => {
    const mine = { ...heldBy({ kind: "node", node: "node-b" }), claim: beginClaim("takeover", "", BASIS, AT_MS) };
    assert.deepEqual(settleSuccess(mine, config).policy.claimsAtMs, []);
    assert.equal(settleSuccess({ ...mine, claim: beginClaim("consent", "", BASIS, AT_MS) }, config).policy.claimsAtMs.length, 1);
  });

  it("ends when this node is active, or when its time is over, so that an old word never acts later", () => {
    const asked = askTakeover(standby, request, config);
    assert.equal(advanceTakeover({ ...asked, role: "active", nowMs: AT_MS + 2_000 }, config).takeover?.phase, "done");
    const late = { ...asked, nowMs: AT_MS + TAKEOVER_FOR_MS };
    assert.equal(advanceTakeover({ ...late, role: "claiming" }, config).takeover?.phase, "claiming");
    const failed = advanceTakeover(late, config);
    assert.equal(failed.takeover?.phase, "failed");
    assert.match(failed.takeover.ending, /EC2 shows the address on node-a still/);
    assert.equal(gatesPass("takeover", gateContext(failed, config)), false);
  });
});
