/**
 * Import this before ari-client. swagger-client, inside it, assigns variables that it never declares. That is an error in
 * strict mode, and every bundle that is an ES module is strict; unless the variables exist, which this sees to. (In
 * node_modules, where the library is not strict, it makes the very same globals by itself.)
 */
const UNDECLARED = ["consumes", "headerArray", "headers", "k", "log", "method", "model", "nav", "o", "obj", "op", "operation", "out", "output", "param", "parameter", "produces", "prop", "r", "ref", "res", "resource", "responseMessages", "result", "status", "type", "value"];

for (const name of UNDECLARED) if (!(name in globalThis)) Reflect.set(globalThis, name, undefined);

/** swagger-client announces on the console, through a global function of its own, that ARI's description is an old one; our output is JSON lines. */
export function silenceSwagger(): void {
  Reflect.set(globalThis, "log", () => undefined);
}
