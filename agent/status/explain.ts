/**
 * Would this node claim now, and if not, why? Pure, and made of what decides: the table's own rows say whether it claims,
 * the gates themselves say whether they pass and in which words; this file adds what each gate measured and its limit.
 */
import type { ProbeTrack, ReferenceTrack } from "../core/evidence.ts";
import { isAutomatic } from "../core/claim.ts";
import { COLD_START_GATES, coldStandbySays, marksReadAtMs, stoppedStandby } from "../core/cold-standby.ts";
import { GATES, gateContext, rankOf, rankPasses, waitsFor, yieldOf, type Gate, type GateContext } from "../core/gates.ts";
import { inWords } from "../core/in-words.ts";
import { offerOf } from "../core/offer.ts";
import { holderName } from "../core/ownership.ts";
import { decisiveReadAtMs, type Tally } from "../core/quorum.ts";
import type { CoreConfig } from "../core/settings.ts";
import { freshHeartbeat, takesCalls } from "../core/suspicion.ts";
import { rowThatHolds } from "../core/transitions.ts";
import type { ClaimCause, MonotonicMs } from "../core/types.ts";
import type { State } from "../core/state.ts";
import type { Explanation } from "./explain-schema.ts";
import { waitsForSentence } from "./waits-for.ts";

/** The pseudo gate that comes last: the rank's wait, and nobody else claiming. */
export const RANK_GATE = "its turn";

const AUTOMATIC: readonly ClaimCause[] = ["consent", "quorum", "vacant"];

type Measured = { readonly value: string; readonly limit: string };

const yesNo = (is: boolean): string => (is ? "yes" : "no");
const untilMs = (at: MonotonicMs, state: State): number => Math.max(0, Math.round(at - state.nowMs));
const holder = ({ state }: GateContext): string => holderName(state.ownership.holder);

/** What each gate measures, by the gate's name, and what it must be. */
export const MEASURES: Readonly<Record<string, (context: GateContext) => Measured>> = {
  "serving": ({ state }) => ({ value: state.health.serving, limit: "serving or degraded" }),
  "not draining": ({ state }) => ({ value: state.draining !== null ? `drains for ${inWords(untilMs(state.draining.untilMs, state))} more` : state.maintenance === true ? "Asterisk refuses calls" : "takes calls", limit: "takes calls" }),
  "not paused": ({ state }) => ({ value: state.policy.pause.on ? `paused on ${state.policy.pause.setBy}${state.policy.pause.untilMs === null ? "" : `, ${inWords(untilMs(state.policy.pause.untilMs, state))} more`}` : "not paused", limit: "not paused" }),
  "not blocked": ({ state }) => ({ value: state.policy.blocked ? "blocked" : "not blocked", limit: "not blocked" }),
  "owner known": (context) => ({ value: context.state.ownership.candidate === null ? holder(context) : `${holder(context)}, once ${holderName(context.state.ownership.candidate)}`, limit: "two reads that agree" }),
  "retry due": ({ state }) => ({ value: state.inFlight["claim"] !== undefined ? "a claim is under way" : `${untilMs(state.policy.claimNotBeforeMs, state)} ms to wait after ${state.policy.claimFailures} failure(s)`, limit: "0 ms, and EC2 read since" }),
  "address on a peer": (context) => ({ value: holder(context), limit: context.config.peers.join(" or ") }),
  "hold-down over": ({ state, config }) => ({ value: `${untilMs(state.policy.holdDownUntilMs, state)} ms to go`, limit: `0 of ${config.holdDownMs} ms (HOLD_DOWN_MS)` }),
  "own verdict down": ({ votes }) => ({ value: votes().own.verdict, limit: "down" }),
  "nobody says up": ({ votes }) => ({ value: votes().ups.length === 0 ? "nobody" : votes().ups.join(", "), limit: "nobody" }),
  "majority down": ({ votes }) => ({ value: `${votes().downs} of ${votes().observers}`, limit: `${Math.floor(votes().observers / 2) + 1} of ${votes().observers}` }),
  "EC2 asked": ({ state, config }) => readMeasured(state, decisiveReadAtMs(state, config)),
  "owner asked": ({ state }) => readMeasured(state, state.evidence.suspectedAtMs),
  "active yields": ({ state, config }) => ({ value: yieldOf(state, config) === null ? "no" : "asks to be relieved", limit: "asks to be relieved" }),
  "nobody holds it": (context) => ({ value: holder(context), limit: "nobody" }),
  "grace over": ({ state, config }) => ({ value: `${Math.round(state.nowMs - state.ownership.sinceMs)} ms`, limit: `${config.vacantGraceMs} ms (VACANT_GRACE_MS)` }),
  "address offered": (context) => ({ value: offerOf(context.state, context.config) === null ? "no" : "offered", limit: "offered to this node" }),
  "operator's word": ({ state }) => ({ value: state.takeover?.phase ?? "none", limit: "a takeover asked of this node" }),
  "no standby runs": ({ state, config }) => ({ value: config.peers.filter((node) => node !== state.evidence.target && takesCalls(freshHeartbeat(state, node, config))).join(", ") || "none", limit: "none that takes calls" }),
  "a standby is stopped": ({ state, config }) => ({ value: stoppedStandby(state, config) ?? "none", limit: "stopped, by a read of EC2 in this suspicion" }),
  "marks had time": ({ state, config }) => readMeasured(state, marksReadAtMs(state, config)),
  "start due": ({ state, config }) => ({ value: state.coldStart.started === null ? `none made, ${state.coldStart.failures} failure(s)` : `${state.coldStart.started.node} started ${inWords(state.nowMs - state.coldStart.started.atMs)} ago, ${state.coldStart.failures} failure(s) since`, limit: `one in ${config.coldStartWaitMs} ms (COLD_START_WAIT_MS)` }),
  "under the hourly limit": ({ state, config }) => ({ value: String(state.policy.claimsAtMs.length), limit: `fewer than ${config.claimsPerHour} (CLAIMS_PER_HOUR)` }),
};

