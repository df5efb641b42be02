/**
 * One call that is under way, from its beginning to its end: takes Asterisk's signals, and writes down what happened. What is said on
 * it meanwhile is its conversation's (conversation.ts), and what follows an attempt is a rule (core/retry.ts).
 */
import { AgentError } from "../../errors.ts";
import type { Campaign } from "../core/campaign.ts";
import { endpointOf } from "../core/pacing.ts";
import { resultOf, type Result } from "../core/retry.ts";
import type { CallBook } from "../store/call-book.ts";
import type { CallRow } from "../store/call-row.ts";
import type { AriLink, Channel } from "./ari-link.ts";
import { Conversation } from "./conversation.ts";
import { Ledger } from "./ledger.ts";
import { bridgeOf, type TransferOptions } from "./transfer.ts";

/** From the end of a call in the app to the word that its channel is destroyed. */
const DESTROYED_WITHIN_MS = 1_000;

/** What we hang up with, and what a BYE without a cause stands for (Q.850). */
const NORMAL_CLEARING = 16;

/** What a call needs of the world around it. */
export interface CallWorld {
  readonly ari: AriLink;
  readonly book: CallBook;
  readonly monotonicMs: () => number;
  readonly stop: AbortSignal;
  /** Something that the call asked for has a name of its own (a playback, an agent's channel): its signals are the call's. */
  readonly name: (id: string, call: LiveCall) => void;
  readonly forget: (id: string) => void;
  readonly over: (call: LiveCall) => void;
  /** Hangs a channel up, at the latest when the line to Asterisk is there again. `failed`: now it can't be done. */
  readonly hangUp: (channelId: string, failed?: () => void) => void;
  /** Its end is written down. */
  readonly booked: (channelId: string) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** From a key press to Asterisk's answer to what it led to (ms). */
  readonly onReaction: (ms: number) => void;
}

export class LiveCall {
  readonly row: CallRow;
  readonly campaign: Campaign;
  readonly channelId: string;
  readonly #world: CallWorld;
  readonly #ledger: Ledger;
  readonly #conversation: Conversation;
  #longest: NodeJS.Timeout | undefined;
  #answered = false;
  #placed = false;
  #trunk: string | null;
  #over = false;
  /** Why it ends, as far as that was told before its end (Q.850). */
  #cause: number | null = null;
  /** How it is to be written down when it ends for a reason of ours. */
  #reason: Result | null = null;
  readonly #begunMs: number;

