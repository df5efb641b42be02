/**
 * From a menu as it is written to one that can be run: sub-menus are laid out flat under paths such as `info/more`, every
 * name is looked up, and what could trap a caller is found now and not by the caller.
 */
import type { Menu, MenuNode, SimpleNode } from "./menu-schema.ts";

/** A node that does something by itself; all its targets are paths. */
export type Step = Exclude<SimpleNode, { readonly type: "repeat" | "return" }>;

/** A menu to be run. */
export interface CompiledMenu {
  readonly start: string;
  readonly steps: ReadonlyMap<string, Step>;
}

/** Something wrong in a menu: where and what. */
export interface MenuProblem {
  readonly node: string;
  readonly field: string;
  readonly problem: string;
}

interface Scope {
  readonly menu: Menu;
  readonly path: string;
  readonly outer: Scope | null;
  /** Where a `return` leads: null when the menu is not left that way. */
  readonly after: string | null;
}

type Tell = (problem: MenuProblem) => void;

/** Compiles a menu, or tells all that is wrong with it. */
export function compileMenu(menu: Menu): { readonly menu: CompiledMenu; readonly problems: readonly MenuProblem[] } {
  const problems: MenuProblem[] = [];
  const tell: Tell = (problem) => void problems.push(problem);
  const nodes = new Map<string, MenuNode>();
  const scopes = new Map<string, Scope>();
  const root: Scope = { menu, path: "", outer: null, after: null };
  lay(root, nodes, scopes, tell);
  const landing = (path: string): string => landsOn(path, nodes, scopes, tell);
  const steps = new Map<string, Step>();
  for (const [path, node] of nodes) {
    const scope = scopes.get(path) ?? root;
    const resolve = (field: string, name: string): string => {
      const found = lookUp(scope, name);
      if (found === null) tell({ node: path, field, problem: `there is no node "${name}" here; there are ${Object.keys(scope.menu.nodes).join(", ")}` });
      return found ?? "";
    };
    const step = resolved(node, resolve);
    if (step !== null) steps.set(path, step);
  }
  const first = lookUp(root, menu.start);
  if (first === null) tell({ node: "(menu)", field: "start", problem: `there is no node "${menu.start}"` });
  if (problems.length > 0) return { menu: { start: "", steps }, problems };
  const landed = new Map([...steps].map(([path, step]) => [path, retarget(step, landing)] as const));
  const compiled = { start: landing(first ?? ""), steps: landed };
  if (problems.length === 0) checkPaths(compiled, tell);
  return { menu: compiled, problems };
}

/** Lays out a menu and those inside it. */
function lay(scope: Scope, nodes: Map<string, MenuNode>, scopes: Map<string, Scope>, tell: Tell): void {
  for (const [name, node] of Object.entries(scope.menu.nodes)) {
    const path = scope.path + name;
    nodes.set(path, node);
    scopes.set(path, scope);
    if (node.type !== "menu") continue;
    const after = node.after === undefined ? null : lookUp(scope, node.after);
    if (node.after !== undefined && after === null) tell({ node: path, field: "after", problem: `there is no node "${node.after}" here` });
    const inner: Scope = { menu: node, path: `${path}/`, outer: scope, after };
    if (!Object.hasOwn(node.nodes, node.start)) tell({ node: path, field: "start", problem: `there is no node "${node.start}" in this sub-menu` });
    lay(inner, nodes, scopes, tell);
  }
}

function lookUp(scope: Scope | null, name: string): string | null {
  if (scope === null) return null;
  return Object.hasOwn(scope.menu.nodes, name) ? scope.path + name : lookUp(scope.outer, name);
}

/** The node that does something, reached from a path through sub-menus, repeats and returns, which do nothing by themselves. */
function landsOn(from: string, nodes: ReadonlyMap<string, MenuNode>, scopes: ReadonlyMap<string, Scope>, tell: Tell): string {
  let path = from;
  for (let hops = 0; hops <= nodes.size; hops += 1) {
    const node = nodes.get(path);
    const scope = scopes.get(path) ?? null;
    if (node?.type === "menu") path = `${path}/${node.start}`;
    else if (node?.type === "repeat") path = lookUp(scope, node.of) ?? "";
    else if (node?.type === "return") {
      if (scope?.after == null) {
        tell({ node: path, field: "type", problem: 'a "return" needs a sub-menu around it that says "after"' });
        return from;
      }
      path = scope.after;
    } else return path;
  }
  tell({ node: from, field: "of", problem: "leads in a circle in which nothing happens" });
  return from;
}

