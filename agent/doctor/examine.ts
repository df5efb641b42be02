/** The whole examination: every check that this member has, side by side. */
import { asteriskChecks } from "./check-asterisk.ts";
import { awsChecks } from "./check-aws.ts";
import { machineChecks } from "./check-machine.ts";
import { memberChecks } from "./check-members.ts";
import { ok, runChecks, type Finding } from "./finding.ts";
import type { DoctorWorld } from "./world.ts";

/** @param settings where the configuration came from, for the first finding */
export async function examine(world: DoctorWorld, settings: string): Promise<readonly Finding[]> {
  const { core } = world.config;
  const configuration = ok("configuration", `${core.nodeId} of ${core.clusterId} (${core.kind}), from ${settings}: every knob is valid.`);
  return [configuration, ...(await runChecks([...machineChecks(world), ...awsChecks(world), ...memberChecks(world), ...asteriskChecks(world)]))];
}
