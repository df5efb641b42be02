/**
 * Keeps a program's ARI event socket open: Asterisk may be away at our start, restart, or freeze, and a session of ari-client
 * that has ended never comes back by itself. The agent has such a socket, and the Stasis app.
 */
import { AgentError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { AriClientSession, type AriEvent } from "./ari-client-session.ts";
import type { AriAccess } from "./ari-http.ts";
import { pause, within } from "./interruptible.ts";

/** Timing of the event socket's upkeep, all ms. */
export interface AriTiming {
  /** A ping goes out this often; two in a row unanswered end the socket. */
  readonly pingIntervalMs: number;
  /** One attempt to connect may take this long; loading ARI's description takes about 0.2 s. */
  readonly connectWithinMs: number;
  /** The pause between attempts doubles from `min` to `max`; half of it is chance. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** A socket that lived this long was a good one: the pause starts from `min` again. */
  readonly settledAfterMs: number;
}

/** What it needs, and whom it tells. */
export interface AriSocketOptions {
  readonly access: AriAccess;
  /** The application in whose name it is opened; only one socket may have it. */
  readonly app: string;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  readonly timing: AriTiming;
  /** A session has begun. What this returns is awaited when the session has ended. */
  readonly onOpen: (session: AriClientSession) => Promise<void> | void;
  /** A session that was announced has ended. */
  readonly onClosed: () => void;
  /** There is no session, and why: after every attempt that failed and every session that ended, unless we ended it. */
  readonly onAway: (reason: AgentError) => void;
  readonly onEvent: (event: AriEvent) => void;
  /** Events of a type that ari-client doesn't know, which would harm it. */
  readonly onIgnored: (type: string) => void;
}

/** Safe to construct, and to start, while Asterisk is away. */
export class AriSocket {
  readonly #options: AriSocketOptions;
  readonly #closing = new AbortController();
  #session: AriClientSession | null = null;
  #upkeep: Promise<void> | null = null;

  constructor(options: AriSocketOptions) {
    this.#options = options;
  }

  /** The present session; null while there is none. */
  get session(): AriClientSession | null {
    return this.#session;
  }

  /** Begins to keep it open. */
  start(): void {
    this.#upkeep ??= this.#keep();
  }

  /** No other session after the present one. */
  openNoMore(): void {
    this.#closing.abort();
  }

  /** Ends the present session too; resolves when nothing is left. */
  async close(): Promise<void> {
    this.openNoMore();
    this.#session?.close();
    await this.#upkeep;
  }

  /** The loop that holds the socket. Unbounded, because nobody else would ever open it again. */
  async #keep(): Promise<void> {
    const { signal } = this.#closing;
    const isOver = (): boolean => signal.aborted;
    for (let failures = 0; !isOver(); ) {
      const { reason, livedMs } = await this.#hold();
      if (isOver()) return;
      failures = livedMs !== null && livedMs >= this.#options.timing.settledAfterMs ? 1 : failures + 1;
      this.#options.onAway(reason);
      await pause(this.#retryDelayMs(failures), signal);
    }
  }

  /** One session from the attempt to its end; resolves with why there is none any more, and how long there was one (null: none was opened). */
  async #hold(): Promise<{ readonly reason: AgentError; readonly livedMs: number | null }> {
    const { access, app, clock, timing, onOpen, onClosed, onIgnored } = this.#options;
    let session: AriClientSession;
    try {
      session = await within(timing.connectWithinMs, this.#closing.signal, (signal) => AriClientSession.open({ access, app, pingIntervalMs: timing.pingIntervalMs, onEvent: (event) => this.#note(event), onIgnored }, signal));
    } catch (error) {
      // Anything else is not of the world's making: a defect of ours, which must not pass for an Asterisk that is away.
      if (!(error instanceof AgentError)) throw error;
      return { reason: error, livedMs: null };
    }
    const openedAtMs = clock.monotonicMs();
    this.#session = session;
    const opened = onOpen(session);
    const reason = await session.ended;
    this.#session = null;
    onClosed();
    await opened;
    return { reason, livedMs: clock.monotonicMs() - openedAtMs };
  }

  #note(event: AriEvent): void {
    if (event.type === "ApplicationReplaced") this.#session?.close(`another program has opened an event socket as ${this.#options.app} (another one with this NODE_ID?)`);
    else this.#options.onEvent(event);
  }

  #retryDelayMs(failures: number): number {
    const { retryMinMs, retryMaxMs } = this.#options.timing;
    const delayMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(failures - 1, 20));
    return delayMs * (0.5 + this.#options.random() / 2);
  }
}
