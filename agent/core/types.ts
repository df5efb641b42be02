/**
 * The vocabulary: read this first. Words for the world that the agent lives in: time, members, roles, the address, claims and
 * how things end. Everything here is immutable data. Instants end in `AtMs`, durations in `Ms`; both are monotonic
 * milliseconds unless the name says `Wall` (promise S8).
 */
import type { ClaimDetails } from "./moves.ts";
import type { Call } from "./roster.ts";

/** Milliseconds on a clock that never goes back. */
export type MonotonicMs = number;
/** Milliseconds since 1970: shown and stored, never compared in a decision. */
export type WallMs = number;
/** The name of a node or of a witness, unique in its cluster. */
export type NodeId = string;

/** What this agent is doing. `starting` has not yet read the owner twice; `witness` only observes. */
export type Role = "starting" | "standby" | "claiming" | "active" | "witness";

/** Who holds the Elastic IP, as EC2 says. `instanceId` is null where EC2 names an interface only. */
export type Holder = { readonly kind: "node"; readonly node: NodeId } | { readonly kind: "nobody" } | { readonly kind: "stranger"; readonly instanceId: string | null };

/** The alive mark: written by an active that can't hear its peer. It has moved when either field differs. */
export interface Mark {
  readonly node: NodeId;
  readonly counter: number;
}

/** One answer of DescribeAddresses. */
export interface AddressReading {
  readonly holder: Holder;
  readonly publicIp: string;
  readonly mark: Mark | null;
  /** What the last claim wrote on the address; null when none has, or when somebody has edited it. For people. */
  readonly lastClaim: Omit<ClaimTags, "epoch"> | null;
}

/** EC2's view of an instance. `impaired`: running, but a status check fails. */
export type InstanceState = "pending" | "running" | "impaired" | "stopping" | "stopped" | "shutting-down" | "terminated";

/** Why a claim is made. The last two are an operator's word, the others are automatic. */
export type ClaimCause = "quorum" | "consent" | "vacant" | "switchover" | "takeover";

/** The calls that a failover has cut (promise N3). Carries numbers: for the ledger and the Stasis application only. */
export interface DroppedCalls {
  /** The node that carried them. */
  readonly from: NodeId;
  readonly atWallMs: WallMs;
  readonly reason: string;
  readonly calls: readonly Call[];
}

/** What is written on the address after a claim, for the console. */
export interface ClaimTags {
  readonly claimedBy: NodeId;
  readonly claimedAtWallMs: WallMs;
  readonly reason: string;
  /** Counts this cluster's claims as far as this node knows; for people, not for decisions. */
  readonly epoch: number;
  /** What spoke for the claim and how long it took, for the history of the other nodes; absent where an older version has claimed. */
  readonly details?: ClaimDetails;
}

/** A failure as the core sees it: the code decides, the message is for the log. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Exactly one per request action. `T` is what success brings. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };
