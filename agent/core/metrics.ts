/**
 * The one list of metrics, and the arithmetic of statistic sets. Everything that names a metric (alarms, dashboard,
 * README, /metrics) is generated from METRICS or checked against it. Every metric is sampled once a second, or once
 * per measurement where the unit is a latency, and leaves the node once a minute as a statistic set.
 */
import type { WallMs } from "./types.ts";

/** CloudWatch's units that we use. */
export type MetricUnit = "Count" | "Milliseconds" | "Megabytes";

/** How samples arise: `gauge` each second, `measured` when measured, `counter` summed as things happen. */
export type MetricKind = "gauge" | "measured" | "counter";

interface MetricRow {
  readonly unit: MetricUnit;
  readonly kind: MetricKind;
  readonly meaning: string;
}

export const METRICS = {
  Serving: { unit: "Count", kind: "gauge", meaning: "1 when this node's Asterisk can take calls, 0 when not. Degraded counts as 1." },
  AriUp: { unit: "Count", kind: "gauge", meaning: "1 when ARI answers ping within its deadline." },
  AriLatency: { unit: "Milliseconds", kind: "measured", meaning: "Time of an ARI ping." },
  SipUp: { unit: "Count", kind: "gauge", meaning: "1 when our own Asterisk answers SIP OPTIONS." },
  SipLatency: { unit: "Milliseconds", kind: "measured", meaning: "Time of SIP OPTIONS to our own Asterisk." },
  StasisAppsUp: { unit: "Count", kind: "gauge", meaning: "1 when every application of STASIS_APPS is registered." },
  CanaryUp: { unit: "Count", kind: "gauge", meaning: "1 when the last canary call arrived in our Stasis application." },
  CanaryLatency: { unit: "Milliseconds", kind: "measured", meaning: "Time from originating the canary call to its arrival." },
  ActiveCalls: { unit: "Count", kind: "gauge", meaning: "Calls in progress, the canary not counted." },
  ActiveChannels: { unit: "Count", kind: "gauge", meaning: "Channels in use." },
  ContactsReachable: { unit: "Count", kind: "gauge", meaning: "Registered contacts that answer their qualify, or are not qualified." },
  ContactsUnreachable: { unit: "Count", kind: "gauge", meaning: "Registered contacts that do not answer their qualify." },
  QueuesAlerted: { unit: "Count", kind: "gauge", meaning: "Taskprocessor subsystems in alert: Asterisk drops new SIP requests while this is above 0." },
  EipHeld: { unit: "Count", kind: "gauge", meaning: "1 when EC2 says that this node holds the Elastic IP. The sum over a cluster is 1." },
  ClaimReady: { unit: "Count", kind: "gauge", meaning: "1 when the last dry run of a claim succeeded: permission, path and address are right." },
  PeerUp: { unit: "Count", kind: "gauge", meaning: "1 when at least one peer's heartbeats arrive." },
  PeerSilence: { unit: "Milliseconds", kind: "gauge", meaning: "Age of the youngest heartbeat of the peer that has been silent longest." },
  HeartbeatRtt: { unit: "Milliseconds", kind: "measured", meaning: "Round trip of a heartbeat, the peer's holding time taken off." },
  ObserversDown: { unit: "Count", kind: "gauge", meaning: "Observers, this standby included, whose verdict on the active is down." },
  AliveMarks: { unit: "Count", kind: "counter", meaning: "Alive marks written because the peer and this active do not hear each other." },
  WitnessesReachable: { unit: "Count", kind: "gauge", meaning: "Witnesses whose heartbeats arrive." },
  Paused: { unit: "Count", kind: "gauge", meaning: "1 while automatic claims are paused by an operator." },
  Claims: { unit: "Count", kind: "counter", meaning: "Automatic claims that moved the address to this node." },
  ClaimsFailed: { unit: "Count", kind: "counter", meaning: "Claims that EC2 refused, or that were not confirmed by reading back." },
  ClaimDuration: { unit: "Milliseconds", kind: "measured", meaning: "Time from the decision to claim to the confirmation by two reads." },
  Demotions: { unit: "Count", kind: "counter", meaning: "Times that this node stopped being active because EC2 showed the address elsewhere." },
  ConfigDrift: { unit: "Count", kind: "gauge", meaning: "Peers that run with other cluster-wide settings than this node." },
  EventLoopLag: { unit: "Milliseconds", kind: "gauge", meaning: "How late the agent's own tick came." },
  AgentMemory: { unit: "Megabytes", kind: "gauge", meaning: "Resident memory of the agent." },
  MetricsDropped: { unit: "Count", kind: "counter", meaning: "Measurements lost because CloudWatch was away for longer than the spool holds." },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

/** A statistic set: min <= max, count >= 1, sum of the samples. */
export interface StatisticSet {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly count: number;
}

/** A set for each metric that was sampled; the others are absent. */
export type StatisticSets = Readonly<Partial<Record<MetricName, StatisticSet>>>;

/** The samples of the minute under way. */
export interface MetricAccumulators {
  readonly startedAtWallMs: WallMs;
  /** Up to the last time that the gauges were sampled. */
  readonly sets: StatisticSets;
  /** What was measured and counted since then, at most a second long; setsOf() has both. */
  readonly since: readonly { readonly name: MetricName; readonly value: number }[];
}

/** One minute of measurements, ready to leave: the wall time of its start, and a set per metric, the agent's or another program's. */
export interface MetricMinute<Name extends string = MetricName> {
  readonly atWallMs: WallMs;
  readonly sets: Readonly<Partial<Record<Name, StatisticSet>>>;
}

export function emptyMetrics(startedAtWallMs: WallMs): MetricAccumulators {
  return { startedAtWallMs, sets: {}, since: [] };
}

/** Notes one sample down. Some come with every heartbeat, and a copy of all sets for each took most of the time of a step (measured). */
export function note(metrics: MetricAccumulators, name: MetricName, value: number): MetricAccumulators {
  return { startedAtWallMs: metrics.startedAtWallMs, sets: metrics.sets, since: [...metrics.since, { name, value }] };
}

/** The sets with all samples so far. */
export function setsOf({ sets, since }: MetricAccumulators): StatisticSets {
  const next: Partial<Record<MetricName, StatisticSet>> = { ...sets };
  for (const { name, value } of since) next[name] = withSample(next[name], name, value);
  return next;
}

/** Adds one sample. Values that CloudWatch would refuse (NaN, infinities) must not occur and throw a RangeError. */
export function addSample(sets: StatisticSets, name: MetricName, value: number): StatisticSets {
  return addSamples(sets, { [name]: value });
}

/** Adds one sample to each of several metrics. */
export function addSamples(sets: StatisticSets, samples: Readonly<Partial<Record<MetricName, number>>>): StatisticSets {
  const next: Partial<Record<MetricName, StatisticSet>> = { ...sets };
  for (const name of Object.keys(samples) as MetricName[]) {
    const value = samples[name];
    if (value !== undefined) next[name] = withSample(next[name], name, value);
  }
  return next;
}

function withSample(old: StatisticSet | undefined, name: MetricName, value: number): StatisticSet {
  if (!Number.isFinite(value)) throw new RangeError(`${name} was sampled as ${value}`);
  if (old === undefined) return { min: value, max: value, sum: value, count: 1 };
  return { min: Math.min(old.min, value), max: Math.max(old.max, value), sum: old.sum + value, count: old.count + 1 };
}
