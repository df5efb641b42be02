/**
 * The syntax of the templates in asterisk-config/, and nothing else of them: `{{name}}` is a value; `{{#list}}` and
 * `{{/list}}`, each on a line of its own, enclose lines that are repeated for every entry of a list, in which the entry's
 * own fields are values too. No conditions, no nesting, no code: what a template makes can be read off it.
 */

/** A problem with one line of a file; never with a value in it. */
export interface LineProblem {
  /** From 1. */
  readonly line: number;
  readonly says: string;
}

export interface TemplateLine {
  /** From 1, in the template. */
  readonly number: number;
  readonly text: string;
}

type Part = { readonly list: null; readonly lines: readonly TemplateLine[] } | { readonly list: string; readonly lines: readonly TemplateLine[]; readonly number: number };

export interface Template {
  readonly parts: readonly Part[];
  /** Every placeholder and list that it names. Fields of a list's entries are among the placeholders. */
  readonly wants: ReadonlySet<string>;
}

const MARK = /^\s*\{\{([#/])(\w+)\}\}\s*$/;
export const PLACEHOLDER = /\{\{(\w+)\}\}/g;

/** Reads a template; `problems` are all that is wrong with its syntax. */
export function parseTemplate(text: string): { readonly template: Template; readonly problems: readonly LineProblem[] } {
  const problems: LineProblem[] = [];
  const parts: Part[] = [];
  const wants = new Set<string>();
  let plain: TemplateLine[] = [];
  let block: { readonly list: string; readonly number: number; readonly lines: TemplateLine[] } | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const number = index + 1;
    const [, kind, name = ""] = MARK.exec(line) ?? [];
    if (kind === "#") {
      if (block !== null) problems.push({ line: number, says: `{{#${name}}} begins inside {{#${block.list}}}; lists can't be nested` });
      parts.push({ list: null, lines: plain });
      plain = [];
      block = { list: name, number, lines: [] };
      wants.add(name);
    } else if (kind === "/") {
      if (block?.list === name) parts.push(block);
      else problems.push({ line: number, says: `{{/${name}}} ends what was not begun` });
      block = null;
    } else {
      for (const match of line.matchAll(PLACEHOLDER)) wants.add(match[1] ?? "");
      if (line.replaceAll(PLACEHOLDER, "").includes("{{")) problems.push({ line: number, says: "{{ is not followed by a name and }}; {{#list}} and {{/list}} stand on lines of their own" });
      (block?.lines ?? plain).push({ number, text: line });
    }
  }
  if (block !== null) problems.push({ line: block.number, says: `{{#${block.list}}} is never ended` });
  parts.push({ list: null, lines: plain });
  return { template: { parts, wants }, problems };
}