/** The node with its names looked up; null for one that only passes on. */
function resolved(node: MenuNode, resolve: (field: string, name: string) => string): Step | null {
  if (node.type === "repeat") resolve("of", node.of);
  return node.type === "repeat" || node.type === "menu" || node.type === "return" ? null : eachTarget(node, resolve);
}

function retarget(step: Step, landing: (path: string) => string): Step {
  return eachTarget(step, (_field, path) => landing(path));
}

/** The same step with every target changed; `change` is also told which field it stands in. */
function eachTarget(step: Step, change: (field: string, target: string) => string): Step {
  switch (step.type) {
    case "play":
    case "opt-out":
    case "event":
      return { ...step, next: change("next", step.next) };
    case "transfer":
      return { ...step, after: change("after", step.after), busy: change("busy", step.busy), failed: change("failed", step.failed) };
    case "gather": {
      const branch = (field: "invalid" | "timeout") => ({ ...step[field], ...(step[field].next === undefined ? {} : { next: change(`${field}.next`, step[field].next) }) });
      const choices = Object.fromEntries(Object.entries(step.choices).map(([keys, target]) => [keys, change(`choices.${keys}`, target)]));
      return { ...step, choices, ...(step.next === undefined ? {} : { next: change("next", step.next) }), invalid: branch("invalid"), timeout: branch("timeout"), exhausted: change("exhausted", step.exhausted) };
    }
    case "goodbye":
      return step;
  }
}

/** Everything that a step can lead to, by field. */
export function targetsOf(step: Step): readonly (readonly [field: string, target: string])[] {
  const found: (readonly [string, string])[] = [];
  eachTarget(step, (field, target) => {
    found.push([field, target]);
    return target;
  });
  return found;
}

/** The ways on which a caller gets who presses nothing at all, and whose agents are all away. */
function silentTargets(step: Step): readonly string[] {
  if (step.type !== "gather") return targetsOf(step).map(([, target]) => target);
  return [step.exhausted, ...(step.timeout.next === undefined ? [] : [step.timeout.next])];
}

function checkPaths(menu: CompiledMenu, tell: Tell): void {
  const reached = reachedFrom(menu, menu.start, (step) => targetsOf(step).map(([, target]) => target));
  for (const [path, step] of menu.steps) {
    if (!reached.has(path)) tell({ node: path, field: "type", problem: "no way leads here; take the node out, or name it somewhere" });
    else if (silentTargets(step).some((target) => reachedFrom(menu, target, silentTargets).has(path))) tell({ node: path, field: step.type === "gather" ? "exhausted" : step.type === "transfer" ? "after" : "next", problem: "a caller who presses nothing would go round in a circle here and never get out" });
    if (step.type === "gather") checkGather(path, step, tell);
  }
}

function checkGather(path: string, step: Extract<Step, { readonly type: "gather" }>, tell: Tell): void {
  if ((step.into === undefined) !== (step.next === undefined)) tell({ node: path, field: step.into === undefined ? "into" : "next", problem: '"into" and "next" belong together' });
  if (Object.keys(step.choices).length === 0 && step.into === undefined) tell({ node: path, field: "choices", problem: 'give at least one choice, or "into" and "next"' });
  if (step.minDigits > step.maxDigits) tell({ node: path, field: "minDigits", problem: `is ${step.minDigits} and must not be more than maxDigits, ${step.maxDigits}` });
  for (const keys of Object.keys(step.choices)) {
    if (keys.length > step.maxDigits) tell({ node: path, field: `choices.${keys}`, problem: `has ${keys.length} keys, and maxDigits is ${step.maxDigits}` });
    if (step.terminator !== undefined && keys.includes(step.terminator)) tell({ node: path, field: `choices.${keys}`, problem: `holds ${step.terminator}, which ends the input` });
  }
}

function reachedFrom(menu: CompiledMenu, start: string, targets: (step: Step) => readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const step = menu.steps.get(path);
    if (step !== undefined) open.push(...targets(step));
  }
  return reached;
}
