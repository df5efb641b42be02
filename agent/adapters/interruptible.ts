/** Waits that end early when a signal fires. The timers and listeners go with them: a signal that lives for months must not collect them. */

/** A signal that fires after that long (ms) or with `other`, whichever is first. To be cancelled when it is no longer needed. */
export function stopAfter(delayMs: number, other: AbortSignal): { readonly signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const cancel = (): void => {
    clearTimeout(timer);
    other.removeEventListener("abort", stop);
  };
  const stop = (): void => {
    cancel();
    controller.abort();
  };
  const timer = setTimeout(stop, delayMs);
  other.addEventListener("abort", stop, { once: true });
  if (other.aborted) stop();
  return { signal: controller.signal, cancel };
}

/**
 * Runs something with a signal that fires after that long (ms) or with `other`, and that it must heed. Not AbortSignal.any(): `other` may live for
 * months, and in node 20 its list of followers grows with every call, 80 to 1200 bytes each (measured).
 */
export async function within<T>(delayMs: number, other: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = stopAfter(delayMs, other);
  try {
    return await run(stop.signal);
  } finally {
    stop.cancel();
  }
}

/** Resolves after that long (ms), or as soon as the signal fires; at once when it already has. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await aborted(stopAfter(delayMs, signal).signal);
}

/** Resolves when the signal fires. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
