/**
 * Three ways of moving an address while everybody else in the account moves theirs. Two are our agent, which differs in
 * its patience only; the third is the script that is written most often, and needs no agent.
 */

export interface Strategy {
  readonly name: string;
  /** In the page and beside the curves. */
  readonly title: string;
  readonly says: string;
  /** The agents' knobs that are not the defaults; null for the script, which is no agent. */
  readonly knobs: Readonly<Record<string, string>> | null;
  readonly colour: string;
  /** With more pairs it isn't simulated: four tries a second and pair take hours there, and show nothing that fewer don't. */
  readonly upToPairs: number;
}

export const STRATEGIES: readonly Strategy[] = [
  { name: "agent", title: "the agent, default settings", says: "waits that grow and are jittered, for reads and for claims", knobs: {}, colour: "#1f6feb", upToPairs: Infinity },
  { name: "impatient", title: "the agent without its patience", says: "the same program, told to read and claim again a quarter of a second after every failure", knobs: { READ_BACKOFF_MAX_MS: "250", CLAIM_RETRY_MIN_MS: "250", CLAIM_RETRY_MAX_MS: "250" }, colour: "#c33", upToPairs: 100 },
  { name: "script", title: "a script with the SDK's own retries", says: "one AssociateAddress with up to five attempts, as a notify script or a Lambda makes it, and nothing that asks afterwards whether it worked", knobs: null, colour: "#888", upToPairs: Infinity },
];

/** The SDK's standard retries of a throttled call (JavaScript SDK v3): so many attempts, and a wait of up to the base, doubled each time. */
const ATTEMPTS = 5;
const THROTTLED_BASE_MS = 500;
const WAIT_MAX_MS = 20_000;

/** The wait before the next attempt (ms), or null when the SDK gives up. `made` counts the attempts so far, from 1. */
export function sdkWaitMs(made: number, random: number): number | null {
  return made >= ATTEMPTS ? null : Math.min(WAIT_MAX_MS, random * THROTTLED_BASE_MS * 2 ** made);
}
