/** A pair whose standby is kept stopped, and a witness that may start it, in a small world. */
import type { CoreConfig } from "../../agent/core/settings.ts";
import { coreConfig, SmallWorld } from "./small-world.ts";

/** Who may start the standby. */
export const WITNESS = "witness-1";

/** node-a active, node-b stopped, and all of that seen. It has settled. */
export function pilotLight(ofWitness: Partial<CoreConfig> = {}): SmallWorld {
  const node = (id: string): CoreConfig => coreConfig(id, { witnesses: [WITNESS] });
  const world = new SmallWorld([node("node-a"), node("node-b"), coreConfig(WITNESS, { peers: ["node-a", "node-b"], coldStandby: true, coldStartWaitMs: 60_000, ...ofWitness })]);
  world.run(20_000);
  world.kill("node-b");
  world.instances.set("node-b", "stopped");
  world.run(90_000);
  return world;
}
