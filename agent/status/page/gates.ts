/** What would have to hold before this node claims, with what each gate measured and its limit; and its own probes. */
import { inWords } from "../../core/in-words.ts";
import type { Explanation } from "../explain-schema.ts";
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";
import { ago, latency, sign } from "./words.ts";

type Cause = Explanation["causes"][number];

const CAUSES: Readonly<Record<Cause["cause"], string>> = {
  consent: "By consent: the active asks for it",
  quorum: "By quorum: every sign of life is gone",
  vacant: "Nobody holds the address",
  switchover: "An operator switches over",
  takeover: "An operator forces it",
};

/** Every gate of an automatic claim: what `nodectl explain` prints. */
export function gates({ node, role, causes }: Explanation): Markup {
  if (role !== "standby") return html`<p class="quiet">${node} is ${role}: only a standby asks whether to claim.</p>`;
  return html`<div class="gates">${causes.map(gatesOfCause)}</div>`;
}

function gatesOfCause({ cause, gates: all }: Cause): Markup {
  const open = all.filter(({ passes }) => passes).length;
  const rows = all.map(({ name, passes, value, limit, sentence }) => html`<li class="${passes ? "open" : "shut"}">${sign(passes ? "good" : "none", passes ? "open" : "closed")} <b>${name}</b> <span class="measure">${value}</span><small>needs: ${limit}. ${sentence}</small></li>`);
  return html`<section class="gate"><h3>${CAUSES[cause]}</h3><p class="quiet">${open} of ${all.length} open</p><ul>${rows}</ul></section>`;
}

/** This node's own probes, and how long a failover takes at worst. */
export function probes({ health, worstCase, ready }: StatusView): Markup {
  const dry = ready.claim === null ? "has not been tried yet" : ready.claim ? "would be allowed" : `failed: ${ready.failure?.message ?? "no reason given"}`;
  const rows = (health?.probes ?? []).map(({ name, ok, okAgeMs, latencyMs, misses, failure }) => html`<tr><th scope="row">${name}</th><td>${sign(ok ? "good" : "bad", ok ? "ok" : "failing")}</td><td>${latency(latencyMs)}</td><td>${ok ? `${ago(okAgeMs)} ago` : `${misses} missed${failure === null ? "" : `: ${failure}`}`}</td></tr>`);
  const table = health === null ? html`<p class="quiet">A witness has no Asterisk to probe.</p>` : html`<div class="scroll" role="region" tabindex="0" aria-labelledby="probes-caption"><table><caption id="probes-caption">Probes of this node's Asterisk</caption><thead><tr><th scope="col">Probe</th><th scope="col">State</th><th scope="col">Latency</th><th scope="col">Last</th></tr></thead><tbody>${rows}</tbody></table></div><p class="quiet">A claim, tried dry, ${dry}.</p>`;
  const worst = worstCase.length === 0 ? null : html`<div class="scroll" role="region" tabindex="0" aria-labelledby="worst-caption"><table><caption id="worst-caption">From a failure until the claim is sent, at worst, with these settings</caption><thead><tr><th scope="col">What happens</th><th scope="col">Within</th></tr></thead><tbody>${worstCase.map(({ what, ms }) => html`<tr><th scope="row">${what}</th><td>${inWords(ms)}</td></tr>`)}</tbody></table></div>`;
  return html`<div class="pair">${table}${worst}</div>`;
}
