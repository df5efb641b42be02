/**
 * Stands in for node:test where the tests of the core run a thousand times in one process: describe() and it() collect, and
 * runAll() runs until the first failure. Only what those tests use is here; anything else fails while the tests are bundled.
 */
type Body = () => unknown;
interface Collected {
  readonly name: string;
  readonly body: Body;
}

const tests: Collected[] = [];
let path: readonly string[] = [];

/** As node:test's: its body runs at once. */
export function describe(name: string, body: Body): void {
  const before = path;
  path = [...path, name];
  body();
  path = before;
}

/** What is asked after all tests is asked of no mutant: here they stop at the first failure. */
export function after(): void {
  // Nothing to do.
}

/** As node:test's, with or without options. */
export function it(name: string, options: object, body?: Body): void {
  tests.push({ name: [...path, name].join(": "), body: body ?? (options as Body) });
}

/** A test and how long it took with the core as it is (ms). */
export interface Timed {
  readonly name: string;
  readonly ms: number;
}

/** What a run of all tests came to: the first one that failed, or null, and those that passed before it. */
export interface Ran {
  readonly failed: string | null;
  readonly passed: readonly Timed[];
}

/** Runs all until one fails, in that order of names; tests that it does not name come last. */
export async function runAll(order: readonly string[] = []): Promise<Ran> {
  const place = new Map(order.map((name, index) => [name, index]));
  const passed: Timed[] = [];
  for (const { name, body } of tests.toSorted((a, b) => (place.get(a.name) ?? Infinity) - (place.get(b.name) ?? Infinity) || 0)) {
    const startedAtMs = performance.now();
    try {
      await body();
    } catch {
      return { failed: name, passed };
    }
    passed.push({ name, ms: performance.now() - startedAtMs });
  }
  return { failed: null, passed };
}
