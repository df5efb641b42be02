/** What becomes of a call after an attempt: pure rules over the campaign's own. */
import type { Campaign } from "./campaign.ts";

/** How an attempt ended. `cut`: a failover or a crash ended it, or it is not known whether it ever rang. */
export const RESULTS = ["answered", "busy", "no-answer", "failed", "cut", "cancelled", "do-not-call"] as const;
export type Result = (typeof RESULTS)[number];

/** How many attempts of the call have ended in which way, the last one included. */
export type Failures = Readonly<Partial<Record<Result, number>>>;

export type Verdict =
  | { readonly then: "again"; readonly waitMs: number }
  /** Another call, to the number of a caller who was cut off. */
  | { readonly then: "ring-back"; readonly waitMs: number }
  | { readonly then: "end" };

type Rules = Pick<Campaign, "retry" | "cut">;

const END: Verdict = { then: "end" };

/** What to do after an attempt of an outbound call, or after an inbound one. Without a campaign (its file is gone) every call ends. */
export function afterAttempt(rules: Rules | null, direction: "out" | "in", result: Result, failures: Failures): Verdict {
  if (rules === null) return END;
  const times = failures[result] ?? 0;
  if (result === "cut") {
    const { outbound, inbound, tries, waitSeconds } = rules.cut;
    const waitMs = waitSeconds * 1000;
    if (direction === "in") return inbound === "ring-back" ? { then: "ring-back", waitMs } : END;
    return outbound === "retry" && times < tries ? { then: "again", waitMs } : END;
  }
  if (direction === "in") return END;
  const rule = result === "busy" ? rules.retry.busy : result === "no-answer" ? rules.retry.noAnswer : result === "failed" ? rules.retry.failed : null;
  return rule !== null && times < rule.tries ? { then: "again", waitMs: rule.waitSeconds * 1000 } : END;
}

const USER_BUSY = 17;
const NO_ANSWER = new Set([18, 19]);
const NORMAL = new Set([0, 16]);

/** How an attempt ended that was never answered, from Q.850's cause and from how long it rang. */
export function resultOf(cause: number, rangMs: number, ringSeconds: number): Result {
  if (cause === USER_BUSY) return "busy";
  if (NO_ANSWER.has(cause)) return "no-answer";
  // Asterisk gives up ringing with a cause that says nothing.
  return NORMAL.has(cause) && rangMs >= ringSeconds * 1000 - 1_000 ? "no-answer" : "failed";
}
