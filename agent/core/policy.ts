/** The limits on automatic claims: pause, hold-down, the hourly count and its block; and how they survive a restart. */
import type { Heartbeat } from "./heartbeat.ts";
import type { PersistedState } from "./persisted.ts";
import type { CoreConfig } from "./settings.ts";
import type { OperatorCommand } from "./operator-command.ts";
import type { MonotonicMs, NodeId, WallMs } from "./types.ts";
import type { Policy } from "./state.ts";

const HOUR_MS = 3_600_000;
/** Moves kept in memory and in STATE_DIR. */
const MOVES_KEPT = 50;

/** The cluster-wide stop of automatic claims. The higher revision wins, then the greater node name. */
export interface Pause {
  readonly revision: number;
  readonly setBy: NodeId;
  readonly on: boolean;
  readonly reason: string;
  readonly untilMs: MonotonicMs | null;
}

/** A change of the address's holder as this node saw it. */
export interface Move {
  readonly atWallMs: WallMs;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** A first start: nothing limits a claim. */
export function initialPolicy(atMs: MonotonicMs): Policy {
  return { pause: { revision: 0, setBy: "", on: false, reason: "", untilMs: null }, blocked: false, holdDownUntilMs: atMs, claimsAtMs: [], claimNotBeforeMs: atMs, claimFailures: 0, claimFailedAtMs: atMs, claimFailure: null, moves: [] };
}

/**
 * Brings a saved policy back. Its wall times become ages on our monotonic clock here and nowhere else. A wall clock that
 * was set back meanwhile can at worst give a full hold-down or count a claim as just made; one that was set forward looks
 * like a longer stop of the agent, and a hold-down or pause may end that much sooner.
 */
export function restorePolicy(saved: PersistedState, atMs: MonotonicMs, wallMs: WallMs, config: CoreConfig): Policy {
  const ahead = (untilWallMs: WallMs): number => Math.max(0, untilWallMs - wallMs);
  const pauseLeftMs = saved.pause.untilWallMs === null ? null : ahead(saved.pause.untilWallMs);
  return {
    pause: { revision: saved.pause.revision, setBy: saved.pause.setBy, on: saved.pause.on && pauseLeftMs !== 0, reason: saved.pause.reason, untilMs: pauseLeftMs === null ? null : atMs + pauseLeftMs },
    blocked: saved.blocked,
    holdDownUntilMs: atMs + Math.min(config.holdDownMs, ahead(saved.holdDownUntilWallMs)),
    claimsAtMs: saved.claimsAtWallMs.map((at) => atMs - Math.max(0, wallMs - at)).filter((at) => atMs - at < HOUR_MS),
    claimNotBeforeMs: atMs,
    claimFailures: 0,
    claimFailedAtMs: atMs,
    claimFailure: null,
    moves: saved.moves,
  };
}

/** The state of the agent that could not read what it had saved: a full hold-down, as if the address had just moved. */
export function distrustfulPolicy(atMs: MonotonicMs, config: CoreConfig): Policy {
  return { ...initialPolicy(atMs), holdDownUntilMs: atMs + config.holdDownMs };
}

/** The record to save. @param nowMs the instant at which the wall clock said `wallMs`: the last tick, not the present event, or a hold-down would lose up to a tick with every restart */
export function persistPolicy(policy: Policy, nowMs: MonotonicMs, wallMs: WallMs): PersistedState {
  const toWall = (at: MonotonicMs): WallMs => Math.max(0, Math.round(wallMs + (at - nowMs)));
  const { pause } = policy;
  return {
    version: 1,
    savedAtWallMs: wallMs,
    pause: { revision: pause.revision, setBy: pause.setBy, on: pause.on, reason: pause.reason, untilWallMs: pause.untilMs === null ? null : toWall(pause.untilMs) },
    blocked: policy.blocked,
    holdDownUntilWallMs: toWall(policy.holdDownUntilMs),
    claimsAtWallMs: policy.claimsAtMs.map(toWall),
    moves: [...policy.moves],
  };
}

/** Ages what runs out: the pause's end, and claims older than an hour. Returns the same object when nothing did. */
export function agePolicy(policy: Policy, nowMs: MonotonicMs): Policy {
  const over = policy.pause.on && policy.pause.untilMs !== null && nowMs >= policy.pause.untilMs;
  const old = policy.claimsAtMs.length > 0 && nowMs - (policy.claimsAtMs[0] ?? nowMs) >= HOUR_MS;
  if (!over && !old) return policy;
  // Every node lets a pause run out by its own clock: the revision stays, so that nobody has to be told.
  const pause: Pause = over ? { ...policy.pause, on: false, untilMs: null } : policy.pause;
  return { ...policy, pause, claimsAtMs: policy.claimsAtMs.filter((at) => nowMs - at < HOUR_MS) };
}

/** Takes over a pause (or its end) that is newer than ours. Returns the same object when it is not. */
export function adoptPause(policy: Policy, theirs: Heartbeat["pause"], nowMs: MonotonicMs): Policy {
  const ours = policy.pause;
  const newer = theirs.revision > ours.revision || (theirs.revision === ours.revision && theirs.setBy > ours.setBy);
  if (!newer) return policy;
  return { ...policy, pause: { revision: theirs.revision, setBy: theirs.setBy, on: theirs.on, reason: theirs.reason, untilMs: theirs.remainingMs === null ? null : nowMs + theirs.remainingMs } };
}

/** Carries out an operator's word. */
export function operatorPolicy(policy: Policy, command: OperatorCommand, nowMs: MonotonicMs, config: CoreConfig): Policy {
  switch (command.kind) {
    case "pause":
      return { ...policy, pause: { revision: policy.pause.revision + 1, setBy: config.nodeId, on: true, reason: command.reason, untilMs: command.forMs === null ? null : nowMs + command.forMs } };
    case "resume":
      return { ...policy, pause: { revision: policy.pause.revision + 1, setBy: config.nodeId, on: false, reason: "", untilMs: null } };
    case "drain":
    case "undrain":
    case "switchover":
    case "takeover":
      return policy;
    case "acknowledge":
      return { ...policy, blocked: false, claimsAtMs: [] };
  }
}

/** The address has changed hands: hold-down, and a line in the history. */
export function recordMove(policy: Policy, move: Move, nowMs: MonotonicMs, config: CoreConfig): Policy {
  return { ...policy, holdDownUntilMs: nowMs + config.holdDownMs, moves: [...policy.moves, move].slice(-MOVES_KEPT) };
}
