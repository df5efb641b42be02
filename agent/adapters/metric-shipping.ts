/**
 * One minute of metrics on its way out (promise N1). The present minute leaves first, so that alarms see now, and takes
 * as much of an earlier outage along as fits into the same call: a day's backlog drains without a burst.
 */
import { PUT_METRICS_MAX } from "./put-metric-limits.ts";
import type { MetricMinute, MetricName } from "../core/metrics.ts";
import type { Failure } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { MetricSink, MetricSpool } from "../ports.ts";

/** How it went: measurements lost for want of room, and why the minute (or the spool) had to wait; null when all went well. */
export interface Shipped {
  readonly dropped: number;
  readonly failure: Failure | null;
}

/** How measurements leave: at once, or after a time on the disk. */
export interface MetricWay<Name extends string = MetricName> {
  readonly sink: MetricSink<Name>;
  readonly spool: MetricSpool<Name>;
}

/** Publishes the minute with the oldest of the spool, or keeps it there. Rejects when it could do neither. */
export async function publishMinute<Name extends string>(minute: MetricMinute<Name>, metrics: MetricWay<Name> | null, signal: AbortSignal): Promise<Shipped> {
  if (metrics === null) return { dropped: 0, failure: null };
  const { sink, spool } = metrics;
  const { waiting, failure } = await whatWaits(minute, spool);
  try {
    await sink.publish([...waiting, minute], signal);
  } catch (error) {
    return { dropped: await spool.append(minute), failure: toFailure(error) };
  }
  return { dropped: await spool.drop(waiting.length), failure };
}

/** The oldest minutes that fit beside this one. A spool that can't be read must not hold back what is measured now. */
async function whatWaits<Name extends string>(minute: MetricMinute<Name>, spool: MetricSpool<Name>): Promise<{ readonly waiting: readonly MetricMinute<Name>[]; readonly failure: Failure | null }> {
  try {
    const waiting: MetricMinute<Name>[] = [];
    let room = PUT_METRICS_MAX - Object.keys(minute.sets).length;
    for (const old of await spool.oldest()) {
      room -= Object.keys(old.sets).length;
      if (room < 0) break;
      waiting.push(old);
    }
    return { waiting, failure: null };
  } catch (error) {
    return { waiting: [], failure: toFailure(error) };
  }
}

function toFailure(error: unknown): Failure {
  if (!(error instanceof AgentError)) throw error;
  return { code: error.code, message: error.message };
}
