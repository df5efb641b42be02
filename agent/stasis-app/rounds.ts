/** Work of the app that goes on in rounds, one after the other, from its start until it is closed. */
export class Rounds {
  readonly #round: (ended: AbortSignal) => Promise<void>;
  readonly #end = new AbortController();
  #running: Promise<void> | null = null;

  /** @param round contains its own pause, and lets nothing be thrown that it can bear; the next one begins when it has resolved */
  constructor(round: (ended: AbortSignal) => Promise<void>) {
    this.#round = round;
  }

  /** Fires when no further round will begin. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the round that is under way. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.ended.aborted) await this.#round(this.ended);
  }
}
