/**
 * /metrics in Prometheus' text format, from the same list and the same present values as CloudWatch gets. Gauges are
 * read when scraped; counters, and the sums and counts of what is measured, grow from the agent's start.
 */
import { Counter, Gauge, Registry } from "prom-client";
import { METRIC_NAMES, METRICS, setsOf, type MetricMinute, type MetricName } from "../core/metrics.ts";
import { gauges } from "../core/sampling.ts";
import type { CoreConfig } from "../core/settings.ts";
import type { State } from "../core/state.ts";
import type { Step } from "../core/step.ts";

const PREFIX = "asterisk_node_agent_";
const LABELS = ["cluster", "node"] as const;

/** `AriLatency` becomes `asterisk_node_agent_ari_latency`. Counters end in `_total`, measured ones in `_sum` and `_count`. */
export function prometheusNames(metric: MetricName): readonly string[] {
  const base = PREFIX + metric.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
  switch (METRICS[metric].kind) {
    case "gauge":
      return [base];
    case "counter":
      return [`${base}_total`];
    case "measured":
      return [`${base}_sum`, `${base}_count`];
  }
}

/** What main.ts wires: `observe` into DriverOptions, `text` into the status server. */
export interface PrometheusMetrics {
  /** Keeps what the core cuts off each minute, so that totals go on growing. */
  readonly observe: (result: Step) => void;
  readonly text: (state: State) => Promise<string>;
  readonly contentType: string;
}

/** A value that comes from the state at each scrape. */
interface Series {
  readonly metric: Counter<(typeof LABELS)[number]> | Gauge<(typeof LABELS)[number]>;
  /** undefined: not known on this node, so the series is left out. */
  readonly read: (now: ReturnType<typeof gauges>, totals: MetricMinute["sets"]) => number | undefined;
}

export function makePrometheus(config: CoreConfig): PrometheusMetrics {
  const registry = new Registry();
  const series = METRIC_NAMES.flatMap((metric) => seriesOf(metric, registry));
  const labels = { cluster: config.clusterId, node: config.nodeId };
  let past: MetricMinute["sets"] = {};
  return {
    contentType: registry.contentType,
    observe: ({ actions }) => {
      for (const action of actions) if (action.type === "request" && action.request.kind === "publishMetrics") past = added(past, action.request.minute.sets);
    },
    text: (state) => {
      const now = gauges(state, config);
      const totals = added(past, setsOf(state.metrics));
      for (const { metric, read } of series) {
        metric.reset();
        const value = read(now, totals);
        if (value === undefined) continue;
        if (metric instanceof Counter) metric.inc(labels, value);
        else metric.set(labels, value);
      }
      return registry.metrics();
    },
  };
}

function seriesOf(metric: MetricName, registry: Registry): readonly Series[] {
  const { kind, unit, meaning } = METRICS[metric];
  const [first = "", second = ""] = prometheusNames(metric);
  const options = { labelNames: LABELS, registers: [registry] };
  switch (kind) {
    case "gauge":
      return [{ metric: new Gauge({ name: first, help: meaning, ...options }), read: (now) => now[metric] }];
    case "counter":
      return [{ metric: new Counter({ name: first, help: meaning, ...options }), read: (_now, totals) => totals[metric]?.sum ?? 0 }];
    case "measured":
      return [
        { metric: new Counter({ name: first, help: `${meaning} The sum (${unit.toLowerCase()}).`, ...options }), read: (_now, totals) => totals[metric]?.sum ?? 0 },
        { metric: new Counter({ name: second, help: `${meaning} How many.`, ...options }), read: (_now, totals) => totals[metric]?.count ?? 0 },
      ];
  }
}

/** Adds what counts, gauges left out: their sums mean nothing here. */
function added(a: MetricMinute["sets"], b: MetricMinute["sets"]): MetricMinute["sets"] {
  const sum: Partial<Record<MetricName, NonNullable<MetricMinute["sets"][MetricName]>>> = { ...a };
  for (const name of METRIC_NAMES) {
    const [x, y] = [a[name], b[name]];
    if (METRICS[name].kind === "gauge" || y === undefined) continue;
    sum[name] = x === undefined ? y : { min: Math.min(x.min, y.min), max: Math.max(x.max, y.max), sum: x.sum + y.sum, count: x.count + y.count };
  }
  return sum;
}
