/** What has happened: every move of the address from the history, and this member's changes of role between them. */
import type { MoveRecord } from "../../core/moves.ts";
import { causeInWords, moveDetails } from "../move-words.ts";
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";
import { instant } from "./words.ts";

/** The rest is told by `nodectl history`. */
const MOVES_SHOWN = 20;

interface Entry {
  readonly at: string;
  readonly kind: "move" | "role";
  readonly what: Markup;
  readonly reason: string;
  readonly details: Markup | null;
}

/** @param moves the history, the oldest first; shown is the newest first */
export function timeline({ transitions, node }: StatusView, moves: readonly MoveRecord[]): Markup {
  const entries: readonly Entry[] = [
    ...moves.slice(-MOVES_SHOWN).map(moveEntry),
    ...transitions.map(({ at, from, to, reason }): Entry => ({ at, kind: "role", what: html`${node}: ${from} → <b>${to}</b>`, reason, details: null })),
  ];
  if (entries.length === 0) return html`<p class="quiet">Nothing has happened since the agent started.</p>`;
  // A move and the change of role that it made may carry the same instant: the later in the list is the later in time.
  const sorted = entries.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).toReversed();
  const older = moves.length > MOVES_SHOWN ? html`<li class="role"><p class="quiet">${moves.length - MOVES_SHOWN} older moves: <code>nodectl history --last all</code></p></li>` : null;
  return html`<ol class="timeline" tabindex="0" aria-label="Moves of the address and changes of role, the newest first">${sorted.map(({ at, kind, what, reason, details }) => html`<li class="${kind}">${instant(at)}<p>${what}</p><p class="quiet">${reason}</p>${details}</li>`)}${older}</ol>`;
}

function moveEntry(move: MoveRecord): Entry {
  const details = moveDetails(move).map(({ name, text }) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`);
  return {
    at: new Date(move.atWallMs).toISOString(),
    kind: "move",
    what: html`<b>The address moved</b> from ${move.from} to <b>${move.to}</b>, ${causeInWords(move)}`,
    reason: move.reason,
    details: details.length === 0 ? null : html`<dl>${details}</dl>`,
  };
}
