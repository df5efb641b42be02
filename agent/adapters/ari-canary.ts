/**
 * The canary call: the one probe that goes the way of a real call, through channel, dialplan and Stasis. A Local channel
 * answers itself with one half (`answer@canary` of asterisk-config/extensions.conf); the other half goes through the
 * dialplan (`enter@canary`) into the agent's own application, and there its StasisStart must arrive.
 *
 * No canary may live on. Each is hung up when its probe ends, however it ends; one that turns up later (Asterisk was
 * frozen, say) is hung up when it arrives; one that arrived while we had no event socket, when we have one again; and should
 * nobody be there to do that, the dialplan ends it after 30 s.
 */
import { randomBytes } from "node:crypto";
import { AgentError } from "../errors.ts";
import type { AriClientSession, AriEvent } from "./ari-client-session.ts";

/** How long (ms) a hang-up may take before it is left to the dialplan. */
const HANG_UP_WITHIN_MS = 3_000;

/** Asterisk takes the channels out of its counts a moment (ms) after it has confirmed the hang-up: about 5 with 22.10.1. */
const LINGERS_MS = 100;

/** Asterisk gives up on an unanswered originate after this long (s). */
const ORIGINATE_TIMEOUT_S = 5;

/** All canary calls of one agent. */
export class CanaryCalls {
  readonly #family: string;
  readonly #prefix: string;
  readonly #onDebug: (message: string) => void;
  readonly #waiting = new Map<string, () => void>();
  /** The calls of which Asterisk may still have a channel. */
  readonly #traces = new Set<Promise<unknown>>();
  #count = 0;

  constructor(nodeId: string, onDebug: (message: string) => void) {
    this.#family = `canary-${nodeId}-`;
    this.#prefix = `${this.#family}${randomBytes(4).toString("hex")}`;
    this.#onDebug = onDebug;
  }

  /** One call. @throws the AgentError of what failed first: originating, the session, or the deadline */
  async run(session: AriClientSession, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new AgentError("AGENT_PROBE_TIMEOUT", "the canary call was not started in time");
    this.#count += 1;
    const channelId = `${this.#prefix}-${this.#count}`;
    const arrived = new Promise<void>((resolve) => this.#waiting.set(channelId, resolve));
    const call = session.call("the canary call", signal, async (client) => {
      const channel = { endpoint: "Local/answer@canary", context: "canary", extension: "enter", priority: 1, channelId, timeout: ORIGINATE_TIMEOUT_S };
      // The arrival may be reported before the answer to the order.
      await Promise.race([arrived, client.channels.originate(channel).then(() => arrived)]);
    });
    const end = (): Promise<void> => {
      this.#waiting.delete(channelId);
      return this.#hangUp(session, channelId);
    };
    this.#trace(call.then(end, end));
    await call;
  }

  /** Takes the events of our own application. */
  note(session: AriClientSession, event: AriEvent): void {
    const channelId = event.channel?.id;
    if (event.type !== "StasisStart" || typeof channelId !== "string") return;
    const arrived = this.#waiting.get(channelId);
    if (arrived !== undefined) arrived();
    // Nobody but canaries has any business in this application.
    else this.#trace(this.#hangUp(session, channelId));
  }

  /** Hangs up what is left of earlier canary calls, by the channels that Asterisk counts to our application. */
  sweep(session: AriClientSession, channelIds: readonly unknown[]): void {
    for (const channelId of channelIds) {
      if (typeof channelId === "string" && channelId.startsWith(this.#family) && !this.#waiting.has(channelId)) this.#trace(this.#hangUp(session, channelId));
    }
  }

  /** Resolves when Asterisk has no channel of a canary call any more, as far as we know. */
  async quiet(): Promise<void> {
    while (this.#traces.size > 0) await Promise.all(this.#traces);
  }

  #trace(call: Promise<void>): void {
    const trace = call.then(() => new Promise((resolve) => setTimeout(resolve, LINGERS_MS))).finally(() => this.#traces.delete(trace));
    this.#traces.add(trace);
  }

  /** Never rejects: what can't be hung up is left to the dialplan. */
  async #hangUp(session: AriClientSession, channelId: string): Promise<void> {
    try {
      await session.call("hanging up the canary call", AbortSignal.timeout(HANG_UP_WITHIN_MS), (client) => client.channels.hangup({ channelId }));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      // 404: it is gone already, or never came to be.
      if (!error.message.includes("answered with 404")) this.#onDebug(`${error.message}; the dialplan will end the call`);
    }
  }
}
