/** Durations as an operator says them. One function, so that log, status and conditions never differ in the unit. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `850 ms`, `1.5 s`, `34 s`, `12 min`, `3 h 12 min`, `4 d 3 h`: two significant parts at most. Negative counts as 0. */
export function inWords(ms: number): string {
  const duration = Math.max(0, ms);
  if (duration < SECOND_MS) return `${Math.round(duration)} ms`;
  if (duration < 10 * SECOND_MS) return `${(duration / SECOND_MS).toFixed(1)} s`;
  if (duration < 2 * MINUTE_MS) return `${Math.round(duration / SECOND_MS)} s`;
  if (duration < 2 * HOUR_MS) return `${Math.round(duration / MINUTE_MS)} min`;
  const [big, small, name] = duration < 2 * DAY_MS ? ([HOUR_MS, MINUTE_MS, "h %d min"] as const) : ([DAY_MS, HOUR_MS, "d %d h"] as const);
  return `${Math.floor(duration / big)} ${name.replace("%d", String(Math.floor((duration % big) / small)))}`;
}
