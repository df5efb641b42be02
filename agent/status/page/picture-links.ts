/** The links of the picture: which there are, as far as this member knows, and how each is drawn, with its words beside it. */
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";
import { placeLabels, type Box, type Label } from "./picture-labels.ts";
import { linkLine, type Layout, type LinkLine } from "./picture-layout.ts";
import { ago, HEARING_WORDS, latency, SIGNS, toneOfHearing } from "./words.ts";

export interface Link {
  readonly from: string;
  readonly to: string;
  readonly state: StatusView["members"][number]["hearing"];
  readonly word: string;
  readonly detail: string;
}

/** A link with its place in the picture. */
export interface DrawnLink {
  readonly link: Link;
  readonly line: LinkLine;
  /** The detail is left out where there is room for a word only. */
  readonly words: { readonly said: string; readonly more: string };
  /** null: the words stand above and below a level line. */
  readonly label: Label | null;
}

/** Canvases of at least this width have room for more than a word on a link. */
const WIDE = 600;
const DETAIL_LETTERS = 18;
/** What the words of a level line take above and below it. */
const LEVEL_ROOM = 20;

/** Ours to everybody, and those of which an observer has told: to the active. */
export function linksOf(view: StatusView): readonly Link[] {
  const ours = view.members.map(({ id, hearing, ageMs, rttMs, says }): Link => {
    const oneWay = hearing === "heard" && says !== null && says.hearsUs !== "heard";
    const detail = hearing === "heard" ? (oneWay ? `${id} does not hear us` : latency(rttMs)) : hearing === "never" ? "" : `for ${ago(ageMs)}`;
    return { from: view.node, to: id, state: oneWay ? "late" : hearing, word: oneWay ? "one way" : HEARING_WORDS[hearing], detail };
  });
  const told = view.members.flatMap(({ id, hearing, says }): Link[] => {
    const about = says?.verdict?.about;
    const active = view.members.find((member) => member.id === about);
    if (about === undefined || about === id || active === undefined || hearing === "lost") return [];
    const seen = says?.verdict?.heartbeat;
    const state = seen === "up" ? "heard" : seen === "down" ? "lost" : "never";
    // Down is silence, or the active's own word that it does not serve: where we hear that word ourselves, the link may well be whole.
    const notServing = state === "lost" && active.hearing === "heard" && active.says?.serving === "down";
    return [{ from: id, to: about, state: notServing ? "late" : state, word: notServing ? "not serving" : HEARING_WORDS[state], detail: "" }];
  });
  return [...ours, ...told];
}

/** Every link that can be drawn, placed. */
export function placedLinks(links: readonly Link[], places: Layout): readonly DrawnLink[] {
  const drawable = links.flatMap((link) => {
    const ends = [places.figures.get(link.from), places.figures.get(link.to)] as const;
    return ends[0] === undefined || ends[1] === undefined ? [] : [{ link, line: linkLine(ends[0], ends[1]), words: wordsOf(link, places.width >= WIDE) }];
  });
  const levels = drawable.filter(({ line }) => line.level);
  const others = drawable.filter(({ line }) => !line.level);
  const rooms = levels.map(({ line: { corners } }): Box => ({ x: corners[0]?.x ?? 0, y: (corners[0]?.y ?? 0) - LEVEL_ROOM, width: (corners[1]?.x ?? 0) - (corners[0]?.x ?? 0), height: 2 * LEVEL_ROOM }));
  const labels = placeLabels(others.map(({ line, words }) => ({ corners: line.corners, width: widthOf(words) })), [...places.figures.values(), ...rooms], places);
  return [...levels.map((drawn) => ({ ...drawn, label: null })), ...others.map((drawn, index) => ({ ...drawn, label: labels[index] ?? null }))];
}

/** All lines before all words, so that no line is drawn over a word. */
export function linksMarkup(links: readonly Link[], places: Layout): Markup {
  const drawn = placedLinks(links, places);
  return html`${drawn.map(({ link, line }) => html`<path class="link ${link.state}" d="${line.path}"/>`)}${drawn.map(wordsMarkup)}`;
}

function wordsOf({ state, word, detail }: Link, roomy: boolean): DrawnLink["words"] {
  return { said: `${state === "heard" ? "" : `${SIGNS[toneOfHearing(state)]} `}${word}`, more: roomy ? short(detail) : "" };
}

/** About what a row of words takes in the picture's type. */
function widthOf({ said, more }: DrawnLink["words"]): number {
  return said.length * 7.4 + (more === "" ? 0 : 4 + more.length * 6.8);
}

function wordsMarkup({ link: { state, detail }, line: { corners }, words: { said, more }, label }: DrawnLink): Markup {
  const tone = toneOfHearing(state);
  if (label !== null) return html`<text class="label ${tone}" x="${Math.round(label.x + label.width / 2)}" y="${Math.round(label.y + label.height - 3)}">${said}${more === "" ? null : html`<tspan class="quiet"> ${more}</tspan>`}</text>`;
  const x = ((corners[0]?.x ?? 0) + (corners[1]?.x ?? 0)) / 2;
  const y = corners[0]?.y ?? 0;
  return html`<text class="label ${tone}" x="${x}" y="${y - 7}">${said}</text><text class="label quiet" x="${x}" y="${y + 16}">${short(detail)}</text>`;
}

function short(text: string): string {
  return text.length <= DETAIL_LETTERS ? text : `${text.slice(0, DETAIL_LETTERS - 1)}…`;
}
