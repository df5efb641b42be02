/** How late the agents' own event loops were, as the agents themselves published it: the metric EventLoopLag. */
import { z } from "zod";
import type { Pair } from "../support/lab/pair.ts";

const stored = z.array(z.object({ name: z.string(), atWallMs: z.number(), set: z.object({ max: z.number() }) }));

/** The worst sample (one a second and agent) of the minutes that were published since then; null when none was. */
export async function worstLagMs(pair: Pair, sinceWallMs: number): Promise<number | null> {
  const lags = stored.parse(await pair.aws("metrics")).filter((one) => one.name === "EventLoopLag" && one.atWallMs >= sinceWallMs);
  return lags.length === 0 ? null : Math.max(...lags.map((one) => one.set.max));
}

export function lagInWords(lagMs: number | null): string {
  return lagMs === null ? "The agents published no event-loop lag in that time." : `The agents' own event-loop lag, one sample a second: at most ${Math.round(lagMs)} ms.`;
}
