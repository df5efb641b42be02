/** A transfer: the agent's phone is rung, and when it is answered, both are put on a bridge until one of them hangs up. */
import { randomUUID } from "node:crypto";
import { dialledEndpointOf } from "../core/pacing.ts";
import { resultOf } from "../core/retry.ts";
import type { AriLink, Channel } from "./ari-link.ts";

/** Of a leg of whose end nothing was told (Q.850). */
const NORMAL_CLEARING = 16;

/** An agent's channel says by its name whose it is, and so does the bridge: the next run of the app finds them. */
export function isLegOf(channelId: string, legId: string): boolean {
  return legId.startsWith("leg-") && legId.endsWith(`-of-${channelId}`);
}

/** A call is on one bridge at a time. */
export function bridgeOf(channelId: string): string {
  return `bridge-of-${channelId}`;
}

/** As the menu wants to know it. */
export type TransferOutcome = "answered" | "ended" | "busy" | "no-answer" | "failed";

export interface TransferOptions {
  readonly ari: AriLink;
  /** The caller. */
  readonly channelId: string;
  /** An agent who has answered in an earlier run of the app, and whether both were on the bridge; null: one is to be called. */
  readonly leg: { readonly id: string; readonly isConnected: boolean } | null;
  /** Where the agent is. */
  readonly endpoint: string;
  readonly callerId: string | null;
  readonly ringSeconds: number;
  readonly name: (id: string) => void;
  readonly forget: (id: string) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** `answered` at most once and first; then one of the others, exactly once, unless the transfer is abandoned. */
  readonly onOutcome: (outcome: TransferOutcome) => void;
}

export class Transfer {
  readonly #options: TransferOptions;
  readonly #legId: string;
  readonly #bridgeId: string;
  #placed = false;
  #connected = false;
  #over = false;
  #begunMs = 0;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#legId = options.leg?.id ?? `leg-${randomUUID().slice(0, 8)}-of-${options.channelId}`;
    this.#bridgeId = bridgeOf(options.channelId);
  }

  /** Where the agent's channel is: on a trunk, or at a phone's own endpoint; null for another technology's. */
  get pjsipEndpoint(): string | null {
    return dialledEndpointOf(this.#options.endpoint);
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  start(): void {
    const { ari, channelId, leg, endpoint, callerId, ringSeconds, name } = this.#options;
    name(this.#legId);
    this.#begunMs = performance.now();
    if (leg !== null) {
      this.#placed = true;
      this.#connected = leg.isConnected;
      return this.answered();
    }
    ari.ring(channelId, true).catch((error: unknown) => this.#options.onTrouble("the caller hears no ringing", error));
    ari.originate({ channelId: this.#legId, endpoint, callerId, ringSeconds, appArgs: "agent" }, () => !this.#over).then(
      () => {
        this.#placed = true;
        if (this.#over) ari.hangUp(this.#legId).catch(() => undefined);
      },
      (error: unknown) => {
        if (this.#over) return;
        this.#options.onTrouble("an agent could not be called", error);
        this.#finish("failed");
      },
    );
  }

  answered(): void {
    if (this.#over || this.#connected) return;
    this.#connected = true;
    this.#connect().then(
      () => { if (!this.#over) this.#options.onOutcome("answered"); },
      (error: unknown) => {
        this.#options.onTrouble("caller and agent could not be connected", error);
        this.#finish("failed");
      },
    );
  }

  ended(cause: number): void {
    if (this.#connected) return this.#finish("ended");
    const result = resultOf(cause, performance.now() - this.#begunMs, this.#options.ringSeconds);
    this.#finish(result === "busy" || result === "no-answer" ? result : "failed");
  }

  /** The line to Asterisk is there again: the agent may have answered meanwhile, or hung up. */
  lineBack(channels: ReadonlyMap<string, Channel>): void {
    const leg = channels.get(this.#legId);
    if (leg?.state === "Up") this.answered();
    else if (leg === undefined && this.#placed) this.ended(NORMAL_CLEARING);
  }

  /** The caller is gone. */
  abandon(): void {
    void this.#clear();
  }

  async #connect(): Promise<void> {
    const { ari, channelId } = this.#options;
    await ari.ring(channelId, false);
    await ari.bridge(this.#bridgeId, [channelId, this.#legId]);
  }

  /** The caller is free for the menu before the menu hears of it. */
  #finish(outcome: TransferOutcome): void {
    if (this.#over) return;
    void this.#clear().then(() => this.#options.onOutcome(outcome));
  }

  /** Whatever is already gone may be: neither is asked for twice. */
  async #clear(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { ari, channelId, forget } = this.#options;
    forget(this.#legId);
    ari.hangUp(this.#legId).catch(() => undefined);
    await (this.#connected ? ari.unbridge(this.#bridgeId, channelId) : ari.ring(channelId, false)).catch(() => undefined);
  }
}
