/**
 * THE TABLE. Every change of role is one row: from, to, when, and the sentence that the operator reads in the log, in
 * status, in the history and in the README. Rows of one role are tried in order; the first that holds fires. Nothing
 * else changes a role.
 */
import { claimCameToNothing, claimFailure, claimStaysUnknown, claimWasRefused } from "./claim.ts";
import { gatesPass, rankPasses, yieldOf, type GateContext } from "./gates.ts";
import { offerOf } from "./offer.ts";
import { holderName, isHeldBy } from "./ownership.ts";
import { takeoverSays } from "./takeover.ts";
import type { ClaimCause, Role } from "./types.ts";

export interface Row {
  readonly name: string;
  readonly from: Role;
  readonly to: Role;
  /** For rows into `claiming`: what the claim is based on. */
  readonly cause?: ClaimCause;
  when(context: GateContext): boolean;
  /** The operator's sentence, with what was measured. */
  says(context: GateContext): string;
  /** The same in general terms, for the README. */
  readonly meaning: string;
}

const here = ({ state, config }: GateContext): boolean => isHeldBy(state.ownership, config.nodeId);
const elsewhere = (context: GateContext): boolean => context.state.ownership.holder !== null && !here(context);
const holder = ({ state }: GateContext): string => holderName(state.ownership.holder);
const claims = (cause: ClaimCause) => (context: GateContext): boolean => rankPasses(cause, context.state, context.config) && gatesPass(cause, context);

export const TRANSITIONS: readonly Row[] = [
  { name: "found-here", from: "starting", to: "active", when: here, meaning: "After a start, two reads of EC2 show the address on this node.", says: () => "EC2 shows the address on this node: it is active. Nothing changes for callers." },
  { name: "found-elsewhere", from: "starting", to: "standby", when: elsewhere, meaning: "After a start, two reads of EC2 show the address elsewhere.", says: (context) => `EC2 shows the address on ${holder(context)}: this node is standby.` },
  { name: "handed-over", from: "standby", to: "active", when: here, meaning: "Two reads of EC2 show the address here, although this node has no claim under way: an operator moved it, or an earlier claim took effect late.", says: () => "EC2 shows the address on this node, without a claim under way: somebody moved it here, or an earlier claim took effect late. It is active." },
  { name: "claim-by-switchover", from: "standby", to: "claiming", cause: "switchover", when: (context) => gatesPass("switchover", context), meaning: "The active offers the address to this node, because an operator asked for a switchover.", says: (context) => `${holder(context)} hands the address over, as an operator asked: ${offerOf(context.state, context.config) ?? ""}` },
  { name: "claim-by-takeover", from: "standby", to: "claiming", cause: "takeover", when: (context) => gatesPass("takeover", context), meaning: "An operator has told this node to take the address over, against whatever the evidence says.", says: ({ state }) => takeoverSays(state) },
  { name: "claim-by-consent", from: "standby", to: "claiming", cause: "consent", when: claims("consent"), meaning: "The active says that it can't serve and asks to be relieved.", says: (context) => `${holder(context)} asks to be relieved: ${yieldOf(context.state, context.config) ?? ""}` },
  { name: "claim-by-quorum", from: "standby", to: "claiming", cause: "quorum", when: claims("quorum"), meaning: "Every sign of life from the active is gone for a majority of the observers, and EC2 does not show that it still lives.", says: (context) => quorumSentence(context) },
  { name: "claim-vacant", from: "standby", to: "claiming", cause: "vacant", when: claims("vacant"), meaning: "Nobody holds the address, the grace is over, and no serving node ranks lower.", says: () => "Nobody holds the address, and this is the first serving node in line." },
  { name: "claim-confirmed", from: "claiming", to: "active", when: here, meaning: "Two consecutive reads of EC2 show the address here.", says: ({ state }) => `Two reads of EC2 confirm the claim after ${Math.round(state.nowMs - (state.claim?.decidedAtMs ?? state.nowMs))} ms: this node is active.` },
  { name: "claim-refused", from: "claiming", to: "standby", when: ({ state }) => claimWasRefused(state), meaning: "EC2 did not carry out the claim. The evidence is asked again before the next try.", says: ({ state }) => `The claim was not carried out (${claimFailure(state).code}: ${claimFailure(state).message}). If the reasons persist it is tried again.` },
  { name: "claim-lost", from: "claiming", to: "standby", when: ({ state, config }) => claimCameToNothing(state, config), meaning: "Reading back shows the address elsewhere.", says: (context) => `Reading back shows the address on ${holder(context)}: the claim came to nothing (${claimFailure(context.state).code}).` },
  { name: "claim-unknown", from: "claiming", to: "standby", when: ({ state, config }) => claimStaysUnknown(state, config), meaning: "EC2 can't be read, so the claim's outcome stays unknown. The agent keeps reading.", says: () => "EC2 can't be read, so whether the claim took effect is unknown: standing by and reading on." },
  { name: "deposed", from: "active", to: "standby", when: elsewhere, meaning: "Two consecutive reads of EC2 show the address elsewhere.", says: (context) => `Two reads of EC2 show the address on ${holder(context)}: this node is standby now.` },
];

/** The first row that holds for the present role, or null. */
export function rowThatHolds(context: GateContext): Row | null {
  return TRANSITIONS.find((row) => row.from === context.state.role && row.when(context)) ?? null;
}

function quorumSentence(context: GateContext): string {
  const votes = context.votes();
  const silentMs = Math.round(context.state.nowMs - (context.state.evidence.suspectedAtMs ?? context.state.nowMs));
  const observersDown = votes.downs - (votes.cloud === "down" ? 1 : 0);
  return `${holder(context)} is gone: ${observersDown} of ${votes.observers} observer(s) see it down on every channel, suspected for ${silentMs} ms. ${votes.cloudReason}`;
}
