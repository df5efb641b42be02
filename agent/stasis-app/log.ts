/** The app's log: pino, JSON, one line a fact, to stdout. No number of a caller and nothing of the secret ever gets here. */
import { destination, pino, type Logger } from "pino";

export type Log = Logger;

export function openLog(options: { readonly level: string; readonly cluster: string; readonly node: string }): Log {
  return pino(
    { level: options.level, base: { app: "stasis-app", cluster: options.cluster, node: options.node }, formatters: { level: (label) => ({ level: label }) }, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ dest: 1, sync: true }),
  );
}

/** Of an error its kind and code, and its message only where it is one of ours: a database's quotes statements, and those hold numbers. */
export function describe(error: unknown): { readonly kind: string; readonly code: string | null; readonly message: string | null } {
  if (!(error instanceof Error)) return { kind: typeof error, code: null, message: null };
  const code = "code" in error && typeof error.code === "string" ? error.code : null;
  const ours = error.name === "AppError" || error.name === "AgentError" || error.name === "SinkFailure";
  return { kind: error.name, code, message: ours ? error.message.replaceAll(/\+?\d{6,}/g, "…") : null };
}

/** Trouble that lasts is told when it begins and then once a minute, with how often it came. */
export class TroubleBook {
  readonly #log: Log;
  readonly #monotonicMs: () => number;
  readonly #seen = new Map<string, { toldAtMs: number; untold: number }>();

  constructor(log: Log, monotonicMs: () => number) {
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  readonly note = (what: string, error: unknown): void => {
    const nowMs = this.#monotonicMs();
    const seen = this.#seen.get(what);
    if (seen !== undefined && nowMs - seen.toldAtMs < 60_000) {
      seen.untold += 1;
      return;
    }
    this.#seen.set(what, { toldAtMs: nowMs, untold: 0 });
    this.#log.warn({ event: "trouble", what, ...describe(error), times: (seen?.untold ?? 0) + 1 }, what);
  };
}
