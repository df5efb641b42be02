/** Where things are in the picture: nodes in rows, witnesses below them, the address above. Arithmetic only. */

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
/** Three nodes in a row: the outer two are linked below the one between them. */
const ARC_ROOM = 46;

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
  if (Math.min(nodes.length, columns) > 2) y += ARC_ROOM - ROW_GAP + (witnesses.length > 0 ? ROW_GAP : 0);
  else if (witnesses.length === 0) y -= ROW_GAP - 8;
  if (witnesses.length > 0) {
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

/** The line between two cards, and where its label stands. */
export function linkPath(one: Place, other: Place): { readonly path: string; readonly x: number; readonly y: number } {
  const [a, b] = one.row < other.row || (one.row === other.row && one.column <= other.column) ? [one, other] : [other, one];
  const middle = (place: Place): number => place.x + place.width / 2;
  if (b.row - a.row > 1) {
    // Past the row between them: down along the outer side, then in.
    const left = middle(a) < middle(b);
    const x = a.x + a.width * (left ? 0.25 : 0.75);
    const y = b.y + b.height / 2;
    return { path: `M${x} ${a.y + a.height}V${y}H${left ? b.x : b.x + b.width}`, x, y: (a.y + a.height + y) / 2 };
  }
  if (a.row !== b.row) {
    // Ends spread over the card's edge, so that lines to several cards do not run into each other.
    const fromX = middle(a) + Math.sign(middle(b) - middle(a)) * a.width * 0.2;
    const toX = middle(b) + Math.sign(middle(a) - middle(b)) * b.width * 0.3;
    return { path: `M${fromX} ${a.y + a.height}L${toX} ${b.y}`, x: (fromX + toX) / 2, y: (a.y + a.height + b.y) / 2 - 4 };
  }
  if (b.column - a.column === 1) return { path: `M${a.x + a.width} ${a.y + a.height / 2}H${b.x}`, x: (a.x + a.width + b.x) / 2, y: a.y + a.height / 2 };
  const below = a.y + a.height;
  // The label stands near the far end, at three quarters of the curve: in the middle are the witnesses' lines.
  return { path: `M${middle(a)} ${below}C${middle(a)} ${below + ARC_ROOM} ${middle(b)} ${below + ARC_ROOM} ${middle(b)} ${below}`, x: middle(a) * 0.16 + middle(b) * 0.84, y: below + ARC_ROOM * 0.56 };
}
