/**
 * All calls of this node: gives every signal of Asterisk to the call that it is about, lets callers in, takes up calls that an earlier
 * run of the app has left, and cuts all of them when the node is the active no more.
 */
import type { Campaign } from "../core/campaign.ts";
import type { CallBook } from "../store/call-book.ts";
import type { CallRow } from "../store/call-row.ts";
import type { AriLink, CallSignal, Channel } from "./ari-link.ts";
import { LiveCall, type CallWorld } from "./live-call.ts";
import { isLegOf } from "./transfer.ts";

export interface RunnerOptions {
  readonly campaigns: ReadonlyMap<string, Campaign>;
  readonly book: CallBook;
  readonly monotonicMs: () => number;
  readonly stop: AbortSignal;
  /** Whether this node is the active; asks the agent where that is in doubt. */
  readonly isActive: () => Promise<boolean>;
  /** The agent's user event CallsDropped: the node that lost its calls. */
  readonly onDropped: (from: string) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** Times from key presses to answers that are kept for the figures. */
const REACTIONS_KEPT = 1_000;

export class Runner {
  readonly #options: RunnerOptions;
  readonly #ari: AriLink;
  /** By channel. */
  readonly #calls = new Map<string, LiveCall>();
  /** By channel: calls about which the database and we do not say the same yet. */
  readonly #unsettled = new Map<string, LiveCall>();
  /** By the name of a playback or an agent's channel. */
  readonly #named = new Map<string, LiveCall>();
  readonly #world: CallWorld;
  readonly #reactionsMs: number[] = [];
  /** Before the first look at what an earlier run has left: signals of channels that nobody knows yet, by channel. */
  #early: Map<string, CallSignal[]> | null = new Map();
  /** Channels that could not be hung up. */
  readonly #toEnd = new Set<string>();

  constructor(ari: AriLink, options: RunnerOptions) {
    this.#ari = ari;
    this.#options = options;
    const { book, monotonicMs, stop, onTrouble } = options;
    this.#world = {
      ari, book, monotonicMs, stop, onTrouble,
      name: (id, call) => void this.#named.set(id, call),
      forget: (id) => void this.#named.delete(id),
      hangUp: (channelId, failed) => this.#end(channelId, failed),
      over: (call) => {
        this.#calls.delete(call.channelId);
        this.#unsettled.set(call.channelId, call);
      },
      booked: (channelId) => void this.#unsettled.delete(channelId),
      onReaction: (ms) => {
        this.#reactionsMs.push(ms);
        if (this.#reactionsMs.length > REACTIONS_KEPT) this.#reactionsMs.shift();
      },
    };
  }

  /** The last thousand times from a key press to Asterisk's answer (ms). */
  get reactionsMs(): readonly number[] {
    return this.#reactionsMs;
  }

  get count(): number {
    return this.#calls.size;
  }

