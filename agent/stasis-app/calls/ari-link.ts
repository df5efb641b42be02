/**
 * The app's line to Asterisk: one ari-client session after the other, and the few operations that the app needs, each with a deadline.
 * Events are looked at here, so that nothing further in deals with what a library hands on.
 */
import type { Client } from "ari-client";
import { z } from "zod";
import type { AriEvent } from "../../adapters/ari-client-session.ts";
import type { AriAccess } from "../../adapters/ari-http.ts";
import { AriSocket, type AriTiming } from "../../adapters/ari-socket.ts";
import { AriTransport } from "../../adapters/ari-transport.ts";
import { pause } from "../../adapters/interruptible.ts";
import { AgentError } from "../../errors.ts";
import { Rounds } from "../rounds.ts";

/** Requests at a time; more wait for their turn. */
const REQUESTS = 20;
/** With those that were not answered in time and are still open. Far below Asterisk's limit (`sessionlimit` in http.conf). */
const UNANSWERED_MAX = 60;
const REQUEST_MS = 5_000;
/** How often the app makes sure that Asterisk's events reach it, and how long one may take (ms). */
const ECHO_MS = 2_000;
const ECHO_WITHIN_MS = 2_000;
const ECHO = "StasisAppEcho";
const TIMING: AriTiming = { pingIntervalMs: 3_000, connectWithinMs: 10_000, retryMinMs: 200, retryMaxMs: 5_000, settledAfterMs: 0 };

const channel = z.object({ id: z.string(), state: z.string(), name: z.string(), caller: z.object({ number: z.string() }) });
const ofChannel = z.object({ id: z.string() });

const eventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("StasisStart"), args: z.array(z.string()), channel }),
  z.object({ type: z.literal("StasisEnd"), channel: ofChannel }),
  z.object({ type: z.literal("ChannelDtmfReceived"), digit: z.string().max(1), channel: ofChannel }),
  z.object({ type: z.literal("ChannelHangupRequest"), cause: z.number().optional(), soft: z.boolean().optional(), channel: ofChannel }),
  z.object({ type: z.literal("ChannelDestroyed"), cause: z.number(), channel: ofChannel }),
  z.object({ type: z.literal("PlaybackFinished"), playback: ofChannel }),
  z.object({ type: z.literal("ChannelUserevent"), eventname: z.string(), userevent: z.unknown() }),
]);
export type CallSignal = z.infer<typeof eventSchema>;

export interface AriLinkOptions {
  readonly access: AriAccess;
  readonly app: string;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  readonly onSignal: (signal: CallSignal) => void;
  /** The line is there: every event from here on arrives. */
  readonly onUp: () => void;
  readonly onDown: (why: string) => void;
  /** Asterisk refuses our password; resolves when a new one has been looked for. */
  readonly onDenied: () => Promise<void>;
}

/** What is asked of a new channel. */
export interface Origination {
  readonly channelId: string;
  readonly endpoint: string;
  readonly callerId: string | null;
  readonly ringSeconds: number;
  readonly appArgs: string;
}

/** A channel as Asterisk lists it. */
export type Channel = z.infer<typeof channel>;

