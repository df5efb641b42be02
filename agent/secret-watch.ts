/**
 * The secret, at boot and afterwards. At boot the agent waits for it as long as it takes: without keys it can neither
 * speak to its peers nor to Asterisk. Later a new version is noticed and handed on; a version that can't be used changes
 * nothing, and is told once; one that could not be put to use everywhere is handed on again at the next look.
 */
import { pause } from "./adapters/interruptible.ts";
import { AgentError } from "./errors.ts";
import { say, type Log, type LogEvent } from "./log.ts";
import type { Failure } from "./core/types.ts";
import type { SecretSource } from "./ports.ts";
import { parseSecret, type Secret } from "./secret.ts";

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 10_000;

/** How the secret is read: for whom, and how long one attempt may take (ms). */
export interface SecretReading {
  readonly source: SecretSource;
  readonly kind: "node" | "witness";
  readonly deadlineMs: number;
  readonly log: Log;
}

interface Version {
  readonly secret: Secret;
  readonly version: string;
}

async function read({ source, kind, deadlineMs }: SecretReading): Promise<Version> {
  const { text, version } = await source.fetch(AbortSignal.timeout(deadlineMs));
  return { secret: parseSecret(text, kind), version };
}

/** Waits for the secret, with backoff while it can't be read. Rejects with AGENT_SECRET_INVALID: waiting can't cure that. */
export async function awaitSecret(reading: SecretReading, stopped: AbortSignal): Promise<Version> {
  for (let retryMs = RETRY_MIN_MS, told = false; ; retryMs = Math.min(2 * retryMs, RETRY_MAX_MS)) {
    stopped.throwIfAborted();
    try {
      return await read(reading);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === "AGENT_SECRET_INVALID") throw error;
      if (!told) say(reading.log, "error", "boot-waits", { err: error }, `The secret can't be read, so the agent can't start: ${error.message} It keeps trying.`);
      told = true;
    }
    await pause(retryMs * (0.5 + Math.random() / 2), stopped);
  }
}

export interface SecretWatch {
  /** The version that is in use; null when not all of it is, so that it is handed on again. */
  readonly inUse: string | null;
  readonly intervalMs: number;
  /** Puts a version to use; rejects when it has to be tried again. */
  readonly onNew: (secret: Secret, version: string) => Promise<void>;
  /** After every try: why it failed, and null when the newest version is in use. */
  readonly onTried: (failure: Failure | null) => void;
}

/**
 * Looks for a new version every interval and hands it to `onNew`, again and again until that resolves. Returns how to stop.
 * A defect in `onNew` must not stop the agent, on all nodes at once: it is told and otherwise treated as a failure.
 */
export function watchSecret(reading: SecretReading, { inUse, intervalMs, onNew, onTried }: SecretWatch): () => void {
  const { log } = reading;
  let current = inUse;
  let told: string | null = null;
  let looking = false;
  const tellOnce = (error: unknown, level: "warn" | "error", event: LogEvent, sentence: string): void => {
    const about = `${event} ${error instanceof AgentError ? error.code : ""}`;
    if (told !== about) say(log, level, event, { err: error }, `${sentence} ${error instanceof Error ? error.message : ""}`);
    told = about;
  };
  const look = async (): Promise<void> => {
    let found: Version;
    try {
      found = await read(reading);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      // A new version that makes no sense; whether there is one is unknown while it can't be read.
      if (error.code === "AGENT_SECRET_INVALID") onTried({ code: error.code, message: error.message });
      tellOnce(error, "warn", "secret-unreadable", "The secret can't be looked at for a new version; the present one stays in use:");
      return;
    }
    const { secret, version } = found;
    if (version === current) {
      if (told !== null) onTried(null);
      told = null;
      return;
    }
    try {
      await onNew(secret, version);
    } catch (error) {
      onTried(error instanceof AgentError ? { code: error.code, message: error.message } : { code: "defect", message: "an unforeseen error, see the log" });
      if (error instanceof AgentError) tellOnce(error, "error", "config-not-rendered", "A new version of the secret could not be put to use everywhere. What worked before still does, and it is tried again:");
      else tellOnce(error, "error", "defect-found", "An unforeseen error with a new version of the secret: the agent goes on, and tries again.");
      return;
    }
    current = version;
    told = null;
    onTried(null);
    say(log, "info", "secret-rotated", { keyIds: [...secret.heartbeatKeys.keys()] }, "A new version of the secret is in use.");
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => { looking = false; });
  }, intervalMs);
  return () => { clearInterval(timer); };
}
