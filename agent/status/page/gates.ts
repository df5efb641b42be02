/** What would have to hold before this node claims, with what each gate measured and its limit; and its own probes. */
import { inWords } from "../../core/in-words.ts";
import { RANK_GATE } from "../explain.ts";
import type { Explanation } from "../explain-schema.ts";
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";
import { latency, sign, when } from "./words.ts";

type Cause = Explanation["causes"][number];
type Gate = Cause["gates"][number];

const CAUSES: Readonly<Record<Cause["cause"], string>> = {
  consent: "By consent: the active asks for it",
  quorum: "By quorum: every sign of life is gone",
  vacant: "Nobody holds the address",
  switchover: "An operator switches over",
  takeover: "An operator forces it",
};

/** Every gate of an automatic claim, as `nodectl explain` prints them. What every cause asks for stands first, once. */
export function gates({ node, role, causes }: Explanation): Markup {
  if (role !== "standby") return html`<p class="quiet">${node} is ${role}: only a standby asks whether to claim.</p>`;
  const [first] = causes;
  const common = new Set((first?.gates ?? []).filter(({ name, value }) => name !== RANK_GATE && causes.every((cause) => cause.gates.some((gate) => gate.name === name && gate.value === value))).map(({ name }) => name));
  const shared = (first?.gates ?? []).filter(({ name }) => common.has(name));
  return html`<div class="gates">${group("Before any claim", shared)}${causes.map(({ cause, gates: all }) => group(CAUSES[cause], all.filter(({ name }) => !common.has(name))))}</div>`;
}

function group(heading: string, all: readonly Gate[]): Markup {
  const open = all.filter(({ passes }) => passes).length;
  return html`<section class="gate"><h3>${heading}</h3><p class="quiet">${open} of ${all.length} open</p><ul>${all.map(gateItem)}</ul></section>`;
}

/** The sentence only where something is in the way: else it says what value and limit say. */
function gateItem({ name, passes, value, limit, sentence }: Gate): Markup {
  return html`<li class="${passes ? "open" : "shut"}">${sign(passes ? "good" : "none", passes ? "open" : "closed")} <b>${name}</b><p>${value}<span class="quiet"> · needs: ${limit}</span></p>${passes ? null : html`<small>${sentence}</small>`}</li>`;
}

/** This node's own probes, and how long a failover takes at worst. */
export function probes({ health, worstCase, ready }: StatusView): Markup {
  const dry = ready.claim === null ? "has not been tried yet" : ready.claim ? "would be allowed" : `failed: ${ready.failure?.message ?? "no reason given"}`;
  const rows = (health?.probes ?? []).map(({ name, ok, okAgeMs, latencyMs, misses, failure }) => html`<tr><th scope="row">${name}</th><td>${sign(ok ? "good" : "bad", ok ? "ok" : "failing")}</td><td>${latency(latencyMs)}</td><td>${ok ? when(okAgeMs) : `${misses} missed${failure === null ? "" : `: ${failure}`}`}</td></tr>`);
  const table = health === null ? html`<p class="quiet">A witness has no Asterisk to probe.</p>` : html`<div class="scroll" role="region" tabindex="0" aria-labelledby="probes-caption"><table><caption id="probes-caption">Probes of this node's Asterisk</caption><thead><tr><th scope="col">Probe</th><th scope="col">State</th><th scope="col">Latency</th><th scope="col">Last</th></tr></thead><tbody>${rows}</tbody></table></div><p class="quiet">A claim, tried dry, ${dry}.</p>`;
  const worst = worstCase.length === 0 ? null : html`<div class="scroll" role="region" tabindex="0" aria-labelledby="worst-caption"><table><caption id="worst-caption">From a failure until the claim is sent, at worst, with these settings</caption><thead><tr><th scope="col">What happens</th><th scope="col">Within</th></tr></thead><tbody>${worstCase.map(({ what, ms }) => html`<tr><th scope="row">${what}</th><td>${inWords(ms)}</td></tr>`)}</tbody></table></div>`;
  return html`<div class="pair"><div>${table}</div>${worst}</div>`;
}
