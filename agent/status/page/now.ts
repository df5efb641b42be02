/** The page's first panel: are callers served, what would happen now, what holds the cluster back, what is wrong. */
import { inWords } from "../../core/in-words.ts";
import type { Explanation } from "../explain-schema.ts";
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";
import { ago, headline, relievers, SIGNS } from "./words.ts";

const CONDITIONS_SHOWN = 6;

/** The state in words. Its attributes say the same to scripts and tests. */
export function now(view: StatusView, explanation: Explanation): Markup {
  const { tone, title, sentence } = headline(view);
  return html`<div class="state ${tone}" data-role="${view.role}" data-holder="${view.address.here ? view.node : view.address.holder}" data-title="${SIGNS[tone]} ${view.cluster}: ${title}">
<div class="verdict"><span class="badge" aria-hidden="true">${SIGNS[tone]}</span><div><h2>${title}</h2><p aria-live="polite" aria-atomic="true">${sentence}</p></div></div>
<div class="next"><h3>What the cluster would do now</h3>${outlook(view, explanation).map((sentence) => html`<p>${sentence}</p>`)}${why(view)}</div>
${limits(view)}${conditions(view)}</div>`;
}

/** What this node would do, in the words of `nodectl explain`; and while all is well, who would take over and how soon. */
function outlook(view: StatusView, { wouldClaim, sentence }: Explanation): readonly string[] {
  const own = wouldClaim === null ? view.waitsFor : sentence;
  const relief = relievers(view);
  const worst = view.worstCase.map(({ ms }) => ms);
  if (view.role === "witness" || view.policy.pause !== null || relief.length === 0 || worst.length === 0 || view.claim !== null) return [own];
  const holder = view.address.here ? view.node : view.address.holder;
  return [own, `If ${holder} fails, ${relief.join(" or ")} claims the address, at worst ${inWords(Math.min(...worst))} to ${inWords(Math.max(...worst))} later: it depends on how it fails.`];
}

/** Left out during a claim, whose reason stands at the top already. */
function why({ node, role, roleForMs, reason, claim }: StatusView): Markup | null {
  return claim !== null ? null : html`<p class="quiet">${node} has been ${role} for ${ago(roleForMs)}. ${reason}</p>`;
}

/** What keeps the cluster from acting by itself. Said also when nothing does, so that nobody has to guess. */
function limits({ policy, gates, role }: StatusView): Markup {
  const { pause, blocked, holdDownLeftMs, claimsLastHour, claimsPerHour, retryInMs } = policy;
  const drain = gates?.quorum.find((gate) => gate.name === "not draining" && !gate.passes);
  const chips = [
    pause === null ? chip(false, "Not paused", "") : chip(true, "Paused", `${pause.leftMs === null ? "until resumed" : `for ${ago(pause.leftMs)} more`}, set on ${pause.setBy}: ${pause.reason}`),
    holdDownLeftMs > 0 ? chip(true, "Hold-down", `${ago(holdDownLeftMs)} more`) : chip(false, "No hold-down", ""),
    blocked ? chip(true, "Blocked", "after too many claims, until nodectl ack") : chip(false, "Not blocked", role === "witness" ? "" : `${claimsLastHour} of ${claimsPerHour} claims this hour`),
    ...(drain === undefined ? [] : [chip(true, "Draining", drain.sentence)]),
    ...(retryInMs > 0 ? [chip(true, "Next try", `in ${ago(retryInMs)}`)] : []),
  ];
  return html`<ul class="chips" aria-label="Limits on automatic claims">${chips}</ul>`;
}

function chip(on: boolean, name: string, detail: string): Markup {
  return html`<li class="${on ? "chip on" : "chip"}"><b>${on ? html`<span aria-hidden="true">▲ </span>` : null}${name}</b>${detail === "" ? "" : ` ${detail}`}</li>`;
}

function conditions({ conditions: all }: StatusView): Markup | null {
  if (all.length === 0) return null;
  const items = all.slice(0, CONDITIONS_SHOWN).map(({ name, severity, sentence }) => html`<li class="${severity === "error" ? "bad" : "warn"}"><b>${severity === "error" ? "✕ error" : "▲ warning"}</b> ${sentence} <code>${name}</code></li>`);
  return html`<ul class="conditions" aria-label="What is wrong">${items}${all.length > CONDITIONS_SHOWN ? html`<li>and ${all.length - CONDITIONS_SHOWN} more: <code>nodectl status --json</code></li>` : null}</ul>`;
}
