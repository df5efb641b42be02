/** What every MetricSink must do. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { METRICS, METRIC_NAMES, type MetricMinute } from "../../agent/core/metrics.ts";
import type { MetricSink } from "../../agent/ports.ts";
import type { FaultRule } from "../support/aws/faults.ts";
import { rejectsWith } from "../support/rejects-with.ts";

/** A metric as it was stored on the other side. */
export interface ReadBack {
  readonly name: string;
  readonly atWallMs: number;
  readonly unit: string;
  readonly set: { readonly min: number; readonly max: number; readonly sum: number; readonly count: number };
}

export type MetricSinkCapability =
  /** Faults can be injected. */
  | "faults"
  /** Timestamps outside of CloudWatch's window are refused, and the whole call with them. */
  | "checks-timestamps";

/** The namespace and dimensions under which a world looks for what was stored. */
export const STORED_UNDER = { namespace: "Asterisk/Node", cluster: "aicc-test", node: "node-a" } as const;

export interface MetricSinkWorld {
  readonly sink: MetricSink;
  /** What is stored under STORED_UNDER for these names, in any order. */
  readBack(names: readonly string[]): Promise<readonly ReadBack[]>;
  fault(rule: FaultRule): Promise<void>;
  close(): Promise<void>;
}

const MINUTE_MS = 60_000;

/** Runs the suite. `lacks`: capability to reason; such tests are reported as skipped with it. */
export function describeMetricSinkContract(name: string, makeWorld: () => Promise<MetricSinkWorld>, lacks: Partial<Record<MetricSinkCapability, string>> = {}): void {
  const needs = (one: MetricSinkCapability): { readonly skip: string | false } => ({ skip: lacks[one] === undefined ? false : `lacks ${one}: ${lacks[one]}` });

  describe(`MetricSink contract: ${name}`, () => {
    let world: MetricSinkWorld;
    const never = new AbortController().signal;
    /** A whole minute in the past: what is stored is kept by the minute. */
    const minuteAgo = (minutes: number): number => Math.floor(Date.now() / MINUTE_MS - minutes) * MINUTE_MS;
    const byTime = (all: readonly ReadBack[]): ReadBack[] => [...all].sort((one, other) => one.atWallMs - other.atWallMs || one.name.localeCompare(other.name));

    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(() => world.close());

    it("stores each measurement with the minute's own time, its unit and all four statistics", async () => {
      const minutes: MetricMinute[] = [
        { atWallMs: minuteAgo(5), sets: { AriLatency: { min: 1.5, max: 20, sum: 43, count: 4 }, AgentMemory: { min: 70, max: 71, sum: 141, count: 2 } } },
        { atWallMs: minuteAgo(3), sets: { AriLatency: { min: 2, max: 2, sum: 2, count: 1 } } },
      ];
      await world.sink.publish(minutes, never);
      assert.deepEqual(byTime(await world.readBack(["AriLatency", "AgentMemory"])), [
        { name: "AgentMemory", atWallMs: minuteAgo(5), unit: "Megabytes", set: { min: 70, max: 71, sum: 141, count: 2 } },
        { name: "AriLatency", atWallMs: minuteAgo(5), unit: "Milliseconds", set: { min: 1.5, max: 20, sum: 43, count: 4 } },
        { name: "AriLatency", atWallMs: minuteAgo(3), unit: "Milliseconds", set: { min: 2, max: 2, sum: 2, count: 1 } },
      ]);
    });

    it("stores every metric of the list, zeros and negative values included", async () => {
      const sets = Object.fromEntries(METRIC_NAMES.map((one, index) => [one, { min: -index, max: index, sum: 0, count: 60 }]));
      await world.sink.publish([{ atWallMs: minuteAgo(4), sets }], never);
      const stored = await world.readBack(METRIC_NAMES);
      assert.deepEqual(stored.map((one) => one.name).sort(), [...METRIC_NAMES].sort());
      for (const one of stored) assert.equal(one.unit, METRICS[one.name as keyof typeof METRICS].unit, one.name);
    });

    it("takes as many measurements in one call as CloudWatch does", async () => {
      const minutes = Array.from({ length: 1000 }, (_unused, index): MetricMinute => ({ atWallMs: minuteAgo(index + 2), sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }));
      await world.sink.publish(minutes, never);
      assert.equal((await world.readBack(["Serving"])).length, 1000);
    });

    it("refuses more than that before anything leaves", async () => {
      const minutes = Array.from({ length: 1001 }, (_unused, index): MetricMinute => ({ atWallMs: minuteAgo(index + 2), sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }));
      await rejectsWith("AGENT_CLOUD_FAILED", world.sink.publish(minutes, never));
      assert.deepEqual(await world.readBack(["Serving"]), []);
    });

    it("has nothing to do for no minutes and for empty ones", async () => {
      await world.sink.publish([], never);
      await world.sink.publish([{ atWallMs: minuteAgo(2), sets: {} }], never);
      assert.deepEqual(await world.readBack(["Serving"]), []);
    });

    it("stores all or nothing", needs("checks-timestamps"), async () => {
      const set = { min: 1, max: 1, sum: 60, count: 60 };
      const tooOld = minuteAgo(15 * 24 * 60);
      await rejectsWith("AGENT_CLOUD_FAILED", world.sink.publish([{ atWallMs: minuteAgo(2), sets: { Serving: set } }, { atWallMs: tooOld, sets: { Serving: set } }], never));
      assert.deepEqual(await world.readBack(["Serving"]), []);
    });

    it("settles when the signal fires, and stores nothing when it has fired before", async () => {
      const minutes: MetricMinute[] = [{ atWallMs: minuteAgo(2), sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }];
      await rejectsWith("AGENT_CLOUD_TIMEOUT", world.sink.publish(minutes, AbortSignal.abort()));
      assert.deepEqual(await world.readBack(["Serving"]), []);
    });

    it("tells throttling, refusal, errors and silence apart", needs("faults"), async () => {
      const minutes: MetricMinute[] = [{ atWallMs: minuteAgo(2), sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }];
      for (const [outcome, code] of [["throttle", "AGENT_CLOUD_THROTTLED"], ["deny", "AGENT_CLOUD_DENIED"], ["error-500", "AGENT_CLOUD_FAILED"], ["lose-reply", "AGENT_CLOUD_TIMEOUT"]] as const) {
        await world.fault({ action: "PutMetricData", times: 1, outcome });
        await rejectsWith(code, world.sink.publish(minutes, never));
      }
      await world.sink.publish(minutes, never);
    });
  });
}
