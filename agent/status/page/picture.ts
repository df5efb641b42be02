/**
 * The cluster as a picture: the address and where it is, the nodes, the witnesses, and every link that this member knows of.
 * Drawn twice from the same facts, wide and narrow, because a picture that is only shrunk can't be read on a phone; the style
 * sheet shows one. A link's state is its dash and its word before it is its colour.
 */
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";
import { SIGNS, toneOfServing } from "./words.ts";
import { layout, type Canvas, type Layout, type Place } from "./picture-layout.ts";
import { linksMarkup, linksOf, type Link } from "./picture-links.ts";

/** What the picture shows of a member. */
interface Figure {
  readonly id: string;
  readonly kind: "node" | "witness";
  readonly here: boolean;
  readonly role: string;
  /** null for a witness. */
  readonly serving: string | null;
  readonly calls: number | null;
  readonly silent: boolean;
  readonly zone: string | null;
  /** Why it would not take over, in a word. */
  readonly limit: "drains" | "blocked" | null;
}

/** Both drawings. Only the wide one speaks: they say the same. */
export function picture(view: StatusView): Markup {
  const figures = figuresOf(view);
  const links = linksOf(view);
  const spoken = [addressInWords(view), ...figures.map(figureInWords), ...links.map((link) => `${link.from} and ${link.to}: ${link.word}${link.detail === "" ? "" : `, ${link.detail}`}.`)].join(" ");
  return html`${(["wide", "narrow"] as const).map((canvas) => html`<svg class="picture ${canvas}" role="img" aria-label="${spoken}" viewBox="${viewBox(figures, canvas)}">${drawn(view, figures, links, canvas)}</svg>`)}`;
}

function viewBox(figures: readonly Figure[], canvas: Canvas): string {
  const { width, height } = layout(figures, canvas);
  return `0 0 ${width} ${height}`;
}

function drawn(view: StatusView, figures: readonly Figure[], links: readonly Link[], canvas: Canvas): Markup {
  const places = layout(figures, canvas);
  return html`${linksMarkup(links, places)}${addressLine(view, places)}${addressBox(view, places.address)}${figures.map((figure) => figureMarkup(figure, view, places))}`;
}

function figuresOf(view: StatusView): readonly Figure[] {
  const self: Figure = { id: view.node, kind: view.kind, here: true, role: view.role, serving: view.health?.serving ?? null, calls: view.health?.calls ?? null, silent: false, zone: view.zone, limit: view.draining !== null ? "drains" : view.policy.blocked ? "blocked" : null };
  const others = view.members.map(({ id, kind, hearing, says }): Figure => {
    const silent = hearing === "lost" || hearing === "never";
    return { id, kind, here: false, role: says === null ? "not heard yet" : silent ? `silent (${says.role})` : says.role, serving: kind === "witness" ? null : silent ? "unknown" : (says?.serving ?? "unknown"), calls: silent ? null : (says?.calls ?? null), silent, zone: says?.zone ?? null, limit: says === null || silent ? null : says.draining ? "drains" : says.blocked ? "blocked" : null };
  });
  return [self, ...others].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function addressLine({ address, claim, node }: StatusView, { address: box, figures }: Layout): Markup | null {
  const toClaim = claim === null ? null : figures.get(node);
  const holder = figures.get(address.here ? node : address.holder);
  const next = address.candidate === null ? undefined : figures.get(address.candidate);
  const line = (place: Place | undefined | null, kind: string): Markup | null => (place == null ? null : html`<path class="held-by ${kind}" d="${addressPath(box, place)}"/>`);
  return html`${line(holder, "holds")}${line(toClaim ?? next, "next")}`;
}

/** Down from the box, then across above the cards, then down to the card. */
function addressPath(box: Place, place: Place): string {
  const middle = place.row === 0 ? (box.y + box.height + place.y) / 2 : place.y - 18;
  const x = place.x + place.width / 2;
  return `M${box.x + box.width / 2} ${box.y + box.height}V${middle}H${x}V${place.y}`;
}

function addressBox({ address }: StatusView, { x, y, width, height }: Place): Markup {
  const nobody = address.holder === "nobody" ? "on no instance" : address.holder.includes(" ") ? "outside the cluster" : "callers arrive here";
  return html`<rect class="address" x="${x}" y="${y}" width="${width}" height="${height}" rx="${height / 2}"/><text class="strong middle mono" x="${x + width / 2}" y="${y + 22}">${address.publicIp ?? "Elastic IP"}</text><text class="quiet middle" x="${x + width / 2}" y="${y + 40}">Elastic IP, ${nobody}</text>`;
}

function figureMarkup(figure: Figure, view: StatusView, places: Layout): Markup | null {
  const place = places.figures.get(figure.id);
  if (place === undefined) return null;
  const { x, y, width, height } = place;
  const holds = figure.here ? view.address.here : view.address.holder === figure.id;
  const letters = Math.floor((width - 28) / 8);
  const tone = toneOfServing(figure.serving ?? "unknown");
  const lines = figure.serving === null ? [] : [html`<text class="${tone}" x="${x + 14}" y="${y + 68}">${SIGNS[tone]} ${short(figure.serving === "unknown" ? "Asterisk unknown" : `Asterisk ${figure.serving}`, letters + 2)}</text>`, html`<text class="quiet" x="${x + 14}" y="${y + 88}">${callsInWords(figure.calls)}</text><text class="${figure.limit === null ? "quiet end" : "warn end"}" x="${x + width - 14}" y="${y + 88}">${figure.limit === null ? zoneInWords(figure.zone) : `${SIGNS.warn} ${figure.limit}`}</text>`];
  return html`<g class="card${holds ? " holds" : ""}${figure.silent ? " silent" : ""}"><title>${figureInWords(figure)}</title><rect x="${x}" y="${y}" width="${width}" height="${height}" rx="10"/><text class="strong" x="${x + 14}" y="${y + 25}">${short(figure.id, letters)}</text><text class="role${holds ? " strong" : ""}" x="${x + 14}" y="${y + 45}">${short(`${figure.silent ? `${SIGNS.bad} ` : holds ? "★ " : ""}${figure.role}${figure.here ? ", this one" : ""}`, letters + 3)}</text>${lines}</g>`;
}

function callsInWords(calls: number | null): string {
  if (calls === null) return "";
  return calls === 1 ? "1 call" : `${calls} calls`;
}

/** `zone 1a` for eu-central-1a: the region is the same for all, and a card is narrow. */
function zoneInWords(zone: string | null): string {
  return zone === null ? "" : `zone ${short(zone.replace(/^.*-(?=\d)/, ""), 8)}`;
}

function figureInWords({ id, kind, here, role, serving, calls, zone, limit }: Figure): string {
  const asterisk = serving === null ? "" : `, Asterisk ${serving}${calls === null ? "" : `, ${callsInWords(calls)}`}`;
  const more = `${limit === null ? "" : limit === "drains" ? ", refuses new calls" : ", blocked"}${zone === null ? "" : `, zone ${zone}`}`;
  return `${kind === "witness" ? "Witness" : "Node"} ${id}${here ? " (this one)" : ""}: ${role}${asterisk}${more}.`;
}

function addressInWords({ address, node, claim }: StatusView): string {
  const where = `The Elastic IP ${address.publicIp ?? "(not known)"} is on ${address.here ? node : address.holder}.`;
  return claim === null ? where : `${where} ${node} is claiming it.`;
}

function short(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, Math.max(1, letters - 1))}…`;
}
