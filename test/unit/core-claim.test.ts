// The claim in the core: what the call's answer is worth, when reading back settles it, and what a success or a failure leaves behind.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { beginClaim, claimCameToNothing, claimFailure, claimRequest, claimStaysUnknown, claimWasRefused, foldClaimAnswer, foldClaimRead, isAutomatic, settleFailure, settleSuccess } from "../../agent/core/claim.ts";
import type { ClaimView, State } from "../../agent/core/state.ts";
import type { ClaimCause, Holder } from "../../agent/core/types.ts";
import { sampleConfig, sampleStandby } from "../simulation/core-samples.ts";

const config = sampleConfig();
const AT_MS = 100_000;
const standby = sampleStandby(AT_MS, config);
const CLAIM = beginClaim("quorum", "It is gone.", { suspectedForMs: 1_400, verdicts: [], cloud: "unknown" }, AT_MS - 200);
const FAILURE = { code: "AGENT_CLOUD_THROTTLED", message: "too often" };
const claiming = (over: Partial<ClaimView> = {}, at: Partial<State> = {}): State => ({ ...standby, role: "claiming", claim: { ...CLAIM, ...over }, ...at });
const A: Holder = { kind: "node", node: "node-a" };
const B: Holder = { kind: "node", node: "node-b" };

describe("the call of a claim", () => {
  it("takes the address from the known holder, and is not sent later than an agent that stalled would doubt itself", () => {
    assert.deepEqual(claimRequest(claiming(), config), { kind: "claim", allowReassociation: true, notAfterMs: AT_MS + config.selfDoubtAfterMs });
  });

  it("is automatic unless an operator asked for it", () => {
    const causes: readonly [ClaimCause, boolean][] = [["quorum", true], ["consent", true], ["vacant", true], ["switchover", false], ["takeover", false]];
    for (const [cause, expected] of causes) assert.equal(isAutomatic(cause), expected, cause);
  });
});

describe("the answer to the call", () => {
  const answered = (code: string | null): ClaimView | null => foldClaimAnswer(claiming(), { kind: "claim", outcome: code === null ? { ok: true, value: null } : { ok: false, failure: { code, message: "no" } } }).claim;

  it("accepted is not yet done", () => {
    assert.deepEqual(answered(null), { ...CLAIM, phase: "accepted", failure: null, calledAtMs: AT_MS });
  });

  const certain = ["AGENT_CLOUD_UNREACHABLE", "AGENT_CLOUD_THROTTLED", "AGENT_CLOUD_DENIED", "AGENT_CLOUD_FAILED", "AGENT_CLAIM_REFUSED", "AGENT_CLAIM_STALE"];
  for (const code of certain) it(`is certain with ${code}: EC2 has not moved the address`, () => assert.deepEqual(answered(code), { ...CLAIM, phase: "refused", failure: { code, message: "no" }, calledAtMs: AT_MS }));

  it("is unknown when it did not come in time, or when nobody knows what it means", () => {
    for (const code of ["AGENT_CLOUD_TIMEOUT", "AGENT_SOMETHING_NEW"]) assert.deepEqual(answered(code), { ...CLAIM, phase: "unknown", failure: { code, message: "no" }, calledAtMs: AT_MS });
  });

  it("changes nothing when the claim is over already", () => {
    assert.equal(foldClaimAnswer(standby, { kind: "claim", outcome: { ok: true, value: null } }), standby);
  });
});

