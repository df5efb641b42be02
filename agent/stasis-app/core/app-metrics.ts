/** The one list of the app's metrics: in CloudWatch beside the agent's, with the same dimensions, sent by the active only. */

/** Calls by state, and attempts of the last hour by result. */
interface Counts {
  readonly queued: number;
  readonly dialling: number;
  readonly up: number;
  readonly lastHour: Readonly<Record<string, number>>;
}

export const APP_METRICS = {
  CallsQueued: { unit: "Count", kind: "gauge", meaning: "Calls that wait for their turn, retries included." },
  CallsDialling: { unit: "Count", kind: "gauge", meaning: "Calls that are being dialled." },
  CallsInMenu: { unit: "Count", kind: "gauge", meaning: "Calls that are up: in a menu, or with an agent." },
  AnsweredRate: { unit: "Count", kind: "gauge", meaning: "Of the attempts that ended in the last hour, the part that was answered, 0 to 1. Not sent when none has ended." },
  EventsWaiting: { unit: "Count", kind: "gauge", meaning: "Events that the sink has not taken yet. It grows while the sink is away." },
  EventsOldest: { unit: "Milliseconds", kind: "gauge", meaning: "Age of the oldest event that waits." },
  AppMetricsDropped: { unit: "Count", kind: "counter", meaning: "Of these measurements, those lost because CloudWatch was away for longer than the spool holds." },
} as const;

export type AppMetricName = keyof typeof APP_METRICS;

export const APP_METRIC_NAMES = Object.keys(APP_METRICS) as readonly AppMetricName[];

/** The values now. `dropped`: measurements lost since this was last asked. */
export function appMetrics(figures: Counts, waiting: { readonly count: number; readonly oldestMs: number }, dropped: number): Readonly<Partial<Record<AppMetricName, number>>> {
  const ended = Object.values(figures.lastHour).reduce((sum, count) => sum + count, 0);
  return {
    CallsQueued: figures.queued,
    CallsDialling: figures.dialling,
    CallsInMenu: figures.up,
    ...(ended === 0 ? {} : { AnsweredRate: (figures.lastHour["answered"] ?? 0) / ended }),
    EventsWaiting: waiting.count,
    EventsOldest: waiting.oldestMs,
    AppMetricsDropped: dropped,
  };
}
