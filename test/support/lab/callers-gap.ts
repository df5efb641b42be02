// What a planned move costs a caller who would call at any moment: how long nobody takes new calls, and how long nobody says anything.
import type { NodeName } from "./addresses.ts";
import type { Answer } from "./caller.ts";
import type { Pair } from "./pair.ts";

export interface CallersGap {
  /** From the last request that the one would have taken as a call (200) to the first that the other did. */
  readonly refusedMs: number;
  /** The longest time in between without any answer, 503 included. */
  readonly silentMs: number;
}

/** Of the last move between the two, as the pair's caller saw it. Throws when it has not seen both. */
export function callersGap(pair: Pair, from: NodeName, to: NodeName): CallersGap {
  const answers = pair.caller?.answers ?? [];
  const takenBy = (node: NodeName) => (answer: Answer): boolean => answer.node === node && answer.status === 200;
  const last = answers.findLastIndex(takenBy(from));
  const first = answers.findIndex((answer, index) => index > last && takenBy(to)(answer));
  const between = answers.slice(last, first + 1).map(({ atMs }) => atMs);
  const [beginMs, endMs] = [between[0], between.at(-1)];
  if (last < 0 || first < 0 || beginMs === undefined || endMs === undefined) throw new Error(`the caller has not been answered by ${from} and then by ${to}`);
  return { refusedMs: endMs - beginMs, silentMs: Math.max(...between.slice(1).map((atMs, index) => atMs - (between[index] ?? atMs))) };
}
