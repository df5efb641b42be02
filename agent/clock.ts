/**
 * The two clocks and the scheduler of a real process. process.hrtime is CLOCK_MONOTONIC: it never goes back and counts on
 * while the process is stopped (promises S7, S8).
 */
import process from "node:process";
import type { Scheduler } from "./driver.ts";
import type { Clock } from "./ports.ts";

export const systemClock: Clock = {
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  wallMs: () => Date.now(),
};

export const systemScheduler: Scheduler = {
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => { clearTimeout(timer); };
  },
};
