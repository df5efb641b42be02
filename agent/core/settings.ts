/** The settings that the core decides with. agent/config.ts makes them from the knob table; their meaning and ranges are there. */
import type { NodeId } from "./types.ts";

export interface CoreConfig {
  readonly kind: "node" | "witness";
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** The other nodes, sorted. */
  readonly peers: readonly NodeId[];
  /** The witnesses, sorted; on a witness: the others with COLD_STANDBY, whose votes it counts, else none. */
  readonly witnesses: readonly NodeId[];
  readonly stasisApps: readonly string[];
  /** How the probe of each of them is called, and the key of its request: every step looks them up, and putting names together takes longer than that. */
  readonly stasisProbes: readonly StasisProbe[];
  readonly sipTcp: boolean;
  /** Asterisk has a database of phones, which is watched. */
  readonly database: boolean;
  /** This is a witness that starts a stopped standby when the active is lost. */
  readonly coldStandby: boolean;
  readonly software: string;
  /** Digest of the settings that must be equal in the whole cluster. */
  readonly configDigest: string;

  readonly tickIntervalMs: number;
  readonly selfDoubtAfterMs: number;
  readonly heartbeatIntervalMs: number;
  readonly peerLateAfterMs: number;
  readonly peerLostAfterMs: number;
  readonly coldLostAfterMs: number;
  readonly witnessAbsentAfterMs: number;

  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly suspectProbeIntervalMs: number;
  readonly probeDownAfter: number;
  readonly probeUpAfter: number;
  readonly stasisIntervalMs: number;
  readonly stasisDownAfterMs: number;
  readonly canaryIntervalMs: number;
  readonly canaryTimeoutMs: number;
  readonly canaryDownAfter: number;
  readonly queuesIntervalMs: number;
  readonly countsIntervalMs: number;
  readonly contactsIntervalMs: number;
  readonly rosterIntervalMs: number;

  readonly ownerReadIntervalMs: number;
  readonly ownerConfirmIntervalMs: number;
  readonly suspectReadIntervalMs: number;
  readonly readBackoffMaxMs: number;
  readonly cloudTimeoutMs: number;
  readonly claimTimeoutMs: number;
  readonly claimConfirmWithinMs: number;
  readonly claimRetryMinMs: number;
  readonly claimRetryMaxMs: number;
  readonly dryRunIntervalMs: number;
  readonly egressGraceMs: number;

  readonly markIntervalMs: number;
  readonly markSlowIntervalMs: number;
  readonly markFastForMs: number;
  readonly markVisibleAfterMs: number;

  readonly yieldAfterMs: number;
  readonly holdDownMs: number;
  readonly claimsPerHour: number;
  readonly rankStaggerMs: number;
  readonly vacantGraceMs: number;
  readonly coldStartWaitMs: number;
  readonly metricsIntervalMs: number;
}

/** The names of the probe of one Stasis application. */
export interface StasisProbe {
  readonly app: string;
  readonly probe: `stasis:${string}`;
  readonly key: string;
}

export function stasisProbesOf(apps: readonly string[]): readonly StasisProbe[] {
  return apps.map((app) => ({ app, probe: `stasis:${app}`, key: `probe:stasis:${app}` }));
}