  constructor(row: CallRow, campaign: Campaign, channelId: string, world: CallWorld) {
    this.row = row;
    this.campaign = campaign;
    this.channelId = channelId;
    this.#world = world;
    this.#begunMs = world.monotonicMs();
    this.#trunk = row.direction === "out" ? campaign.trunk : null;
    this.#ledger = new Ledger(world.stop, (error) => world.onTrouble("the database did not take what happened in a call", error));
    this.#conversation = new Conversation({
      row, campaign, channelId, ari: world.ari, book: world.book, ledger: this.#ledger, monotonicMs: world.monotonicMs, name: (id) => world.name(id, this), forget: world.forget,
      onTrouble: world.onTrouble, onReaction: world.onReaction, onEnd: () => this.end("answered"),
    });
  }

  get isUp(): boolean {
    return this.#answered;
  }

  /** Whether Asterisk has said that there is a channel. */
  get isPlaced(): boolean {
    return this.#placed;
  }

  /**
   * Dials. An originate that fails is an attempt that failed; one of which nobody knows whether it rings was cut, and so was one that is
   * not ours any more when its turn comes.
   */
  async dial(isOurs: () => boolean): Promise<void> {
    const { phoneNumber } = this.row;
    const { trunk, callerId = null, ringSeconds } = this.campaign;
    try {
      await this.#world.ari.originate({ channelId: this.channelId, endpoint: `PJSIP/${phoneNumber}@${trunk}`, callerId, ringSeconds, appArgs: "outbound" }, () => !this.#over && this.#reason === null && isOurs());
      this.#placed = true;
      // What was asked for it meanwhile has not found a channel yet.
      if (this.#over) this.#world.hangUp(this.channelId);
    } catch (error) {
      if (this.#over) return;
      this.#world.onTrouble("Asterisk did not dial", error);
      // A channel that is made after all is hung up here, or when it arrives and nobody knows it.
      this.#world.hangUp(this.channelId);
      const isDoubtful = error instanceof AgentError && error.code === "AGENT_PROBE_TIMEOUT";
      this.#finish(this.#reason ?? (isDoubtful || !isOurs() ? "cut" : "failed"), null);
    }
  }

  /** The trunks on which the call has a channel now, its agent's included: a carrier counts each. */
  trunks(): readonly string[] {
    return [this.#trunk, this.#conversation.pjsipEndpoint].filter((trunk) => trunk !== null);
  }

  /** A caller is there and must be answered first. */
  async takeIn(channelName: string): Promise<void> {
    this.#placed = true;
    this.#trunk = endpointOf(channelName);
    try {
      await this.#world.ari.answer(this.channelId);
      this.entered();
    } catch (error) {
      this.#world.onTrouble("a caller could not be answered", error);
      this.end("failed");
    }
  }

  /**
   * Takes up a call of an earlier run. With an agent who is still there it goes on talking; one whose agent has left meanwhile goes on
   * after the transfer; an agent whose phone still rings is called anew.
   */
  async takeUp(channel: Channel, legs: readonly Channel[]): Promise<void> {
    if (this.#over) return;
    this.#placed = true;
    this.#trunk = endpointOf(channel.name);
    if (channel.state !== "Up") return this.row.direction === "in" ? this.takeIn(channel.name) : undefined;
    const bridgeId = bridgeOf(this.channelId);
    const leg = legs.find(({ state }) => state === "Up")?.id;
    for (const other of legs) if (other.id !== leg) this.#world.hangUp(other.id);
    const wasConnected = await this.#world.ari.hasBridge(bridgeId);
    if (leg !== undefined) return this.entered(this.row.menuNode, { id: leg, isConnected: wasConnected });
    if (wasConnected) await this.#world.ari.unbridge(bridgeId, this.channelId).catch(() => undefined);
    this.entered(this.row.menuNode, wasConnected ? "gone" : null);
  }

  /** The line to Asterisk is there again: what was not told meanwhile is found out. */
  async lineBack(channels: ReadonlyMap<string, Channel>): Promise<void> {
    if (this.#over || !this.#answered) return;
    await this.#conversation.lineBack(channels);
  }

  /** The call is up: its conversation begins, or goes on where it has been before, if that is known, with the agent of its transfer. */
  entered(node: string | null = null, agent: TransferOptions["leg"] | "gone" = null): void {
    if (this.#over || this.#answered) return;
    this.#answered = true;
    this.#longest = setTimeout(() => this.end("answered"), this.campaign.maxCallSeconds * 1000);
    if (this.row.state !== "up") void this.#ledger.write(() => this.#world.book.answered(this.channelId));
    this.#conversation.begin(node, agent);
  }

  pressed(digit: string): void {
    this.#conversation.pressed(digit);
  }

  /** A playback or an agent's channel that this call has named has something to say. */
  played(id: string): void {
    this.#conversation.played(id);
  }

  legAnswered(): void {
    this.#conversation.legAnswered();
  }

  legEnded(cause: number): void {
    this.#conversation.legEnded(cause);
  }

  /** The other side has hung up: the end follows, and of a caller's channel it comes without a cause. With SIP's BYE none is given. */
  hungUp(cause: number): void {
    this.#cause = cause === 0 ? NORMAL_CLEARING : cause;
  }

  /** The channel is no more. */
  destroyed(cause: number): void {
    const rangMs = this.#world.monotonicMs() - this.#begunMs;
    this.#finish(this.#reason ?? (this.#answered ? "answered" : resultOf(cause, rangMs, this.campaign.ringSeconds)), cause);
  }

  /**
   * The channel is with the app no more, which never sends one on: the call is over. Of a caller's channel nothing further is told;
   * of one that the app has made the end is told as well, with its cause, which is waited for.
   */
  left(): void {
    if (this.row.direction === "in") this.#finishAsTold();
    else setTimeout(() => this.#finishAsTold(), DESTROYED_WITHIN_MS);
  }

  /**
   * The channel is gone, and its end was told while the line was away. Whose hang-up was told before, or asked for by us, has
   * ended in order, and must not be rung back; of any other nobody knows what has taken it.
   */
  vanished(): void {
    if (this.#reason === null && this.#cause === null) this.#finish("cut", null);
    else this.#finishAsTold();
  }

  #finishAsTold(): void {
    this.#finish(this.#reason ?? (this.#answered ? "answered" : "failed"), this.#cause);
  }

  /** Ends the call for a reason of ours. */
  end(reason: Result): void {
    if (this.#over) return;
    this.#reason ??= reason;
    this.#cause ??= NORMAL_CLEARING;
    this.#world.hangUp(this.channelId, () => {
      // No such channel, or no Asterisk: its end will not be told.
      this.#finish(reason, null);
    });
  }

  /** The failover or crash has taken it; it is not waited for. */
  cut(): void {
    this.#world.hangUp(this.channelId);
    this.#finish("cut", null);
  }

  /** Resolves when all that has happened is written. */
  written(): Promise<void> {
    return this.#ledger.write(() => Promise.resolve());
  }

  #finish(result: Result, cause: number | null): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#longest);
    this.#conversation.abandon();
    this.#world.over(this);
    void this.#ledger.write(() => this.#world.book.ended(this.channelId, result, cause)).then(() => this.#world.booked(this.channelId));
  }
}
