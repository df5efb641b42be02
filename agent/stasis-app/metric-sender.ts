/**
 * The app's measurements, once an interval, on the way that the agent's take: what CloudWatch does not take waits on the disk, and goes with
 * later calls, no more of them than are made anyway. The active measures; a node that is so no longer sends what still waits.
 */
import { pause, within } from "../adapters/interruptible.ts";
import { publishMinute, type MetricWay } from "../adapters/metric-shipping.ts";
import type { AppMetricName } from "./core/app-metrics.ts";
import { AgentError, type ErrorCode } from "../errors.ts";
import { Rounds } from "./rounds.ts";

const PUBLISH_WITHIN_MS = 10_000;

export interface MetricSenderOptions extends MetricWay<AppMetricName> {
  readonly intervalMs: number;
  readonly wallMs: () => number;
  readonly isActive: () => boolean;
  /** Measures. @param dropped how many measurements were lost since the last time */
  readonly values: (dropped: number) => Promise<Readonly<Partial<Record<AppMetricName, number>>>>;
  readonly onTrouble: (what: string, error: unknown) => void;
}

export class MetricSender {
  readonly #options: MetricSenderOptions;
  readonly #rounds = new Rounds(async (ended) => {
    await pause(this.#options.intervalMs, ended);
    if (!ended.aborted) await this.send();
  });
  /** Lost, and not told to CloudWatch yet. */
  #dropped = 0;

  constructor(options: MetricSenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#rounds.start();
  }

  /** What is on its way when this is asked is kept on the disk. */
  async close(): Promise<void> {
    await this.#rounds.close();
    this.#options.sink.close();
  }

  /** One interval's measurements. Never rejects. */
  async send(): Promise<void> {
    const { isActive, onTrouble, sink, spool, wallMs } = this.#options;
    const told = this.#dropped;
    try {
      const sets = isActive() ? setsOf(await this.#options.values(told)) : {};
      const { dropped, failure } = await within(PUBLISH_WITHIN_MS, this.#rounds.ended, (signal) => publishMinute({ atWallMs: wallMs(), sets }, { sink, spool }, signal));
      // Told once: this minute is CloudWatch's now, or in the spool. An empty one tells nothing.
      this.#dropped += dropped - ("AppMetricsDropped" in sets ? told : 0);
      if (failure !== null) onTrouble("metrics wait on the disk", new AgentError(failure.code as ErrorCode, failure.message));
    } catch (error) {
      onTrouble("metrics could not be measured or kept", error);
    }
  }
}

function setsOf(values: Readonly<Partial<Record<AppMetricName, number>>>) {
  const measured = Object.entries(values) as [AppMetricName, number][];
  return Object.fromEntries(measured.map(([name, value]) => [name, { min: value, max: value, sum: value, count: 1 }] as const));
}
