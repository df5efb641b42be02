/**
 * Keeps the history of moves: looks at every step, and writes a record when the address has changed hands, whoever moved it.
 * It decides nothing, and what it can't write it keeps and tries again with the next record, a minute later, and at the end.
 */
import type { Event } from "./core/events.ts";
import { moveOf, MOVED_MEANWHILE, SEEN_ON_EC2, toldByTags, type MoveRecord } from "./core/moves.ts";
import { holderName } from "./core/ownership.ts";
import type { CoreConfig } from "./core/settings.ts";
import type { State } from "./core/state.ts";
import type { Step } from "./core/step.ts";
import { AgentError } from "./errors.ts";
import { say, type Log } from "./log.ts";
import type { History } from "./ports.ts";

const RETRY_AFTER_MS = 60_000;

export interface HistoryBook {
  /** Reads what was written before. What can't be read is told, and a new history begins. */
  readonly open: () => Promise<void>;
  readonly observe: (before: State, event: Event, result: Step) => void;
  /** What is known now, the oldest first. */
  readonly moves: () => readonly MoveRecord[];
  /** Writes what is not yet written. Rejects with AGENT_STATE_UNWRITABLE. */
  readonly close: () => Promise<void>;
}

/** @param keep how many moves are kept: the oldest go first */
export function makeHistoryBook(options: { readonly history: History; readonly config: CoreConfig; readonly keep: number; readonly log: Log }): HistoryBook {
  const { history, config, keep, log } = options;
  let moves: readonly MoveRecord[] = [];
  let unwritten = false;
  let triedAtMs = -Infinity;
  let writing: Promise<void> = Promise.resolve();
  let defectTold = false;

  const write = (state: State): void => {
    triedAtMs = state.nowMs;
    unwritten = false;
    writing = history.save(moves).catch((error: unknown) => {
      unwritten = true;
      say(log, "error", "history-unwritten", { err: error }, `${error instanceof Error ? error.message : String(error)} It is kept in memory and tried again.`);
    });
  };

  const note = (move: MoveRecord, state: State): void => {
    moves = [...moves, move].slice(-keep);
    write(state);
  };

  const look = (before: State, event: Event, state: State): void => {
    const move = moveOf(before, state, config) ?? movedMeanwhile(before, state, moves.at(-1));
    if (move !== null) note(move, state);
    const reasoned = retold(moves.at(-1), before, state);
    const told = detailed(reasoned ?? moves.at(-1), moves.at(-2), event) ?? reasoned;
    if (told !== null) {
      moves = [...moves.slice(0, -1), told];
      write(state);
    }
    if (unwritten && event.type === "ticked" && state.nowMs - triedAtMs >= RETRY_AFTER_MS) write(state);
  };

  return {
    open: async () => {
      try {
        moves = (await history.load()).slice(-keep);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        say(log, "error", "history-set-aside", { err: error }, error.message);
      }
    },
    observe: (before, event, { state }) => {
      try {
        look(before, event, state);
      } catch (error) {
        // This runs between a decision and its actions: a defect in what is remembered must not stop what is done.
        if (!defectTold) say(log, "error", "defect-found", { err: error }, "The history failed to note what happened: the agent goes on.");
        defectTold = true;
      }
    },
    moves: () => moves,
    close: async () => {
      await writing;
      if (unwritten) await history.save(moves);
    },
  };
}

/** The first holder that this run believes is not the one of the last record: the address moved while no agent looked. */
function movedMeanwhile(before: State, state: State, last: MoveRecord | undefined): MoveRecord | null {
  if (before.ownership.holder !== null || state.ownership.holder === null || last === undefined) return null;
  const to = holderName(state.ownership.holder);
  if (last.to === to) return null;
  return { atWallMs: Math.round(state.wallMs), from: last.to, to, cause: "seen", reason: MOVED_MEANWHILE, verdicts: [], cloud: null, stages: { suspicionMs: null, decisionMs: null, claimMs: null, confirmMs: null }, dropped: null };
}

/** The address's tags have told the last move's reason since. */
function retold(last: MoveRecord | undefined, before: State, state: State): MoveRecord | null {
  const known = state.policy.moves.at(-1);
  if (last?.reason !== SEEN_ON_EC2 || known === undefined || known === before.policy.moves.at(-1)) return null;
  return known.to === last.to && known.from === last.from && known.reason !== last.reason ? { ...last, reason: known.reason } : null;
}

/** The address's tags tell who saw what, how long it took and what was cut: what only the node knows that has claimed. */
function detailed(last: MoveRecord | undefined, before: MoveRecord | undefined, event: Event): MoveRecord | null {
  if (last === undefined || event.type !== "completed" || event.completion.kind !== "readAddress" || !event.completion.outcome.ok) return null;
  return toldByTags(last, before, event.completion.outcome.value.lastClaim);
}
