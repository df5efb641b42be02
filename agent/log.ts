/**
 * The log: pino, JSON, one line a fact, to stdout, written synchronously, because the last lines before an end are the
 * ones that matter. Every line has the time, the node, a stable event name and a sentence. A failure is either logged
 * or thrown, never both.
 */
import { type DestinationStream, destination, type Logger, pino } from "pino";
import { AgentError } from "./errors.ts";

/** Every event name, and what a line of it says. Tools may rely on the names. */
export const LOG_EVENTS = {
  "agent-started": "The agent runs: version, settings, the worst case that follows from them.",
  "agent-stopping": "The agent was asked to stop, or ends because of a defect (level fatal).",
  "role-changed": "A row of the table fired: from, to, row, and its sentence.",
  "owner-changed": "Two reads of EC2 show the Elastic IP somewhere else than before.",
  "claim-answered": "EC2 answered AssociateAddress. Not yet ownership: that is the role change.",
  "standby-started": "A witness with COLD_STANDBY started a stopped standby, or could not: why, and EC2's answer.",
  "operator-commanded": "An operator's pause, resume or acknowledgement was carried out.",
  "switchover-changed": "An operator's switchover or takeover began, went on or ended: its sentence.",
  "condition-began": "A lasting situation has begun; `condition` is its name, `about` whom it concerns.",
  "condition-ended": "It is over; `lastedMs` says how long it lasted.",
  "peer-refused": "A connection or frame on the heartbeat port was refused. Told once for each kind and sender; what the sender claims is under `untrusted`.",
  "peer-refusals-ended": "No such refusal for a while: how many there were, and for how long.",
  "connection-changed": "Our own connection to a member opened or closed. Liveness is judged by heartbeats, not by this.",
  "wall-clock-set": "The wall clock was set. Nothing is decided by it; times in log and history are off by that much.",
  "boot-waits": "Something without which the agent can't start (the secret, the instance's own id) can't be read; it keeps trying.",
  "state-set-aside": "What the last run saved could not be read; the agent starts with a full hold-down.",
  "history-set-aside": "The history of moves could not be read; a new one begins.",
  "history-unwritten": "A move could not be written to the history in STATE_DIR; it is kept in memory and tried again.",
  "ledger-not-trimmed": "Old ledgers of dropped calls, which name callers, could not be removed; it is tried again every hour.",
  "secret-unreadable": "A new version of the secret could not be looked at or used; the present one stays in use.",
  "secret-rotated": "A new version of the secret is in use.",
  "config-rendered": "Asterisk's configuration was rendered anew and reloaded: which files, which modules; or why that is left to an operator.",
  "config-not-rendered": "Asterisk's configuration could not be rendered or reloaded with the new secret; the present one stays in use, and it is tried again.",
  "defect-found": "An error that should not exist, in a place that must not stop a failover: the agent goes on. Report it.",
  "summary": "Once an hour: how this node is.",
  "heartbeat-received": "Debug: a heartbeat came.",
  "request-finished": "Debug: a probe or a call ended.",
} as const satisfies Record<string, string>;

export type LogEvent = keyof typeof LOG_EVENTS;
export type LogLevel = "fatal" | "error" | "warn" | "info" | "debug";
export type Log = Logger;

export interface LogOptions {
  readonly level: LogLevel;
  readonly clusterId: string;
  readonly nodeId: string;
  readonly clock: { monotonicMs(): number; wallMs(): number };
  /** Where lines go; stdout when absent. */
  readonly to?: DestinationStream;
}

/** What must never be seen, by the names under which it could come along, at the top and two levels down. */
const SECRET_FIELDS = ["password", "ari_password", "ariPassword", "secret", "secrets", "heartbeat_keys", "keys", "key", "psk", "credentials", "accessKeyId", "secretAccessKey", "sessionToken", "authorization", "ariUrl", "ari_url", "ARI_URL", "env"];
const REDACTED = "[redacted]";

/** Opens the log. */
export function openLog(options: LogOptions): Log {
  const { clock, clusterId, nodeId } = options;
  return pino(
    {
      level: options.level,
      base: { cluster: clusterId, node: nodeId },
      timestamp: () => `,"time":"${new Date(clock.wallMs()).toISOString()}","monoMs":${Math.round(clock.monotonicMs())}`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: REDACTED },
    },
    options.to ?? destination({ dest: 1, sync: true }),
  );
}

/** say() with the log and the role filled in. */
export type Tell = (level: LogLevel, event: LogEvent, fields: Readonly<Record<string, unknown>>, sentence: string) => void;

/** Writes one line. `fields` must not carry untrusted objects except under `untrusted`. */
export function say(log: Log, level: LogLevel, event: LogEvent, fields: Readonly<Record<string, unknown>>, sentence: string): void {
  log[level]({ event, ...fields }, withoutCredentials(sentence));
}

/** Credentials that a library put into a URL: `user:password@` and ARI's `api_key=`. */
export function withoutCredentials(text: string): string {
  return text.replace(/\b(api_key=)[^&\s"']+/gi, `$1${REDACTED}`).replace(/(\/\/)[^/\s@"']+@/g, `$1${REDACTED}@`);
}

/** Of an error only what is known to be harmless: an SDK's error object carries the request with its headers. */
function describeError(error: unknown): unknown {
  if (error instanceof AgentError) return { code: error.code, message: withoutCredentials(error.message), ...(error.cause instanceof Error ? { cause: withoutCredentials(`${error.cause.name}: ${error.cause.message}`) } : {}) };
  if (error instanceof Error) return { type: error.name, message: withoutCredentials(error.message), stack: withoutCredentials(error.stack ?? "") };
  if (typeof error === "object" && error !== null && "code" in error && "message" in error) return { code: String(error.code), message: withoutCredentials(String(error.message)) };
  return { message: "not an error object" };
}
