/** From the state to what /status says. Pure: it asks the same functions that decide, so what is shown is what decides. */
import { conditions } from "../core/conditions.ts";
import { configuredAlike } from "../core/config-digest.ts";
import type { ReferenceTrack } from "../core/evidence.ts";
import { GATES, gateContext, type GateContext } from "../core/gates.ts";
import { type ProbeName, probeHealth } from "../core/health.ts";
import { holderName, isHeldBy } from "../core/ownership.ts";
import { tally } from "../core/quorum.ts";
import type { CoreConfig } from "../core/settings.ts";
import type { State } from "../core/state.ts";
import { hearing } from "../core/suspicion.ts";
import type { ClaimCause, MonotonicMs, NodeId, WallMs } from "../core/types.ts";
import type { StatusView } from "./schema.ts";
import { waitsForSentence } from "./waits-for.ts";


/** How far into the past status reaches; the whole is in `nodectl history`. */
const HISTORY_SHOWN = 10;

/** What the state does not know. */
export interface StatusExtra {
  /** The worst cases that follow from the settings (promise L6). */
  readonly worstCase: readonly { readonly what: string; readonly ms: number; readonly how: string }[];
  /** From the journal: refusals on the heartbeat port since the start, by kind. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** The present view. Costs two counts of the votes, well under a millisecond. */
export function statusView(state: State, config: CoreConfig, extra: StatusExtra): StatusView {
  const context = gateContext(state, config);
  return {
    node: config.nodeId,
    cluster: config.clusterId,
    kind: config.kind,
    software: config.software,
    asterisk: state.health.version,
    zone: state.zone,
    draining: state.draining?.reason ?? null,
    incarnation: state.incarnation,
    at: iso(state.wallMs),
    upMs: age(state, state.startedAtMs),
    role: state.role,
    since: iso(state.roleSinceWallMs),
    roleForMs: age(state, state.roleSinceMs),
    reason: state.reason,
    waitsFor: waitsForSentence(context),
    health: config.kind === "witness" ? null : healthView(state, config),
    address: addressView(state, config),
    members: [...config.peers, ...config.witnesses].map((id) => memberView(id, state, config)),
    votes: state.evidence.target === null ? null : votesView(state.evidence.target, state, config),
    claim: state.claim === null ? null : { cause: state.claim.cause, reason: state.claim.reason, phase: state.claim.phase, forMs: age(state, state.claim.decidedAtMs), contraryReads: state.claim.contraryReads, failure: state.claim.failure },
    gates: state.role === "standby" ? { consent: gatesView("consent", context), quorum: gatesView("quorum", context), vacant: gatesView("vacant", context) } : null,
    policy: policyView(state, config),
    ready: { claim: state.claimReady.ready, failure: state.claimReady.failure, mark: state.claimReady.markAllowed },
    transitions: state.transitions.slice(-HISTORY_SHOWN).map(({ atWallMs, from, to, row, reason }) => ({ at: iso(atWallMs), from, to, row, reason })),
    moves: state.policy.moves.slice(-HISTORY_SHOWN).map(({ atWallMs, from, to, reason }) => ({ at: iso(atWallMs), from, to, reason })),
    conditions: conditions(state, config).map((each) => ({ ...each })),
    worstCase: extra.worstCase.map((row) => ({ ...row })),
    refusals: { ...extra.refusals },
  };
}

function iso(wallMs: WallMs): string {
  return new Date(wallMs).toISOString();
}

/** Milliseconds since an instant, whole: nobody reads fractions, and they would differ from run to run. */
function age(state: State, atMs: MonotonicMs): number {
  return Math.max(0, Math.round(state.nowMs - atMs));
}

function ageOrNull(state: State, atMs: MonotonicMs | null): number | null {
  return atMs === null ? null : age(state, atMs);
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100;
}

function healthView(state: State, config: CoreConfig): NonNullable<StatusView["health"]> {
  const { health } = state;
  const names: readonly ProbeName[] = ["ari", "sip", ...(config.sipTcp ? (["sipTcp"] as const) : []), ...config.stasisApps.map((app): ProbeName => `stasis:${app}`), "canary", "queues", ...(config.database ? (["database"] as const) : []), "counts", "contacts"];
  return {
    serving: health.serving,
    reason: health.reason,
    forMs: age(state, health.sinceMs),
    ariSocketOpen: health.ariSocketOpen,
    calls: health.calls,
    channels: health.channels,
    contactsReachable: health.contactsReachable,
    contactsUnreachable: health.contactsUnreachable,
    alertedQueues: health.alertedQueues,
    yielding: state.yielding,
    probes: names.map((name) => {
      const row = probeHealth(health, name);
      return { name, ok: row.hits > 0, okAgeMs: ageOrNull(state, row.okAtMs), latencyMs: rounded(row.latencyMs), misses: row.misses, failure: row.failure };
    }),
  };
}

function addressView(state: State, config: CoreConfig): StatusView["address"] {
  const { ownership } = state;
  return {
    publicIp: ownership.publicIp,
    holder: holderName(ownership.holder),
    here: isHeldBy(ownership, config.nodeId),
    forMs: age(state, ownership.sinceMs),
    candidate: ownership.candidate === null ? null : holderName(ownership.candidate),
    readAgeMs: ageOrNull(state, ownership.readAnsweredAtMs),
    failures: ownership.failures,
    failure: ownership.failures > 0 ? ownership.failure : null,
  };
}

function memberView(id: NodeId, state: State, config: CoreConfig): StatusView["members"][number] {
  const member = state.members[id];
  const said = member?.heartbeat ?? null;
  return {
    id,
    kind: config.witnesses.includes(id) ? "witness" : "node",
    hearing: hearing(member, state.nowMs, config),
    ageMs: ageOrNull(state, member?.heardAtMs ?? null),
    rttMs: rounded(member?.rttMs ?? null),
    callsKnown: state.peerRosters[id]?.calls.size ?? 0,
    says:
      said === null
        ? null
        : { role: said.role, serving: said.serving, servingReason: said.servingReason, yield: said.yield, holds: said.holds, hearsUs: said.hearsYou, software: said.software, asterisk: said.asterisk, calls: said.calls, sameConfig: configuredAlike(config.configDigest, said.configDigest), zone: said.zone, draining: said.draining, blocked: said.blocked, coldStart: said.coldStart, verdict: said.verdict },
  };
}

function votesView(target: NodeId, state: State, config: CoreConfig): NonNullable<StatusView["votes"]> {
  const { evidence } = state;
  const votes = tally(state, config);
  const { own } = votes;
  const heardAtMs = state.members[target]?.heardAtMs ?? null;
  return {
    target,
    suspectedForMs: ageOrNull(state, evidence.suspectedAtMs),
    own: {
      verdict: own.verdict,
      channels: [
        { name: "heartbeat", verdict: own.heartbeat, okAgeMs: ageOrNull(state, heardAtMs), misses: null, proven: heardAtMs !== null },
        { name: "sip", verdict: own.sip, okAgeMs: ageOrNull(state, evidence.sip.okAtMs), misses: evidence.sip.misses, proven: evidence.sip.proven },
        { name: "eip", verdict: own.eip, okAgeMs: ageOrNull(state, evidence.eip.okAtMs), misses: evidence.eip.misses, proven: evidence.eip.proven },
      ],
    },
    witnesses: votes.witnesses.map((vote) => ({ observer: vote.observer, verdict: vote.verdict, heartbeat: vote.judgement?.heartbeat ?? null, sip: vote.judgement?.sip ?? null, eip: vote.judgement?.eip ?? null, ageMs: vote.ageMs === null ? null : Math.round(vote.ageMs), counted: vote.counted })),
    cloud: { verdict: votes.cloud, reason: votes.cloudReason },
    downs: votes.downs,
    observers: votes.observers,
    majority: votes.majority,
    references: [referenceView("private", evidence.private, state), referenceView("public", evidence.public, state)],
  };
}

function referenceView(side: "private" | "public", track: ReferenceTrack, state: State): NonNullable<StatusView["votes"]>["references"][number] {
  const asked = [track.okSentAtMs, track.failedSentAtMs].filter((at) => at !== null);
  return { side, answers: asked.length === 0 ? null : track.okSinceMs !== null, askedAgeMs: asked.length === 0 ? null : age(state, Math.max(...asked)) };
}

function gatesView(cause: ClaimCause, context: GateContext): { name: string; passes: boolean; sentence: string }[] {
  return GATES[cause].map((gate) => ({ name: gate.name, passes: gate.passes(context), sentence: gate.says(context) }));
}

function policyView(state: State, config: CoreConfig): StatusView["policy"] {
  const { pause, blocked, holdDownUntilMs, claimsAtMs, claimNotBeforeMs } = state.policy;
  const left = (untilMs: MonotonicMs): number => Math.max(0, Math.round(untilMs - state.nowMs));
  return {
    pause: pause.on ? { reason: pause.reason, setBy: pause.setBy, leftMs: pause.untilMs === null ? null : left(pause.untilMs) } : null,
    blocked,
    holdDownLeftMs: left(holdDownUntilMs),
    claimsLastHour: claimsAtMs.length,
    claimsPerHour: config.claimsPerHour,
    retryInMs: left(claimNotBeforeMs),
  };
}
