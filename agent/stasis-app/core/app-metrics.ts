/** The one list of the app's metrics: in CloudWatch beside the agent's, with the same dimensions, sent by the active only. */

/** Calls by state, and attempts of the last hour by result. */
interface Counts {
  readonly queued: number;
  readonly dialling: number;
  readonly up: number;
  readonly lastHour: Readonly<Record<string, number>>;
}

export const APP_METRICS = {
  CallsQueued: { unit: "Count", meaning: "Calls that wait for their turn, retries included." },
  CallsDialling: { unit: "Count", meaning: "Calls that are being dialled." },
  CallsInMenu: { unit: "Count", meaning: "Calls that are up: in a menu, or with an agent." },
  AnsweredRate: { unit: "Count", meaning: "Of the attempts that ended in the last hour, the part that was answered, 0 to 1. Not sent when none has ended." },
  EventsWaiting: { unit: "Count", meaning: "Events that the sink has not taken yet. It grows while the sink is away." },
  EventsOldest: { unit: "Milliseconds", meaning: "Age of the oldest event that waits." },
} as const;

export type AppMetricName = keyof typeof APP_METRICS;

/** The values now. */
export function appMetrics(figures: Counts, waiting: { readonly count: number; readonly oldestMs: number }): Readonly<Partial<Record<AppMetricName, number>>> {
  const ended = Object.values(figures.lastHour).reduce((sum, count) => sum + count, 0);
  return {
    CallsQueued: figures.queued,
    CallsDialling: figures.dialling,
    CallsInMenu: figures.up,
    ...(ended === 0 ? {} : { AnsweredRate: (figures.lastHour["answered"] ?? 0) / ended }),
    EventsWaiting: waiting.count,
    EventsOldest: waiting.oldestMs,
  };
}
