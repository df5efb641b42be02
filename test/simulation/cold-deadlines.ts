/**
 * When a start of a stopped standby is needed and possible, and until when it must have been sent. The times follow from the
 * knobs of the witness, as `worst case with these settings` does for a claim.
 */
import { holderName } from "../../agent/core/ownership.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { State } from "../../agent/core/state.ts";
import { STRANGER_NAME } from "./cloud.ts";
import { BOOT_MS, type SimCluster } from "./cluster.ts";

/** A read of EC2 at its slowest while nothing is wrong with EC2, and a tick (ms). */
const READ_MS = 300;
/** Asterisk is up so long after the boot, and found serving by a canary call and a row of good answers (ms). */
const SERVING_AFTER_MS = 10_000;
/** The longest wait after a start that failed (ms). */
const BACKOFF_MAX_MS = 30_000;

/**
 * From the active's death to the start: it is missed, every probe of the calm pace has missed as often as it takes, a mark of
 * its slow phase would have shown, and EC2 is asked about the standby.
 */
export function startWithinMs(config: CoreConfig): number {
  const missedMs = Math.max(config.peerLostAfterMs, config.probeDownAfter * (config.probeIntervalMs + config.probeTimeoutMs));
  return missedMs + config.markSlowIntervalMs + Math.max(config.markVisibleAfterMs, 3 * READ_MS) + 2 * READ_MS;
}

/** From the start to the claim of what was started, which has never heard the active. */
export function claimAfterStartMs(config: CoreConfig): number {
  return BOOT_MS + SERVING_AFTER_MS + config.coldLostAfterMs + config.probeIntervalMs + 2 * READ_MS;
}

/** A witness with nothing in its way: it runs without stalls, and reaches every place at once. */
export function isSound(cluster: SimCluster, witness: string): boolean {
  const { network, firewall } = cluster;
  const member = cluster.member(witness);
  if (!member.agentRuns || member.isSlow || member.previousVersion) return false;
  if (["sip", "eip", "heartbeats"].some((what) => firewall.has(`${witness}>${what}`))) return false;
  const places = [...cluster.members.keys(), "internet", "resolver", "endpoint", "ec2"].filter((place) => place !== witness);
  return places.every((place) => network.connected(witness, place) && network.lossBetween(witness, place) === 0 && network.lagOf(witness, place) === 0);
}

/** Follows whether a start is needed. */
export class NeededStart {
  readonly #cluster: SimCluster;
  readonly #witnesses: readonly string[];
  #sinceMs: number | null = null;

  constructor(cluster: SimCluster, witnesses: readonly string[]) {
    this.#cluster = cluster;
    this.#witnesses = witnesses;
  }

  /** Looks at the world; says what was promised when a start is overdue, once. */
  overdue(): string | null {
    const { nowMs } = this.#cluster.time;
    const sound = this.#witnesses.filter((witness) => isSound(this.#cluster, witness));
    if (!this.#isNeeded(sound)) this.#sinceMs = null;
    else this.#sinceMs ??= nowMs;
    if (this.#sinceMs === null) return null;
    const dueAtMs = Math.min(...sound.map((witness) => this.#dueAtMs(witness, this.#sinceMs ?? nowMs)));
    if (nowMs <= dueAtMs) return null;
    const sinceMs = Math.round(nowMs - this.#sinceMs);
    this.#sinceMs = Infinity;
    const { state } = this.#cluster.member(sound[0] ?? "");
    return `no standby has been started for ${sinceMs} ms although ${this.#cluster.cloud.holder() ?? "nobody"} serves nobody and every other node is stopped; ${sound[0] ?? "nobody"} believes in ${holderName(state?.ownership.holder ?? null)}`;
  }

  /** The active is dead for everybody, all other nodes are stopped, nobody has paused, EC2 is well, and most witnesses are. */
  #isNeeded(sound: readonly string[]): boolean {
    const { cloud, nodes, members, time, cloudTroubleUntilMs } = this.#cluster;
    const holder = cloud.holder();
    if (holder === null || holder === STRANGER_NAME || time.nowMs <= cloudTroubleUntilMs || 2 * sound.length <= this.#witnesses.length) return false;
    const active = this.#cluster.member(holder);
    if (active.powered && active.asterisk !== "crashed" && active.asterisk !== "hung") return false;
    if (nodes.some((node) => node !== holder && this.#cluster.instance(node) !== "stopped")) return false;
    return ![...members.values()].some(({ state }) => state?.policy.pause.on === true);
  }

  /** Until when this witness must have sent it. */
  #dueAtMs(witness: string, neededSinceMs: number): number {
    const { config, state } = this.#cluster.member(witness);
    if (state === null) return Infinity;
    const { evidence, coldStart } = state;
    const knownMs = knowsWithinMs(state, config, this.#cluster.cloud.holder());
    const sinceMs = Math.max(neededSinceMs, evidence.sinceMs, state.startedAtMs, state.doubtedAtMs);
    const backoffMs = coldStart.failures === 0 ? 0 : BACKOFF_MAX_MS;
    const waitedAtMs = coldStart.started === null || coldStart.started.node === evidence.target ? -Infinity : coldStart.started.atMs + config.coldStartWaitMs;
    return Math.max(sinceMs + knownMs + startWithinMs(config) + backoffMs, waitedAtMs + READ_MS);
  }
}

/** How long it may take until it knows whom to watch, and that silence means something. */
function knowsWithinMs({ evidence, members }: State, config: CoreConfig, holder: string | null): number {
  if (holder === null || evidence.target !== holder) return config.ownerReadIntervalMs + config.coldLostAfterMs;
  const heardAtMs = members[holder]?.heardAtMs ?? null;
  if (heardAtMs === null || heardAtMs < evidence.sinceMs) return config.coldLostAfterMs;
  // Heard, but no probe of it has ever been answered: one silent channel alone is no verdict (DESIGN: a proven channel).
  return evidence.sip.proven || evidence.eip.proven ? 0 : Infinity;
}
