/** What the doctor's checks may ask. The adapters are those of the agent; tests put others in their place. */
import type { Config } from "../config.ts";
import type { NodeFacts } from "../adapters/imds.ts";
import type { NodeId } from "../core/types.ts";
import type { Cloud, Prober } from "../ports.ts";
import type { Secret } from "../secret.ts";
import type { StatusView } from "../status/schema.ts";

/** What the running agent says, or why nobody says anything. */
export type AgentWord = { readonly kind: "runs"; readonly view: StatusView } | { readonly kind: "absent"; readonly why: string } | { readonly kind: "forbidden"; readonly why: string };

/** One deadline for one question, ms. */
export const ASK_WITHIN_MS = 3_000;

export interface AsteriskPort {
  /** Is there somebody at ARI who takes our password? Rejects with AGENT_PROBE_REFUSED, AGENT_ARI_DENIED and the like. */
  ping(signal: AbortSignal): Promise<void>;
  version(signal: AbortSignal): Promise<string>;
  /** `Running`, another state of Asterisk's, or null when it is not loaded. */
  moduleState(module: string, signal: AbortSignal): Promise<string | null>;
  stasisAppRegistered(app: string, signal: AbortSignal): Promise<boolean>;
  /** Asks Asterisk's control socket for anything. */
  control(signal: AbortSignal): Promise<void>;
  close(): void;
}

/** How full STATE_DIR's disk is, and whether this user may write there. */
export interface StatePort {
  /** Rejects with AGENT_STATE_UNWRITABLE. */
  write(): Promise<void>;
  freeBytes(): Promise<{ readonly free: number; readonly total: number }>;
  /** The history: `damaged`, or the number of its moves. Rejects with AGENT_STATE_UNREADABLE. */
  history(): Promise<number | "damaged">;
}

export interface DoctorWorld {
  readonly config: Config;
  readonly agent: () => Promise<AgentWord>;
  /** Asked once, however many checks want it. Rejects with AGENT_SECRET_UNREADABLE or AGENT_SECRET_INVALID. */
  readonly secret: () => Promise<{ readonly secret: Secret; readonly version: string }>;
  /** null on a witness. */
  readonly imds: ((signal: AbortSignal) => Promise<NodeFacts>) | null;
  /** null where this agent has no cloud. `instanceId` as far as it is known. */
  readonly cloud: (() => Promise<Pick<Cloud, "readAddress" | "readInstance" | "dryRunClaim" | "dryRunMark" | "dryRunStart">>) | null;
  /** Connects to EC2's endpoint; from `localAddress`, or as the routing table says. null where nothing here talks to AWS. */
  readonly ec2: { readonly url: string; readonly connect: (localAddress: string | null, signal: AbortSignal) => Promise<{ readonly remoteAddress: string }>; readonly clockAheadMs: (localAddress: string | null, signal: AbortSignal) => Promise<number> } | null;
  readonly prober: Prober;
  readonly knock: (member: NodeId, keyId: string, key: Uint8Array, signal: AbortSignal) => Promise<void>;
  /** null on a witness. Needs the secret. */
  readonly asterisk: (() => Promise<AsteriskPort>) | null;
  readonly state: StatePort;
  /** Tries to listen there and lets go. Rejects with AGENT_LISTEN_FAILED. */
  readonly listen: (host: string, port: number) => Promise<void>;
  readonly software: string;
}
