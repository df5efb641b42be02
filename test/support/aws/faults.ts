/** What may go wrong between a caller and AWS, as rules that tests set; shared by the embedded AWS and the simulator. */

/** What becomes of a call. `lose-reply` does the work and never answers; `error-after` does it and answers 500. */
export type FaultOutcome = "none" | "throttle" | "deny" | "error-500" | "error-503" | "error-after" | "lose-reply" | "refuse" | "blackhole";

/** One rule. A field that is left out matches everything or changes nothing. */
export interface FaultRule {
  /** Who calls: an access key id at the embedded AWS, a node in the simulator. */
  readonly caller?: string;
  /** AssociateAddress, PutMetricData, GetSecretValue and so on. */
  readonly action?: string;
  /** How many calls it is good for; for ever when left out. */
  readonly times?: number;
  readonly outcome?: FaultOutcome;
  /** Before the work is done (ms). */
  readonly delayBeforeMs?: number;
  /** Between the work and the reply (ms). */
  readonly delayAfterMs?: number;
  /** Reads show the world as it was so long ago (ms). */
  readonly staleMs?: number;
}

/** All that applies to one call: delays add up, the first rule with an outcome gives it. */
export interface FaultPlan {
  readonly outcome: FaultOutcome;
  readonly delayBeforeMs: number;
  readonly delayAfterMs: number;
  readonly staleMs: number;
}

export class Faults {
  #rules: { readonly rule: FaultRule; left: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? Infinity });
  }

  clear(): void {
    this.#rules = [];
  }

  /** What happens to this call; uses up rules with `times`. */
  plan(caller: string, action: string): FaultPlan {
    const matching = this.#rules.filter(({ rule, left }) => left > 0 && (rule.caller ?? caller) === caller && (rule.action ?? action) === action);
    for (const one of matching) one.left -= 1;
    const rules = matching.map((one) => one.rule);
    return {
      outcome: rules.find((rule) => (rule.outcome ?? "none") !== "none")?.outcome ?? "none",
      delayBeforeMs: rules.reduce((sum, rule) => sum + (rule.delayBeforeMs ?? 0), 0),
      delayAfterMs: rules.reduce((sum, rule) => sum + (rule.delayAfterMs ?? 0), 0),
      staleMs: rules.reduce((most, rule) => Math.max(most, rule.staleMs ?? 0), 0),
    };
  }
}
