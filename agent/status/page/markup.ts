/**
 * HTML and SVG as a value that can't be forgotten to be escaped: a template literal whose every insertion is text, unless it
 * is markup itself. What members say ends up here, so nothing else in this folder puts tags together.
 *
 * Everything that is written with it is well-formed XML too (every attribute in double quotes, every element closed): so a test
 * can read it back.
 */

/** Markup that is safe to insert. Made by `html` only. */
export class Markup {
  readonly text: string;

  constructor(strings: readonly string[], values: readonly Content[]) {
    this.text = strings.map((string, index) => (index === 0 ? string : written(values[index - 1] ?? null) + string)).join("");
  }
}

/** What may stand in a template: text and numbers are escaped, null is nothing. */
export type Content = Markup | string | number | null | readonly Content[];

/** Use: html`<p title="${anything}">${anything}</p>`. Only between double quotes or between tags, never inside a tag or a comment. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings, values);
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text for between tags or quotes. Control characters, reversed text and halves of characters become a question mark. */
export function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\uFFFE\uFFFF]/gu, "?").replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

function written(content: Content): string {
  if (content === null) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "string") return escaped(content);
  if (typeof content === "number") return String(content);
  return content.map(written).join("");
}
