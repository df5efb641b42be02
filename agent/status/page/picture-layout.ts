/** Where things are in the picture: nodes in rows, witnesses below them, the address above. Arithmetic only. */
import type { Point } from "./picture-labels.ts";

export type Canvas = "wide" | "narrow";

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly row: number;
  readonly column: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly address: Place;
  readonly figures: ReadonlyMap<string, Place>;
}

/** In units of the picture, which are about a pixel where it is shown. */
const CANVAS = {
  wide: { width: 720, columns: 4, cardMax: 220, gapMin: 84, gapMax: 190 },
  narrow: { width: 344, columns: 2, cardMax: 150, gapMin: 48, gapMax: 60 },
} as const;
const ADDRESS = { width: 236, height: 52, y: 4 } as const;
const CARD_HEIGHT = 104;
const WITNESS_HEIGHT = 60;
const ROW_GAP = 60;
/** Three nodes in a row: the outer two are linked below the one between them; the outer of four lower still. */
const ARC_ROOM = 46;
const ARC_MORE = 34;
const CROWD_ROOM = 32;
/** A curve is as good as so many straight pieces, where only words have to keep clear of it. */
const ARC_PIECES = 16;

/** @param figures the members in the order in which they stand */
export function layout(figures: readonly { readonly id: string; readonly kind: "node" | "witness" }[], canvas: Canvas): Layout {
  const { width, columns } = CANVAS[canvas];
  const nodes = figures.filter(({ kind }) => kind === "node").map(({ id }) => id);
  const witnesses = figures.filter(({ kind }) => kind === "witness").map(({ id }) => id);
  const address: Place = { x: (width - ADDRESS.width) / 2, y: ADDRESS.y, width: ADDRESS.width, height: ADDRESS.height, row: -1, column: 0 };
  const places = new Map<string, Place>();
  let y = ADDRESS.y + ADDRESS.height + ROW_GAP;
  for (let first = 0; first < nodes.length; first += columns) {
    putRow(places, nodes.slice(first, first + columns), { canvas, y, height: CARD_HEIGHT, row: first / columns });
    y += CARD_HEIGHT + ROW_GAP;
  }
  const inRow = Math.min(nodes.length, columns);
  if (inRow > 2) y += arcRoom(inRow - 1) - ROW_GAP + (witnesses.length > 0 ? ROW_GAP : 0);
  else if (witnesses.length === 0) y -= ROW_GAP - 8;
  if (witnesses.length > 0) {
    // Every witness has lines to several nodes: the more there are, the more room their words need.
    y += CROWD_ROOM * Math.max(0, nodes.length - 2) * (witnesses.length - 1);
    putRow(places, witnesses, { canvas, y, height: WITNESS_HEIGHT, row: Math.ceil(nodes.length / columns) });
    y += WITNESS_HEIGHT + 8;
  }
  return { width, height: y, address, figures: places };
}

function putRow(places: Map<string, Place>, ids: readonly string[], { canvas, y, height, row }: { readonly canvas: Canvas; readonly y: number; readonly height: number; readonly row: number }): void {
  const { width, cardMax, gapMin, gapMax } = CANVAS[canvas];
  const count = ids.length;
  const card = Math.min(cardMax, (width - 4 - (count - 1) * gapMin) / count);
  const gap = count === 1 ? 0 : Math.min(gapMax, (width - 4 - count * card) / (count - 1));
  const left = (width - count * card - (count - 1) * gap) / 2;
  for (const [column, id] of ids.entries()) places.set(id, { x: left + column * (card + gap), y, width: card, height, row, column });
}

/** The line between two cards, as it is drawn and as corners; `level`: it runs between neighbours, and there is room above and below its middle. */
export interface LinkLine {
  readonly path: string;
  readonly corners: readonly Point[];
  readonly level: boolean;
}

export function linkLine(one: Place, other: Place): LinkLine {
  const [a, b] = one.row < other.row || (one.row === other.row && one.column <= other.column) ? [one, other] : [other, one];
  const middle = (place: Place): number => place.x + place.width / 2;
  const below = a.y + a.height;
  if (b.row - a.row > 1) {
    // Past the row between them: down along the outer side, then in.
    const left = middle(a) < middle(b);
    const x = a.x + a.width * (left ? 0.25 : 0.75);
    const y = b.y + b.height / 2;
    return straight([{ x, y: below }, { x, y }, { x: left ? b.x : b.x + b.width, y }]);
  }
  if (a.row !== b.row) {
    // Ends spread over the card's edge, so that lines to several cards do not run into each other.
    const fromX = middle(a) + Math.sign(middle(b) - middle(a)) * a.width * 0.2;
    const toX = middle(b) + Math.sign(middle(a) - middle(b)) * b.width * 0.3;
    return straight([{ x: fromX, y: below }, { x: toX, y: b.y }]);
  }
  if (b.column - a.column === 1) return { ...straight([{ x: a.x + a.width, y: a.y + a.height / 2 }, { x: b.x, y: a.y + a.height / 2 }]), level: true };
  const room = arcRoom(b.column - a.column);
  const [from, first, second, to] = [{ x: middle(a), y: below }, { x: middle(a), y: below + room }, { x: middle(b), y: below + room }, { x: middle(b), y: below }] as const;
  const corners = Array.from({ length: ARC_PIECES + 1 }, (_unused, index) => onCurve(from, first, second, to, index / ARC_PIECES));
  return { path: `M${from.x} ${from.y}C${first.x} ${first.y} ${second.x} ${second.y} ${to.x} ${to.y}`, corners, level: false };
}

/** How far a curve between cards so many columns apart reaches down. */
function arcRoom(columns: number): number {
  return ARC_ROOM + ARC_MORE * (columns - 2);
}

function straight(corners: readonly Point[]): LinkLine {
  return { path: `M${corners.map(({ x, y }) => `${x} ${y}`).join("L")}`, corners, level: false };
}

/** A point of a cubic Bézier curve. */
function onCurve(a: Point, b: Point, c: Point, d: Point, t: number): Point {
  const mix = (p: number, q: number, r: number, s: number): number => (1 - t) ** 3 * p + 3 * (1 - t) ** 2 * t * q + 3 * (1 - t) * t ** 2 * r + t ** 3 * s;
  return { x: mix(a.x, b.x, c.x, d.x), y: mix(a.y, b.y, c.y, d.y) };
}
