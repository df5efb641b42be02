/**
 * Asterisk follows the role: registrations with carriers, and the watch over phones, belong to the active alone. Intuition: what
 * Asterisk was last told is remembered, and forgotten whenever it may no longer be true; then it is told again.
 */
import type { Completion, Event } from "./events.ts";
import { withChanges, type State } from "./state.ts";
import type { Failure, MonotonicMs } from "./types.ts";

/** The request's key. */
export const ROLE_KEY = "applyRole";
/** Up to four reloads, each of which waits some seconds for a database that hangs. */
export const ROLE_DEADLINE_MS = 15_000;
const ROLE_RETRY_MS = 1_000;
/** So many failures in a row are told to the operator: one is the other reload that was under way. */
const TRIES_UNTIL_TOLD = 3;

/** Asterisk has not taken its role: since when, how many tries in a row failed, and why the last one did. */
export interface RoleFailure {
  readonly sinceMs: MonotonicMs;
  readonly tries: number;
  readonly failure: Failure;
}

/** What Asterisk has to be told, or null. A claim that is under way changes nothing yet, and before EC2 was read nothing is known. */
export function roleToApply(state: State, sinceStartMs: number): "active" | "standby" | null {
  if (state.role !== "active" && state.role !== "standby") return null;
  if (state.appliedRole === state.role) return null;
  // Callers wait for a change of role; what failed, or has to be told anew, can wait a second.
  return state.appliedRole !== null || sinceStartMs >= ROLE_RETRY_MS ? state.role : null;
}

/** Whatever Asterisk was told, it has to be told again; what is on its way at this instant may have come too early. */
export function doubtAppliedRole(state: State): State {
  return withChanges(state, { appliedRole: null, roleDoubtedAtMs: state.nowMs });
}

/** The answer to a request to apply a role. */
export function foldRole(state: State, completion: Extract<Completion, { kind: "applyRole" }>, startedAtMs: MonotonicMs): State {
  const { outcome, role } = completion;
  if (outcome.ok) return withChanges(state, { appliedRole: startedAtMs >= state.roleDoubtedAtMs ? role : null, roleFailure: null });
  const before = state.roleFailure;
  return withChanges(state, { appliedRole: null, roleFailure: { sinceMs: before?.sinceMs ?? startedAtMs, tries: (before?.tries ?? 0) + 1, failure: outcome.failure } });
}

/** Why Asterisk does not have the role that it should, once that has lasted for several tries; else null. */
export function roleNotApplied(state: State): RoleFailure | null {
  return state.roleFailure !== null && state.roleFailure.tries >= TRIES_UNTIL_TOLD ? state.roleFailure : null;
}

/** An active that was told its role while there was no database knows no phones to watch: it has to read them again (measured with 22.10.1). */
export function databaseIsBack(before: State, event: Extract<Event, { type: "completed" }>): boolean {
  const { completion } = event;
  const missed = before.health.probes.database?.failure ?? null;
  return before.role === "active" && missed !== null && completion.kind === "probe" && completion.probe === "database" && completion.outcome.ok && completion.outcome.value.connected !== false;
}
