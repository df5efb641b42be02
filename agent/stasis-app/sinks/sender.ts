/**
 * Carries events from the outbox to the sink: each call's in order, those of different calls side by side. A sink that is away is
 * asked again with one event, later and later; then all that has waited follows. Nothing leaves the outbox before the sink has it.
 */
import { pause, within } from "../../adapters/interruptible.ts";
import { Rounds } from "../rounds.ts";
import type { Outbox, Waiting } from "../store/outbox.ts";
import { SinkFailure, type EventSink } from "./sink.ts";

export interface SenderOptions {
  readonly outbox: Pick<Outbox, "due" | "sent" | "failed">;
  readonly sink: EventSink;
  readonly random: () => number;
  /** Only the active sends. */
  readonly mayRun: () => boolean;
  /** A failure, or null when it works again. Told once for each change. */
  readonly onTrouble: (message: string | null) => void;
  readonly idleMs?: number;
  readonly awayMinMs?: number;
  readonly awayMaxMs?: number;
  /** Waits, but not beyond the abort. A test may have another time. */
  readonly wait?: (ms: number, ended: AbortSignal) => Promise<void>;
}

const BATCH = 200;
const DELIVERY_MS = 5_000;
/** How long a call waits whose event was refused: doubled each time, from the first to the last (ms). */
const REFUSED_MIN_MS = 1_000;
const REFUSED_MAX_MS = 600_000;

export class EventSender {
  readonly #options: SenderOptions;
  readonly #rounds = new Rounds((ended) => this.#go(ended));
  #failures = 0;
  #trouble: string | null = null;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#rounds.start();
  }

  async close(): Promise<void> {
    await this.#rounds.close();
    this.#options.sink.close();
  }

  async #go(ended: AbortSignal): Promise<void> {
    const sent = this.#options.mayRun() ? await this.#round().catch((error: unknown) => this.#failed(error)) : 0;
    if (sent === 0) await (this.#options.wait ?? pause)(this.#pauseMs(), ended);
  }

  #pauseMs(): number {
    const { idleMs = 100, awayMinMs = 500, awayMaxMs = 30_000, random } = this.#options;
    return this.#failures === 0 ? idleMs : Math.min(awayMaxMs, awayMinMs * 2 ** Math.min(this.#failures - 1, 20)) * (0.5 + random() / 2);
  }

  /** One event of every call that has one; while the sink is away, one of all. Returns how many are away. */
  async #round(): Promise<number> {
    const due = await this.#options.outbox.due(this.#failures > 0 ? 1 : BATCH);
    if (due.length === 0) return 0;
    const outcomes = await Promise.allSettled(due.map((waiting) => this.#deliver(waiting)));
    const sent = due.filter((_waiting, index) => outcomes[index]?.status === "fulfilled");
    await this.#options.outbox.sent(sent.map(({ id }) => id));
    const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    const away = failures.find((failure) => !(failure instanceof SinkFailure) || failure.kind === "away");
    if (away !== undefined) return this.#failed(away);
    this.#failures = 0;
    this.#tell(failures.length === 0 ? null : messageOf(failures[0]));
    return sent.length;
  }

  async #deliver({ id, event, tries }: Waiting): Promise<void> {
    try {
      await within(DELIVERY_MS, this.#rounds.ended, (signal) => this.#options.sink.deliver(event, signal));
    } catch (error) {
      if (error instanceof SinkFailure && error.kind === "refused") await this.#options.outbox.failed(id, Math.min(REFUSED_MAX_MS, REFUSED_MIN_MS * 2 ** Math.min(tries, 20)));
      throw error;
    }
  }

  #failed(error: unknown): number {
    if (this.#rounds.ended.aborted) return 0;
    this.#failures += 1;
    this.#tell(messageOf(error));
    return 0;
  }

  #tell(trouble: string | null): void {
    if ((trouble === null) === (this.#trouble === null)) return;
    this.#trouble = trouble;
    this.#options.onTrouble(trouble);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
