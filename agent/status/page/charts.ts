/**
 * The last hour as small charts: lines for latencies and calls, bands for what each Asterisk was and where the address was.
 * Drawn here, as SVG, because a browser that runs no script shall see them too. What a colour says, a dash, a height and a
 * sentence say as well.
 */
import type { MonotonicMs } from "../../core/types.ts";
import type { LastHour, ServingState, Span } from "./last-hour.ts";
import { html, type Markup } from "./markup.ts";
import { latency } from "./words.ts";

const HOUR_MS = 3_600_000;
/** A young agent's chart shows the time that it has, not an empty hour. */
const SHORTEST_MS = 300_000;
/** Parts of a span: 2 s each at first, 24 s each when the hour is full. */
const PARTS = 150;
const HEIGHT = 56;
const BAND_HEIGHT = 14;
/** Of the band, by how bad it is: to be told apart without colours. */
const BAND_SHARE: Readonly<Record<ServingState, number>> = { serving: 1, degraded: 0.6, down: 0.28, silent: 0 };
/** A latency axis that is finer shows noise (ms), one of calls shows nothing (calls). */
const LEAST_TOP = { ms: 2, calls: 5 } as const;

/** Above the highest measurement, so that it does not run along the edge. */
const HEADROOM = 1.1;

interface Line {
  readonly label: string;
  readonly track: string;
}

interface LineChart {
  readonly title: string;
  readonly unit: keyof typeof LEAST_TOP;
  readonly lines: readonly Line[];
}

/** All charts; a sentence before the first sample. */
export function charts(hour: LastHour, heartbeatsTo: readonly string[], nowMs: MonotonicMs): Markup {
  const span = hour.span(SHORTEST_MS, HOUR_MS, PARTS);
  if (span === null) return html`<p class="quiet">Nothing measured yet.</p>`;
  // In the same order and colours on every member's page.
  const nodes = hour.nodes.toSorted();
  const lineCharts: readonly LineChart[] = [
    { title: "Heartbeat round trip", unit: "ms", lines: heartbeatsTo.map((id) => ({ label: id, track: `rtt:${id}` })) },
    { title: "Probes of our Asterisk", unit: "ms", lines: [{ label: "ARI ping", track: "ari" }, { label: "SIP OPTIONS", track: "sip" }] },
    { title: "Calls", unit: "calls", lines: nodes.map((id) => ({ label: id, track: `calls:${id}` })) },
  ];
  const drawn = lineCharts.map((chart) => ({ chart, values: chart.lines.map((line) => hour.highest(line.track, span)) }));
  return html`${drawn.filter(({ chart }) => chart.lines.length > 0).map(({ chart, values }) => lineChart(chart, values, span, nowMs))}${bands(hour, span, nowMs)}`;
}

function lineChart({ title, unit, lines }: LineChart, values: readonly (readonly (number | null)[])[], span: Span, nowMs: MonotonicMs): Markup {
  const measured = values.flat().filter((value) => value !== null);
  const top = niceTop(Math.max(LEAST_TOP[unit], ...measured.map((value) => value * HEADROOM)));
  const say = (value: number | null): string => (unit === "ms" ? latency(value) : value === null ? "–" : String(value));
  const legend = lines.map(({ label }, index) => html`<li><svg class="key" viewBox="0 0 24 8" aria-hidden="true"><path class="line line-${index % 4}" d="M0 4H24"/></svg>${label} <b>${say(values[index]?.at(-1) ?? null)}</b></li>`);
  const spoken = lines.map(({ label }, index) => `${label}: ${summary(values[index] ?? [], say)}`).join(" ");
  return html`<figure class="chart"><figcaption>${title}${unit === "ms" ? html`<span class="quiet"> ms</span>` : null}</figcaption><ul class="legend">${legend}</ul>
<div class="plot"><span class="top" aria-hidden="true">${top}</span><svg role="img" aria-label="${title}, ${spanInWords(span)}. ${spoken}" viewBox="0 0 ${PARTS} ${HEIGHT}" preserveAspectRatio="none"><path class="grid" d="M0 .5H${PARTS}M0 ${HEIGHT / 2}H${PARTS}M0 ${HEIGHT - 0.5}H${PARTS}"/>${values.map((each, index) => html`<path class="line line-${index % 4}" d="${pathOf(each, top)}"/>`)}</svg></div>${axis(span, nowMs)}</figure>`;
}