describe("reading back", () => {
  const read = (claim: ClaimView | null, holder: Holder, sentAtMs: number): number | undefined => foldClaimRead(claim, { holder, publicIp: "203.0.113.10", mark: null, lastClaim: null }, sentAtMs, config)?.contraryReads;
  const called: ClaimView = { ...CLAIM, phase: "accepted", calledAtMs: AT_MS, contraryReads: 1 };

  it("counts reads in a row that began after the call had ended and show somebody else", () => {
    assert.equal(read(called, A, AT_MS), 2);
    assert.equal(read(called, { kind: "nobody" }, AT_MS + 1), 2);
    assert.equal(read(called, { kind: "stranger", instanceId: "i-x" }, AT_MS + 1), 2);
    assert.equal(read(called, B, AT_MS + 1), 0, "it is here: the row has ended");
    assert.equal(read(called, A, AT_MS - 1), 1, "it began before the call had ended");
    assert.equal(read({ ...CLAIM, contraryReads: 1 }, A, AT_MS), 1, "the call is under way");
    assert.equal(read(null, A, AT_MS), undefined);
  });

  const nothing: readonly [string, Partial<ClaimView>, number, boolean][] = [
    ["an accepted call may take CLAIM_CONFIRM_WITHIN_MS to show", { phase: "accepted", contraryReads: 30 }, 9_999, false],
    ["and no longer", { phase: "accepted", contraryReads: 30 }, 10_000, true],
    ["an unknown one gets four intervals of reading", { phase: "unknown", contraryReads: 2 }, 999, false],
    ["and no longer", { phase: "unknown", contraryReads: 2 }, 1_000, true],
    ["a single read is no proof, however late", { phase: "unknown", contraryReads: 1 }, 60_000, false],
    ["while the call is under way nothing is", { phase: "calling", contraryReads: 2, calledAtMs: null }, 60_000, false],
  ];
  for (const [what, over, afterMs, expected] of nothing) it(`says that the claim came to nothing: ${what}, ${afterMs} ms after: ${expected}`, () => assert.equal(claimCameToNothing(claiming({ calledAtMs: AT_MS, ...over }, { nowMs: AT_MS + afterMs }), config), expected));

  it("is given up for unknown after twice the time that an accepted call may take", () => {
    const after = (ms: number, calledAtMs: number | null = AT_MS): boolean => claimStaysUnknown(claiming({ phase: "unknown", calledAtMs }, { nowMs: AT_MS + ms }), config);
    assert.deepEqual([after(19_999), after(20_000), after(20_000, null)], [false, true, false]);
  });

  it("says nothing of a node that claims nothing", () => {
    const late = { ...standby, nowMs: AT_MS + 60_000 };
    assert.deepEqual([claimWasRefused(late), claimCameToNothing(late, config), claimStaysUnknown(late, config)], [false, false, false]);
    assert.deepEqual([claimWasRefused(claiming({ phase: "refused" })), claimWasRefused(claiming({ phase: "unknown" }))], [true, false]);
    assert.equal(claimFailure(claiming({ failure: FAILURE })), FAILURE);
    assert.equal(claimFailure(claiming()).code, "AGENT_CLAIM_UNCONFIRMED");
  });
});

describe("a claim that is confirmed", () => {
  const policy = { ...standby.policy, claimsAtMs: [5_000], claimFailures: 3, claimFailedAtMs: 90_000, claimFailure: FAILURE, claimNotBeforeMs: AT_MS + 4_000 };
  const here = { ...standby.ownership, holder: B };

  it("counts, takes its failures back, and excuses our own way out for a while", () => {
    const settled = settleSuccess(claiming({}, { policy, ownership: here }), config);
    assert.deepEqual(settled.policy, { ...policy, claimsAtMs: [5_000, AT_MS], claimFailures: 0, claimFailure: null, claimNotBeforeMs: AT_MS });
    assert.deepEqual([settled.claim, settled.egressGraceUntilMs, settled.unsaved], [null, AT_MS + config.egressGraceMs, true]);
    assert.deepEqual(settled.metrics.since, [...standby.metrics.since, { name: "Claims", value: 1 }, { name: "ClaimDuration", value: 200 }]);
  });

  it("counts for nothing without the address, or without a claim", () => {
    for (const state of [claiming({}, { policy }), { ...standby, ownership: here, policy }]) {
      const settled = settleSuccess(state, config);
      assert.deepEqual([settled.claim, settled.policy, settled.metrics], [null, policy, standby.metrics]);
    }
  });
});

describe("a claim that failed", () => {
  const failed = (claimFailures: number, agoMs: number, random = 0.5): State => settleFailure(claiming({ phase: "refused", failure: FAILURE }, { policy: { ...standby.policy, claimFailures, claimFailedAtMs: AT_MS - agoMs } }), random, config);
  const waitMs = (...args: Parameters<typeof failed>): number => failed(...args).policy.claimNotBeforeMs - AT_MS;

  it("is noted with its reason, and leaves our own way out without an excuse", () => {
    const settled = failed(2, 1_000);
    assert.deepEqual(settled.policy, { ...standby.policy, claimFailures: 3, claimFailedAtMs: AT_MS, claimFailure: FAILURE, claimNotBeforeMs: AT_MS + 0.75 * 1_200 });
    assert.deepEqual([settled.claim, settled.egressGraceUntilMs], [null, AT_MS]);
    assert.deepEqual(settled.metrics.since, [...standby.metrics.since, { name: "ClaimsFailed", value: 1 }]);
  });

  it("is tried again after a wait that doubles up to its bound, half of it by chance", () => {
    assert.deepEqual([0, 1, 2, 3, 4, 5, 40].map((failures) => waitMs(failures, 1_000, 0)), [150, 300, 600, 1_200, 2_400, 2_500, 2_500]);
    assert.deepEqual([0, 1, 2, 3, 4, 5, 40].map((failures) => waitMs(failures, 1_000, 1)), [300, 600, 1_200, 2_400, 4_800, 5_000, 5_000]);
  });

  it("begins with a short wait again a minute after the last one", () => {
    assert.equal(waitMs(4, 59_999, 0), 2_400);
    assert.equal(waitMs(4, 60_000, 0), 150);
    assert.equal(failed(4, 60_000).policy.claimFailures, 1);
  });
});
