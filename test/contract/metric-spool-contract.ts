/** What every MetricSpool must do. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { METRIC_NAMES, type MetricMinute } from "../../agent/core/metrics.ts";
import type { MetricSpool } from "../../agent/ports.ts";

export interface MetricSpoolWorld {
  /** A spool over the same memory, as after a restart of the agent, which may hold about `minutes` full minutes. */
  open(minutes: number): MetricSpool;
  /** The wall clock that the spool sees (ms); starts at START. */
  setWallMs(wallMs: number): void;
  close(): Promise<void>;
}

export const START = 1_795_000_000_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A minute with all metrics, or with the first `count`. */
export function minute(index: number, count: number = METRIC_NAMES.length): MetricMinute {
  return { atWallMs: START + index * MINUTE_MS, sets: Object.fromEntries(METRIC_NAMES.slice(0, count).map((name) => [name, { min: 0.25, max: Math.abs(index) + 1, sum: index * 2, count: 60 }])) };
}

export function describeMetricSpoolContract(name: string, makeWorld: () => Promise<MetricSpoolWorld>): void {
  describe(`MetricSpool contract: ${name}`, () => {
    let world: MetricSpoolWorld;
    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(() => world.close());

    it("gives back what was appended, oldest first, until it is dropped", async () => {
      const spool = world.open(100);
      for (const index of [0, 1, 2]) assert.equal(await spool.append(minute(index)), 0);
      assert.deepEqual(await spool.oldest(), [minute(0), minute(1), minute(2)]);
      await spool.drop(2);
      assert.deepEqual(await spool.oldest(), [minute(2)]);
    });

    it("survives a restart", async () => {
      await world.open(100).append(minute(0));
      const again = world.open(100);
      await again.append(minute(1));
      assert.deepEqual(await again.oldest(), [minute(0), minute(1)]);
    });

    it("offers no more than fits into one call", async () => {
      const spool = world.open(100);
      const fitting = Math.floor(1000 / METRIC_NAMES.length);
      for (let index = 0; index < fitting + 3; index += 1) await spool.append(minute(index));
      assert.equal((await spool.oldest()).length, fitting);
      await spool.drop(fitting);
      assert.deepEqual(await spool.oldest(), [minute(fitting), minute(fitting + 1), minute(fitting + 2)]);
    });

    it("drops the oldest when it is full, and counts the measurements that are lost", async () => {
      const spool = world.open(3);
      let lost = 0;
      for (let index = 0; index < 10; index += 1) lost += await spool.append(minute(index));
      const kept = await spool.oldest();
      assert.ok(kept.length > 0 && kept.length < 10, `${kept.length} were kept`);
      assert.deepEqual(kept.at(-1), minute(9));
      assert.equal(lost, (10 - kept.length) * METRIC_NAMES.length);
    });

    it("keeps nothing of an empty minute", async () => {
      const spool = world.open(3);
      assert.equal(await spool.append({ atWallMs: START, sets: {} }), 0);
      assert.deepEqual(await spool.oldest(), []);
    });

    it("does not drop a minute that was never published, even when the published ones were pushed out meanwhile", async () => {
      const spool = world.open(3);
      await spool.append(minute(0));
      assert.deepEqual(await spool.oldest(), [minute(0)]);
      for (let index = 1; index < 6; index += 1) await spool.append(minute(index));
      const kept = await world.open(3).oldest();
      assert.deepEqual(kept.at(-1), minute(5));
      await spool.drop(1); // Minute 0 was published, but it has gone already.
      assert.deepEqual(await spool.oldest(), kept);
    });

    it("gives up what CloudWatch would refuse for its age, and counts it", async () => {
      const spool = world.open(100);
      await spool.append(minute(0, 2));
      await spool.append({ ...minute(0, 3), atWallMs: START + 10 * DAY_MS });
      world.setWallMs(START + 14 * DAY_MS);
      assert.deepEqual(await spool.oldest(), [{ ...minute(0, 3), atWallMs: START + 10 * DAY_MS }]);
      assert.equal(await spool.append({ ...minute(1), atWallMs: START + 14 * DAY_MS }), 2);
      world.setWallMs(START);
      assert.deepEqual(await spool.oldest(), [], "minutes of a clock that was days ahead would block all later ones");
    });
  });
}