/** Now, usually and at most: what one reads from the line. */
function summary(values: readonly (number | null)[], say: (value: number | null) => string): string {
  const measured = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  if (measured.length === 0) return "nothing measured.";
  const last = values.at(-1) ?? null;
  return `${last === null ? "nothing now" : `now ${say(last)}`}, median ${say(measured[measured.length >> 1] ?? null)}, highest ${say(measured.at(-1) ?? null)}.`;
}

/** Lines through what was measured; a gap where nothing was. A single value is a short stroke. */
function pathOf(values: readonly (number | null)[], top: number): string {
  const parts: string[] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const y = (HEIGHT - 1 - (value / top) * (HEIGHT - 3)).toFixed(1).replace(/\.0$/, "");
    const begins = values[index - 1] == null;
    parts.push(begins ? `M${index} ${y}` : `L${index} ${y}`);
    if (begins && values[index + 1] == null) parts.push(`H${index + 1}`);
  }
  return parts.join("");
}

/** The next of 1, 2, 5, 10, 20, …: a top that is easy to read. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return (([1, 2, 5].find((step) => step * power >= value) ?? 10) * power);
}

function bands(hour: LastHour, span: Span, nowMs: MonotonicMs): Markup {
  const holders = hour.holders(span);
  const rows = hour.nodes.toSorted().map((id) => {
    const states = hour.worst(id, span);
    const runs = runsOf(states).filter(({ value }) => value !== null && value !== "silent");
    const held = runsOf(holders.map((holder) => holder === id)).filter(({ value }) => value);
    const shapes = runs.map(({ value, from, to }) => {
      const height = BAND_HEIGHT * BAND_SHARE[value ?? "silent"];
      return html`<rect class="band band-${value}" x="${from}" width="${to - from}" y="${(BAND_HEIGHT - height).toFixed(1)}" height="${height.toFixed(1)}"/>`;
    });
    return html`<div class="band-row"><span class="name">${id}</span><svg role="img" aria-label="${id}, ${spanInWords(span)}: ${shares(states)} ${held.length === 0 ? "It did not hold the address." : `It held the address for ${percent(held.reduce((sum, run) => sum + run.to - run.from, 0), holders.length)} of the time.`}" viewBox="0 0 ${PARTS} 20" preserveAspectRatio="none"><path class="grid" d="M0 ${BAND_HEIGHT}H${PARTS}"/>${shapes}${held.map(({ from, to }) => html`<rect class="held" x="${from}" width="${to - from}" y="16" height="4"/>`)}</svg></div>`;
  });
  return html`<figure class="chart"><figcaption>Serving, and the address</figcaption><ul class="legend"><li><i class="swatch serving"></i>serving</li><li><i class="swatch degraded"></i>degraded</li><li><i class="swatch down"></i>down</li><li><i class="swatch holds"></i>holds the address</li></ul>
<div class="bands">${rows}</div>${axis(span, nowMs)}</figure>`;
}

interface Run<T> {
  readonly value: T;
  readonly from: number;
  readonly to: number;
}

function runsOf<T>(values: readonly T[]): readonly Run<T>[] {
  const runs: Run<T>[] = [];
  for (const [index, value] of values.entries()) {
    const last = runs.at(-1);
    if (last?.value === value) runs[runs.length - 1] = { ...last, to: index + 1 };
    else runs.push({ value, from: index, to: index + 1 });
  }
  return runs;
}

function shares(states: readonly (ServingState | null)[]): string {
  const seen = states.filter((state) => state !== null);
  const words = (["serving", "degraded", "down", "silent"] as const).map((state) => ({ state, count: seen.filter((each) => each === state).length })).filter(({ count }) => count > 0);
  return `${words.map(({ state, count }) => `${state === "silent" ? "nothing known" : state} ${percent(count, seen.length)}`).join(", ")} of the time.`;
}

function percent(part: number, whole: number): string {
  if (part === 0 || part === whole) return part === 0 ? "0 %" : "100 %";
  return `${Math.min(99, Math.max(1, Math.round((part / whole) * 100)))} %`;
}

function axis({ fromMs, toMs }: Span, nowMs: MonotonicMs): Markup {
  const minutes = Math.round((toMs - fromMs) / 60_000);
  const end = nowMs - toMs > 5_000 ? `${Math.round((nowMs - toMs) / 1_000)} s ago` : "now";
  return html`<div class="axis" aria-hidden="true"><span>${minutes} min ago</span><span>${end}</span></div>`;
}

function spanInWords({ fromMs, toMs }: Span): string {
  return `the last ${Math.round((toMs - fromMs) / 60_000)} minutes`;
}
