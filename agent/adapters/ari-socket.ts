/**
 * Keeps the agent's ARI event socket open, with its filter and its subscription: Asterisk may be away at our start, restart, or
 * freeze, and a session of ari-client that has ended never comes back by itself.
 */
import { AgentError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { AriClientSession, type AriEvent } from "./ari-client-session.ts";
import type { AriAccess } from "./ari-http.ts";
import { pause, stopAfter } from "./interruptible.ts";

/** Timing of the event socket's upkeep, all ms. */
export interface AriTiming {
  /** A ping goes out this often; two in a row unanswered end the socket. */
  readonly pingIntervalMs: number;
  /** One attempt to connect may take this long; loading ARI's description takes about 0.2 s. */
  readonly connectWithinMs: number;
  /** One call of filter or subscription may take this long. */
  readonly setUpWithinMs: number;
  /** When filter or subscription failed they are tried again after this long. */
  readonly setUpAgainMs: number;
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
  readonly onDebug: (message: string) => void;
  readonly timing: Partial<AriTiming>;
  /** A session has begun; nothing of it is set up yet. */
  readonly onOpen: () => void;
  /** The filter is in force; with the channels that the application holds, left over from an earlier session. */
  readonly onSetUp: (session: AriClientSession, channels: readonly string[]) => void;
  readonly onEvent: (session: AriClientSession, event: AriEvent) => void;
}

const TIMING: AriTiming = { pingIntervalMs: 2_000, connectWithinMs: 5_000, setUpWithinMs: 2_000, setUpAgainMs: 10_000, retryMinMs: 100, retryMaxMs: 2_000, settledAfterMs: 5_000 };

/**
 * All that the agent's application may be sent. Contacts and peers for counting; StasisStart is the canary's arrival;
 * ChannelDestroyed (one a call) lets the roster forget a call at once;
 * ApplicationReplaced because somebody else's socket on our name would otherwise leave us deaf without a word (seen with
 * 22.10.1: the filter holds that back too, and the old socket stays open).
 */
const ALLOWED_EVENTS = ["ContactStatusChange", "PeerStatusChange", "StasisStart", "ApplicationReplaced", "ChannelDestroyed"];

/** Safe to construct, and to start, while Asterisk is away. */
export class AriSocket {
  readonly #options: AriSocketOptions;
  readonly #timing: AriTiming;
  readonly #closing = new AbortController();
  #session: AriClientSession | null = null;
  #absence = new AgentError("AGENT_ARI_FAILED", "the ARI event socket has not been opened yet");
  #upkeep: Promise<void> | null = null;

  constructor(options: AriSocketOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
  }

  /** The present session; null while there is none. */
  get session(): AriClientSession | null {
    return this.#session;
  }

  /** Why there was no session when there last was none. */
  get absence(): AgentError {
    return this.#absence;
  }

  /** Begins to keep it open. `onSocket` hears of every beginning and end. */
  start(onSocket: (open: boolean) => void): void {
    this.#upkeep ??= this.#keepSocket(onSocket);
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
  async #keepSocket(onSocket: (open: boolean) => void): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      const { reason, livedMs } = await this.#holdSession(onSocket);
      failures = livedMs >= this.#timing.settledAfterMs ? 1 : failures + 1;
      if (reason.message !== this.#absence.message) this.#options.onDebug(`No ARI event socket: ${reason.message}.`);
      this.#absence = reason;
      await pause(this.#retryDelayMs(failures), signal);
    }
  }

  /** One session from the attempt to its end; resolves with why there is none any more, and how long there was one. */
  async #holdSession(onSocket: (open: boolean) => void): Promise<{ readonly reason: AgentError; readonly livedMs: number }> {
    const { pingIntervalMs, connectWithinMs } = this.#timing;
    const deadline = stopAfter(connectWithinMs, this.#closing.signal);
    let session: AriClientSession;
    try {
      session = await AriClientSession.open(
        { access: this.#options.access, app: this.#options.app, pingIntervalMs, onEvent: (event) => this.#note(event), onIgnored: (type) => this.#options.onDebug(`Events of type ${type} are ignored.`) },
        deadline.signal,
      );
    } catch (error) {
      return { reason: asAgentError(error), livedMs: 0 };
    } finally {
      deadline.cancel();
    }
    const openedAtMs = this.#options.clock.monotonicMs();
    this.#session = session;
    this.#options.onOpen();
    onSocket(true);
    const setUp = this.#setUp(session);
    const reason = await session.ended;
    this.#session = null;
    onSocket(false);
    await setUp;
    return { reason, livedMs: this.#options.clock.monotonicMs() - openedAtMs };
  }

  /** Filter first, then the subscription, so that no call's events slip through. Both may be repeated; both are until they succeed. */
  async #setUp(session: AriClientSession): Promise<void> {
    const within = (): AbortSignal => AbortSignal.timeout(this.#timing.setUpWithinMs);
    while (!session.isOver()) {
      try {
        const filter = { allowed: ALLOWED_EVENTS.map((type) => ({ type })) };
        const app = await session.call("the event filter", within(), (client) => client.applications.filter({ applicationName: this.#options.app, filter }));
        this.#options.onSetUp(session, [app.channel_ids].flat());
        await session.call("the subscription to PJSIP's endpoints", within(), (client) => client.applications.subscribe({ applicationName: this.#options.app, eventSource: "endpoint:PJSIP" }));
        return;
      } catch (error) {
        const { message } = asAgentError(error);
        if (!session.isOver()) this.#options.onDebug(`${message}; it will be tried again.`);
        await pause(this.#timing.setUpAgainMs, session.over);
      }
    }
  }

  #note(event: AriEvent): void {
    if (this.#session === null) return;
    if (event.type === "ApplicationReplaced") this.#session.close(`another program has opened an event socket as ${this.#options.app} (a second agent with this NODE_ID?)`);
    else this.#options.onEvent(this.#session, event);
  }

  #retryDelayMs(failures: number): number {
    const { retryMinMs, retryMaxMs } = this.#timing;
    const delayMs = Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(failures - 1, 20));
    return delayMs * (0.5 + this.#options.random() / 2);
  }
}

function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  // Not of the world's making: a defect of ours, which must not pass for an Asterisk that is away.
  throw error;
}
