/** The page as a whole: its landmarks, in which the parts that change stand each in an element of its own. */
import type { MoveRecord } from "../../core/moves.ts";
import type { Explanation } from "../explain-schema.ts";
import type { CallsView } from "../calls-view.ts";
import type { StatusView } from "../schema.ts";
import { calls } from "./calls.ts";
import { html, type Markup } from "./markup.ts";
import { now } from "./now.ts";
import { picture } from "./picture.ts";
import { gates, probes } from "./gates.ts";
import { membersTable, observersTable } from "./tables.ts";
import { timeline } from "./timeline.ts";
import { headline, instant, SIGNS } from "./words.ts";

/** The parts that a change of state changes; the charts come from elsewhere. */
export const PARTS = ["now", "picture", "observers", "members", "charts", "timeline", "calls", "gates", "probes"] as const;
export type Part = (typeof PARTS)[number];
export type Parts = Readonly<Record<Part, Markup>>;

/** What a page is made of: what this member knows now, what it would do, and what has happened. */
export interface Shown {
  readonly view: StatusView;
  readonly explanation: Explanation;
  /** The history, the oldest first. */
  readonly moves: readonly MoveRecord[];
  /** Of this machine's Stasis app; null where none answers. */
  readonly calls: CallsView | null;
}

/** Draws every part. */
export function partsOf({ view, explanation, moves, calls: ofApp }: Shown, charts: Markup): Parts {
  return { now: now(view, explanation), picture: picture(view), observers: observersTable(view), members: membersTable(view), charts, timeline: timeline(view, moves), calls: calls(ofApp), gates: gates(explanation), probes: probes(view) };
}

/**
 * The whole document.
 * @param assets names the version of script and style: a page of another version reloads itself
 */
export function documentOf(view: StatusView, parts: Parts, assets: string): string {
  const { tone, title } = headline(view);
  const panel = (part: Part, heading: string): Markup => html`<section class="panel p-${part}" aria-labelledby="${part}-heading"><h2 id="${part}-heading">${heading}</h2><div id="${part}">${parts[part]}</div></section>`;
  const folded = (part: Part, heading: string): Markup => html`<details class="panel p-${part}"><summary>${heading}</summary><div id="${part}">${parts[part]}</div></details>`;
  return `<!DOCTYPE html>\n${html`<html lang="en" data-assets="${assets}"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/><meta name="color-scheme" content="light dark"/><title>${SIGNS[tone]} ${view.cluster}: ${title}</title><link rel="icon" href="/page/icon.svg" type="image/svg+xml"/><link rel="stylesheet" href="/page/page.css"/><script type="module" src="/page/page.js"></script></head>
<body><a class="skip" href="#main">Skip to the state of the cluster</a>
<header><h1>${view.cluster}</h1><p>cluster, as ${view.node} sees it</p><p id="live" class="live" role="status">As of ${instant(view.at)}. This page shows the moment when it was loaded; reload it for the present one.</p></header>
<main id="main"><section class="panel p-now" aria-label="State of the cluster"><div id="now">${parts.now}</div></section>
${panel("picture", "Where the address is")}${panel("observers", "What the observers see")}${panel("charts", "The last hour")}${panel("members", "Members")}${panel("timeline", "What has happened")}
${folded("calls", "Calls of the Stasis app")}${folded("gates", "What must hold before this node claims")}${folded("probes", "Probes and worst cases")}</main>
<footer><p>Read-only. What acts is <code>nodectl</code> on a node. As text: <a href="/text">/text</a>; for programs: <a href="/status">/status</a>, <a href="/health">/health</a>, <a href="/metrics">/metrics</a>. All times are UTC.</p></footer></body></html>`.text}\n`;
}
