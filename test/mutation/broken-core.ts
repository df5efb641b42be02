/** The simulator on a core that is broken on purpose, to see that the checkers find it. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { shrink } from "../simulation/shrink.ts";
import type { replay, RunResult } from "../simulation/story.ts";
import { coreCode, coreText, makeSources } from "./sources.ts";
import { Worlds } from "./world.ts";

/** One place of a file in agent/core: how it is, and how it is broken. */
export interface Change {
  readonly file: string;
  readonly sound: string;
  readonly broken: string;
}

/** What of the simulator can be used. */
export interface Simulation {
  readonly runCampaign: (seed: number, minutes: number) => RunResult;
  readonly shrink: typeof shrink;
  readonly replay: typeof replay;
}

/** Makes one for each set of changes. Rejects when a place no longer looks as the change says. */
export async function simulatorsOf(sets: readonly (readonly Change[])[]): Promise<readonly Simulation[]> {
  const sources = await makeSources(["simulation"]);
  return Promise.all(sets.map(async (changes) => {
    const core = { ...sources.core };
    for (const { file, sound, broken } of changes) {
      const text = coreText(file);
      assert.ok(text.includes(sound), `${file} no longer says ${sound}`);
      core[file] = await coreCode(text.replace(sound, broken));
    }
    return new Worlds({ ...sources, core }, createRequire(import.meta.url)).make(null, "")("simulation") as unknown as Simulation;
  }));
}

/** One with those places changed. */
export async function simulatorOf(changes: readonly Change[]): Promise<Simulation> {
  const [simulation] = await simulatorsOf([changes]);
  assert.ok(simulation !== undefined);
  return simulation;
}
