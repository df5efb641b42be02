/** The project's own TypeScript as the compiler parses it, for tests that hold every file to a rule. */
import ts from "typescript";
import type { SourceFile } from "./source-files.ts";

const parsed = new Map<string, ts.SourceFile>();

/** Parsed once a file. */
export function syntaxOf({ path, text }: SourceFile): ts.SourceFile {
  const known = parsed.get(path) ?? ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  parsed.set(path, known);
  return known;
}

/** Every node of its syntax, the outer before the inner. */
export function nodesOf(file: SourceFile): readonly ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(syntaxOf(file));
  return found;
}

/** What it imports, by name or by an import() of a fixed text. */
export function importsOf(file: SourceFile): readonly string[] {
  return nodesOf(file).flatMap((node) => {
    const [from] = ts.isImportDeclaration(node) ? [node.moduleSpecifier] : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments : [];
    return from !== undefined && ts.isStringLiteral(from) ? [from.text] : [];
  });
}

/** Every file that has something to complain of, with what it is. */
export function complaints(files: readonly SourceFile[], complain: (file: SourceFile) => readonly string[]): readonly string[] {
  return files.flatMap((file) => complain(file).map((what) => `${file.path}: ${what}`));
}
