/**
 * The planned failover: an operator asks, the active leads. Intuition: the active stops taking new calls, waits until those
 * in progress have ended, and then offers the address to one named standby, which claims it as it would claim from an
 * active that asks for relief. Until EC2 says otherwise nothing has happened, so giving up is taking new calls again.
 */
import type { Completion } from "./events.ts";
import { gateContext, type Gate, type GateContext } from "./gates.ts";
import { inWords } from "./in-words.ts";
import { answeringTarget } from "./offer.ts";
import { holderName, isHeldBy } from "./ownership.ts";
import type { CoreConfig } from "./settings.ts";
import { withChanges, type State } from "./state.ts";
import { freshHeartbeat } from "./suspicion.ts";
import { holdsTheAddress, refusesCalls, targetGates, tellable } from "./switchover-gates.ts";
import type { MonotonicMs, NodeId } from "./types.ts";

/** draining: waits for calls to end. yielding: offers the address. withdrawing: offers it no longer, and waits until a claim under way is settled. The others are ends. */
export type SwitchoverPhase = "draining" | "yielding" | "withdrawing" | "done" | "failed" | "refused" | "checked";

/** The last switchover that was asked of this node. */
export interface Switchover {
  /** Chosen by whoever asked: asking twice is asking once. */
  readonly id: string;
  readonly to: NodeId | null;
  readonly reason: string;
  readonly phase: SwitchoverPhase;
  /** How it ended, as a sentence; empty while it is under way. */
  readonly ending: string;
  readonly startedAtMs: MonotonicMs;
  readonly drainUntilMs: MonotonicMs;
  /** Since when Asterisk refuses new calls; null before it has said so. */
  readonly refusingSinceMs: MonotonicMs | null;
  /** A count taken since then has found no call and no channel. */
  readonly empty: boolean;
  /** Since when a precondition does not hold; null while all do. */
  readonly troubleSinceMs: MonotonicMs | null;
  /** When this phase began, and our last heartbeat before it: who echoes a later one knows of it. */
  readonly phaseAtMs: MonotonicMs;
  readonly phaseSequence: number;
  /** When the address was first offered; null before. */
  readonly offeredAtMs: MonotonicMs | null;
  /** The drain that an operator had begun before; it comes back if the switchover fails. */
  readonly before: State["draining"];
}

/** What an operator asks. `to` null: the standby that is fit for it. */
export interface SwitchoverRequest {
  readonly id: string;
  readonly to: NodeId | null;
  readonly drainMs: number;
  readonly reason: string;
  /** Only say whether it could be done. */
  readonly dryRun: boolean;
}

/** A precondition may fail for so long before the switchover is given up (ms): a lost heartbeat or a throttled read is no reason, a dead target is. */
const TROUBLE_MS = 5_000;
/** How long the end of a switchover is told (ms). */
const TOLD_FOR_MS = 120_000;
/** The drain outlasts everything else by this much (ms); it is ended by its switchover, and this is for a defect. */
const DRAIN_SLACK_MS = 60_000;

/** It has begun and not ended. */
export function isUnderWay(switchover: Switchover | null): switchover is Switchover {
  return switchover !== null && (switchover.phase === "draining" || switchover.phase === "yielding" || switchover.phase === "withdrawing");
}

/** The target has so long to take the address: a read, a claim, and EC2's time to show it. Further tries must fit into it. */
export function handOverMs(config: CoreConfig): number {
  return config.cloudTimeoutMs + config.claimTimeoutMs + config.claimConfirmWithinMs;
}

/** A claim that was under way when the offer was withdrawn is settled after so long, whatever has become of the target. */
function withdrawMs(config: CoreConfig): number {
  return config.claimTimeoutMs + 2 * config.claimConfirmWithinMs;
}

/** What must hold before and during a switchover, the plainest first. */
function gatesOf(to: NodeId | null): readonly Gate[] {
  return [holdsTheAddress, ...tellable, ...targetGates(to)];
}

function firstClosed(gates: readonly Gate[], context: GateContext): string | null {
  return gates.find((gate) => !gate.passes(context))?.says(context) ?? null;
}

/** The standby that is meant when none is named: the first by name that is fit, or the first there is. */
function chooseTarget(state: State, config: CoreConfig): NodeId | null {
  const context = gateContext(state, config);
  return config.peers.find((peer) => targetGates(peer).every((gate) => gate.passes(context))) ?? config.peers[0] ?? null;
}

/** An operator asks this node, or a peer passes on what one asked there. */
export function askSwitchover(state: State, request: SwitchoverRequest, config: CoreConfig): State {
  if (config.kind === "witness" || state.switchover?.id === request.id) return state;
  const { holder } = state.ownership;
  if (holder?.kind === "node" && holder.node !== config.nodeId && freshHeartbeat(state, holder.node, config) !== null) {
    return withChanges(state, { passingOn: [...state.passingOn, { to: holder.node, request }] });
  }
  return beginSwitchover(state, request, config);
}

