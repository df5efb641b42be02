/**
 * The claim: one AssociateAddress, then reading back until EC2 settles it. Intuition: the call's own answer is a rumour
 * (promise S4). Accepted may not have happened yet, timed out may have happened, and only refused is certain.
 */
import type { Completion, Request } from "./events.ts";
import { note } from "./metrics.ts";
import type { ClaimBasis } from "./moves.ts";
import { isHeldBy } from "./ownership.ts";
import type { CoreConfig } from "./settings.ts";
import { withChanges, type ClaimView, type State } from "./state.ts";
import type { AddressReading, ClaimCause, Failure, MonotonicMs } from "./types.ts";

/** Failures after which EC2 has certainly not moved the address. Everything else leaves the outcome unknown. */
const CERTAINLY_NOT = new Set(["AGENT_CLOUD_UNREACHABLE", "AGENT_CLOUD_THROTTLED", "AGENT_CLOUD_DENIED", "AGENT_CLOUD_FAILED", "AGENT_CLAIM_REFUSED", "AGENT_CLAIM_STALE"]);

/** Failures farther apart than this do not make each other's wait longer. */
const FAILURES_RELATED_MS = 60_000;

/** The one call. `AllowReassociation` only where somebody holds the address: for a free one EC2 then makes it a compare-and-set (promise S5). */
export function claimRequest(state: State, config: CoreConfig): Extract<Request, { kind: "claim" }> {
  return { kind: "claim", allowReassociation: mayReassociate(state), notAfterMs: state.nowMs + config.selfDoubtAfterMs };
}

/** From a member, or from a stranger when an operator has said so (promise S6). */
export function mayReassociate({ ownership, claim }: State): boolean {
  return ownership.holder?.kind === "node" || (ownership.holder?.kind === "stranger" && claim?.cause === "takeover");
}

/** Counts towards CLAIMS_PER_HOUR. */
export function isAutomatic(cause: ClaimCause): boolean {
  return cause !== "switchover" && cause !== "takeover";
}

export function beginClaim(cause: ClaimCause, reason: string, basis: ClaimBasis, atMs: MonotonicMs): ClaimView {
  return { cause, reason, basis, decidedAtMs: atMs, phase: "calling", calledAtMs: null, failure: null, contraryReads: 0 };
}

/** Folds the answer of AssociateAddress. */
export function foldClaimAnswer(state: State, completion: Extract<Completion, { kind: "claim" }>): State {
  if (state.claim === null) return state;
  const failure = completion.outcome.ok ? null : completion.outcome.failure;
  const phase = failure === null ? "accepted" : CERTAINLY_NOT.has(failure.code) ? "refused" : "unknown";
  const claim: ClaimView = { ...state.claim, phase, failure, calledAtMs: state.nowMs };
  return withChanges(state, { claim });
}

/** Counts reads that started after the call ended and show somebody else. */
export function foldClaimRead(claim: ClaimView | null, reading: AddressReading, sentAtMs: MonotonicMs, config: CoreConfig): ClaimView | null {
  if (claim === null || claim.calledAtMs === null || sentAtMs < claim.calledAtMs) return claim;
  const ours = reading.holder.kind === "node" && reading.holder.node === config.nodeId;
  return { ...claim, contraryReads: ours ? 0 : claim.contraryReads + 1 };
}

/** EC2 certainly did not do it. */
export function claimWasRefused(state: State): boolean {
  return state.claim?.phase === "refused";
}

/**
 * Reading back says no. An accepted call may take seconds to show (EC2 is eventually consistent), an unknown one gets a
 * second, lest its effect be overtaken by our reads.
 */
export function claimCameToNothing(state: State, config: CoreConfig): boolean {
  const claim = state.claim;
  if (claim === null || claim.calledAtMs === null || claim.contraryReads < 2) return false;
  const patienceMs = claim.phase === "accepted" ? config.claimConfirmWithinMs : 4 * config.ownerConfirmIntervalMs;
  return state.nowMs - claim.calledAtMs >= patienceMs;
}

/** EC2 could not be read for so long that waiting in this role helps nobody; as a standby the agent keeps reading. */
export function claimStaysUnknown(state: State, config: CoreConfig): boolean {
  const claim = state.claim;
  return claim !== null && claim.calledAtMs !== null && state.nowMs - claim.calledAtMs >= 2 * config.claimConfirmWithinMs;
}

/** Why the claim ended without success, for the sentence. */
export function claimFailure(state: State): Failure {
  return state.claim?.failure ?? { code: "AGENT_CLAIM_UNCONFIRMED", message: "reading back does not show the address here" };
}

/** Bookkeeping of a claim that is confirmed: the hourly count, the durations, and our own egress is not judged for a while. */
export function settleSuccess(state: State, config: CoreConfig): State {
  const claim = state.claim;
  if (claim === null || !isHeldBy(state.ownership, config.nodeId)) return withChanges(state, { claim: null });
  const metrics = note(note(state.metrics, "Claims", 1), "ClaimDuration", state.nowMs - claim.decidedAtMs);
  const policy = { ...state.policy, claimsAtMs: isAutomatic(claim.cause) ? [...state.policy.claimsAtMs, state.nowMs] : state.policy.claimsAtMs, claimFailures: 0, claimFailure: null, claimNotBeforeMs: state.nowMs };
  return withChanges(state, { claim: null, policy, egressGraceUntilMs: state.nowMs + config.egressGraceMs, metrics, unsaved: true });
}

/** Bookkeeping of a claim that failed: jittered exponential backoff before the evidence is asked again (promise L4). */
export function settleFailure(state: State, random: number, config: CoreConfig): State {
  // A failure long ago belongs to another outage: this one begins with a short wait again.
  const related = state.nowMs - state.policy.claimFailedAtMs < FAILURES_RELATED_MS;
  const failures = (related ? state.policy.claimFailures : 0) + 1;
  const ceilingMs = Math.min(config.claimRetryMaxMs, config.claimRetryMinMs * 2 ** Math.min(failures - 1, 10));
  const policy = { ...state.policy, claimFailures: failures, claimFailedAtMs: state.nowMs, claimFailure: claimFailure(state), claimNotBeforeMs: state.nowMs + ceilingMs * (0.5 + random / 2) };
  // The address has not moved, so our own egress has no excuse: the next try need not wait for it.
  return withChanges(state, { claim: null, policy, egressGraceUntilMs: state.nowMs, metrics: note(state.metrics, "ClaimsFailed", 1) });
}
