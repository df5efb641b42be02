/** One mutant on trial: layer after layer, until a test fails. Whoever fails first has caught it. */
import type { Ran } from "./collected-tests.ts";
import { LAYERS, type Layer } from "./layers.ts";
import type { Worlds } from "./world.ts";

/** Simulated runs that a mutant has to pass, and how long each is (minutes): single faults and mixed ones. */
const SEEDS = 6;
const MINUTES = 10;

/** What caught a mutant: a layer with the test that failed, or nothing. */
export interface Catch {
  readonly layer: Layer | "hang";
  readonly test: string;
}

/** Names of tests, the quickest first: most mutants fall to a quick one. */
export type Order = Readonly<Partial<Record<Layer, readonly string[]>>>;

/** What a trial came to; `order` is complete when nothing failed. */
export interface Outcome {
  readonly caught: Catch | null;
  readonly order: Order;
}

/** Tries the core in which `file` is `code`; null for the core as it is. */
export async function tryMutant(worlds: Worlds, file: string | null, code: string, order: Order): Promise<Outcome> {
  const found: Partial<Record<Layer, readonly string[]>> = {};
  for (const layer of LAYERS) {
    const { failed, quickestFirst } = await failureIn(worlds.make(file, code), layer, order[layer] ?? []);
    found[layer] = quickestFirst;
    if (failed !== null) return { caught: { layer, test: failed }, order: found };
  }
  return { caught: null, order: found };
}

type Run = (order: readonly string[]) => Promise<Ran>;
type Campaign = (seed: number, minutes: number) => { readonly broken: readonly string[] };

async function failureIn(world: (bundle: string) => Record<string, unknown>, layer: Layer, order: readonly string[]): Promise<Ran> {
  try {
    const exports = world(layer);
    if (layer !== "simulation") return await (exports["runAll"] as Run)(order);
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { broken } = (exports["runCampaign"] as Campaign)(seed, MINUTES);
      if (broken.length > 0) return { failed: `seed ${seed}: ${broken[0] ?? ""}`, quickestFirst: [] };
    }
    return { failed: null, quickestFirst: [] };
  } catch (error) {
    return { failed: `the tests can't be loaded: ${error instanceof Error ? error.message : String(error)}`, quickestFirst: [] };
  }
}
