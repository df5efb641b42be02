/**
 * Chance applied to good input. Pure noise is refused by the first line of any parser; what finds defects is nearly right:
 * a good message with a field taken out, swapped for something odd, cut, doubled, or with bytes flipped.
 */
import fc from "fast-check";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Text that no error message and no log line may hold: put wherever a secret could stand. Its pieces occur in no other text. */
export const CANARY = "Zq7Xw9Kv3Jy5PmZq";
const CANARY_PIECE = 6;

/** True when a text holds a recognisable piece of the canary. */
export function betraysCanary(text: string): boolean {
  for (let at = 0; at + CANARY_PIECE <= CANARY.length; at += 1) if (text.includes(CANARY.slice(at, at + CANARY_PIECE))) return true;
  return false;
}

/** Values that programmers forget. */
export const oddJson: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Json>(null, true, false, 0, -0, -1, 1, 0.5, 1e21, -1e21, 2 ** 53, 2 ** 53 - 1, 2 ** 31, 1e308, 5e-324, "", " ", "0", "null", "\u0000", "\r\n", "\ud800", "\u202e", "../../etc/passwd", "__proto__", "constructor", CANARY, [], [[]], {}, { __proto__: null }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40, unit: "binary" }) },
  { weight: 1, arbitrary: fc.constantFrom(33, 65, 201, 257, 5_000).map((length) => "x".repeat(length)) },
  { weight: 1, arbitrary: fc.double().map((value) => (Number.isFinite(value) ? value : 0)) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }).map((value) => value as Json) },
);

interface Edit {
  readonly at: number;
  readonly how: "replace" | "remove" | "add" | "copy";
  readonly value: Json;
  readonly name: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({ at: fc.nat(), how: fc.constantFrom("replace", "replace", "remove", "add", "copy"), value: oddJson, name: fc.constantFrom("__proto__", "constructor", "toString", "extra", "", "0", "v", "id") });

type Mutable = Record<string, Json> | Json[];

/** Every container in a value with each of its keys, in a fixed order. */
function placesIn(value: Json, found: (readonly [Mutable, string])[] = []): (readonly [Mutable, string])[] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Mutable, key]);
    placesIn((value as Record<string, Json>)[key] ?? null, found);
  }
  return found;
}

function applyEdit(root: { value: Json }, { at, how, value, name }: Edit): void {
  const places = placesIn(root);
  const [container, key] = places[at % places.length] ?? [root, "value"];
  const holder = container as Record<string, Json>;
  // A copy of its own: the same object in two places would be changed in both, and could come to hold itself.
  const set = (where: Record<string, Json>, field: string, what: Json): void => void Object.defineProperty(where, field, { value: structuredClone<Json>(what), configurable: true, enumerable: true, writable: true });
  if (how === "remove" && Array.isArray(container)) container.splice(Number(key), 1);
  else if (how === "remove") Reflect.deleteProperty(holder, key);
  else if (how === "add" && !Array.isArray(container) && container !== (root as unknown)) set(holder, name, value);
  else if (how === "copy") set(holder, key, places[(at * 7 + 3) % places.length]?.[0] ?? null);
  else set(holder, key, value);
}

/** A good value with a few edits; none of them is possible, too. */
function mutatedJson(seeds: readonly Json[], editsMax = 4): fc.Arbitrary<Json> {
  return fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: editsMax })).map(([seed, edits]) => {
    const root: { value: Json } = { value: structuredClone<Json>(seed) };
    for (const each of edits) applyEdit(root, each);
    return (root as { value?: Json }).value ?? null;
  });
}

interface Splice {
  readonly at: number;
  readonly cut: number;
  readonly put: string;
}

/**
 * Good text with a few pieces cut out and others put in.
 * @param tokens pieces that mean something in that language
 */
export function mutatedText(seeds: fc.Arbitrary<string>, tokens: readonly string[], options: { readonly unit?: "binary" | "grapheme"; readonly editsMax?: number } = {}): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...tokens, "", "\u0000", CANARY) },
    { weight: 1, arbitrary: fc.string({ maxLength: 12, unit: options.unit ?? "binary" }) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...tokens), fc.constantFrom(2, 10, 300)).map(([token, times]) => token.repeat(times)) },
  );
  const splice: fc.Arbitrary<Splice> = fc.record({ at: fc.nat(), cut: fc.oneof(fc.constantFrom(0, 0, 1), fc.nat(30), fc.nat(400)), put: piece });
  return fc.tuple(seeds, fc.array(splice, { maxLength: options.editsMax ?? 4 })).map(([seed, splices]) => {
    let text = seed;
    for (const { at, cut, put } of splices) {
      const where = at % (text.length + 1);
      text = text.slice(0, where) + put + text.slice(where + cut);
    }
    return text;
  });
}

/** JSON text: a mutated value, written out, sometimes with its text damaged, too. */
export function mutatedJsonText(seeds: readonly Json[], editsMax = 4): fc.Arbitrary<string> {
  const written = mutatedJson(seeds, editsMax).map((value) => JSON.stringify(value));
  const tokens = ["{", "}", "[", "]", ",", ":", '"', "\\", "\\u0000", "\\ud800", "null", "true", "1e999", "-1e999", "-0", "1e5", "0.0", "9".repeat(40), '"__proto__":', "\ufeff", " "];
  return fc.oneof({ weight: 5, arbitrary: written }, { weight: 3, arbitrary: mutatedText(written, tokens) }, { weight: 1, arbitrary: noise(tokens) });
}

/** Tokens and random text without any good seed. */
export function noise(tokens: readonly string[]): fc.Arbitrary<string> {
  return fc.array(fc.oneof(fc.constantFrom(...tokens), fc.string({ maxLength: 6, unit: "binary" })), { maxLength: 40 }).map((parts) => parts.join(""));
}

/** Bytes as a string of characters up to U+00FF: a form that the corpus can keep. */
export function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Cuts a text into pieces: every way in which a stream can arrive. */
export function pieces(text: string, lengths: readonly number[]): readonly string[] {
  const cut: string[] = [];
  let at = 0;
  for (const length of lengths) {
    if (at >= text.length) break;
    cut.push(text.slice(at, at + length));
    at += length;
  }
  if (at < text.length) cut.push(text.slice(at));
  return cut;
}
