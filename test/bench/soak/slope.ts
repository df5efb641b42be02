/** The trend of a series: least squares, with how sure it is. A short soak gives a slope that means nothing; this says so. */

export interface Slope {
  /** Per hour, in the series' own unit. */
  readonly perHour: number;
  /** The true slope is within this of it, with 95 % (normal approximation, samples taken as independent). */
  readonly plusMinus: number;
}

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

const HOUR_MS = 3_600_000;
const SIGMAS_95 = 1.96;

/** null with fewer than three points, or when all were taken at one instant. */
export function slopeOf(points: readonly Point[]): Slope | null {
  const n = points.length;
  const meanAt = points.reduce((sum, { atMs }) => sum + atMs, 0) / n;
  const mean = points.reduce((sum, { value }) => sum + value, 0) / n;
  const spread = points.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  if (n < 3 || spread === 0) return null;
  const perMs = points.reduce((sum, { atMs, value }) => sum + (atMs - meanAt) * (value - mean), 0) / spread;
  const rest = points.reduce((sum, { atMs, value }) => sum + (value - mean - perMs * (atMs - meanAt)) ** 2, 0);
  return { perHour: perMs * HOUR_MS, plusMinus: SIGMAS_95 * Math.sqrt(rest / (n - 2) / spread) * HOUR_MS };
}
