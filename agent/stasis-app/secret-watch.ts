/**
 * A new version of the secret while the app runs: looked for every interval, and at once when somebody is refused with what it holds,
 * because Asterisk or the database may have the new one before we look. A version that can't be used changes nothing; one of which a
 * part can't be used yet (the database still has the old password, say) is handed on again at the next look.
 */
import { createHash } from "node:crypto";
import { pause, within } from "../adapters/interruptible.ts";
import { AppError } from "./errors.ts";
import { describe } from "./log.ts";
import { Rounds } from "./rounds.ts";
import { parseAppSecret, type AppSecret } from "./secret.ts";

/** Who is refused asks for a look; many are refused at the same moment (ms). */
const LOOKS_APART_MS = 500;
const READ_WITHIN_MS = 10_000;

export interface SecretWatchOptions {
  /** The version that is in use, as text. */
  readonly inUse: string;
  readonly read: (signal: AbortSignal) => Promise<string>;
  readonly intervalMs: number;
  readonly monotonicMs: () => number;
  /** Puts a version to use, as far as it can; rejects when something of it has to be tried again. */
  readonly use: (secret: AppSecret) => Promise<void>;
  readonly onUsed: () => void;
  /** Why the newest version is not in use, told once; null when it is again. */
  readonly onTrouble: (message: string | null) => void;
}

export class SecretWatch {
  readonly #options: SecretWatchOptions;
  readonly #rounds = new Rounds(async (ended) => {
    await pause(this.#options.intervalMs, ended);
    await this.look();
  });
  #inUse: string;
  #lookedAtMs = -Infinity;
  #looking: Promise<void> | null = null;
  #trouble: string | null = null;

  constructor(options: SecretWatchOptions) {
    this.#options = options;
    this.#inUse = digest(options.inUse);
  }

  start(): void {
    this.#rounds.start();
  }

  async close(): Promise<void> {
    await this.#rounds.close();
    await this.#looking;
  }

  /** Looks now, unless that has just been done. Never rejects. */
  async look(): Promise<void> {
    if (this.#rounds.ended.aborted || (this.#looking === null && this.#options.monotonicMs() - this.#lookedAtMs < LOOKS_APART_MS)) return;
    this.#looking ??= this.#look().finally(() => {
      this.#lookedAtMs = this.#options.monotonicMs();
      this.#looking = null;
    });
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { onUsed, read, use } = this.#options;
    try {
      const text = await within(READ_WITHIN_MS, this.#rounds.ended, read);
      if (digest(text) !== this.#inUse) {
        await use(parseAppSecret(text));
        this.#inUse = digest(text);
        onUsed();
      }
      this.#tell(null);
    } catch (error) {
      if (!this.#rounds.ended.aborted) this.#tell(sayingOf(error));
    }
  }

  #tell(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#options.onTrouble(trouble);
  }
}

/** The secret itself need not be kept to see that it has changed. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A foreign error's words may hold a user's name: its code must do. */
function sayingOf(error: unknown): string {
  const { code, kind, message } = describe(error);
  return message ?? (error instanceof AppError ? error.message : `not all of it can be used yet (${code ?? kind})`);
}
