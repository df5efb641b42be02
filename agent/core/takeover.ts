/**
 * `nodectl takeover`: an operator's own judgement instead of the quorum's, for a dead peer or an address on a stranger. What
 * guards callers by evidence may be overridden, each by name and with its danger said; what would make the move senseless may
 * not: EC2 must be readable, and this node must be a standby that takes calls.
 */
import { cloudAsked, GATES, gateContext, holdDownOver, majorityDown, nobodyUp, notBlocked, notDraining, notPaused, ownerKnown, ownVerdictDown, serving, underLimit, yieldOf, type Gate, type GateContext } from "./gates.ts";
import { holderName, isHeldBy } from "./ownership.ts";
import type { CoreConfig } from "./settings.ts";
import { withChanges, type State } from "./state.ts";
import { freshHeartbeat } from "./suspicion.ts";
import type { MonotonicMs } from "./types.ts";

/** What an operator asks. */
export interface TakeoverRequest {
  readonly id: string;
  readonly reason: string;
  /** On whom the operator was shown the address, and the gates that were shown as overridden: the order holds for this and no more. */
  readonly from: string;
  readonly accepted: readonly string[];
  /** The operator's explicit word that this node shall have the address although its own Asterisk can't take calls. */
  readonly evenIfNotServing: boolean;
}

/** The last takeover that was asked of this node. */
export interface Takeover extends TakeoverRequest {
  readonly phase: "claiming" | "done" | "failed" | "refused";
  /** How it ended, as a sentence; empty while it is under way. */
  readonly ending: string;
  /** The gates that it overrides, by name. */
  readonly overrides: readonly string[];
  readonly askedAtMs: MonotonicMs;
  readonly phaseAtMs: MonotonicMs;
}

/** A gate that is closed and is overridden, with what it says and what may follow. */
export interface Override {
  readonly gate: string;
  readonly says: string;
  readonly danger: string;
}

/** An order is good for so long (ms): EC2 may throttle, and an old order must not act in another situation. */
export const TAKEOVER_FOR_MS = 30_000;
/** How long its end is told (ms). */
const TOLD_FOR_MS = 120_000;

interface Overridable {
  readonly gate: Gate;
  readonly danger: (context: GateContext) => string;
}

/** In the order in which they are shown. */
const OVERRIDABLE: readonly Overridable[] = [
  { gate: serving, danger: () => "Callers would reach an Asterisk that can't take their calls." },
  { gate: { name: "not a stranger's", passes: ({ state }) => state.ownership.holder?.kind !== "stranger", says: ({ state }) => `The address is on ${holderName(state.ownership.holder)}.` }, danger: () => "Whatever that instance serves through the address is cut at once, and who put the address there may put it there again." },
  { gate: { name: "active gone", passes: activeIsGone, says: whyNotGone }, danger: activeDanger },
  { gate: notPaused, danger: () => "Somebody may be working on the address or on this node at this moment." },
  { gate: holdDownOver, danger: () => "The address has just moved: those who called again since are cut a second time." },
  { gate: notBlocked, danger: () => "The address moves too often, and whatever makes it move is still there." },
  { gate: underLimit, danger: () => "The address moves too often, and whatever makes it move is still there." },
];

const PROOF: readonly Gate[] = [ownVerdictDown, nobodyUp, majorityDown, cloudAsked];

function activeIsGone(context: GateContext): boolean {
  if (context.state.evidence.target === null || yieldOf(context.state, context.config) !== null) return true;
  return PROOF.every((gate) => gate.passes(context));
}

function whyNotGone(context: GateContext): string {
  return PROOF.find((gate) => !gate.passes(context))?.says(context) ?? "The active is gone.";
}

function activeDanger({ state, config }: GateContext): string {
  const holder = holderName(state.ownership.holder);
  const heartbeat = state.evidence.target === null ? null : freshHeartbeat(state, state.evidence.target, config);
  if (heartbeat === null) return `If ${holder} still serves callers, their calls are cut, and it keeps its registrations with carriers until it can read EC2.`;
  return `${holder} lives and carries ${heartbeat.calls} call(s), which are cut. If its Asterisk is well, \`nodectl switchover\` lets them end first.`;
}

