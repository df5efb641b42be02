/** The Stasis app's calls, in the figures of `nodectl calls`. */
import { APP_ROLE_WORDS, troublesOf, type CallsView } from "../calls-view.ts";
import { html, type Markup } from "./markup.ts";
import { ago, sign } from "./words.ts";

/** @param calls null where no app answers */
export function calls(view: CallsView | null): Markup {
  if (view === null) return html`<p class="quiet">No Stasis app of this repository answers on this machine. Yours may run here all the same; ask it.</p>`;
  const { campaigns, figures, here, role, waiting } = view;
  const results = Object.entries(figures?.lastHour ?? {}).map(([result, count]) => `${result} ${count}`);
  const rows: readonly (readonly [string, string])[] = [
    ["Calls", figures === null ? "unknown" : `${figures.queued} queued, ${figures.dialling} being dialled, ${figures.up} up (${here} on this node)`],
    ["Last hour", figures === null ? "unknown" : results.length === 0 ? "no attempt has ended" : results.join(", ")],
    ["Events", waiting === null ? "unknown" : waiting.count === 0 ? "all delivered" : `${waiting.count} wait, the oldest for ${ago(waiting.oldestMs)}`],
    ...campaigns.map(({ campaign, callsPerSecond, concurrent, running }) => [`Campaign ${campaign}`, `${running} of ${concurrent} calls at once, ${callsPerSecond} a second at most`] as const),
  ];
  return html`<p>${sign(role === "holding" ? "warn" : "good", role)} ${APP_ROLE_WORDS[role]}</p>
${troublesOf(view).map((trouble) => html`<p>${sign("bad", trouble)}</p>`)}
<div class="scroll" role="region" tabindex="0" aria-label="The Stasis app's calls"><table><tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table></div>`;
}
