/** What CloudWatch's PutMetricData accepts (CloudWatch API reference, PutMetricData and MetricDatum). */

/** Metrics in one call. */
export const PUT_METRICS_MAX = 1_000;

/** Timestamps reach from two weeks ago to two hours ahead (ms); we stay a minute inside. */
export const PUT_OLDEST_MS = 14 * 86_400_000 - 60_000;
export const PUT_NEWEST_MS = 2 * 3_600_000 - 60_000;
