/** How the drawing may look: colour or not, line-drawing characters or plain ASCII, and the arithmetic of columns. */

export type Colour = "red" | "green" | "yellow" | "cyan" | "magenta" | "bold" | "dim";

export interface Style {
  readonly width: number;
  readonly colour: boolean;
  /** The terminal shows characters beyond ASCII. */
  readonly unicode: boolean;
}

const ANSI: Readonly<Record<Colour, string>> = { red: "31", green: "32", yellow: "33", cyan: "36", magenta: "35", bold: "1", dim: "2" };
const WIDTH = 80;

/** What this terminal can do: https://no-color.org, and what a locale says of its characters. */
export function styleOf(environment: Readonly<Record<string, string | undefined>>, terminal: boolean, platform: string): Style {
  const set = (name: string): boolean => (environment[name] ?? "") !== "";
  const forced = set("FORCE_COLOR") && environment["FORCE_COLOR"] !== "0";
  const colour = !set("NO_COLOR") && (forced || (terminal && environment["TERM"] !== "dumb"));
  const locale = environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? "";
  return { width: WIDTH, colour, unicode: /utf-?8/i.test(locale) || (platform === "darwin" && locale === "") };
}

/** Colours a text that has been laid out already: the codes take no columns. */
export function paint(text: string, colour: Colour | null, style: Style): string {
  return colour === null || !style.colour || text === "" ? text : `\u001b[${ANSI[colour]}m${text}\u001b[0m`;
}

/** Breaks a text at spaces into lines of at most `width`; a word that is longer is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  }
  return [...lines, line];
}

/** What an agent said may hold characters that a plain terminal can't show. */
export function plain(text: string, { unicode }: Style): string {
  const printable = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
  return unicode ? printable : printable.replace(/[^\x20-\x7e]/g, "?");
}
