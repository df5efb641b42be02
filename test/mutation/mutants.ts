/** The list of all mutants: every place of the deciding files where an operator finds something to weaken. */
import ts from "typescript";
import { insteadOf, isForPeople, type Kind } from "./operators.ts";

/** One change of the source. */
export interface Mutant {
  /** Says where and what, and stays the same while its line does: reasons for survivors are filed under it. */
  readonly key: string;
  readonly file: string;
  readonly line: number;
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** What decides: the table, the gates, the evidence and the votes, the claim and its limits, what feeds them, the orders of operators, and the start of a stopped standby. */
export const DECIDING_FILES = ["transitions", "gates", "quorum", "evidence", "suspicion", "ownership", "claim", "policy", "age", "health", "fold", "schedule", "step", "speak", "asterisk-role", "offer", "switchover-gates", "switchover", "takeover", "cold-standby"].map((name) => `${name}.ts`);

/** All mutants of one file, in the order of its text. */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const syntax = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const times = new Map<string, number>();
  const visit = (node: ts.Node, inside: string): void => {
    if (isForPeople(node)) return;
    const name = nameOf(node) ?? inside;
    for (const { kind, text } of insteadOf(node)) {
      const what = `${file} ${name}: ${brief(node.getText())} -> ${brief(text)}`;
      const time = (times.get(what) ?? 0) + 1;
      times.set(what, time);
      found.push({ key: time === 1 ? what : `${what} (${time})`, file, line: syntax.getLineAndCharacterOfPosition(node.getStart()).line + 1, kind, from: node.getStart(), to: node.getEnd(), text });
    }
    ts.forEachChild(node, (child) => { visit(child, name); });
  };
  ts.forEachChild(syntax, (child) => { visit(child, ""); });
  return found;
}

/** The file's text with that one change. */
export function mutated(source: string, mutant: Mutant): string {
  // Brackets around it: what stood there as one may not fall apart beside its neighbours.
  const text = mutant.text.startsWith("...") || /^[\w".]+$/.test(mutant.text) ? mutant.text : `(${mutant.text})`;
  return source.slice(0, mutant.from) + text + source.slice(mutant.to);
}

/** The declaration at the top of the file or of a table that a node is. */
function nameOf(node: ts.Node): string | null {
  if (ts.isFunctionDeclaration(node) && node.name !== undefined) return node.name.text;
  if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && ts.isSourceFile(node.parent.parent.parent)) return node.name.text;
  const first = ts.isObjectLiteralExpression(node) ? node.properties[0] : undefined;
  const names = first !== undefined && ts.isPropertyAssignment(first) && first.name.getText() === "name" && ts.isStringLiteral(first.initializer);
  return names && ts.isArrayLiteralExpression(node.parent) ? `row ${first.initializer.text}` : null;
}

function brief(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= 90 ? line : `${line.slice(0, 60)} … ${line.slice(-28)}`;
}