/** What a takeover would override now, each gate with its danger. */
export function overridesOf(state: State, config: CoreConfig): readonly Override[] {
  const context = gateContext(state, config);
  return OVERRIDABLE.filter(({ gate }) => !gate.passes(context)).map(({ gate, danger }) => ({ gate: gate.name, says: gate.says(context), danger: danger(context) }));
}

/** Why a takeover can't be had, whatever is overridden; null when it can. */
export function takeoverRefusal(state: State, evenIfNotServing: boolean, config: CoreConfig): string | null {
  const context = gateContext(state, config);
  if (state.role === "active") return `${config.nodeId} has the address already.`;
  if (state.role === "witness") return "A witness can't have the address: ask a node.";
  if (state.role !== "standby") return `${config.nodeId} is ${state.role}: wait until it is standby.`;
  const closed = [ownerKnown, notDraining].find((gate) => !gate.passes(context));
  if (closed !== undefined) return closed.says(context);
  if (state.ownership.failure !== null && state.ownership.failures > 0) return `EC2 can't be read here: ${state.ownership.failure.message}. Without EC2 no address moves.`;
  return serving.passes(context) || evenIfNotServing ? null : `${serving.says(context)} Only --even-if-not-serving goes past this.`;
}

/** What the operator was not shown; null when all was. */
function unseen({ from, accepted }: TakeoverRequest, state: State, config: CoreConfig): string | null {
  const holder = holderName(state.ownership.holder);
  if (holder !== from) return `You were shown the address on ${from}; it is on ${holder} now. Ask again.`;
  const more = overridesOf(state, config).find(({ gate }) => !accepted.includes(gate));
  return more === undefined ? null : `Meanwhile this would have to be overridden, too: ${more.says} ${more.danger} Ask again.`;
}

/** An operator asks this node. */
export function askTakeover(state: State, request: TakeoverRequest, config: CoreConfig): State {
  if (state.takeover?.id === request.id || state.takeover?.phase === "claiming") return state;
  const refusal = takeoverRefusal(state, request.evenIfNotServing, config) ?? unseen(request, state, config);
  const asked = { ...request, askedAtMs: state.nowMs, phaseAtMs: state.nowMs };
  if (refusal !== null) return withChanges(state, { takeover: { ...asked, phase: "refused", ending: refusal, overrides: [] } });
  return withChanges(state, { takeover: { ...asked, phase: "claiming", ending: "", overrides: overridesOf(state, config).map(({ gate }) => gate) } });
}

/** Takes it on by what has become of it since the last step. */
export function advanceTakeover(state: State, config: CoreConfig): State {
  const { takeover } = state;
  if (takeover === null) return state;
  const ageMs = state.nowMs - takeover.phaseAtMs;
  if (takeover.phase !== "claiming") return ageMs >= TOLD_FOR_MS ? withChanges(state, { takeover: null }) : state;
  const end = (phase: "done" | "failed", ending: string): State => (withChanges(state, { takeover: { ...takeover, phase, ending, phaseAtMs: state.nowMs } }));
  if (state.role === "active") return end("done", `Two reads of EC2 show the address on ${config.nodeId}.`);
  if (state.role === "claiming") return state;
  const holder = holderName(state.ownership.holder);
  if (holder !== takeover.from && !isHeldBy(state.ownership, config.nodeId)) return end("failed", `You were shown the address on ${takeover.from}; it is on ${holder} now. Nothing was done about that: ask again.`);
  if (ageMs < TAKEOVER_FOR_MS) return state;
  const context = gateContext(state, config);
  const closed = GATES.takeover.find((gate) => !gate.passes(context))?.says(context);
  return end("failed", `EC2 shows the address on ${holder} still. ${closed ?? state.reason}`);
}

/** For the log, the history and the address's tags. */
export function takeoverSays({ takeover, ownership }: State): string {
  const overridden = takeover === null || takeover.overrides.length === 0 ? "" : ` Overridden: ${takeover.overrides.join(", ")}.`;
  return `An operator takes the address over from ${holderName(ownership.holder)}: ${(takeover?.reason ?? "").replace(/\.$/, "")}.${overridden}`;
}
