/** Sees to it that ledgers of dropped calls, which name callers, are not kept for longer than LEDGER_KEEP_DAYS: at the start, and every hour. */
import { AgentError } from "./errors.ts";
import { say, type Log } from "./log.ts";
import type { Ledger } from "./ports.ts";

const EVERY_MS = 3_600_000;

/** Returns how to stop. What can't be removed is told once, and tried again. */
export function keepLedger(ledger: Pick<Ledger, "forgetOld">, log: Log, everyMs = EVERY_MS): () => void {
  let told = false;
  let busy = false;
  const forget = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      await ledger.forgetOld();
      told = false;
    } catch (error) {
      if (!told) say(log, "warn", error instanceof AgentError ? "ledger-not-trimmed" : "defect-found", { err: error }, error instanceof Error ? error.message : "Old ledgers can't be removed.");
      told = true;
    } finally {
      busy = false;
    }
  };
  void forget();
  const timer = setInterval(() => void forget(), everyMs);
  timer.unref();
  return () => { clearInterval(timer); };
}
