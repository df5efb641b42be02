/**
 * From what the SDK throws to the agent's codes. The core must be able to tell "certainly nothing done" from "unknown"
 * (promise S4), so the rule for a call that changes something is:
 *
 *   AGENT_CLOUD_TIMEOUT                      unknown: the request had left, and no reply that settles it came back. That
 *                                            includes an internal error of AWS (5xx), which doesn't say how far it got.
 *   every other code                         certainly not done: it never left (UNREACHABLE, STALE), or AWS refused it
 *                                            before doing anything (THROTTLED, DENIED, REFUSED, FAILED with a 4xx).
 *
 * A read has no such doubt: its 5xx is AGENT_CLOUD_FAILED.
 */
import { AgentError, type ErrorCode } from "../errors.ts";
import { AwsTransportError } from "./aws-connection.ts";

/** What was called, for the message and for the rule above. */
export interface AwsCall {
  /** As in "EC2 AssociateAddress". */
  readonly name: string;
  /** Whether the call changes something at AWS. A dry run does not. */
  readonly changes: boolean;
}

/** AWS's codes, most of them from EC2's "Error codes" page and the common errors of the other two services. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  ...withCode("AGENT_CLOUD_THROTTLED", ["RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException", "EC2ThrottledException", "TooManyRequestsException", "SlowDown"]),
  ...withCode("AGENT_CLOUD_DENIED", ["UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthFailure", "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch", "MissingAuthenticationToken", "OptInRequired", "Blocked", "PendingVerification", "CredentialsProviderError", "ProviderError"]),
  ...withCode("AGENT_CLAIM_REFUSED", ["Resource.AlreadyAssociated"]),
]);

/** Longer texts (EC2 encodes a whole policy evaluation into some) are cut here (characters). */
const MESSAGE_MAX = 300;

/** Turns whatever a call threw into an AgentError; its message has the call's name, AWS's code and AWS's words. */
export function cloudFailure(thrown: unknown, call: AwsCall): AgentError {
  const error = readable(thrown);
  if (error instanceof AgentError) return error;
  if (error instanceof AwsTransportError) {
    return new AgentError(error.sent ? "AGENT_CLOUD_TIMEOUT" : "AGENT_CLOUD_UNREACHABLE", `${call.name}: ${error.message}${error.sent ? ", after the request had left" : ""}`, error);
  }
  const awsCode = awsCodeOf(error);
  const message = clip(`${call.name}: ${awsCode}: ${wordsOf(error)}`);
  const known = CODES.get(awsCode);
  if (known !== undefined) return new AgentError(known, message, error);
  const status = statusOf(error);
  // No status: AWS never got it (the SDK could not build or sign the request). A good status: the reply could not be read.
  const settled = status === null || (status >= 400 && status < 500);
  return new AgentError(call.changes && !settled ? "AGENT_CLOUD_TIMEOUT" : "AGENT_CLOUD_FAILED", message, error);
}

/**
 * The SDK takes message and code over as they came: a reply that is not AWS's own may have anything in their place, and an error whose
 * message or name is no text can't even be printed (node fails while it makes the stack). Such a one is told in our words.
 */
function readable(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message, name }: { readonly message: unknown; readonly name: unknown } = error;
  if (typeof message === "string" && typeof name === "string") return error;
  const told = new Error(typeof message === "string" ? message : `no words, but ${message === null ? "null" : `a value of the type ${typeof message}`}`);
  return Object.assign(told, { name: typeof name === "string" ? name : "UnreadableError", ...("$metadata" in error ? { $metadata: error.$metadata } : {}) });
}

/** Of what is no error only a text is told: anything else may not even have one. */
function wordsOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === "string" ? error : typeof error;
}

/** AWS's own code, as the SDK reports it: the error's name. */
export function awsCodeOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

/**
 * Runs one SDK call so that it settles as soon as `signal` fires, whatever the SDK is waiting for (credentials, say); a
 * request that has not left by then never leaves, because the connection looks at the same signal. Every rejection is
 * an AgentError.
 */
export async function callAws<T>(call: AwsCall, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new AgentError("AGENT_CLOUD_TIMEOUT", `${call.name}: the deadline passed`, signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await (signal.aborted ? aborted : Promise.race([aborted, send()]));
  } catch (error) {
    throw cloudFailure(error, call);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }
}

function withCode(code: ErrorCode, names: readonly string[]): readonly (readonly [string, ErrorCode])[] {
  return names.map((name) => [name, code]);
}

function statusOf(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return null;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return null;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : null;
}

function clip(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= MESSAGE_MAX ? line : `${line.slice(0, MESSAGE_MAX - 1)}…`;
}
