/** Tests wait for conditions with deadlines; they never sleep and hope. */
import { performance } from "node:perf_hooks";

/** Milliseconds between two looks at what this process knows itself, which cost next to nothing. */
const STEP_MS = 10;

/** The longest pause (ms) between two looks that ask somebody else. */
const LONGEST_STEP_MS = 100;

/**
 * Looks that ask another process cost both of them: the longer one has waited, the rarer they become, and never later than by a
 * twentieth of the time that it took. Without this, those who wait would use up the cores of those they wait for.
 */
function stepMs(waitedMs: number, asked: boolean): number {
  return asked ? Math.min(LONGEST_STEP_MS, Math.max(STEP_MS, waitedMs / 20)) : STEP_MS;
}

/**
 * Polls `condition` until it yields something other than false, null or undefined, and returns that.
 * @param what completes the sentence "timed out waiting for …"
 * @param withinMs the deadline; generous, because a busy machine is no failure
 */
export async function waitUntil<T>(what: string, condition: () => T | Promise<T>, withinMs: number): Promise<NonNullable<Exclude<T, false>>> {
  const startedAt = performance.now();
  const giveUpAt = startedAt + withinMs;
  let last: unknown;
  for (let asked = false; ; ) {
    try {
      const looked = condition();
      asked = looked instanceof Promise;
      const value = await looked;
      if (value !== false && value !== null && value !== undefined) return value as NonNullable<Exclude<T, false>>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= giveUpAt) throw new Error(`timed out after ${withinMs} ms waiting for ${what}; last seen: ${last instanceof Error ? (last.stack ?? last.message) : String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, stepMs(performance.now() - startedAt, asked)));
  }
}
