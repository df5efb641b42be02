/**
 * Promise L6: how long a failover takes at worst with the settings in force, computed from them and told in words. Each
 * row ends when the claim is sent; what EC2 then takes to move the address is AWS's. Every term follows the core: see
 * schedule.ts (when a probe or a read is due), suspicion.ts (late and lost), quorum.ts (the read that settles EC2's vote)
 * and age.ts (when an active yields). The cluster is well until the failure; not counted are a hold-down under way, an
 * alive mark that was moving before (one MARK_INTERVAL_MS more), an EC2 that errs, a process that stalls.
 */
import type { CoreConfig } from "./core/settings.ts";

/** The answer to "how long at worst?" for one failure. */
export interface WorstCase {
  /** The failure, in the operator's words. */
  readonly what: string;
  /** From the failure until the claim is sent. */
  readonly ms: number;
  /** The arithmetic, with the knobs' names. */
  readonly how: string;
}

/**
 * How long a DescribeAddresses is taken to last, the network included; tens of milliseconds are usual in a region. It is
 * an assumption, not a limit: an EC2 that takes longer delays the claim by the excess, or by four times the excess beyond
 * a third of MARK_VISIBLE_AFTER_MS, because an EC2 that reads slowly also writes slowly.
 */
export const EC2_READ_MS = 250;

/** A part of a sum and where it comes from. */
interface Term {
  readonly ms: number;
  readonly says: string;
}

/** One row per kind of failure. On a witness: how long until it has told its verdict. */
export function worstCase(config: CoreConfig): readonly WorstCase[] {
  if (config.kind === "witness") return [row("The active's instance dies: until this witness has said down", witnessTerms(config))];
  return [
    row("Asterisk crashes on the active, its agent lives", [{ ms: config.probeTimeoutMs, says: "PROBE_TIMEOUT_MS, if a probe was under way; else both doors refuse at once" }, ...yieldTerms(config)]),
    row("Asterisk hangs on the active: accepts connections, answers nothing", [
      { ms: config.probeIntervalMs, says: "PROBE_INTERVAL_MS until the next probe" },
      tick(config),
      { ms: config.probeDownAfter * pace(config.probeTimeoutMs, config.suspectProbeIntervalMs), says: `PROBE_DOWN_AFTER = ${config.probeDownAfter} times PROBE_TIMEOUT_MS` },
      ...yieldTerms(config),
    ]),
    instanceDies(config),
    row("Asterisk answers, but no call can be made", [
      { ms: config.canaryIntervalMs, says: "CANARY_INTERVAL_MS until the next canary call" },
      tick(config),
      { ms: config.canaryTimeoutMs + (config.canaryDownAfter - 1) * pace(config.canaryTimeoutMs, config.probeIntervalMs), says: `CANARY_DOWN_AFTER = ${config.canaryDownAfter} times CANARY_TIMEOUT_MS` },
      ...yieldTerms(config),
    ]),
    ...(config.stasisApps.length === 0
      ? []
      : [row("A Stasis application of the active is gone and stays away", [{ ms: config.stasisIntervalMs, says: "STASIS_INTERVAL_MS until the next look" }, tick(config), { ms: config.stasisDownAfterMs, says: "STASIS_DOWN_AFTER_MS" }, tick(config), ...yieldTerms(config)])]),
  ];
}

/** One row as a line of text, for the log at boot and for nodectl. */
export function worstCaseLine(worst: WorstCase): string {
  return `${worst.what}: at worst ${(worst.ms / 1_000).toFixed(2)} s = ${worst.how}`;
}

/** The pace of probes whose answers stay away: the next starts when the last has timed out, but not before its interval. */
function pace(timeoutMs: number, intervalMs: number): number {
  return Math.max(timeoutMs, intervalMs);
}

function tick(config: CoreConfig): Term {
  return { ms: config.tickIntervalMs, says: "one tick" };
}

/** The heartbeat that yields leaves at once, and the standby claims in the step in which it arrives. */
function yieldTerms(config: CoreConfig): readonly Term[] {
  return [{ ms: config.yieldAfterMs, says: "YIELD_AFTER_MS" }, tick(config)];
}

/** The last heartbeat may have left just before the end, so the silence counts from the failure itself. */
function instanceDies(config: CoreConfig): WorstCase {
  const late: readonly Term[] = [{ ms: config.peerLateAfterMs, says: "PEER_LATE_AFTER_MS" }, tick(config)];
  const visibleMs = Math.max(config.markVisibleAfterMs, 3 * EC2_READ_MS);
  const strands: readonly { readonly name: string; readonly terms: readonly Term[] }[] = [
    { name: "the heartbeat's silence", terms: [{ ms: config.peerLostAfterMs, says: "PEER_LOST_AFTER_MS" }, tick(config)] },
    {
      name: "the probes' silence",
      terms: [
        ...late,
        { ms: pace(config.probeTimeoutMs, config.suspectProbeIntervalMs), says: "PROBE_TIMEOUT_MS, for a probe under way" },
        { ms: (config.probeDownAfter - 1) * config.suspectProbeIntervalMs, says: `${config.probeDownAfter - 1} × SUSPECT_PROBE_INTERVAL_MS` },
      ],
    },
    {
      name: "EC2's word",
      terms: [...late, { ms: visibleMs, says: visibleMs === config.markVisibleAfterMs ? "MARK_VISIBLE_AFTER_MS" : `three reads of ${EC2_READ_MS} ms` }, tick(config), { ms: EC2_READ_MS, says: "assumed for reading EC2" }],
    },
    ...(config.witnesses.length === 0 ? [] : [{ name: "a witness's word", terms: witnessTerms(config) }]),
  ];
  const slowest = strands.reduce((worst, strand) => (sum(strand.terms) > sum(worst.terms) ? strand : worst));
  const others = strands.filter((strand) => strand !== slowest).map((strand) => `${strand.name} ${sum(strand.terms)} ms`);
  return { what: "The active's instance dies", ms: sum(slowest.terms), how: `${spelled(slowest.terms)}: ${slowest.name}, the last of the evidence (${others.join(", ")})` };
}

/** A witness judges by the same silence, and its verdict travels with its next heartbeat. */
function witnessTerms(config: CoreConfig): readonly Term[] {
  return [{ ms: config.peerLostAfterMs, says: "PEER_LOST_AFTER_MS" }, tick(config), { ms: config.heartbeatIntervalMs, says: "HEARTBEAT_INTERVAL_MS of the witness" }, tick(config)];
}

function row(what: string, terms: readonly Term[]): WorstCase {
  return { what, ms: sum(terms), how: spelled(terms) };
}

function sum(terms: readonly Term[]): number {
  return terms.reduce((total, term) => total + term.ms, 0);
}

function spelled(terms: readonly Term[]): string {
  return terms.map((term) => `${term.ms} ms (${term.says})`).join(" + ");
}
