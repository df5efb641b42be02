// The words in the page's picture stand beside their lines: for every cluster that there can be, they touch no line, no card and no other word.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crosses, placeLabels, type Box } from "../../agent/status/page/picture-labels.ts";
import { layout, type Canvas } from "../../agent/status/page/picture-layout.ts";
import { placedLinks, type Link } from "../../agent/status/page/picture-links.ts";

interface Shape {
  readonly nodes: readonly string[];
  readonly witnesses: readonly string[];
  readonly self: string;
  readonly active: string;
}

/** Every cluster of two to four nodes and up to three witnesses, seen by each of its members, whoever is active. */
const SHAPES: readonly Shape[] = [2, 3, 4].flatMap((count) => [0, 1, 2, 3].flatMap((more) => {
  const nodes = ["node-a", "node-b", "node-c", "node-d"].slice(0, count);
  const witnesses = ["witness-1", "witness-2", "witness-3"].slice(0, more);
  return [...nodes, ...witnesses].flatMap((self) => nodes.map((active) => ({ nodes, witnesses, self, active })));
}));

/** As an agent knows them: its own to everybody it talks to, and what the others say of the active. */
function linksOf({ nodes, witnesses, self, active }: Shape): readonly Link[] {
  const link = (from: string, to: string, detail: string): Link => ({ from, to, state: "late", word: "late", detail });
  const others = [...nodes, ...(nodes.includes(self) ? witnesses : [])].filter((member) => member !== self);
  return [...others.map((to) => link(self, to, "for 12 s")), ...(self === active ? [] : others.filter((from) => from !== active).map((from) => link(from, active, "")))];
}

/** Words that touch something, as sentences. */
function touching(shape: Shape, canvas: Canvas): readonly string[] {
  const figures = [...shape.nodes.map((id) => ({ id, kind: "node" as const })), ...shape.witnesses.map((id) => ({ id, kind: "witness" as const }))];
  const places = layout(figures, canvas);
  const drawn = placedLinks(linksOf(shape), places);
  return drawn.flatMap(({ link, label }) => {
    if (label === null) return [];
    const line = drawn.find(({ line: { corners } }) => crosses(label, corners));
    const card = [...places.figures].find(([, box]) => overlap(label, box));
    const word = drawn.find((other) => other.label !== null && other.label !== label && overlap(label, other.label));
    const what = line !== undefined ? `the line ${line.link.from} to ${line.link.to}` : card !== undefined ? card[0] : word !== undefined ? `the word of ${word.link.from} to ${word.link.to}` : null;
    return what === null && label.free ? [] : [`${canvas}, ${shape.nodes.length} nodes, ${shape.witnesses.length} witnesses, seen by ${shape.self}, ${shape.active} active: the word of ${link.from} to ${link.to} touches ${what ?? "something"}`];
  });
}

function overlap(one: Box, other: Box): boolean {
  return one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
}

describe("the words in the page's picture", () => {
  it("touch no line, no card and no other word, on a desk, in every cluster", () => {
    assert.deepEqual(SHAPES.flatMap((shape) => touching(shape, "wide")), []);
  });

  it("touch nothing on a phone, in a pair with up to two witnesses", () => {
    const small = SHAPES.filter(({ nodes, witnesses }) => nodes.length === 2 && witnesses.length <= 2);
    assert.deepEqual(small.flatMap((shape) => touching(shape, "narrow")), []);
  });

  it("stand as near to the middle of their line as they can", () => {
    const [label] = placeLabels([{ corners: [{ x: 100, y: 0 }, { x: 100, y: 100 }], width: 40 }], [], { width: 400, height: 100 });
    assert.deepEqual(label, { x: 54, y: 43, width: 40, height: 14, free: true });
  });

  it("make way for what is there already", () => {
    const taken = { x: 0, y: 30, width: 200, height: 40 };
    const [label] = placeLabels([{ corners: [{ x: 100, y: 0 }, { x: 100, y: 100 }], width: 40 }], [taken], { width: 400, height: 100 });
    assert.ok(label !== undefined && label.free && !overlap(label, taken));
  });

  it("say that there was no room where there is none", () => {
    const [label] = placeLabels([{ corners: [{ x: 10, y: 0 }, { x: 10, y: 20 }], width: 40 }], [{ x: 0, y: 0, width: 50, height: 20 }], { width: 50, height: 20 });
    assert.equal(label?.free, false);
  });
});
