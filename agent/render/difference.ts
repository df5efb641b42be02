/** The difference of two texts as `diff -u` shows it. Files here have at most a few hundred lines, so the plain method will do. */

const CONTEXT = 3;
/** Above this many pairs of lines the middle is shown as replaced as a whole. */
const PAIRS_MAX = 4_000_000;

interface Edit {
  readonly sign: " " | "-" | "+";
  readonly line: string;
}

/** Lines of a unified difference; none when the texts are equal. null stands for a file that is not there. */
export function unifiedDifference(name: string, before: readonly string[] | null, after: readonly string[] | null): readonly string[] {
  const edits = editsBetween(before ?? [], after ?? []);
  if (edits.every((edit) => edit.sign === " ") && (before === null) === (after === null)) return [];
  return [`--- ${before === null ? "/dev/null" : `a/${name}`}`, `+++ ${after === null ? "/dev/null" : `b/${name}`}`, ...hunks(edits)];
}

function editsBetween(a: readonly string[], b: readonly string[]): readonly Edit[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const same = (lines: readonly string[]): Edit[] => lines.map((line) => ({ sign: " ", line }));
  return [...same(a.slice(0, head)), ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)), ...same(a.slice(a.length - tail))];
}

/** By the table of longest common subsequences, from the ends. */
function middle(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const gone = (line: string): Edit => ({ sign: "-", line });
  const come = (line: string): Edit => ({ sign: "+", line });
  if (a.length * b.length > PAIRS_MAX) return [...a.map(gone), ...b.map(come)];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const edits: Edit[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const [old = "", fresh = ""] = [a[i], b[j]];
    if (i < a.length && j < b.length && old === fresh) {
      edits.push({ sign: " ", line: old });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      edits.push(gone(old));
      i += 1;
    } else {
      edits.push(come(fresh));
      j += 1;
    }
  }
  return edits;
}

function hunks(edits: readonly Edit[]): readonly string[] {
  const lines: string[] = [];
  const changed = edits.flatMap((edit, index) => (edit.sign === " " ? [] : [index]));
  for (let first = 0; first < changed.length; ) {
    let last = first;
    while (last + 1 < changed.length && (changed[last + 1] ?? 0) - (changed[last] ?? 0) <= 2 * CONTEXT) last += 1;
    const from = Math.max(0, (changed[first] ?? 0) - CONTEXT);
    const to = Math.min(edits.length, (changed[last] ?? 0) + CONTEXT + 1);
    const count = (part: readonly Edit[], sign: "-" | "+"): number => part.filter((edit) => edit.sign === " " || edit.sign === sign).length;
    const range = (sign: "-" | "+"): string => {
      const size = count(edits.slice(from, to), sign);
      const start = count(edits.slice(0, from), sign) + (size === 0 ? 0 : 1);
      return size === 1 ? String(start) : `${start},${size}`;
    };
    lines.push(`@@ -${range("-")} +${range("+")} @@`, ...edits.slice(from, to).map((edit) => `${edit.sign}${edit.line}`));
    first = last + 1;
  }
  return lines;
}
