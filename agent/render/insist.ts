/** Asking again, with growing pauses, until an answer comes or the time is up: a boot must not fail for a second of bad network. */
import { pause, within } from "../adapters/interruptible.ts";
import { AgentError } from "../errors.ts";

const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 8_000;
/** No answer will be another one: asking again only delays the news. */
const FINAL = new Set(["AGENT_SECRET_INVALID", "AGENT_RENDER_INVALID", "AGENT_CONFIG_INVALID"]);

/** `until` ends the whole; `attemptMs` one attempt. */
export interface Patience {
  readonly until: AbortSignal;
  readonly attemptMs: number;
  /** Told of every failure after which it is tried again. */
  readonly onFailure: (error: AgentError) => void;
}

/** Resolves with the first answer. @throws the last failure, when time is up or asking again is of no use */
export async function insist<T>({ until, attemptMs, onFailure }: Patience, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
    try {
      return await within(attemptMs, until, ask);
    } catch (error) {
      if (!(error instanceof AgentError) || FINAL.has(error.code) || until.aborted) throw error;
      onFailure(error);
      await pause(pauseMs * (0.5 + Math.random() / 2), until);
      if (isOver(until)) throw error;
    }
  }
}

/** Asked anew after a pause, where the compiler would otherwise believe what it knew before. */
const isOver = (until: AbortSignal): boolean => until.aborted;
