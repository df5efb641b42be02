/** A transfer: the agent's phone is rung, and when it is answered, both are put on a bridge until one of them hangs up. */
import { randomUUID } from "node:crypto";
import { resultOf } from "../core/retry.ts";
import type { AriLink } from "./ari-link.ts";

/** As the menu wants to know it. */
export type TransferOutcome = "answered" | "ended" | "busy" | "no-answer" | "failed";

export interface TransferOptions {
  readonly ari: AriLink;
  /** The caller. */
  readonly channelId: string;
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
  readonly #legId = `leg-${randomUUID()}`;
  readonly #bridgeId = `bridge-${randomUUID()}`;
  #connected = false;
  #over = false;
  #begunMs = 0;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  start(): void {
    const { ari, channelId, endpoint, callerId, ringSeconds, name } = this.#options;
    name(this.#legId);
    this.#begunMs = performance.now();
    ari.ring(channelId, true).catch((error: unknown) => this.#options.onTrouble("the caller hears no ringing", error));
    ari.originate({ channelId: this.#legId, endpoint, callerId, ringSeconds, appArgs: "agent" }).catch((error: unknown) => {
      this.#options.onTrouble("an agent could not be called", error);
      this.#finish("failed");
    });
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
