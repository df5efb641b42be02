/** Words laid out for a terminal: broken at spaces, cut at the edge, and without anything that could move the cursor. */

/** A sentence that is longer is cut; the whole is in the JSON. */
const LINES_MAX = 2;

/** Breaks at spaces; what does not fit into `linesMax` lines ends in an ellipsis. */
export function wrap(text: string, width: number, linesMax = LINES_MAX): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  if (lines.length <= linesMax) return lines.map((each) => cut(each, width));
  return [...lines.slice(0, linesMax - 1), `${lines.slice(linesMax - 1).join(" ").slice(0, width - 1)}…`].map((each) => cut(each, width));
}

/** At most `width` characters. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** Members' words end up on a terminal: no control characters, no line breaks, no reversed text. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}

/** `2026-11-20T12:00:01.500Z` as `2026-11-20 12:00:01Z`. */
export function instant(iso: string): string {
  return iso.replace("T", " ").replace(/\.\d+Z$/, "Z");
}
