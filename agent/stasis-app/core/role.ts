/** What the app may do, from what the agent on this machine says: pure, so that every way of learning the role ends in the same rule. */

/** What was last read of the agent's status. */
export interface AgentWord {
  readonly role: string;
  /** The node refuses new calls on purpose. */
  readonly draining: boolean;
}

export interface RoleState {
  /** The last word, and when it was read (monotonic); null before the first. */
  readonly word: AgentWord | null;
  readonly atMs: number;
}

/**
 * `active`: makes calls and takes them. `holding`: the agent is silent, as while it restarts: calls go on, none is begun beyond the grace time.
 * `standby`: ready and quiet.
 */
export type AppRole = "active" | "holding" | "standby";

/** The role that follows. */
export function roleOf(state: RoleState, nowMs: number, graceMs: number): AppRole {
  if (state.word?.role !== "active") return "standby";
  return nowMs - state.atMs <= graceMs ? "active" : "holding";
}

/** Whether calls may be begun. */
export function mayDial(state: RoleState, nowMs: number, graceMs: number): boolean {
  return roleOf(state, nowMs, graceMs) === "active" && state.word?.draining === false;
}
