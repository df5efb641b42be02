/** What no target may cause: errors that nobody waits for. They are collected here instead of ending the process, and told as failures. */
import process from "node:process";

/** Collects until `stop`. */
export interface Troubles {
  /** The errors since the last call. */
  take(): readonly unknown[];
  stop(): void;
}

/** Listens for unhandled rejections and uncaught exceptions of the whole process. */
export function watchForTroubles(): Troubles {
  let seen: unknown[] = [];
  const note = (error: unknown): void => void seen.push(error);
  process.on("unhandledRejection", note).on("uncaughtException", note);
  return {
    take() {
      const taken = seen;
      seen = [];
      return taken;
    },
    stop() {
      process.off("unhandledRejection", note).off("uncaughtException", note);
    },
  };
}
