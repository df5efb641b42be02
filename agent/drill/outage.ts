/** What the probes of the address from outside say about an outage. Pure arithmetic. */

/** One SIP OPTIONS to the address. Times are of one monotonic clock (ms). */
export interface OutsideProbe {
  readonly sentAtMs: number;
  /** null: nobody answered before its deadline. */
  readonly answeredAtMs: number | null;
  /** The answer's status; 503 means that new calls are refused. */
  readonly status: number | null;
}

export interface Outage {
  readonly asked: number;
  readonly unanswered: number;
  readonly refused: number;
  /** The longest time without any answer (ms). */
  readonly silenceMs: number;
  /** The longest time in which no new call would have been taken: silence and 503 together (ms). */
  readonly refusalMs: number;
}

const REFUSED = 503;

/** Of the probes that were sent between the two instants. The ends count as answered: what lies outside is not judged here. */
export function outageOf(probes: readonly OutsideProbe[], fromMs: number, untilMs: number): Outage {
  const within = probes.filter(({ sentAtMs }) => sentAtMs >= fromMs && sentAtMs <= untilMs);
  const answers = within.filter(({ answeredAtMs }) => answeredAtMs !== null);
  const taking = answers.filter(({ status }) => status !== REFUSED);
  return {
    asked: within.length,
    unanswered: within.length - answers.length,
    refused: answers.length - taking.length,
    silenceMs: longestGapMs(within, answers, untilMs),
    refusalMs: longestGapMs(within, taking, untilMs),
  };
}

/** From one good answer to the next, as somebody who asks all the time sees it; from the first question where the first answer is late. */
function longestGapMs(asked: readonly OutsideProbe[], good: readonly OutsideProbe[], untilMs: number): number {
  const first = asked[0];
  if (first === undefined) return 0;
  const instants = [first.sentAtMs, ...good.map(({ answeredAtMs }) => answeredAtMs ?? 0).toSorted((a, b) => a - b), untilMs];
  return Math.max(...instants.slice(1).map((at, index) => at - (instants[index] ?? at)), 0);
}
