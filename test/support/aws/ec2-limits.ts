/**
 * EC2's refusals, and its request limits: a bucket of tokens per account, Region and action (EC2 developer guide,
 * "Request throttling for the Amazon EC2 API").
 */

/** A refusal by EC2: its code, its words, and the HTTP status that it comes with. */
export class Ec2Error extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = "Ec2Error";
    this.code = code;
    this.status = status;
  }
}

/** Capacity and refill a second (same page): reads, and by name the calls that change something. */
export const READ = { capacity: 100, perSecond: 20 };
export const LIMITS: Readonly<Record<string, { readonly capacity: number; readonly perSecond: number }>> = {
  AssociateAddress: { capacity: 50, perSecond: 5 },
  DisassociateAddress: { capacity: 50, perSecond: 5 },
  CreateTags: { capacity: 100, perSecond: 10 },
  StartInstances: { capacity: 5, perSecond: 2 },
};

/** Who is throttled gets this, with status 503 (API reference, client error codes). */
export function throttled(): Ec2Error {
  return new Ec2Error("RequestLimitExceeded", "Request limit exceeded.", 503);
}

export class RequestBuckets {
  readonly #levels = new Map<string, { tokens: number; atMs: number }>();

  /** Takes one token; throws RequestLimitExceeded when there is none. */
  take(action: string, nowMs: number): void {
    const level = this.#refill(action, nowMs);
    if (level.tokens < 1) throw throttled();
    level.tokens -= 1;
  }

  /** Empties a bucket. */
  drain(action: string, nowMs: number): void {
    this.#refill(action, nowMs).tokens = 0;
  }

  #refill(action: string, nowMs: number): { tokens: number; atMs: number } {
    const { capacity, perSecond } = LIMITS[action] ?? READ;
    const level = this.#levels.get(action) ?? { tokens: capacity, atMs: nowMs };
    level.tokens = Math.min(capacity, level.tokens + (Math.max(0, nowMs - level.atMs) / 1000) * perSecond);
    level.atMs = nowMs;
    this.#levels.set(action, level);
    return level;
  }
}

/** A dry run that would have succeeded "fails" with this (API reference, common parameters). */
export function dryRunSucceeded(): Ec2Error {
  return new Ec2Error("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
}
