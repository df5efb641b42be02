/**
 * Where the words on the links stand: beside their own line and clear of every other line, card and word. Arithmetic only.
 * A word is tried at several heights of its line and on all sides of it, the nearest first; the first free place is taken.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** A line as drawn, as corners with straight pieces between them, and how wide its words are. */
export interface LabelledLine {
  readonly corners: readonly Point[];
  readonly width: number;
}

/** Where the words of a line are; `free` says that they touch nothing. */
export interface Label extends Box {
  readonly free: boolean;
}

interface Canvas {
  readonly width: number;
  readonly height: number;
}

/** Height of a row of words, and what must stay empty around them. */
export const LABEL_HEIGHT = 14;
const CLEAR = 3;
/** A crowd of nodes and witnesses takes a few. */
const ROUNDS = 6;
/** Along the line, the middle first. */
const HEIGHTS = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82, 0.1, 0.9] as const;
/** Away from the line. */
const GAPS = [6, 10, 14, 18, 24, 32] as const;

/** One place for the words of each line, in the same order. Whoever finds no place is asked first the next time. */
export function placeLabels(lines: readonly LabelledLine[], taken: readonly Box[], canvas: Canvas): readonly Label[] {
  let order = lines.map((_line, index) => index);
  let best: readonly Label[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const labels = placeInOrder(lines, order, taken, canvas);
    const unlucky = order.filter((index) => labels[index]?.free === false);
    if (round === 0 || unlucky.length < best.filter(({ free }) => !free).length) best = labels;
    if (unlucky.length === 0) break;
    order = [...unlucky, ...order.filter((index) => !unlucky.includes(index))];
  }
  return best;
}

function placeInOrder(lines: readonly LabelledLine[], order: readonly number[], taken: readonly Box[], { width, height }: Canvas): readonly Label[] {
  const labels: Label[] = [];
  for (const index of order) {
    const line = lines[index];
    if (line === undefined) continue;
    const tries = candidates(line, width / 2);
    const fits = (box: Box): boolean => box.x >= 0 && box.x + box.width <= width && box.y >= 0 && box.y + box.height <= height;
    const others = Object.values(labels);
    const empty = tries.filter((box) => fits(box) && ![...taken, ...others].some((other) => overlap(box, other)) && !lines.some(({ corners }) => crosses(box, corners)));
    // Words that stand nearer to another line would be read as that one's.
    const free = empty.find((box) => lines.every((other) => other === line || distance(box, line.corners) < distance(box, other.corners))) ?? empty[0];
    const fallback = free ?? tries.find(fits) ?? tries[0];
    if (fallback !== undefined) labels[index] = { ...fallback, free: free !== undefined };
  }
  return labels;
}

/** Sideways before above and below, the outer side before the inner. */
function candidates({ corners, width }: LabelledLine, middle: number): readonly Box[] {
  const found: Box[] = [];
  for (const height of HEIGHTS) {
    const at = along(corners, height);
    for (const gap of GAPS) {
      const beside = at.y - LABEL_HEIGHT / 2;
      const left = { x: at.x - gap - width, y: beside, width, height: LABEL_HEIGHT };
      const right = { x: at.x + gap, y: beside, width, height: LABEL_HEIGHT };
      const above = { x: at.x - width / 2, y: at.y - gap - LABEL_HEIGHT, width, height: LABEL_HEIGHT };
      const below = { x: at.x - width / 2, y: at.y + gap, width, height: LABEL_HEIGHT };
      found.push(...(at.x < middle ? [left, right] : [right, left]), above, below);
    }
  }
  return found;
}

/** The point so far along the line; 0 is its beginning, 1 its end. */
function along(corners: readonly Point[], share: number): Point {
  const pieces = corners.slice(1).map((to, index) => ({ from: corners[index] ?? to, to }));
  const lengths = pieces.map(({ from, to }) => Math.hypot(to.x - from.x, to.y - from.y));
  let left = share * lengths.reduce((sum, length) => sum + length, 0);
  for (const [index, { from, to }] of pieces.entries()) {
    const length = lengths[index] ?? 0;
    if (left <= length) return { x: from.x + ((to.x - from.x) * left) / (length || 1), y: from.y + ((to.y - from.y) * left) / (length || 1) };
    left -= length;
  }
  return corners.at(-1) ?? { x: 0, y: 0 };
}

function overlap(one: Box, other: Box): boolean {
  return one.x < other.x + other.width + CLEAR && other.x < one.x + one.width + CLEAR && one.y < other.y + other.height + CLEAR && other.y < one.y + one.height + CLEAR;
}

/** From the box's nearest edge to the line, measured at a few points of the box. */
function distance({ x, y, width, height }: Box, corners: readonly Point[]): number {
  const points = [0, 0.5, 1].flatMap((across) => [0, 1].map((down) => ({ x: x + across * width, y: y + down * height })));
  return Math.min(...corners.slice(1).flatMap((to, index) => points.map((point) => toPiece(point, corners[index] ?? to, to))));
}

function toPiece(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const share = Math.min(1, Math.max(0, ((point.x - from.x) * dx + (point.y - from.y) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(point.x - from.x - share * dx, point.y - from.y - share * dy);
}

/** Some piece of the line comes too near. */
export function crosses(box: Box, corners: readonly Point[]): boolean {
  const wide = { x: box.x - CLEAR, y: box.y - CLEAR, width: box.width + 2 * CLEAR, height: box.height + 2 * CLEAR };
  return corners.slice(1).some((to, index) => pieceCrosses(wide, corners[index] ?? to, to));
}

/** Cuts the piece down to what of it lies within the box, side by side; something is left where it crosses. */
function pieceCrosses(box: Box, from: Point, to: Point): boolean {
  let first = 0;
  let last = 1;
  const sides = [
    { step: to.x - from.x, low: box.x - from.x, high: box.x + box.width - from.x },
    { step: to.y - from.y, low: box.y - from.y, high: box.y + box.height - from.y },
  ];
  for (const { step, low, high } of sides) {
    if (step === 0) {
      if (low > 0 || high < 0) return false;
      continue;
    }
    const [enter, leave] = step > 0 ? [low / step, high / step] : [high / step, low / step];
    first = Math.max(first, enter);
    last = Math.min(last, leave);
  }
  return first <= last;
}
