/** Where events go. A sink takes one event or fails; it never tries again by itself: the sender does, because it knows the order. */
import type { CallEvent } from "../core/event.ts";
import { AppError } from "../errors.ts";

export interface EventSink {
  /** For the log and /health: what it is and where, without credentials. */
  readonly name: string;
  /**
   * Resolves when the event is safe there. It may come again.
   * @throws SinkFailure
   */
  deliver(event: CallEvent, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** `away`: nothing can be delivered now. `refused`: this event is not wanted; others may be. */
export class SinkFailure extends AppError {
  override readonly name = "SinkFailure";
  readonly kind: "away" | "refused";

  constructor(kind: "away" | "refused", message: string, cause?: unknown) {
    super("APP_SINK_FAILED", message, cause);
    this.kind = kind;
  }
}
