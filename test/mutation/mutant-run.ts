/** One mutant: layer after layer, until a test fails. Whoever fails first has caught it. */
import type { Ran, Timed } from "./collected-tests.ts";
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

/** Names of tests, those first that are likely to fail soon. */
export type Order = Readonly<Partial<Record<Layer, readonly string[]>>>;

/** What a run came to, and the tests that passed: all of them when nothing failed. */
export interface Outcome {
  readonly caught: Catch | null;
  readonly passed: Readonly<Partial<Record<Layer, readonly Timed[]>>>;
}

/** Tries the core in which `file` is `code`; null for the core as it is. */
export async function runMutant(worlds: Worlds, file: string | null, code: string, order: Order): Promise<Outcome> {
  const passed: Partial<Record<Layer, readonly Timed[]>> = {};
  for (const layer of LAYERS) {
    const ran = await failureIn(worlds.make(file, code), layer, order[layer] ?? []);
    passed[layer] = ran.passed;
    if (ran.failed !== null) return { caught: { layer, test: ran.failed }, passed };
  }
  return { caught: null, passed };
}

type Run = (order: readonly string[]) => Promise<Ran>;
type Campaign = (seed: number, minutes: number) => { readonly broken: readonly string[] };

async function failureIn(world: (bundle: string) => Record<string, unknown>, layer: Layer, order: readonly string[]): Promise<Ran> {
  try {
    const exports = world(layer);
    if (layer !== "simulation") return await (exports["runAll"] as Run)(order);
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { broken } = (exports["runCampaign"] as Campaign)(seed, MINUTES);
      if (broken.length > 0) return { failed: `seed ${seed}: ${broken[0] ?? ""}`, passed: [] };
    }
    return { failed: null, passed: [] };
  } catch (error) {
    return { failed: `the tests can't be loaded: ${error instanceof Error ? error.message : String(error)}`, passed: [] };
  }
}
