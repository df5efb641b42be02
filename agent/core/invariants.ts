/**
 * What must hold after every step, in production as in the simulator. A broken one is a defect: the process ends with
 * exit code 70 and comes back as a node that reads EC2 before it does anything, so a wrong decision becomes a short absence.
 */
import { mayReassociate } from "./claim.ts";
import { canServe } from "./health.ts";
import { isHeldBy } from "./ownership.ts";
import type { CoreConfig } from "./settings.ts";
import type { State } from "./state.ts";
import type { Step } from "./step.ts";
import { isUnderWay } from "./switchover.ts";

/** The sentence of the first invariant that the step breaks, or null. */
export function brokenInvariant(before: State, step: Step, config: CoreConfig): string | null {
  const { state, actions } = step;
  if (state.nowMs < before.nowMs) return "time went back";
  if ((state.role === "claiming") !== (state.claim !== null)) return `role ${state.role} does not fit a claim that is ${state.claim === null ? "absent" : "under way"}`;
  if (state.role === "active" && before.role !== "active" && !isHeldBy(state.ownership, config.nodeId)) return "became active although two reads of EC2 have not shown the address here";
  if (config.kind === "witness" && state.role !== "witness") return "a witness took a role";
  if (state.yielding !== null && state.role !== "active") return "yields without being active";
  if (isUnderWay(state.switchover) && (state.role !== "active" || state.draining === null)) return "leads a switchover without being active, or without refusing new calls";
  // What was saved under a more generous CLAIMS_PER_HOUR may be more; it only must not grow.
  if (state.policy.claimsAtMs.length > Math.max(config.claimsPerHour, before.policy.claimsAtMs.length)) return "more automatic claims within the hour than CLAIMS_PER_HOUR";
  const keys = new Set<string>();
  for (const action of actions) {
    if (action.type !== "request") continue;
    if (keys.has(action.key)) return `two requests of ${action.key} at once`;
    keys.add(action.key);
    if (before.inFlight[action.key] !== undefined && state.inFlight[action.key] === before.inFlight[action.key]) return `a second ${action.key} while one is in flight`;
    if (action.request.kind !== "claim") continue;
    const forced = state.claim?.cause === "takeover";
    if (!canServe(state.health.serving) && !(forced && state.takeover?.evenIfNotServing === true)) return "claims while its own Asterisk is not serving (S3)";
    if (state.draining !== null) return "claims while it refuses calls on purpose (S3)";
    if (state.policy.pause.on && !forced) return "claims while paused (S2)";
    if (state.ownership.holder?.kind === "stranger" && !forced) return "claims from an instance outside the cluster (S6)";
    if (action.request.allowReassociation !== mayReassociate(state)) return "AllowReassociation does not fit the holder (S5)";
  }
  return null;
}
