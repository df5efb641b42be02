/**
 * The picture: a lane for each of those involved, over one scale of time. What a lane shows in a column is what happened
 * within that column's time, the most telling thing if there were several.
 */
import { OUTAGE_OVER_MS } from "./collect.ts";
import type { AnswerFact, DemoRecord, NodeName } from "./record.ts";
import { paint, type Colour, type Style } from "./style.ts";

const LABEL_WIDTH = 12;
const FROM_MS = -1_000;
/** Shown after the last thing that matters. */
const AFTER_MS = 700;
const STAY_UNTIL_MS = 5_000;

interface Cell {
  readonly glyph: string;
  readonly colour: Colour | null;
}

interface Scale {
  readonly fromMs: number;
  readonly cellMs: number;
  readonly cells: number;
}

const EMPTY: Cell = { glyph: " ", colour: null };

export function picture(record: DemoRecord, style: Style): string[] {
  const scale = scaleOf(record, style);
  const lane = (label: string, cells: readonly Cell[]): string => `  ${label.padEnd(LABEL_WIDTH - 2)}${painted(cells, style)}`;
  const { active, standby } = record;
  const other = active === "node-a" ? [active, standby] : [standby, active];
  return [
    ...axis(scale, style),
    ...other.map((node) => lane(node, roleLane(record, node, scale, style))),
    lane("heartbeats", points(scale, record.heartbeats.map((atMs) => ({ atMs, glyph: "|", colour: null, rank: 1 })))),
    lane("sip", probeLane(record, "sip", scale, style)),
    lane("eip", probeLane(record, "eip", scale, style)),
    lane("EC2", cloudLane(record, scale)),
    lane("caller", callerLane(record, scale, style)),
    ...outageBar(record, scale, style),
    ...legend(record, style),
  ];
}

function scaleWidth({ width }: Pick<Style, "width">): number {
  return width - LABEL_WIDTH;
}

function scaleOf({ caller, endMs, moves, roles }: DemoRecord, { width }: Style): Scale {
  const lastMs = Math.max(caller.outage?.endMs ?? 0, ...moves.map(({ followedAtMs }) => followedAtMs), ...roles.map(({ atMs }) => atMs));
  const untilMs = Math.min(endMs, lastMs > 0 ? lastMs + AFTER_MS : STAY_UNTIL_MS);
  const cells = scaleWidth({ width });
  return { fromMs: FROM_MS, cellMs: (untilMs - FROM_MS) / cells, cells };
}

function columnOf({ fromMs, cellMs, cells }: Scale, atMs: number): number {
  return Math.max(0, Math.min(cells - 1, Math.floor((atMs - fromMs) / cellMs)));
}

function inside({ fromMs, cellMs, cells }: Scale, atMs: number): boolean {
  return atMs >= fromMs && atMs < fromMs + cellMs * cells;
}

/** Seconds, and the fault above its column. */
function axis(scale: Scale, style: Style): string[] {
  const numbers = Array<string>(scale.cells).fill(" ");
  const ticks = Array<string>(scale.cells).fill(style.unicode ? "─" : "-");
  const untilMs = scale.fromMs + scale.cellMs * scale.cells;
  for (let atMs = Math.ceil(scale.fromMs / 1_000) * 1_000; atMs < untilMs; atMs += 1_000) {
    const column = columnOf(scale, atMs);
    const label = atMs === 0 ? "0 = fault" : `${atMs > 0 ? "+" : ""}${atMs / 1_000} s`;
    if (column + label.length > scale.cells) continue;
    for (const [index, letter] of Array.from(label).entries()) numbers[column + index] = letter;
    ticks[column] = style.unicode ? "┬" : "+";
  }
  const indent = " ".repeat(LABEL_WIDTH);
  return [`${indent}${numbers.join("").trimEnd()}`, `${indent}${paint(ticks.join(""), "dim", style)}`];
}

interface Point extends Cell {
  readonly atMs: number;
  /** The higher wins a shared column. */
  readonly rank: number;
}

function points(scale: Scale, all: readonly Point[]): Cell[] {
  const cells = Array<Cell>(scale.cells).fill(EMPTY);
  for (const point of all.toSorted((a, b) => a.rank - b.rank)) if (inside(scale, point.atMs)) cells[columnOf(scale, point.atMs)] = point;
  return cells;
}

/** The role as a bar; what has died leaves a blank. */
function roleLane(record: DemoRecord, node: NodeName, scale: Scale, style: Style): Cell[] {
  const bars: Readonly<Record<string, Cell>> = {
    active: { glyph: style.unicode ? "█" : "#", colour: "green" },
    claiming: { glyph: style.unicode ? "▓" : "%", colour: "magenta" },
    standby: { glyph: style.unicode ? "░" : "-", colour: "cyan" },
  };
  const changes = record.roles.filter((change) => change.node === node);
  const diesAtMs = node === record.active && (record.fault === "death" || record.fault === "agent-death") ? 0 : Infinity;
  return Array.from({ length: scale.cells }, (_unused, column): Cell => {
    const endMs = scale.fromMs + (column + 1) * scale.cellMs;
    if (endMs > diesAtMs) return endMs - scale.cellMs <= diesAtMs ? { glyph: style.unicode ? "✗" : "X", colour: "red" } : EMPTY;
    const role = changes.findLast(({ atMs }) => atMs < endMs)?.to ?? (node === record.active ? "active" : "standby");
    return bars[role] ?? { glyph: "?", colour: null };
  });
}