export class AriLink {
  readonly #app: string;
  readonly #transport: AriTransport;
  readonly #onDenied: () => Promise<void>;
  readonly #socket: AriSocket;
  readonly #echoes = new Rounds(async (ended) => {
    await pause(ECHO_MS, ended);
    await this.#echo(ended);
  });
  #echoesHeard = 0;
  #underWay = 0;
  readonly #turns: (() => void)[] = [];

  constructor({ access, app, monotonicMs, random, onSignal, onUp, onDown, onDenied }: AriLinkOptions) {
    this.#app = app;
    this.#onDenied = onDenied;
    this.#transport = new AriTransport(access, UNANSWERED_MAX);
    this.#socket = new AriSocket({
      access, app, clock: { monotonicMs }, random, timing: TIMING,
      onOpen: onUp, onClosed: () => undefined,
      onAway: (reason) => {
        if (isDenial(reason)) void onDenied();
        onDown(reason.message);
      },
      onEvent: (event) => {
        if (isEcho(event)) this.#echoesHeard += 1;
        else signalled(event, onSignal);
      },
      onIgnored: () => undefined,
    });
  }

  get isUp(): boolean {
    return this.#socket.session !== null;
  }

  start(): void {
    this.#socket.start();
    this.#echoes.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.#echoes.close(), this.#socket.close()]);
    this.#transport.close();
  }

  /**
   * @param isWanted asked when its turn comes, which may take a while when Asterisk is slow: what is not wanted any more is not sent
   * @throws AGENT_PROBE_TIMEOUT when nobody knows whether the channel was or will be made; anything else: there is none
   */
  async originate({ channelId, endpoint, callerId, ringSeconds, appArgs }: Origination, isWanted: () => boolean): Promise<void> {
    await this.#call("originate", (client) => client.channels.originate({ channelId, endpoint, app: this.#app, appArgs, timeout: ringSeconds, ...(callerId === null ? {} : { callerId }) }), isWanted);
  }

  async answer(channelId: string): Promise<void> {
    await this.#call("answer", (client) => client.channels.answer({ channelId }));
  }

  async play(channelId: string, playbackId: string, media: readonly string[]): Promise<void> {
    await this.#call("play", (client) => client.channels.playWithId({ channelId, playbackId, media: media.join(",") }));
  }

  async stopPlay(playbackId: string): Promise<void> {
    await this.#call("stop play", (client) => client.playbacks.stop({ playbackId }));
  }

  async ring(channelId: string, on: boolean): Promise<void> {
    await this.#call("ring", (client) => (on ? client.channels.ring({ channelId }) : client.channels.ringStop({ channelId })));
  }

  async hangUp(channelId: string, reason: "normal" | "congestion" = "normal"): Promise<void> {
    await this.#call("hang up", (client) => client.channels.hangup({ channelId, reason }));
  }

  /** Whether Asterisk knows of it still; without a word of Asterisk's it does not. */
  async isPlaying(playbackId: string): Promise<boolean> {
    return await this.#call("look at playback", (client) => client.playbacks.get({ playbackId })).then(() => true, () => false);
  }

  async hasBridge(bridgeId: string): Promise<boolean> {
    return await this.#call("look at bridge", (client) => client.bridges.get({ bridgeId })).then(() => true, () => false);
  }

  /** Connects two channels; the bridge is to be taken away again by `unbridge`. */
  async bridge(bridgeId: string, channels: readonly string[]): Promise<void> {
    await this.#call("bridge", (client) => client.bridges.createWithId({ bridgeId, type: "mixing,dtmf_events" }));
    await this.#call("add to bridge", (client) => client.bridges.addChannel({ bridgeId, channel: [...channels] }));
  }

  /**
   * Takes the bridge away; resolves when that channel is out of it. It is taken out first: one whose bridge is only destroyed leaves it
   * some time later, and a prompt that it is asked to play meanwhile is neither played nor ended.
   */
  async unbridge(bridgeId: string, channel: string): Promise<void> {
    await this.#call("take out of bridge", (client) => client.bridges.removeChannel({ bridgeId, channel: [channel] })).catch(() => undefined);
    await this.#call("take bridge away", (client) => client.bridges.destroy({ bridgeId }));
  }

  async channels(): Promise<readonly Channel[]> {
    const list = await this.#call("list channels", (client) => client.channels.list());
    return z.array(channel).parse(list);
  }

  /**
   * An open socket is no proof that events arrive: when the end of an earlier one reaches Asterisk after the beginning of this one, Asterisk
   * forgets the application, and refuses callers, without a word to us (seen with 22.10.1). So it is asked to tell us something.
   */
  async #echo(ended: AbortSignal): Promise<void> {
    const { session } = this.#socket;
    if (session === null || ended.aborted) return;
    const heard = this.#echoesHeard;
    try {
      await session.call("ARI user event", AbortSignal.timeout(REQUEST_MS), (client) => client.events.userEvent({ eventName: ECHO, application: this.#app }));
      await pause(ECHO_WITHIN_MS, ended);
    } catch (error) {
      // No answer, or another one than that there is no such application, says nothing of it.
      if (!(error instanceof AgentError) || !error.message.includes("was answered with 404")) return;
    }
    if (this.#echoesHeard === heard) session.close("Asterisk has forgotten the application: its events reach nobody");
  }

  async #call<T>(what: string, run: (client: Client) => PromiseLike<T>, isWanted = (): boolean => true): Promise<T> {
    if (this.#underWay >= REQUESTS) await new Promise<void>((turn) => this.#turns.push(turn));
    else this.#underWay += 1;
    try {
      if (!isWanted()) throw new AgentError("AGENT_ARI_FAILED", `ARI ${what}: it is not wanted any more`);
      // What was refused was not done, so it may be asked again.
      return await this.#ask(what, run).catch(async (error: unknown) => {
        if (!isDenial(error)) throw error;
        await this.#onDenied();
        return await this.#ask(what, run);
      });
    } finally {
      // The turn is handed on, or given back.
      const next = this.#turns.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }

  async #ask<T>(what: string, run: (client: Client) => PromiseLike<T>): Promise<T> {
    const { session } = this.#socket;
    if (session === null) throw new AgentError("AGENT_ARI_FAILED", `ARI ${what}: there is no connection to Asterisk`);
    try {
      return await session.call(`ARI ${what}`, AbortSignal.timeout(REQUEST_MS), run);
    } catch (error) {
      if (!session.isOver()) throw error;
      throw new AgentError("AGENT_PROBE_TIMEOUT", `ARI ${what}: the connection to Asterisk ended before the answer`, error);
    }
  }
}

function isDenial(error: unknown): boolean {
  return error instanceof AgentError && error.code === "AGENT_ARI_DENIED";
}

function isEcho(event: AriEvent): boolean {
  return event.type === "ChannelUserevent" && "eventname" in event && event.eventname === ECHO;
}

/** Hands on what makes sense as one of the app's signals; other events are none of its business. */
function signalled(event: AriEvent, onSignal: (signal: CallSignal) => void): void {
  const parsed = eventSchema.safeParse(event);
  if (parsed.success) onSignal(parsed.data);
}