/** A read of EC2 against the instant from which on it counts. */
function readMeasured({ nowMs, ownership }: State, countsFromMs: MonotonicMs | null): Measured {
  const sentAtMs = ownership.readSentAtMs;
  const value = `${sentAtMs === null ? "not read" : `read sent ${Math.round(nowMs - sentAtMs)} ms ago`}${ownership.failures === 0 ? "" : `, ${ownership.failures} failure(s) since`}`;
  if (countsFromMs === null || !Number.isFinite(countsFromMs)) return { value, limit: countsFromMs === null ? "counts only in a suspicion" : "a later suspicion" };
  const inMs = Math.round(countsFromMs - nowMs);
  return { value, limit: inMs > 0 ? `a read sent in ${inMs} ms or later` : `a read sent at most ${-inMs} ms ago` };
}

/** The answer at this moment. Costs a few counts of the votes. */
export function explanationOf(state: State, config: CoreConfig): Explanation {
  const context = gateContext(state, config);
  const row = rowThatHolds(context);
  const wouldClaim = row?.cause ?? null;
  return {
    node: config.nodeId,
    cluster: config.clusterId,
    at: new Date(state.wallMs).toISOString(),
    role: state.role,
    holder: holder(context),
    wouldClaim,
    sentence: wouldClaim === null ? `No. ${whyNot(context)}` : `Yes, by ${wouldClaim}: ${row?.says(context) ?? ""}`,
    causes: state.role === "witness" ? [] : causesOf(context).map((cause) => causeView(cause, context)),
    coldStart: config.coldStandby ? coldStartView(context) : null,
    observers: state.evidence.target === null ? [] : observersOf(context),
    cloud: { verdict: context.votes().cloud, reason: context.votes().cloudReason },
    references: [referenceView("private", state.evidence.private, state), referenceView("public", state.evidence.public, state)],
  };
}

function whyNot(context: GateContext): string {
  const { role } = context.state;
  if (role === "active") return "This node holds the address.";
  if (role === "claiming") return "A claim is under way.";
  if (role === "witness") return ["A witness never claims.", ...(context.config.coldStandby ? [coldStandbySays(context) ?? ""] : [])].join(" ");
  return waitsForSentence(context);
}

