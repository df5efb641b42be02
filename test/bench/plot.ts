/** The distribution of one figure as an SVG: every sample, the share of samples that took no longer, and the goal. No library: it is text. */
import { quantile } from "./statistics.ts";
import type { FigureRecord } from "./results.ts";

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 56;
const RIGHT = 20;
const TOP = 34;
const BOTTOM = 48;
const SHARES = [0, 0.25, 0.5, 0.75, 1] as const;
const TICKS_ABOUT = 8;

/** A round step that gives about so many ticks: 1, 2 or 5 times a power of ten. */
export function tickStep(range: number, about: number): number {
  const rough = range / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 10 * power;
}

/** Throws a RangeError without samples. */
export function distributionSvg(record: Pick<FigureRecord, "title" | "samples" | "goal" | "unit">): string {
  const { title, goal, unit } = record;
  const samples = record.samples.toSorted((one, other) => one - other);
  const top = Math.max(goal.atMost, quantile(samples, 1)) * 1.05;
  const x = (value: number): number => round(LEFT + (value / top) * (WIDTH - LEFT - RIGHT));
  const y = (share: number): number => round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM));
  const step = tickStep(top, TICKS_ABOUT);
  const ticks = Array.from({ length: Math.floor(top / step) + 1 }, (_, index) => index * step);
  const curve = samples.map((value, index) => `H${x(value)} V${y((index + 1) / samples.length)}`).join(" ");
  const line = (x1: number, y1: number, x2: number, y2: number, style: string): string => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${style}/>`;
  const text = (atX: number, atY: number, anchor: string, words: string, style = ""): string => `<text x="${atX}" y="${atY}" text-anchor="${anchor}" ${style}>${escaped(words)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 18, "start", `${title} (n=${samples.length})`, 'font-weight="bold"'),
    ...SHARES.flatMap((share) => [line(LEFT, y(share), WIDTH - RIGHT, y(share), 'stroke="#e5e5e5"'), text(LEFT - 6, y(share) + 4, "end", `${share * 100} %`)]),
    ...ticks.flatMap((tick) => [line(x(tick), y(0), x(tick), y(0) + 4, 'stroke="#333"'), text(x(tick), y(0) + 18, "middle", String(Math.round(tick * 1_000) / 1_000))]),
    text(WIDTH - RIGHT, HEIGHT - 8, "end", `${unit}; share of samples that took no longer`),
    `<path d="M${x(0)} ${y(0)} ${curve}" fill="none" stroke="#1f6feb" stroke-width="2"/>`,
    ...samples.map((value) => `<circle cx="${x(value)}" cy="${y(0)}" r="3" fill="#1f6feb" fill-opacity="0.4"/>`),
    line(x(goal.atMost), TOP - 6, x(goal.atMost), y(0), 'stroke="#c33" stroke-dasharray="5 4" stroke-width="1.5"'),
    text(x(goal.atMost) - 5, TOP + 4, "end", `goal ${goal.atMost}`, 'fill="#c33"'),
    "</svg>",
    "",
  ].join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