/**
 * The active takes the order, or refuses it with the sentence of the gate that is closed. While one is under way another is
 * not taken note of: its record must not be lost, and whoever asks sees that it is under way.
 */
export function beginSwitchover(state: State, request: SwitchoverRequest, config: CoreConfig): State {
  if (state.switchover?.id === request.id || isUnderWay(state.switchover)) return state;
  const to = request.to ?? chooseTarget(state, config);
  const context = gateContext(state, config);
  const refusal = firstClosed(gatesOf(to), context);
  const common = { id: request.id, to, reason: request.reason, startedAtMs: state.nowMs, drainUntilMs: state.nowMs + request.drainMs, refusingSinceMs: null, empty: false, troubleSinceMs: null, phaseAtMs: state.nowMs, phaseSequence: state.sequence, offeredAtMs: null, before: state.draining };
  if (refusal !== null) return withChanges(state, { switchover: { ...common, phase: "refused", ending: refusal }, heartbeatNow: true });
  if (request.dryRun) return withChanges(state, { switchover: { ...common, phase: "checked", ending: `${to ?? ""} could take the address from ${config.nodeId} now.` }, heartbeatNow: true });
  const untilMs = common.drainUntilMs + handOverMs(config) + withdrawMs(config) + DRAIN_SLACK_MS;
  return withChanges(state, { switchover: { ...common, phase: "draining", ending: "" }, draining: { sinceMs: state.draining?.sinceMs ?? state.nowMs, untilMs, reason: `switchover to ${to ?? ""}: ${request.reason}` }, heartbeatNow: true });
}

/** An operator calls it off, by ending the drain. Nothing is interrupted that is already EC2's to decide. */
export function callOff(state: State, config: CoreConfig): State {
  const { switchover } = state;
  if (!isUnderWay(switchover)) return withChanges(state, { draining: null });
  const without = { ...switchover, before: null };
  return switchover.phase === "draining" ? giveUp(withChanges(state, { switchover: without }), "an operator ended the drain.", config) : withdraw(withChanges(state, { switchover: without }), "an operator ended the drain.");
}

/** A count of calls that began after Asterisk refused new ones. */
export function foldCount(switchover: Switchover | null, completion: Extract<Completion, { kind: "probe" }>, sentAtMs: MonotonicMs): Switchover | null {
  if (switchover?.phase !== "draining" || completion.probe !== "counts" || !completion.outcome.ok) return switchover;
  const { calls, channels } = completion.outcome.value;
  const empty = switchover.refusingSinceMs !== null && sentAtMs >= switchover.refusingSinceMs && calls === 0 && channels === 0;
  return empty === switchover.empty ? switchover : { ...switchover, empty };
}

/** Takes a switchover on by what has become of it since the last step. */
export function advanceSwitchover(state: State, config: CoreConfig): State {
  const { switchover } = state;
  if (switchover === null) return state;
  switch (switchover.phase) {
    case "draining":
      return drained(state, switchover, config);
    case "yielding":
      return offered(state, switchover, config);
    case "withdrawing":
      return withdrawn(state, switchover, config);
    case "done":
    case "failed":
    case "refused":
    case "checked":
      return state.nowMs - switchover.phaseAtMs >= TOLD_FOR_MS ? withChanges(state, { switchover: null }) : state;
  }
}

function drained(state: State, before: Switchover, config: CoreConfig): State {
  const refusing = state.maintenance === true;
  const refusingSinceMs = refusing ? (before.refusingSinceMs ?? state.nowMs) : null;
  const context = gateContext(state, config);
  const trouble = firstClosed([...gatesOf(before.to), refusesCalls], context);
  const switchover: Switchover = { ...before, refusingSinceMs, empty: refusing && before.empty, troubleSinceMs: trouble === null ? null : (before.troubleSinceMs ?? state.nowMs) };
  const next = withChanges(state, { switchover });
  // Its own Asterisk failed meanwhile: whoever is fit takes over at once, and this is no longer a plan.
  if (state.yielding !== null) return end(next, `${config.nodeId} can't serve any more and asks to be relieved at once: ${state.yielding}`);
  if (trouble !== null) return state.nowMs - (switchover.troubleSinceMs ?? state.nowMs) >= TROUBLE_MS ? giveUp(next, trouble, config) : next;
  if (!switchover.empty && state.nowMs < switchover.drainUntilMs) return next;
  return inPhase(next, { ...switchover, offeredAtMs: state.nowMs }, "yielding", "");
}