/** An operator's causes are shown while there is an operator's word. */
function causesOf({ state, config }: GateContext): readonly ClaimCause[] {
  return [...(offerOf(state, config) === null ? [] : ["switchover" as const]), ...(state.takeover?.phase === "claiming" ? ["takeover" as const] : []), ...AUTOMATIC];
}

function causeView(cause: ClaimCause, context: GateContext): Explanation["causes"][number] {
  const gates = GATES[cause].map((gate) => gateView(gate, context));
  const open = gates.every((gate) => gate.passes);
  if (!isAutomatic(cause)) return { cause, passes: open, gates };
  const turn = { name: RANK_GATE, passes: rankPasses(cause, context.state, context.config), ...rankMeasured(cause, context), sentence: open ? waitsFor(cause, context) : "Counted from the moment when all the others pass." };
  return { cause, passes: open && turn.passes, gates: [...gates, turn] };
}

function gateView(gate: Gate, context: GateContext): Explanation["causes"][number]["gates"][number] {
  return { name: gate.name, passes: gate.passes(context), ...(MEASURES[gate.name]?.(context) ?? { value: "", limit: "" }), sentence: gate.says(context) };
}

function coldStartView(context: GateContext): NonNullable<Explanation["coldStart"]> {
  const gates = COLD_START_GATES.map((gate) => gateView(gate, context));
  return { passes: gates.every((gate) => gate.passes), gates };
}

function rankMeasured(cause: ClaimCause, { state, config }: GateContext): Measured {
  const rank = rankOf(state, config);
  const since = state.readySince?.cause === cause ? `for ${Math.round(state.nowMs - state.readySince.sinceMs)} ms` : "not yet";
  return { value: `ready ${since}, ${rank} before it`, limit: `${rank * config.rankStaggerMs} ms (RANK_STAGGER_MS each)` };
}

function observersOf({ state, config, votes }: GateContext): Explanation["observers"] {
  const tally: Tally = votes();
  const { evidence } = state;
  const heardAtMs = evidence.target === null ? null : (state.members[evidence.target]?.heardAtMs ?? null);
  const silence = { value: heardAtMs === null ? "never heard" : `heard ${Math.round(state.nowMs - heardAtMs)} ms ago`, limit: `silent for ${config.peerLostAfterMs} ms (PEER_LOST_AFTER_MS), or not serving` };
  const own = {
    observer: config.nodeId, verdict: tally.own.verdict, counted: true, ageMs: 0,
    channels: [
      { name: "heartbeat" as const, verdict: tally.own.heartbeat, ...silence },
      { name: "sip" as const, verdict: tally.own.sip, ...probeMeasured(evidence.sip, "private", state, config) },
      { name: "eip" as const, verdict: tally.own.eip, ...probeMeasured(evidence.eip, "public", state, config) },
    ],
  };
  const told = { value: "as it told", limit: "its own" };
  const others = tally.witnesses.map(({ observer, verdict, judgement, ageMs, counted }) => ({
    observer, verdict, counted, ageMs: ageMs === null ? null : Math.round(ageMs),
    channels: judgement === null ? [] : [{ name: "heartbeat" as const, verdict: judgement.heartbeat, ...told }, { name: "sip" as const, verdict: judgement.sip, ...told }, { name: "eip" as const, verdict: judgement.eip, ...told }],
  }));
  return [own, ...others];
}

function probeMeasured(track: ProbeTrack, side: "private" | "public", state: State, config: CoreConfig): Measured {
  const answered = track.okAtMs === null ? "never answered" : `answered ${Math.round(state.nowMs - track.okAtMs)} ms ago`;
  return { value: `${answered}, ${track.misses} miss(es), proven: ${yesNo(track.proven)}`, limit: `${config.probeDownAfter} misses (PROBE_DOWN_AFTER) while the ${side} reference answers` };
}

function referenceView(side: "private" | "public", track: ReferenceTrack, { nowMs }: State): Explanation["references"][number] {
  const asked = [track.okSentAtMs, track.failedSentAtMs].filter((at) => at !== null);
  return { side, answers: asked.length === 0 ? null : track.okSinceMs !== null, askedAgeMs: asked.length === 0 ? null : Math.max(0, Math.round(nowMs - Math.max(...asked))) };
}