function probeLane({ probes }: DemoRecord, name: "sip" | "eip", scale: Scale, style: Style): Cell[] {
  return points(scale, probes.filter((probe) => probe.channel === name).map(({ endedAtMs, ok }) => (ok ? { atMs: endedAtMs, glyph: style.unicode ? "•" : "o", colour: "green", rank: 1 } : { atMs: endedAtMs, glyph: style.unicode ? "×" : "x", colour: "red", rank: 2 })));
}

function cloudLane({ reads, marks, claims, active, standby }: DemoRecord, scale: Scale): Cell[] {
  return points(scale, [
    ...reads.filter(({ node }) => node === standby).map(({ atMs }): Point => ({ atMs, glyph: "r", colour: null, rank: 1 })),
    ...marks.filter(({ node }) => node === active).map(({ atMs }): Point => ({ atMs, glyph: "M", colour: "green", rank: 2 })),
    ...claims.map(({ atMs }): Point => ({ atMs, glyph: "C", colour: "magenta", rank: 3 })),
  ]);
}

/** Which node answered in each column: its letter. Where nobody did, a dot. */
function callerLane({ caller }: DemoRecord, scale: Scale, style: Style): Cell[] {
  const cellOf = (answer: AnswerFact | undefined): Cell => (answer === undefined ? EMPTY : { glyph: answer.node?.slice(-1) ?? "?", colour: "green" });
  return Array.from({ length: scale.cells }, (_unused, column): Cell => {
    const startMs = scale.fromMs + column * scale.cellMs;
    const answer = caller.answers.findLast(({ atMs }) => atMs >= startMs && atMs < startMs + scale.cellMs);
    if (answer !== undefined) return cellOf(answer);
    const silent = caller.outage !== null && startMs >= caller.outage.startMs && startMs < (caller.outage.endMs ?? Infinity);
    if (silent) return { glyph: style.unicode ? "·" : ".", colour: "red" };
    // A column may be narrower than the time between two questions: then the last answer still stands.
    return cellOf(caller.answers.findLast(({ atMs }) => atMs < startMs && atMs >= startMs - OUTAGE_OVER_MS));
  });
}

/** The outage as a bar under the caller's lane, with its length. */
function outageBar({ caller }: DemoRecord, scale: Scale, style: Style): string[] {
  if (caller.outage === null) return [];
  const { startMs, endMs } = caller.outage;
  const from = columnOf(scale, startMs);
  const to = columnOf(scale, endMs ?? Infinity);
  const label = endMs === null ? " nobody answers " : ` ${Math.round(endMs - startMs)} ms without an answer `;
  const room = Math.max(0, to - from - 1 - label.length);
  const line = style.unicode ? "─" : "-";
  const bar = `${style.unicode ? "├" : "|"}${line.repeat(Math.floor(room / 2))}${label}${line.repeat(Math.ceil(room / 2))}${style.unicode ? "┤" : "|"}`;
  return [`${" ".repeat(Math.min(LABEL_WIDTH + from, style.width - bar.length))}${paint(bar, "red", style)}`];
}

/** What the signs mean, of those that this picture can hold. */
function legend({ active, standby, marks, claims }: DemoRecord, style: Style): string[] {
  const [full, some, light, ok, miss] = style.unicode ? ["█", "▓", "░", "•", "×"] : ["#", "%", "-", "o", "x"];
  const marked = marks.some(({ node }) => node === active);
  const signs = [
    `${full} active`, ...(claims.length > 0 ? [`${some} claiming`] : []), `${light} standby`, `| ${standby} hears ${active}`,
    `${ok} ${standby}'s probe is answered`, `${miss} is not`, `r ${standby} reads EC2`, ...(claims.length > 0 ? ["C claim"] : []), ...(marked ? ["M alive mark"] : []),
  ];
  const lines: string[] = [];
  for (const sign of signs) {
    const longer = `${lines.at(-1) ?? ""}   ${sign}`;
    if (lines.length > 0 && longer.length <= scaleWidth(style)) lines[lines.length - 1] = longer;
    else lines.push(sign);
  }
  return ["", ...lines.map((line) => paint(`${" ".repeat(LABEL_WIDTH)}${line}`, "dim", style))];
}

/** Neighbours of one colour share their codes: a lane stays readable in a log file. */
function painted(cells: readonly Cell[], style: Style): string {
  let out = "";
  let run = "";
  let colour: Colour | null = null;
  for (const cell of cells) {
    if (cell.colour !== colour) {
      out += paint(run, colour, style);
      run = "";
      colour = cell.colour;
    }
    run += cell.glyph;
  }
  return out + (colour === null ? run.trimEnd() : paint(run, colour, style));
}