function offered(state: State, switchover: Switchover, config: CoreConfig): State {
  if (targetHasIt(state, switchover, config)) return finish(state, switchover, config);
  const lost = switchover.to === null || freshHeartbeat(state, switchover.to, config) === null;
  const troubleSinceMs = lost ? (switchover.troubleSinceMs ?? state.nowMs) : null;
  const next = withChanges(state, { switchover: { ...switchover, troubleSinceMs } });
  if (troubleSinceMs !== null && state.nowMs - troubleSinceMs >= TROUBLE_MS) return withdraw(next, `${switchover.to ?? ""} is not heard any more.`);
  const waitedMs = state.nowMs - switchover.phaseAtMs;
  if (waitedMs < handOverMs(config)) return next;
  const word = answeringTarget(state, switchover.to, switchover.phaseSequence, config)?.answer ?? null;
  return withdraw(next, `${switchover.to ?? ""} has not taken the address within ${inWords(waitedMs)}${word === null ? "." : `: ${word}`}`);
}

function withdrawn(state: State, switchover: Switchover, config: CoreConfig): State {
  if (targetHasIt(state, switchover, config)) return finish(state, switchover, config);
  const heard = switchover.to !== null && freshHeartbeat(state, switchover.to, config) !== null;
  const target = answeringTarget(state, switchover.to, switchover.phaseSequence, config);
  const idle = heard ? target !== null && target.role !== "claiming" : true;
  const read = (state.ownership.readSentAtMs ?? -Infinity) >= switchover.phaseAtMs && state.ownership.candidate === null;
  const overdue = state.nowMs - switchover.phaseAtMs >= withdrawMs(config);
  return (idle && read) || overdue ? giveUp(state, switchover.ending, config) : state;
}

/** The target's own word, after two reads of EC2, counts for the report: this node may have no way to EC2 once the address has left it. Its role waits for EC2. */
function targetHasIt(state: State, switchover: Switchover, config: CoreConfig): boolean {
  const target = answeringTarget(state, switchover.to, switchover.phaseSequence, config);
  return target !== null && target.role === "active" && target.holds;
}

function inPhase(state: State, switchover: Switchover, phase: SwitchoverPhase, ending: string): State {
  return withChanges(state, { switchover: { ...switchover, phase, ending, troubleSinceMs: null, phaseAtMs: state.nowMs, phaseSequence: state.sequence }, heartbeatNow: true });
}

function withdraw(state: State, why: string): State {
  const { switchover } = state;
  return isUnderWay(switchover) && switchover.phase !== "withdrawing" ? inPhase(state, switchover, "withdrawing", why) : state;
}

/** Everything is as before. */
function giveUp(state: State, why: string, config: CoreConfig): State {
  const kept = earlierDrain(state);
  return end(state, `Nothing has moved, and ${config.nodeId} ${kept === null ? "takes new calls again" : "is drained as it was before"}: ${why}`);
}

function end(state: State, ending: string): State {
  const { switchover } = state;
  return switchover === null ? state : { ...inPhase(state, switchover, "failed", ending), draining: earlierDrain(state) };
}

/** The drain that an operator had begun before the switchover, unless it would be over by now. */
function earlierDrain({ switchover, nowMs }: State): State["draining"] {
  const before = switchover?.before ?? null;
  return before !== null && before.untilMs > nowMs ? before : null;
}

/** The address is there. New calls are refused here until packets have followed, lest one is taken and cut. */
function finish(state: State, switchover: Switchover, config: CoreConfig): State {
  const after = switchover.offeredAtMs === null ? "" : ` ${inWords(state.nowMs - switchover.offeredAtMs)} after ${config.nodeId} offered it`;
  const ended = inPhase(state, switchover, "done", `Two reads of EC2 show the address on ${switchover.to ?? ""}${after}.`);
  return withChanges(ended, { draining: state.draining === null ? null : { ...state.draining, untilMs: state.nowMs + config.egressGraceMs } });
}

/** This node has just been deposed: by its own switchover, or by somebody else. */
export function endWhenDeposed(state: State, config: CoreConfig): State {
  const { switchover } = state;
  if (!isUnderWay(switchover)) return state;
  if (switchover.to !== null && isHeldBy(state.ownership, switchover.to)) return finish(state, switchover, config);
  const ended = inPhase(state, switchover, "failed", `EC2 shows the address on ${holderName(state.ownership.holder)}: this node is standby now, and takes calls again.`);
  return withChanges(ended, { draining: null });
}

/** Where it stands, as one sentence. */
export function switchoverSays(state: State): string {
  const { switchover, health, nowMs } = state;
  if (switchover === null) return "";
  switch (switchover.phase) {
    case "draining":
      if (switchover.refusingSinceMs === null) return "Telling Asterisk to refuse new calls.";
      return `New calls are refused with 503; ${health.calls} call(s) on ${health.channels} channel(s) are left, and wait for at most ${inWords(switchover.drainUntilMs - nowMs)}.`;
    case "yielding":
      return `The address is offered to ${switchover.to ?? ""}.`;
    case "withdrawing":
      return `The offer is withdrawn (${switchover.ending.replace(/\.$/, "")}); making sure that no claim is under way.`;
    case "done":
    case "failed":
    case "refused":
    case "checked":
      return switchover.ending;
  }
}