  /** Calls that are dialled or up, by campaign. */
  running(campaignId: string): number {
    let running = 0;
    for (const call of this.#calls.values()) if (call.row.campaignId === campaignId && call.row.direction === "out") running += 1;
    return running;
  }

  /** Channels on a trunk. */
  onTrunk(trunk: string): number {
    let channels = 0;
    for (const call of this.#calls.values()) channels += call.trunks().filter((each) => each === trunk).length;
    return channels;
  }

  /** Whether what becomes of that channel's call is ours to say, and will be said. */
  knows(channelId: string): boolean {
    return this.#calls.has(channelId) || this.#unsettled.has(channelId);
  }

  /** Dials a claimed call, if it is still ours when its turn at Asterisk comes. */
  dial(row: CallRow, campaign: Campaign, isOurs: () => boolean): void {
    if (row.channelId === null) return;
    const call = new LiveCall(row, campaign, row.channelId, this.#world);
    this.#calls.set(call.channelId, call);
    void call.dial(isOurs);
  }

  signal(signal: CallSignal): void {
    const channelId = channelOf(signal);
    const early = channelId === null ? undefined : this.#early?.get(channelId);
    if (early !== undefined) early.push(signal);
    else if (this.#early !== null && channelId !== null && !this.#isKnown(channelId)) this.#early.set(channelId, [signal]);
    else this.#take(signal);
  }

  #take(signal: CallSignal): void {
    switch (signal.type) {
      case "StasisStart":
        return this.#arrived(signal.channel, signal.args);
      case "ChannelDtmfReceived":
        return this.#calls.get(signal.channel.id)?.pressed(signal.digit);
      case "PlaybackFinished":
        return this.#named.get(signal.playback.id)?.played(signal.playback.id);
      case "ChannelHangupRequest":
        // One of our own is called soft, and its number is no cause.
        return signal.soft === true ? undefined : this.#calls.get(signal.channel.id)?.hungUp(signal.cause ?? 0);
      case "ChannelDestroyed":
        this.#named.get(signal.channel.id)?.legEnded(signal.cause);
        return this.#calls.get(signal.channel.id)?.destroyed(signal.cause);
      case "ChannelUserevent":
        return this.#told(signal.eventname, signal.userevent);
      case "StasisEnd":
        return this.#calls.get(signal.channel.id)?.left();
    }
  }

  /** The line to Asterisk is there (again): calls whose channel is gone have ended, those of an earlier run are taken up. */
  async lineUp(): Promise<void> {
    // Whoever is being dialled at this moment may not be among the channels yet, and is not lost.
    const placed = [...this.#calls.values()].filter(({ isPlaced }) => isPlaced);
    const channels = new Map((await this.#ari.channels()).map((channel) => [channel.id, channel]));
    for (const call of placed) {
      if (!channels.has(call.channelId)) call.vanished();
      else await call.lineBack(channels);
    }
    for (const row of await this.#options.book.leftBehind()) await this.#takeUp(row, channels);
    this.#replay();
    for (const channelId of [...this.#toEnd, ...channels.keys()].filter((id) => this.#toEnd.has(id) || this.#isNobodys(id))) this.#end(channelId);
    this.#toEnd.clear();
  }

  hangUp(channelId: string): void {
    this.#calls.get(channelId)?.end("cancelled");
  }

  /** The address is elsewhere: these calls can't be heard any more. */
  cutAll(): void {
    for (const call of this.#calls.values()) call.cut();
  }

  /** Resolves when all that has happened so far is written. */
  async written(): Promise<void> {
    await Promise.all([...this.#calls.values(), ...this.#unsettled.values()].map((call) => call.written()));
  }

  #arrived(channel: Channel, args: readonly string[]): void {
    const [entrance = "", called = ""] = args;
    // Who is up and nobody's (its order was given up for lost, and carried out after all) would hear silence for ever.
    if (this.#isNobodys(channel.id)) this.#end(channel.id);
    else if (entrance === "agent") this.#named.get(channel.id)?.legAnswered();
    else if (entrance === "outbound") this.#calls.get(channel.id)?.entered();
    else void this.#cameIn(channel, called).catch((error: unknown) => {
      this.#options.onTrouble("a caller could not be let in", error);
      this.#refuse(channel.id);
    });
  }

  /** On a standby, or where no menu is for the number that was called, a caller is refused in a way that lets a carrier try elsewhere. */
  async #cameIn(channel: Channel, called: string): Promise<void> {
    const campaign = this.#options.book.campaignFor(called);
    if (campaign === null || !(await this.#options.isActive())) return this.#refuse(channel.id);
    const row = await this.#options.book.cameIn({ channelId: channel.id, campaignId: campaign.campaign, phoneNumber: channel.caller.number });
    if (row === null || this.#calls.has(channel.id)) return;
    const call = new LiveCall(row, campaign, channel.id, this.#world);
    this.#calls.set(channel.id, call);
    await call.takeIn(channel.name);
  }

  #isKnown(channelId: string): boolean {
    return this.#calls.has(channelId) || this.#named.has(channelId);
  }

  /** A channel that this app has made, and of which no call of it knows any more. */
  #isNobodys(channelId: string): boolean {
    return /^(?:out|leg)-/.test(channelId) && !this.#isKnown(channelId);
  }

  #replay(): void {
    const early = this.#early ?? new Map<string, CallSignal[]>();
    this.#early = null;
    for (const signals of early.values()) for (const signal of signals) this.#take(signal);
  }

  #end(channelId: string, failed: () => void = () => undefined): void {
    this.#ari.hangUp(channelId).catch(() => {
      if (!this.#ari.isUp) this.#toEnd.add(channelId);
      failed();
    });
  }

  #refuse(channelId: string): void {
    this.#ari.hangUp(channelId, "congestion").catch(() => undefined);
  }

  async #takeUp(row: CallRow, channels: ReadonlyMap<string, Channel>): Promise<void> {
    const { channelId } = row;
    if (channelId === null || this.#calls.has(channelId)) return;
    const channel = channels.get(channelId);
    const campaign = this.#options.campaigns.get(row.campaignId);
    if (channel === undefined || campaign === undefined) {
      await this.#options.book.ended(channelId, "cut", null);
      if (channel !== undefined) await this.#ari.hangUp(channelId);
      return;
    }
    const call = new LiveCall(row, campaign, channelId, this.#world);
    // Known before it is ours in the database, where a call that nobody knows is given back.
    this.#calls.set(channelId, call);
    await this.#options.book.adopt(channelId).catch((error: unknown) => {
      this.#calls.delete(channelId);
      throw error;
    });
    await call.takeUp(channel, [...channels.values()].filter(({ id }) => isLegOf(channelId, id)));
  }

  #told(name: string, event: unknown): void {
    if (name !== "CallsDropped" || typeof event !== "object" || event === null || !("from" in event) || typeof event.from !== "string") return;
    this.#options.onDropped(event.from);
  }
}

/** Of whose earlier run a signal may be; null where it is none's: a caller who comes in is new, and prompts are named by their calls. */
function channelOf(signal: CallSignal): string | null {
  if (signal.type === "PlaybackFinished" || signal.type === "ChannelUserevent") return null;
  if (signal.type === "StasisStart" && !["outbound", "agent"].includes(signal.args[0] ?? "")) return null;
  return signal.channel.id;
}
