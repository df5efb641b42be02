/** The failures that adapters may have: an AgentError with a code, nothing else. */
import assert from "node:assert/strict";
import { AgentError, type ErrorCode } from "../../agent/errors.ts";

/** Asserts that the promise rejects with an AgentError of that code; returns it for a closer look. */
export async function rejectsWith(code: ErrorCode, promise: Promise<unknown>): Promise<AgentError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("value" in outcome) assert.fail(`expected ${code}, but it resolved with ${JSON.stringify(outcome.value)}`);
  assert.ok(outcome.error instanceof AgentError, `expected an AgentError, got ${String(outcome.error)}`);
  assert.equal(outcome.error.code, code, outcome.error.message);
  return outcome.error;
}
