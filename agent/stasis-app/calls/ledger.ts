/**
 * What has happened in one call, on its way into the database: in order, and again until it is written. The call itself does not
 * wait for it, so that a slow database delays no prompt; a database that is away for a while loses nothing.
 */
import { pause } from "../../adapters/interruptible.ts";

const AGAIN_MIN_MS = 100;
const AGAIN_MAX_MS = 3_000;

export class Ledger {
  readonly #stop: AbortSignal;
  readonly #onTrouble: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();

  /** @param stop ends the trying; what is not written then is found by the next run of the app */
  constructor(stop: AbortSignal, onTrouble: (error: unknown) => void) {
    this.#stop = stop;
    this.#onTrouble = onTrouble;
  }

  /** Resolves when this, and with it everything before it, is written. */
  write(work: () => Promise<unknown>): Promise<void> {
    this.#last = this.#last.then(() => this.#insist(work));
    return this.#last;
  }

  async #insist(work: () => Promise<unknown>): Promise<void> {
    for (let failures = 0; !this.#stop.aborted; failures += 1) {
      try {
        await work();
        return;
      } catch (error) {
        this.#onTrouble(error);
        await pause(Math.min(AGAIN_MAX_MS, AGAIN_MIN_MS * 2 ** Math.min(failures, 10)), this.#stop);
      }
    }
  }
}
