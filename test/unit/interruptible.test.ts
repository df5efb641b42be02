// Waits that end early leave nothing behind on a signal that lives for months.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { aborted, pause, stopAfter, within } from "../../agent/adapters/interruptible.ts";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;
/** Longer than any test. */
const LONG_MS = 600_000;

describe("something that is run within a time", () => {
  it("gives its result, and leaves no listener on the other signal", async () => {
    const { signal } = new AbortController();
    assert.equal(await within(LONG_MS, signal, () => Promise.resolve(7)), 7);
    await assert.rejects(within(LONG_MS, signal, () => Promise.reject(new Error("no"))), /no/);
    assert.equal(listeners(signal), 0);
  });

  it("is told when its time is over, and when the other signal fires", async () => {
    const other = new AbortController();
    await within(1, other.signal, aborted);
    assert.equal(listeners(other.signal), 0);
    const waiting = within(LONG_MS, other.signal, aborted);
    other.abort();
    await waiting;
    await within(LONG_MS, other.signal, aborted);
  });
});

describe("a pause", () => {
  it("ends with its time or with the signal, and leaves no listener", async () => {
    const other = new AbortController();
    await pause(1, other.signal);
    assert.equal(listeners(other.signal), 0);
    const waiting = pause(LONG_MS, other.signal);
    other.abort();
    await waiting;
  });
});

describe("a stop that is cancelled", () => {
  it("does not fire any more", () => {
    const other = new AbortController();
    const stop = stopAfter(LONG_MS, other.signal);
    stop.cancel();
    other.abort();
    assert.equal(stop.signal.aborted, false);
  });
});
