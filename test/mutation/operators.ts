/**
 * The ways to weaken a decision: each looks at one node of the syntax tree and says what could stand there instead. What
 * operators read (sentences, names, meanings) is left alone: a changed word is not a changed decision.
 */
import ts from "typescript";

/** What kind of weakening it is, for the sums. */
export type Kind = "row" | "gate" | "verdict" | "comparison" | "boundary" | "condition" | "guard" | "quantifier" | "arithmetic" | "flag" | "update" | "default";

/** Something else that could stand in the place of a node. */
export interface Instead {
  readonly kind: Kind;
  readonly text: string;
}

/** The other side of a boundary, and the opposite. */
const BOUNDARY: Readonly<Record<string, string>> = { "<": "<=", "<=": "<", ">": ">=", ">=": ">" };
const OPPOSITE: Readonly<Record<string, string>> = { "<": ">=", "<=": ">", ">": "<=", ">=": "<", "===": "!==", "!==": "===", "==": "!=", "!=": "==" };
const ARITHMETIC: Readonly<Record<string, string>> = { "+": "-", "-": "+", "*": "/", "/": "*" };
const QUANTIFIERS: Readonly<Record<string, string>> = { every: "some", some: "every", max: "min", min: "max" };
/** A verdict that is turned into another: proof into ignorance, and ignorance into both. */
const VERDICTS: Readonly<Record<string, readonly string[]>> = { up: ["unknown"], down: ["unknown"], unknown: ["up", "down"] };
/** Properties that hold text for people, and variables that do. */
const FOR_PEOPLE = new Set(["says", "meaning", "name", "reason", "message", "cloudReason", "failure"]);

/** Text for people below this node: nothing there decides. */
export function isForPeople(node: ts.Node): boolean {
  if (ts.isTemplateExpression(node) || isChoiceOfTexts(node)) return true;
  if ((ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node)) && ts.isIdentifier(node.name) && FOR_PEOPLE.has(node.name.text)) return true;
  return ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isImportDeclaration(node);
}

/** One sentence or another. A sentence or null is a decision: to refuse, say. */
function isChoiceOfTexts(node: ts.Node): boolean {
  if (!ts.isConditionalExpression(node)) return false;
  const choices = [node.whenTrue, node.whenFalse];
  return choices.some((choice) => ts.isTemplateExpression(choice) || isChoiceOfTexts(choice)) && choices.every((choice) => ts.isTemplateExpression(choice) || ts.isStringLiteral(choice) || isChoiceOfTexts(choice));
}

/** All that could stand in the place of this node. */
export function insteadOf(node: ts.Node): readonly Instead[] {
  return [...ofQuestion(node), ...ofItself(node)];
}

function ofItself(node: ts.Node): readonly Instead[] {
  if (ts.isBinaryExpression(node)) return ofBinary(node);
  if (ts.isIfStatement(node)) return [];
  if (ts.isConditionalExpression(node)) return [{ kind: "condition", text: node.whenTrue.getText() }, { kind: "condition", text: node.whenFalse.getText() }];
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) return [{ kind: "condition", text: node.operand.getText() }];
  if (ts.isStringLiteral(node)) return ofString(node);
  if (node.kind === ts.SyntaxKind.TrueKeyword) return [{ kind: "flag", text: "false" }];
  if (node.kind === ts.SyntaxKind.FalseKeyword) return [{ kind: "flag", text: "true" }];
  if (ts.isIdentifier(node)) return ofName(node);
  if (ts.isObjectLiteralExpression(node)) return ofObject(node);
  if (ts.isExpression(node) && ts.isIfStatement(node.parent) && node.parent.expression === node) return ofGuard();
  return [];
}

function ofGuard(): readonly Instead[] {
  return [{ kind: "guard", text: "false" }, { kind: "guard", text: "true" }];
}

function ofBinary(node: ts.BinaryExpression): readonly Instead[] {
  const operator = node.operatorToken.getText();
  const left = node.left.getText();
  const right = node.right.getText();
  const guard = ts.isIfStatement(node.parent) ? ofGuard() : [];
  const swapped = (kind: Kind, other: string | undefined): readonly Instead[] => (other === undefined ? [] : [{ kind, text: `${left} ${other} ${right}` }]);
  if (operator === "&&" || operator === "||") return [...guard, { kind: "condition", text: left }, { kind: "condition", text: right }];
  if (operator === "??") return [{ kind: "default", text: right }];
  return [...guard, ...swapped("boundary", BOUNDARY[operator]), ...swapped("comparison", OPPOSITE[operator]), ...swapped("arithmetic", ARITHMETIC[operator])];
}

/** A verdict where it is given, not where it is asked for: a comparison is turned around by itself. */
function ofString(node: ts.StringLiteral): readonly Instead[] {
  if (ts.isBinaryExpression(node.parent) || ts.isCaseClause(node.parent)) return [];
  return (VERDICTS[node.text] ?? []).map((text) => ({ kind: "verdict", text: JSON.stringify(text) }));
}

/** `every` and `some`, `max` and `min`; and a gate or a row that is left out of its list. */
function ofName(node: ts.Identifier): readonly Instead[] {
  const other = QUANTIFIERS[node.text];
  if (other !== undefined && ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) return [{ kind: "quantifier", text: other }];
  if (ts.isArrayLiteralExpression(node.parent) && /\b(?:Gate|Row)\b/.test(ownerOf(node.parent))) return [{ kind: "gate", text: "...[]" }];
  return [];
}

/** The text of the declaration's type that an array belongs to. */
function ownerOf(node: ts.Node): string {
  for (let up = node; !ts.isSourceFile(up); up = up.parent) if (ts.isVariableDeclaration(up)) return up.type?.getText() ?? "";
  return "";
}

/** The question of a gate or of a row always answered with yes, and with no. */
function ofQuestion(node: ts.Node): readonly Instead[] {
  const { parent } = node;
  if (!ts.isPropertyAssignment(parent) || parent.initializer !== node || !["passes", "when"].includes(parent.name.getText())) return [];
  const kind = parent.name.getText() === "when" ? "row" : "gate";
  return [{ kind, text: "() => true" }, { kind, text: "() => false" }];
}

/** A row left out of the table; and of a new state one field that stays as it was. */
function ofObject(node: ts.ObjectLiteralExpression): readonly Instead[] {
  if (ts.isArrayLiteralExpression(node.parent) && /\bRow\b/.test(ownerOf(node.parent))) return [{ kind: "row", text: "...[]" }];
  if (!node.properties.some(ts.isSpreadAssignment)) return [];
  const changed = node.properties.filter((property) => !ts.isSpreadAssignment(property) && !FOR_PEOPLE.has(property.name.getText()));
  return changed.map((left) => ({ kind: "update", text: `{ ${node.properties.filter((property) => property !== left).map((property) => property.getText()).join(", ")} }` }));
}
