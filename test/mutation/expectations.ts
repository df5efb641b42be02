/**
 * Which tests to ask first about the next mutant: most mutants of a file fall to the same few tests, and what is asked in
 * vain costs its time. Only the order of the tests of one layer depends on it, never which layer catches a mutant.
 */
import type { Timed } from "./collected-tests.ts";
import { LAYERS, type Layer } from "./layers.ts";
import type { Catch, Order, Outcome } from "./mutant-run.ts";

/** How many mutants a test that has caught none counts as having caught: the quick ones of them come first. */
const NONE_YET = 0.1;

export class Expectations {
  readonly #tests: Outcome["passed"];
  /** By file, layer and test: how many mutants it has caught. */
  readonly #caught = new Map<string, number>();

  /** @param tests all of them, with the time that each takes with the core as it is */
  constructor(tests: Outcome["passed"]) {
    this.#tests = tests;
  }

  note(file: string, { layer, test }: Catch): void {
    if (layer === "hang") return;
    const key = keyOf(file, layer, test);
    this.#caught.set(key, (this.#caught.get(key) ?? 0) + 1);
  }

  /** For a mutant of that file: the least time per catch first. */
  orderFor(file: string): Order {
    const price = (layer: Layer, { name, ms }: Timed): number => ms / ((this.#caught.get(keyOf(file, layer, name)) ?? 0) + NONE_YET);
    return Object.fromEntries(LAYERS.map((layer) => [layer, (this.#tests[layer] ?? []).toSorted((a, b) => price(layer, a) - price(layer, b)).map(({ name }) => name)]));
  }
}

const keyOf = (file: string, layer: Layer, test: string): string => `${file} ${layer} ${test}`;
