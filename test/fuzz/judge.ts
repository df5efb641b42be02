/** What every refusal must be: an AgentError of an expected code, short enough for a log line, and silent about secrets. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { AgentError, type ErrorCode } from "../../agent/errors.ts";
import { betraysCanary } from "./mutate.ts";

/** Our messages are clipped well below this (characters); only the lists of problems are longer. */
const MESSAGE_MAX = 700;

export interface Expected {
  readonly codes: readonly ErrorCode[];
  /** The input holds secrets: nothing of it may be told, nor be carried along as a cause. */
  readonly secret?: boolean;
  /** What may be told all the same. */
  readonly but?: RegExp;
  readonly messageMax?: number;
}

/** Asserts that an error is such a refusal. */
export function assertRefusal(error: unknown, { codes, secret = false, but, messageMax = MESSAGE_MAX }: Expected): asserts error is AgentError {
  assert.ok(error instanceof AgentError, `not an AgentError: ${inspect(error)}`);
  assert.ok(codes.includes(error.code), `${error.code} was not expected: ${error.message.slice(0, 300)}`);
  assert.ok(error.message.length <= messageMax, `a message of ${error.message.length} characters: ${error.message.slice(0, 100)}…`);
  if (!secret) return;
  const told = inspect(error, { depth: 5 });
  assert.ok(!betraysCanary(but === undefined ? told : told.replaceAll(but, "")), "the error tells a piece of a secret");
}

/** The value, or null after a proper refusal. */
export async function settledOrRefused<T>(work: () => T | Promise<T>, expected: Expected): Promise<{ readonly value: T } | null> {
  try {
    return { value: await work() };
  } catch (error) {
    assertRefusal(error, expected);
    return null;
  }
}

/** The same without waiting, for what is computed at once. */
export function valueOrRefused<T>(work: () => T, expected: Expected): { readonly value: T } | null {
  try {
    return { value: work() };
  } catch (error) {
    assertRefusal(error, expected);
    return null;
  }
}

/** Equal as JSON: -0 and 0 are, and what JSON can't carry was never accepted. */
export function assertSameJson(one: unknown, other: unknown, what: string): void {
  assert.equal(JSON.stringify(one), JSON.stringify(other), what);
}
