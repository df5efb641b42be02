/**
 * What one run of the demo has found out: facts only, each with the time at which it was seen. Drawing and judging are
 * pure functions of this record. All times are milliseconds since the fault; before it they are negative.
 */
import type { StatusView } from "../../agent/status/schema.ts";
import type { FaultName } from "./faults.ts";

/** The two nodes of the demo. */
export const NODES = ["node-a", "node-b"] as const;
export type NodeName = (typeof NODES)[number];

/** A probe of the active by the standby, or of its own Asterisk by the active. */
export interface ProbeFact {
  readonly channel: "sip" | "eip" | "ari";
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  readonly ok: boolean;
  /** Nothing listens there: a failure that is certain at once. */
  readonly refused: boolean;
}

/** A change of role, from the agent's log. */
export interface RoleFact {
  readonly node: NodeName;
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  /** The row of the table of transitions that fired. */
  readonly row: string;
  readonly sentence: string;
}

/** A call that EC2 has received. */
export interface CallFact {
  readonly node: NodeName;
  readonly atMs: number;
}

/** An AssociateAddress that was no dry run. */
export interface ClaimFact extends CallFact {
  /** As sent; null when it was left out. */
  readonly allowReassociation: string | null;
}

/** EC2's answer to it, as the agent's log tells. */
export interface ClaimAnswerFact extends CallFact {
  readonly afterMs: number;
  readonly failure: string | null;
}

export interface ConditionFact {
  readonly node: NodeName;
  readonly atMs: number;
  readonly name: string;
  readonly sentence: string;
}

/** The address at its new place, and when packets followed it there. */
export interface MoveFact {
  readonly to: NodeName | null;
  readonly atMs: number;
  readonly followedAtMs: number;
}

/** An answer that the caller got, and by whom. */
export interface AnswerFact {
  readonly sentAtMs: number;
  readonly atMs: number;
  readonly node: NodeName | null;
}

export interface CallerFacts {
  readonly answers: readonly AnswerFact[];
  /** Questions since the fault, and how many of them nobody ever answered. */
  readonly asked: number;
  readonly lost: number;
  /** The longest time without an answer since the fault. */
  readonly longestGapMs: number;
  /** The time without an answer that began around the fault, if there was one. */
  readonly outage: { readonly startMs: number; readonly endMs: number | null } | null;
}

/** The standby's vote on the active, as its status said at one moment. */
export interface VotesFact {
  readonly atMs: number;
  readonly votes: NonNullable<StatusView["votes"]>;
  readonly waitsFor: string;
}

export interface DemoRecord {
  readonly fault: FaultName;
  readonly active: NodeName;
  readonly standby: NodeName;
  /** Heartbeats of the active as they reached the standby. */
  readonly heartbeats: readonly number[];
  /** By the standby, of the active. */
  readonly probes: readonly ProbeFact[];
  /** By the active, of its own Asterisk. */
  readonly ownProbes: readonly ProbeFact[];
  /** When the standby began to suspect the active; null when it did not. */
  readonly suspectedAtMs: number | null;
  readonly reads: readonly CallFact[];
  readonly marks: readonly CallFact[];
  readonly claims: readonly ClaimFact[];
  readonly claimAnswers: readonly ClaimAnswerFact[];
  readonly roles: readonly RoleFact[];
  readonly conditions: readonly ConditionFact[];
  readonly moves: readonly MoveFact[];
  readonly caller: CallerFacts;
  readonly votes: VotesFact | null;
  /** Each node's role at the end; null where no agent answers. */
  readonly finalRoles: Readonly<Record<NodeName, string | null>>;
  readonly machine: MachineFacts;
  /** How long was watched. */
  readonly endMs: number;
}

/** How busy this machine was while the demo ran: a late claim on a machine that is overloaded says little of the product. */
export interface MachineFacts {
  /** The worst delay of the demo's own event loop between the fault and the claim. */
  readonly worstLagMs: number;
  /** Programs that wanted a processor, averaged over a minute, and how many processors there are. */
  readonly load: number;
  readonly processors: number;
  /** An agent stalled for so long that it threw its evidence away (promise S7). */
  readonly selfDoubt: boolean;
}
