import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { badDaySvg } from "../bench/bad-day/curves.ts";
import { badDay, type BadDay } from "../bench/bad-day/region.ts";
import { badDayPage, badDayTable, fleetLimits, servedAfter, type BadDays } from "../bench/bad-day/report.ts";
import { sdkWaitMs, STRATEGIES } from "../bench/bad-day/strategies.ts";

const PAIRS = 4;
const WITHIN_MS = 60_000;

const days = (seed: number): readonly BadDay[] => STRATEGIES.map((strategy) => badDay({ pairs: PAIRS, seed, strategy, withinMs: WITHIN_MS }));

describe("a region's bad day", () => {
  const some = days(1);

  it("serves every pair of a small fleet, whoever moves the addresses", () => {
    for (const { strategy, servedMs } of some) assert.equal(servedMs.length, PAIRS, strategy);
  });

  it("is the same again from the same seed, and another from another", () => {
    assert.deepEqual(days(1), some);
    assert.notDeepEqual(days(2), some);
  });

  it("lets a script that gives up strand what does not fit into the account's limits", () => {
    const script = STRATEGIES.filter(({ knobs }) => knobs === null);
    for (const strategy of script) {
      const { servedMs, calls } = badDay({ pairs: 500, seed: 1, strategy, withinMs: 600_000 });
      assert.ok(servedMs.length >= 50 && servedMs.length < 500, `${servedMs.length} served`);
      const asked = calls["AssociateAddress"];
      assert.equal((asked?.asked ?? 0) - (asked?.refused ?? 0), servedMs.length);
    }
    assert.equal(script.length, 1);
  });

  it("is shown with its table, its curves and the limits that it comes from", () => {
    const all: BadDays = { seed: 1, withinMs: WITHIN_MS, days: some.map((day) => ({ ...day, servedMs: [...day.servedMs], calls: { ...day.calls } })) };
    assert.equal(badDayTable(all).split("\n").length, 1 + STRATEGIES.length);
    const svg = badDaySvg(all);
    assert.equal(svg.match(/<path /g)?.length, STRATEGIES.length);
    assert.ok(!/NaN|Infinity|undefined/.test(svg + badDayPage(all)));
    assert.match(badDayPage(all), /AssociateAddress` 50 at once and 5 a second/);
  });
});

describe("the figures of a bad day", () => {
  it("tell when so many were served, and nothing when they never were", () => {
    assert.deepEqual([1, 2, 3].map((count) => servedAfter({ servedMs: [100, 200] }, count)), [100, 200, null]);
  });

  it("know the SDK's retries: five attempts, with waits that double", () => {
    assert.deepEqual([1, 2, 3, 4, 5].map((made) => sdkWaitMs(made, 0.5)), [500, 1_000, 2_000, 4_000, null]);
  });

  it("compute how many pairs fit from the knobs and the limits", () => {
    assert.deepEqual(fleetLimits(), { readsPairs: 600, dryRunsPairs: 1_500, burstPairs: 50 });
  });
});
