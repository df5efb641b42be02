/**
 * A template and values become a file. Each line is made twice: as it will stand in the file, and as it may be shown, with a
 * marker in place of every secret. All that is wrong in all files is told at once; no message ever holds a value.
 */
import { breakOut } from "./safety.ts";
import { PLACEHOLDER, type LineProblem, type Template, type TemplateLine } from "./template.ts";
import type { Entry, Missing, Value, Values } from "./values.ts";

export interface FilledLine {
  readonly text: string;
  /** The same with secrets hidden. */
  readonly shown: string;
}

export interface Filled {
  readonly lines: readonly FilledLine[];
  readonly problems: readonly LineProblem[];
}

/** Fills in one template. `file` is its name, by which some rules of safety.ts go. */
export function fillTemplate(file: string, template: Template, values: Values): Filled {
  const lines: FilledLine[] = [];
  const problems: LineProblem[] = [];
  const add = (line: TemplateLine, fields: Entry | null): void => {
    const { filled, problems: found } = fillLine(file, line, (name) => (fields === null ? undefined : own(fields, name)) ?? own(values.single, name));
    lines.push(filled);
    problems.push(...found);
  };
  for (const part of template.parts) {
    if (part.list === null) for (const line of part.lines) add(line, null);
    else {
      const list = own(values.lists, part.list);
      if (list === undefined) problems.push({ line: part.number, says: `{{#${part.list}}}: there is no such list` });
      for (const entry of list ?? []) for (const line of part.lines) add(line, entry);
    }
  }
  return { lines, problems };
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function fillLine(file: string, line: TemplateLine, lookUp: (name: string) => Value | Missing | undefined): { readonly filled: FilledLine; readonly problems: readonly LineProblem[] } {
  const problems: LineProblem[] = [];
  const tell = (name: string, says: string): void => void problems.push({ line: line.number, says: `{{${name}}}${says}` });
  let text = "";
  let shown = "";
  let end = 0;
  for (const match of line.text.matchAll(PLACEHOLDER)) {
    const name = match[1] ?? "";
    const literal = line.text.slice(end, match.index);
    end = match.index + match[0].length;
    text += literal;
    shown += literal;
    const value = lookUp(name);
    if (value === undefined) tell(name, ": there is no such value");
    else if ("missing" in value) tell(name, `: nobody gives this value; ${value.missing}`);
    else {
      const wrong = breakOut(value.text, { file, before: text, after: line.text.slice(end) });
      if (wrong !== null) tell(name, `, from ${value.source}, ${wrong}`);
      text += value.text;
      shown += value.secret ? marker(name) : value.text;
    }
  }
  const rest = line.text.slice(end);
  return { filled: { text: text + rest, shown: shown + rest }, problems };
}

/** What stands for a secret where a file is shown. */
export function marker(name: string): string {
  return `<hidden ${name}>`;
}
