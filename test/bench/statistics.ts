/** The few statistics that the results show. Quantiles are samples that were really measured (nearest rank), never made up between two. */
import type { Goal } from "./figure.ts";

export interface Summary {
  readonly n: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** The smallest sample that at least the share `q` of all samples do not exceed. Throws a RangeError when there is none. */
export function quantile(samples: readonly number[], q: number): number {
  if (q <= 0 || q > 1) throw new RangeError(`no quantile ${q}`);
  const sorted = samples.toSorted((one, other) => one - other);
  const value = sorted[Math.ceil(q * sorted.length) - 1];
  if (value === undefined) throw new RangeError("no samples");
  return value;
}

/** null without samples. With fewer than a hundred samples the p99 is the maximum. */
export function summarise(samples: readonly number[]): Summary | null {
  if (samples.length === 0) return null;
  return { n: samples.length, median: quantile(samples, 0.5), p99: quantile(samples, 0.99), max: quantile(samples, 1) };
}

/** Whether the goal was met. An attempt that failed has taken for ever. */
export function isMet(goal: Goal, samples: readonly number[], failures: number): boolean {
  const summary = summarise(samples);
  return summary !== null && failures === 0 && summary[goal.statistic] <= goal.atMost;
}
