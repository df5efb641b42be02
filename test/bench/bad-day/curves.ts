/** The share of pairs that were served, over time: one curve a fleet and strategy, as an SVG. Time is logarithmic: the small fleets are done before the large ones have begun. */
import { STRATEGIES } from "./strategies.ts";
import type { BadDays } from "./report.ts";

const WIDTH = 760;
const HEIGHT = 380;
const LEFT = 56;
const RIGHT = 20;
const TOP = 34;
const BOTTOM = 118;
const FROM_S = 1;
const TICKS_S = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
const SHARES = [0, 0.25, 0.5, 0.75, 1] as const;
/** Fleets in order of their size. */
const DASHES = ["", "7 4", "2 3"] as const;
/** A curve of a thousand steps is drawn with so many: the eye sees no more. */
const STEPS_MAX = 120;

export function badDaySvg({ days }: BadDays): string {
  const lastS = Math.max(2, ...days.flatMap((day) => day.servedMs.slice(-1).map((ms) => ms / 1_000)));
  const untilS = TICKS_S.find((tick) => tick >= lastS) ?? lastS;
  const x = (s: number): number => round(LEFT + (Math.log(Math.max(s, FROM_S) / FROM_S) / Math.log(untilS / FROM_S)) * (WIDTH - LEFT - RIGHT));
  const y = (share: number): number => round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM));
  const sizes = [...new Set(days.map((day) => day.pairs))].toSorted((one, other) => one - other);
  const text = (atX: number, atY: number, anchor: string, words: string, style = ""): string => `<text x="${atX}" y="${atY}" text-anchor="${anchor}" ${style}>${words}</text>`;
  const line = (x1: number, y1: number, x2: number, y2: number, style: string): string => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${style}/>`;
  const curves = days.map(({ pairs, strategy, servedMs }) => {
    const every = Math.max(1, Math.ceil(servedMs.length / STEPS_MAX));
    const steps = servedMs.flatMap((ms, index) => ((index + 1) % every === 0 || index === servedMs.length - 1 ? [`H${x(ms / 1_000)} V${y((index + 1) / pairs)}`] : []));
    const colour = STRATEGIES.find(({ name }) => name === strategy)?.colour ?? "#000";
    return `<path d="M${x(FROM_S)} ${y(0)} ${steps.join(" ")} H${x(untilS)}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${DASHES[sizes.indexOf(pairs)] ?? ""}"/>`;
  });
  const legend = [
    ...STRATEGIES.map(({ title, colour }, index) => `${line(LEFT, HEIGHT - 58 + 18 * index, LEFT + 30, HEIGHT - 58 + 18 * index, `stroke="${colour}" stroke-width="2"`)}${text(LEFT + 38, HEIGHT - 54 + 18 * index, "start", title)}`),
    ...sizes.map((pairs, index) => `${line(WIDTH / 2 + 60, HEIGHT - 58 + 18 * index, WIDTH / 2 + 90, HEIGHT - 58 + 18 * index, `stroke="#333" stroke-width="2" stroke-dasharray="${DASHES[index] ?? ""}"`)}${text(WIDTH / 2 + 98, HEIGHT - 54 + 18 * index, "start", `${pairs} pairs`)}`),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 18, "start", "One zone dies: pairs that were served, by the time since", 'font-weight="bold"'),
    ...SHARES.flatMap((share) => [line(LEFT, y(share), WIDTH - RIGHT, y(share), 'stroke="#e5e5e5"'), text(LEFT - 6, y(share) + 4, "end", `${share * 100} %`)]),
    ...TICKS_S.filter((tick) => tick <= untilS).flatMap((tick) => [line(x(tick), y(0), x(tick), y(0) + 4, 'stroke="#333"'), text(x(tick), y(0) + 18, "middle", `${tick} s`)]),
    ...curves,
    ...legend,
    "</svg>",
    "",
  ].join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
