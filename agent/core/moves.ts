/**
 * A move of the address in one record, for the history: who, when, why, on whose word, and how long each stage took. Pure:
 * it compares the state before a step with the state after it. Nothing is decided on it.
 */
import { z } from "zod";
import type { Verdict } from "./evidence.ts";
import { holderName, sameHolder } from "./ownership.ts";
import { tally } from "./quorum.ts";
import type { CoreConfig } from "./settings.ts";
import type { ClaimView, Policy, State } from "./state.ts";
import type { AddressReading, MonotonicMs, NodeId } from "./types.ts";

/** The reason of a move that this node has only seen, until the address's tags tell a better one. */
export const SEEN_ON_EC2 = "seen on EC2";
/** The reason of a move of which this agent has seen only what came of it. */
export const MOVED_MEANWHILE = "It moved while this agent was not running.";

/** Tags belong to a move when they were written at most so long before or after it was seen (EC2 is read once a minute in quiet times). */
const TAGS_RELATED_MS = 600_000;

const verdict = z.enum(["up", "down", "unknown"]);
const ms = z.number().min(0);

export const moveSchema = z.object({
  /** When this node believed it, after two reads of EC2. */
  atWallMs: z.int().min(0),
  from: z.string(),
  to: z.string(),
  /** `seen`: this node did not make the move. */
  cause: z.enum(["quorum", "consent", "vacant", "switchover", "takeover", "seen"]),
  /** A sentence. */
  reason: z.string(),
  /** Who saw what when the claim was decided; empty for a move that was only seen. */
  verdicts: z.array(z.object({ observer: z.string(), verdict, heartbeat: verdict, sip: verdict, eip: verdict })),
  /** EC2's own vote; null for a move that was only seen. */
  cloud: verdict.nullable(),
  /** How long each stage took; null where there was none, or where this node did not make the move. */
  stages: z.object({ suspicionMs: ms.nullable(), decisionMs: ms.nullable(), claimMs: ms.nullable(), confirmMs: ms.nullable() }),
  /** Calls that the move cut, as far as the roster knew; null where this node can't know. */
  dropped: z.int().min(0).nullable(),
});

/**
 * One move. Stages: `suspicion` from the first doubt to the decision, `decision` from there until the claim left this
 * agent, `claim` until EC2 answered it, `confirm` until two reads showed the address here.
 */
export type MoveRecord = z.infer<typeof moveSchema>;

/** The part of it that only the node which has claimed can know. */
export type ClaimDetails = Pick<MoveRecord, "cause" | "verdicts" | "cloud" | "stages" | "dropped">;

/** One observer's verdict at the moment of a decision. */
export interface SeenVerdict {
  readonly observer: NodeId;
  readonly verdict: Verdict;
  readonly heartbeat: Verdict;
  readonly sip: Verdict;
  readonly eip: Verdict;
}

/** What spoke for a claim when it was decided, kept for the history. */
export interface ClaimBasis {
  /** How long the active had been suspected; null without a suspicion. */
  readonly suspectedForMs: number | null;
  readonly verdicts: readonly SeenVerdict[];
  readonly cloud: Verdict;
}

const UNKNOWN_STAGES: MoveRecord["stages"] = { suspicionMs: null, decisionMs: null, claimMs: null, confirmMs: null };

/** What speaks for a claim at this moment. */
export function claimBasis(state: State, config: CoreConfig): ClaimBasis {
  const votes = tally(state, config);
  const { suspectedAtMs } = state.evidence;
  const others = votes.witnesses.flatMap(({ observer, verdict: seen, judgement }) => (judgement === null ? [] : [{ observer, verdict: seen, heartbeat: judgement.heartbeat, sip: judgement.sip, eip: judgement.eip }]));
  return { suspectedForMs: suspectedAtMs === null ? null : state.nowMs - suspectedAtMs, verdicts: [{ observer: config.nodeId, ...votes.own }, ...others], cloud: votes.cloud };
}

/** The record of the move that this step has shown, or null when it has shown none. */
export function moveOf(before: State, after: State, config: CoreConfig): MoveRecord | null {
  const from = before.ownership.holder;
  const to = after.ownership.holder;
  if (from === null || sameHolder(from, to)) return null;
  const claim = to?.kind === "node" && to.node === config.nodeId ? before.claim : null;
  const common = { atWallMs: Math.round(after.wallMs), from: holderName(from), to: holderName(to), dropped: after.dropped !== before.dropped && after.dropped !== null ? after.dropped.calls.length : null };
  if (claim === null) return { ...common, cause: "seen", reason: after.policy.moves.at(-1)?.reason ?? SEEN_ON_EC2, verdicts: [], cloud: null, stages: UNKNOWN_STAGES };
  return { ...common, ...claimDetails(claim, before.startedActions["claim"], after.nowMs, common.dropped), reason: claim.reason };
}

/** What spoke for a claim, how long each stage took until it was confirmed at `nowMs`, and how many calls the move has cut. */
export function claimDetails({ cause, basis, decidedAtMs, calledAtMs }: ClaimView, startedAtMs: MonotonicMs | undefined, nowMs: MonotonicMs, dropped: number | null): ClaimDetails {
  const sentAtMs = Math.max(decidedAtMs, startedAtMs ?? decidedAtMs);
  const span = (fromMs: MonotonicMs | null, toMs: MonotonicMs | null): number | null => (fromMs === null || toMs === null ? null : Math.max(0, Math.round(toMs - fromMs)));
  const stages = { suspicionMs: basis.suspectedForMs === null ? null : Math.round(basis.suspectedForMs), decisionMs: span(decidedAtMs, sentAtMs), claimMs: span(sentAtMs, calledAtMs), confirmMs: span(calledAtMs ?? sentAtMs, nowMs) };
  return { cause, verdicts: basis.verdicts.map((each) => ({ ...each })), cloud: basis.cloud, stages, dropped };
}

/**
 * The record with what its maker has written on the address; null when that tells of another move or nothing new. A move that happened
 * while this agent did not run gets its real time, too.
 */
export function toldByTags(move: MoveRecord, before: MoveRecord | undefined, lastClaim: AddressReading["lastClaim"]): MoveRecord | null {
  const details = lastClaim?.details;
  if (lastClaim === null || details === undefined || move.cause !== "seen" || move.to !== lastClaim.claimedBy) return null;
  const missed = move.reason === MOVED_MEANWHILE;
  const sinceMs = move.atWallMs - lastClaim.claimedAtWallMs;
  const related = missed ? sinceMs >= 0 && lastClaim.claimedAtWallMs > (before?.atWallMs ?? -Infinity) : Math.abs(sinceMs) <= TAGS_RELATED_MS;
  if (!related) return null;
  return { ...move, ...details, ...(missed ? { atWallMs: lastClaim.claimedAtWallMs, reason: `${lastClaim.claimedBy} wrote on the address: ${lastClaim.reason}` } : {}) };
}

/** The last move gets the sentence that its maker wrote on the address. Returns the same object when there is nothing to learn. */
export function explainLastMove(policy: Policy, { lastClaim }: AddressReading): Policy {
  const last = policy.moves.at(-1);
  if (last === undefined || lastClaim === null || last.reason !== SEEN_ON_EC2 || last.to !== lastClaim.claimedBy) return policy;
  if (Math.abs(lastClaim.claimedAtWallMs - last.atWallMs) > TAGS_RELATED_MS) return policy;
  return { ...policy, moves: [...policy.moves.slice(0, -1), { ...last, reason: `${lastClaim.claimedBy} wrote on the address: ${lastClaim.reason}` }] };
}
