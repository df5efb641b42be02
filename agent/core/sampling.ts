/** Turns the state into metrics: one sample of every gauge a second, one minute of statistic sets at a time. */
import { configuredAlike } from "./config-digest.ts";
import { canServe, probeHealth } from "./health.ts";
import { addSamples, emptyMetrics, METRIC_NAMES, METRICS, setsOf, type MetricAccumulators, type MetricMinute, type MetricName, type StatisticSets } from "./metrics.ts";
import { isHeldBy } from "./ownership.ts";
import { tally } from "./quorum.ts";
import { PUBLISH_KEY } from "./schedule.ts";
import type { CoreConfig } from "./settings.ts";
import { withChanges, type State } from "./state.ts";
import { hearing } from "./suspicion.ts";

const SAMPLE_INTERVAL_MS = 1_000;

const bit = (value: boolean): number => (value ? 1 : 0);

/** The present value of every gauge. A witness has no Asterisk and no address: it reports only what it knows. */
export function gauges(state: State, config: CoreConfig): Partial<Record<MetricName, number>> {
  const heard = (id: string): boolean => ["heard", "late"].includes(hearing(state.members[id], state.nowMs, config));
  const silences = config.peers.map((peer) => state.nowMs - (state.members[peer]?.heardAtMs ?? state.startedAtMs));
  const drifted = config.peers.filter((peer) => heard(peer) && !configuredAlike(config.configDigest, state.members[peer]?.heartbeat?.configDigest ?? ""));
  const common: Partial<Record<MetricName, number>> = {
    PeerUp: bit(config.peers.some(heard)),
    PeerSilence: Math.max(0, ...silences),
    WitnessesReachable: config.witnesses.filter(heard).length,
    Paused: bit(state.policy.pause.on),
    ConfigDrift: drifted.length,
    EventLoopLag: state.lagMs,
    AgentMemory: state.memoryMib,
  };
  if (config.kind === "witness") return common;
  const up = (row: { readonly okAtMs: number | null; readonly misses: number }): number => bit(row.okAtMs !== null && row.misses < config.probeDownAfter);
  // Onto the same object, which is ours: a spread of so many fields was most of a sample's time.
  return Object.assign(common, {
    Serving: bit(canServe(state.health.serving)),
    AriUp: up(probeHealth(state.health, "ari")),
    SipUp: up(probeHealth(state.health, "sip")),
    StasisAppsUp: bit(config.stasisProbes.every(({ probe }) => probeHealth(state.health, probe).hits > 0)),
    CanaryUp: bit(state.health.ariSocketOpen && probeHealth(state.health, "canary").hits > 0),
    // What a dead Asterisk last said about its calls is no longer true.
    ActiveCalls: canServe(state.health.serving) ? state.health.calls : 0,
    ActiveChannels: canServe(state.health.serving) ? state.health.channels : 0,
    ContactsReachable: state.health.contactsReachable,
    ContactsUnreachable: state.health.contactsUnreachable,
    QueuesAlerted: state.health.alertedQueues,
    EipHeld: bit(isHeldBy(state.ownership, config.nodeId)),
    ClaimReady: bit(state.claimReady.ready === true),
    ObserversDown: observersDown(state, config),
  });
}

function observersDown(state: State, config: CoreConfig): number {
  if (state.evidence.target === null) return 0;
  const votes = tally(state, config);
  return [votes.own.verdict, ...votes.witnesses.map((vote) => vote.verdict)].filter((verdict) => verdict === "down").length;
}

/** Samples when a second has passed, and cuts off a minute when it is full. */
export function sampleMetrics(state: State, config: CoreConfig): { readonly state: State; readonly minute: MetricMinute | null } {
  if (state.nowMs - state.sampledAtMs < SAMPLE_INTERVAL_MS) return { state, minute: null };
  const metrics: MetricAccumulators = { startedAtWallMs: state.metrics.startedAtWallMs, sets: addSamples(setsOf(state.metrics), gauges(state, config)), since: [] };
  // A minute that is still on its way out goes on growing: one publication at a time.
  if (state.nowMs - state.metricsSinceMs < config.metricsIntervalMs || state.inFlight[PUBLISH_KEY] !== undefined) return { state: withChanges(state, { sampledAtMs: state.nowMs, metrics }), minute: null };
  const minute = { atWallMs: metrics.startedAtWallMs, sets: config.kind === "witness" ? metrics.sets : withQuietCounters(metrics) };
  return { state: withChanges(state, { sampledAtMs: state.nowMs, metricsSinceMs: state.nowMs, metrics: emptyMetrics(state.wallMs) }), minute };
}

/** A counter that counted nothing is 0, not missing: alarms tell silence from zero. */
function withQuietCounters(metrics: MetricAccumulators): StatisticSets {
  const quiet = METRIC_NAMES.filter((name) => METRICS[name].kind === "counter" && metrics.sets[name] === undefined);
  return addSamples(metrics.sets, Object.fromEntries(quiet.map((name) => [name, 0])));
}
