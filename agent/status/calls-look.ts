/**
 * The last word of the Stasis app, for whoever looks at the page. It is asked only while somebody looks, never waited for, and an app that
 * is not there, or is another one, is none: the agent needs no app.
 */
import { callsSchema, type CallsView } from "./calls-view.ts";

/** Where the app tells it, unless its APP_STATUS_LISTEN says otherwise. */
const APP_STATUS_URL = "http://127.0.0.1:8093/status";
const EVERY_MS = 1_000;
const ANSWER_MS = 2_000;
/** An older word is none. */
const OLD_MS = 10_000;

/** Where the app is as a rule. */
export function lookAtCalls(monotonicMs: () => number): () => CallsView | null {
  const look = new CallsLook(APP_STATUS_URL, monotonicMs);
  return () => look.latest();
}

export class CallsLook {
  readonly #url: string;
  readonly #monotonicMs: () => number;
  #view: { readonly view: CallsView; readonly atMs: number } | null = null;
  #askedAtMs = -Infinity;

  constructor(url: string, monotonicMs: () => number) {
    this.#url = url;
    this.#monotonicMs = monotonicMs;
  }

  /** What it said last, at once; asks again for the next time. */
  latest(): CallsView | null {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#askedAtMs >= EVERY_MS) void this.ask();
    return this.#view !== null && nowMs - this.#view.atMs < OLD_MS ? this.#view.view : null;
  }

  /** Asks now. Never rejects. */
  async ask(): Promise<void> {
    this.#askedAtMs = this.#monotonicMs();
    try {
      const answer = await fetch(this.#url, { redirect: "error", signal: AbortSignal.timeout(ANSWER_MS) });
      const parsed = callsSchema.safeParse(await answer.json());
      if (parsed.success) this.#view = { view: parsed.data, atMs: this.#monotonicMs() };
    } catch {
      // Nobody there: what was said last grows old.
    }
  }
}
