/** Some of many, drawn by a seed: equal seeds give equal samples. */
import { seededRandom } from "../simulation/virtual-time.ts";

/** So many of them, in their own order; all when there are no more. */
export function sampleOf<T>(all: readonly T[], size: number, seed: number): readonly T[] {
  const random = seededRandom(seed);
  const drawn = new Set(all.map((one) => ({ one, at: random() })).toSorted((a, b) => a.at - b.at).slice(0, size).map(({ one }) => one));
  return all.filter((one) => drawn.has(one));
}
