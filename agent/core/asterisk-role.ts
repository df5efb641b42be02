/**
 * Asterisk follows the role: registrations with carriers, and the watch over phones, belong to the active alone. Intuition: what
 * Asterisk was last told is remembered, and forgotten whenever it may no longer be true; then it is told again.
 */
import type { Heartbeat } from "./heartbeat.ts";
import type { Completion, Event, MonotonicMs, NodeId, State } from "./types.ts";

/** The keys of the two requests. */
export const ROLE_KEY = "applyRole";
export const REGISTER_KEY = "registerTrunks";
/** Three reloads, each of which waits some seconds for a database that hangs. */
export const ROLE_DEADLINE_MS = 15_000;
export const REGISTER_DEADLINE_MS = 2_000;
const ROLE_RETRY_MS = 1_000;
/**
 * A demotion is over after this long (ms). Registering again is not free: Asterisk says goodbye to the carrier first, and
 * registers about two seconds later (measured with 22.10.1). So it is asked once, at the peer's word: those two seconds cover
 * the peer's own un-REGISTER, which follows its word by a reload and a challenge of the carrier's.
 */
const DEMOTION_MATTERS_MS = 60_000;

/** What Asterisk has to be told, or null. A claim that is under way changes nothing yet, and before EC2 was read nothing is known. */
export function roleToApply(state: State, sinceStartMs: number): "active" | "standby" | null {
  if (state.role !== "active" && state.role !== "standby") return null;
  if (state.appliedRole === state.role) return null;
  // Callers wait for a change of role; what failed, or has to be told anew, can wait a second.
  return state.appliedRole !== null || sinceStartMs >= ROLE_RETRY_MS ? state.role : null;
}

/** Registrations may have been erased by a peer's late un-REGISTER. `sinceStartMs`: since the last try. */
export function registrationIsDue(state: State, sinceStartMs: number): boolean {
  const { peerDemotedAtMs: demotedAtMs, nowMs } = state;
  if (demotedAtMs === null || state.role !== "active" || state.appliedRole !== "active" || nowMs - demotedAtMs > DEMOTION_MATTERS_MS) return false;
  return nowMs - sinceStartMs < demotedAtMs;
}

/** Follows a peer's word: who was active, and when it became standby. A peer that restarts in between is `starting` first, and is still the one that was active. */
export function foldPeerRole(state: State, from: NodeId, { role, holds }: Heartbeat): State {
  if (role === "active" || holds) return state.peerActive === from ? state : { ...state, peerActive: from };
  return role === "standby" && state.peerActive === from ? { ...state, peerActive: null, peerDemotedAtMs: state.nowMs } : state;
}

/** Whatever Asterisk was told, it has to be told again; what is on its way at this instant may have come too early. */
export function doubtAppliedRole(state: State): State {
  return { ...state, appliedRole: null, roleDoubtedAtMs: state.nowMs };
}

/** The answer to a request to apply a role. */
export function foldRole(state: State, completion: Extract<Completion, { kind: "applyRole" }>, startedAtMs: MonotonicMs): State {
  return { ...state, appliedRole: completion.outcome.ok && startedAtMs >= state.roleDoubtedAtMs ? completion.role : null };
}

/** An active that was told its role while there was no database knows no phones to watch: it has to read them again (measured with 22.10.1). */
export function databaseIsBack(before: State, event: Extract<Event, { type: "completed" }>): boolean {
  const { completion } = event;
  const missed = before.health.probes.database?.failure ?? null;
  return before.role === "active" && missed !== null && completion.kind === "probe" && completion.probe === "database" && completion.outcome.ok && completion.outcome.value.connected !== false;
}
