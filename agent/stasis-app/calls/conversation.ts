/**
 * What somebody on a call that is up hears, presses, and is connected to: asks the menu what to do, and does it. It decides nothing
 * by itself (core/menu.ts does); how the call begins and ends is not its business (live-call.ts).
 */
import type { Campaign } from "../core/campaign.ts";
import { newMenuState, step, type MenuAction, type MenuEvent, type MenuState } from "../core/menu.ts";
import type { CallBook } from "../store/call-book.ts";
import type { CallRow } from "../store/call-row.ts";
import type { AriLink, Channel } from "./ari-link.ts";
import type { Ledger } from "./ledger.ts";
import { Prompt } from "./prompt.ts";
import { Transfer, type TransferOptions } from "./transfer.ts";

export interface ConversationOptions {
  readonly row: CallRow;
  readonly campaign: Campaign;
  readonly channelId: string;
  readonly ari: AriLink;
  readonly book: Pick<CallBook, "isAt" | "optOut" | "tell">;
  readonly ledger: Ledger;
  readonly monotonicMs: () => number;
  /** A playback or an agent's channel has a name of its own: its signals are this conversation's, until it is forgotten. */
  readonly name: (id: string) => void;
  readonly forget: (id: string) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** From a key press to Asterisk's answer to what it led to (ms). */
  readonly onReaction: (ms: number) => void;
  /** The menu is at its end. */
  readonly onEnd: () => void;
}

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #prompt: Prompt;
  #menu: MenuState = newMenuState();
  #transfer: Transfer | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** An agent's channel of an earlier run, while the call is taken up. */
  #leg: TransferOptions["leg"] = null;
  #over = false;

  constructor(options: ConversationOptions) {
    this.#options = options;
    const { ari, channelId, name, forget, onTrouble } = options;
    this.#prompt = new Prompt({ ari, channelId, name, forget, onTrouble, onPlayed: (turn) => this.#feed({ type: "played", turn }) });
  }

  /** Where the agent is rung or talks; null without a transfer, or for another technology than SIP. */
  get pjsipEndpoint(): string | null {
    return this.#transfer?.pjsipEndpoint ?? null;
  }

  /** Begins, at the node where it has been before if that is known. `agent`: of the transfer in which it has been, a channel, or "gone". */
  begin(node: string | null, agent: TransferOptions["leg"] | "gone"): void {
    if (agent === null || agent === "gone") return this.#feed({ type: "entered", node, agent });
    this.#leg = agent;
    this.#feed({ type: "entered", node, agent: "there" });
    this.#leg = null;
  }

  pressed(digit: string): void {
    if (this.#transfer?.isConnected === true) return;
    const { monotonicMs, onReaction } = this.#options;
    const atMs = monotonicMs();
    this.#feed({ type: "digit", digit }, () => onReaction(monotonicMs() - atMs));
  }

  /** A playback or an agent's channel that this conversation has named has something to say. */
  played(id: string): void {
    this.#prompt.ended(id);
  }

  legAnswered(): void {
    this.#transfer?.answered();
  }

  legEnded(cause: number): void {
    this.#transfer?.ended(cause);
  }

  /** The line to Asterisk is there again: what was not told meanwhile is found out. */
  async lineBack(channels: ReadonlyMap<string, Channel>): Promise<void> {
    if (this.#transfer !== null) return this.#transfer.lineBack(channels);
    await this.#prompt.lineBack();
  }

  /** The call is over. */
  abandon(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#transfer?.abandon();
    this.#prompt.abandon();
  }

  #feed(event: MenuEvent, done?: () => void): void {
    if (this.#over) return;
    const { book, campaign, channelId, ledger } = this.#options;
    const before = this.#menu.node;
    const { state, actions } = step(campaign.menu, this.#menu, event);
    this.#menu = state;
    const asked = actions.map((action) => this.#do(action));
    if (state.node !== before) void ledger.write(() => book.isAt(channelId, state.node));
    if (done !== undefined) void Promise.all(asked).then(done);
  }

  /** Resolves when Asterisk has answered, whatever it said. */
  #do(action: MenuAction): Promise<void> {
    const { book, channelId, ledger, onEnd, row } = this.#options;
    switch (action.type) {
      case "play":
        return this.#prompt.play(action.media.flatMap((media) => (media === "$audio" ? (row.audio ?? []) : media)), action.turn);
      case "stop-play":
        return this.#prompt.stop();
      case "start-timer":
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#feed({ type: "timer", turn: action.turn }), action.ms);
        return Promise.resolve();
      case "stop-timer":
        clearTimeout(this.#timer);
        return Promise.resolve();
      case "transfer":
        this.#connect(action);
        return Promise.resolve();
      case "opt-out":
        void ledger.write(() => book.optOut(channelId));
        return Promise.resolve();
      case "tell":
        void ledger.write(() => book.tell(channelId, action.event, action.data));
        return Promise.resolve();
      case "hang-up":
        onEnd();
        return Promise.resolve();
    }
  }

  #connect({ to, turn, ringSeconds }: Extract<MenuAction, { readonly type: "transfer" }>): void {
    const { ari, campaign, channelId, forget, name, onTrouble, row } = this.#options;
    const endpoint = "endpoint" in to ? to.endpoint : `PJSIP/${to.number}@${to.trunk ?? campaign.trunk}`;
    // An agent's own phone shows who is calling; a carrier takes none but our numbers.
    const own = "endpoint" in to && /^\+?\d{2,15}$/.test(row.phoneNumber) ? row.phoneNumber : null;
    this.#transfer = new Transfer({
      ari, channelId, leg: this.#leg, endpoint, callerId: own ?? campaign.callerId ?? null, ringSeconds, name, forget, onTrouble,
      onOutcome: (outcome) => {
        if (outcome !== "answered") this.#transfer = null;
        this.#feed({ type: "transfer", turn, outcome });
      },
    });
    this.#transfer.start();
  }
}
