/** Tests wait for conditions with deadlines; they never sleep and hope. */
import { performance } from "node:perf_hooks";

/**
 * Polls `condition` until it yields something other than false, null or undefined, and returns that.
 * @param what completes the sentence "timed out waiting for …"
 * @param withinMs the deadline; generous, because a busy machine is no failure
 */
export async function waitUntil<T>(what: string, condition: () => T | Promise<T>, withinMs: number): Promise<NonNullable<Exclude<T, false>>> {
  const giveUpAt = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== null && value !== undefined) return value as NonNullable<Exclude<T, false>>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= giveUpAt) throw new Error(`timed out after ${withinMs} ms waiting for ${what}; last seen: ${last instanceof Error ? (last.stack ?? last.message) : String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
