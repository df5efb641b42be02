/** The one sentence that answers "what is it waiting for?", whatever the role. For a standby the gates' own words. */
import { coldStandbySays } from "../core/cold-standby.ts";
import { GATES, type GateContext, waitsFor, yieldOf } from "../core/gates.ts";
import { canServe } from "../core/health.ts";
import { offerOf } from "../core/offer.ts";
import { holderName } from "../core/ownership.ts";
import { servingNodes } from "../core/conditions-of-members.ts";
import { isUnderWay, switchoverSays } from "../core/switchover.ts";
import type { ClaimCause } from "../core/types.ts";

/** Gates of a claim by quorum that only a dying active opens; while the rest is open, this standby is ready. */
const EVIDENCE = new Set(["own verdict down", "nobody says up", "majority down", "EC2 asked", "hold-down over"]);

export function waitsForSentence(context: GateContext): string {
  switch (context.state.role) {
    case "starting":
      return context.state.ownership.candidate === null ? "A read of EC2 that shows where the address is." : `A second read of EC2; the first shows the address on ${holderName(context.state.ownership.candidate)}.`;
    case "standby":
      return ofStandby(context);
    case "claiming":
      return ofClaim(context);
    case "active":
      return ofActive(context);
    case "witness":
      return ofWitness(context);
  }
}

function ofWitness(context: GateContext): string {
  const { target } = context.state.evidence;
  const votes = target === null ? "A node that says that it holds the address." : `Nothing: it observes ${target} and votes.`;
  const cold = target === null ? null : coldStandbySays(context);
  return cold === null ? votes : context.state.evidence.suspectedAtMs === null ? `${votes} ${cold}` : cold;
}

function ofStandby(context: GateContext): string {
  const { state, config } = context;
  if (state.takeover?.phase === "claiming") return ofCause("takeover", context);
  if (offerOf(state, config) !== null) return ofCause("switchover", context);
  if (yieldOf(state, config) !== null) return ofCause("consent", context);
  if (state.ownership.holder?.kind === "nobody") return ofCause("vacant", context);
  const closed = GATES.quorum.filter((gate) => !gate.passes(context));
  const ready = closed.every((gate) => EVIDENCE.has(gate.name));
  if (ready && state.evidence.suspectedAtMs === null) return `Nothing: it is ready, and claims when ${holderName(state.ownership.holder)} asks to be relieved or shows no sign of life.`;
  return ofCause("quorum", context);
}

/** Names the first gate that is closed, so that it can be found among the gates in the JSON, and what it found. */
function ofCause(cause: ClaimCause, context: GateContext): string {
  const closed = GATES[cause].find((gate) => !gate.passes(context));
  return closed === undefined ? waitsFor(cause, context) : `A claim (${cause}) waits for "${closed.name}". ${closed.says(context)}`;
}

function ofClaim({ state }: GateContext): string {
  const { claim } = state;
  if (claim === null || claim.phase === "calling") return "EC2's answer to the claim.";
  const contrary = claim.contraryReads === 0 ? "" : `; ${claim.contraryReads} read(s) since then show somebody else`;
  return `Two reads of EC2 that show the address here (the call's outcome: ${claim.phase}${contrary}).`;
}

function ofActive({ state, config }: GateContext): string {
  if (state.ownership.candidate !== null) return `A second read of EC2; one shows the address on ${holderName(state.ownership.candidate)}.`;
  if (isUnderWay(state.switchover)) return switchoverSays(state);
  if (state.yielding !== null) return "A standby that takes over, as this node asks for relief.";
  const relief = servingNodes(state, config).filter((node) => node !== config.nodeId);
  if (canServe(state.health.serving)) return relief.length > 0 ? "Nothing: it serves callers." : "Nothing: it serves callers. No standby is known to be ready.";
  return relief.length > 0 ? `Its Asterisk to come back; ${relief.join(", ")} could take over.` : "Its Asterisk to come back: no standby is known to be serving.";
}
