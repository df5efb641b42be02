/** What a call is played: one prompt at a time, each with a name of its own, so that the end of an earlier one is not taken for the end of this one. */
import { randomUUID } from "node:crypto";
import type { AriLink } from "./ari-link.ts";

export interface PromptOptions {
  readonly ari: Pick<AriLink, "play" | "stopPlay" | "isPlaying">;
  readonly channelId: string;
  readonly name: (id: string) => void;
  readonly forget: (id: string) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** It has been played to its end. `turn`: of the menu, in which it was asked for. */
  readonly onPlayed: (turn: number) => void;
}

export class Prompt {
  readonly #options: PromptOptions;
  #now: { readonly id: string; readonly turn: number } | null = null;

  constructor(options: PromptOptions) {
    this.#options = options;
  }

  /** Nothing to play counts as played, and so does what Asterisk can't play: silence, but the call goes on. Resolves when Asterisk has answered. */
  async play(media: readonly string[], turn: number): Promise<void> {
    const { ari, channelId, name, onTrouble } = this.#options;
    const id = `play-${randomUUID()}`;
    this.#now = { id, turn };
    name(id);
    if (media.length === 0) {
      setImmediate(() => this.ended(id));
      return;
    }
    try {
      await ari.play(channelId, id, media);
    } catch (error) {
      if (!this.#isPlaying(id)) return;
      onTrouble("a prompt could not be played", error);
      setImmediate(() => this.ended(id));
    }
  }

  #isPlaying(id: string): boolean {
    return this.#now?.id === id;
  }

  /** Resolves when Asterisk has answered. */
  async stop(): Promise<void> {
    const now = this.#now;
    this.#now = null;
    // One that has just ended by itself is not there any more.
    if (now !== null) await this.#options.ari.stopPlay(now.id).catch(() => undefined);
  }

  /** Asterisk says that a prompt is over. */
  ended(id: string): void {
    this.#options.forget(id);
    if (this.#now?.id !== id) return;
    const { turn } = this.#now;
    this.#now = null;
    this.#options.onPlayed(turn);
  }

  /** The line to Asterisk is there again: its end may not have been told. */
  async lineBack(): Promise<void> {
    const now = this.#now;
    if (now !== null && !(await this.#options.ari.isPlaying(now.id))) this.ended(now.id);
  }

  /** The call is over. */
  abandon(): void {
    if (this.#now !== null) this.#options.forget(this.#now.id);
    this.#now = null;
  }
}
