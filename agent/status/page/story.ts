/** What has happened, and what would have to: the moves of the address with their sentences, the gates of a claim, the probes. */
import { inWords } from "../../core/in-words.ts";
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";
import { ago, instant, latency, sign } from "./words.ts";

interface Entry {
  readonly at: string;
  readonly kind: "move" | "role";
  readonly what: Markup;
  readonly reason: string;
}

/** Moves of the address, and this member's changes of role between them; the newest first. */
export function timeline({ moves, transitions, node }: StatusView): Markup {
  const entries: readonly Entry[] = [
    ...moves.map(({ at, from, to, reason }): Entry => ({ at, kind: "move", what: html`<b>The address moved</b> from ${from} to <b>${to}</b>`, reason })),
    ...transitions.map(({ at, from, to, reason }): Entry => ({ at, kind: "role", what: html`${node}: ${from} → <b>${to}</b>`, reason })),
  ];
  if (entries.length === 0) return html`<p class="quiet">Nothing has happened since the agent started.</p>`;
  // A move and the change of role that it made may carry the same instant: the later in the list is the later in time.
  const sorted = entries.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).toReversed();
  return html`<ol class="timeline" tabindex="0" aria-label="Moves of the address and changes of role, the newest first">${sorted.map(({ at, kind, what, reason }) => html`<li class="${kind}">${instant(at)}<p>${what}</p><p class="quiet">${reason}</p></li>`)}</ol>`;
}

const CAUSES = { quorum: "By quorum: every sign of life is gone", consent: "By consent: the active asks for it", vacant: "Nobody holds the address" } as const;

/** Every gate of a claim with what it found; only a standby has them. */
export function gates(view: StatusView): Markup {
  if (view.gates === null) return html`<p class="quiet">${view.node} is ${view.role}: only a standby asks whether to claim.</p>`;
  const lists = (["quorum", "consent", "vacant"] as const).map((cause) => html`<section class="gate"><h3>${CAUSES[cause]}</h3><ul>${(view.gates?.[cause] ?? []).map(({ name, passes, sentence }) => html`<li>${sign(passes ? "good" : "none", passes ? "open" : "closed")} <b>${name}</b><small>${sentence}</small></li>`)}</ul></section>`);
  return html`<div class="gates">${lists}</div>`;
}

/** This node's own probes, and how long a failover takes at worst. */
export function probes({ health, worstCase, ready }: StatusView): Markup {
  const dry = ready.claim === null ? "has not been tried yet" : ready.claim ? "would be allowed" : `failed: ${ready.failure?.message ?? "no reason given"}`;
  const rows = (health?.probes ?? []).map(({ name, ok, okAgeMs, latencyMs, misses, failure }) => html`<tr><th scope="row">${name}</th><td>${sign(ok ? "good" : "bad", ok ? "ok" : "failing")}</td><td>${latency(latencyMs)}</td><td>${ok ? `${ago(okAgeMs)} ago` : `${misses} missed${failure === null ? "" : `: ${failure}`}`}</td></tr>`);
  const table = health === null ? html`<p class="quiet">A witness has no Asterisk to probe.</p>` : html`<div class="scroll" role="region" tabindex="0" aria-labelledby="probes-caption"><table><caption id="probes-caption">Probes of this node's Asterisk</caption><thead><tr><th scope="col">Probe</th><th scope="col">State</th><th scope="col">Latency</th><th scope="col">Last</th></tr></thead><tbody>${rows}</tbody></table></div><p class="quiet">A claim, tried dry, ${dry}.</p>`;
  const worst = worstCase.length === 0 ? null : html`<div class="scroll" role="region" tabindex="0" aria-labelledby="worst-caption"><table><caption id="worst-caption">From a failure until the claim is sent, at worst, with these settings</caption><thead><tr><th scope="col">What happens</th><th scope="col">Within</th></tr></thead><tbody>${worstCase.map(({ what, ms }) => html`<tr><th scope="row">${what}</th><td>${inWords(ms)}</td></tr>`)}</tbody></table></div>`;
  return html`<div class="pair">${table}${worst}</div>`;
}
