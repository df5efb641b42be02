import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeBench } from "../bench/bench-context.ts";
import { FIGURES } from "../bench/figure-list.ts";
import { distributionSvg, tickStep } from "../bench/plot.ts";
import { formatValue, hasPlot, resultsPage, textTable } from "../bench/report.ts";
import { mergeResults, resultsText, type FigureRecord } from "../bench/results.ts";

const RECORD: FigureRecord = {
  name: "one", title: "one thing → another", unit: "ms", goal: { statistic: "p99", atMost: 600 }, samples: [200, 450.4], failures: [], notes: ["How it was measured."],
  parts: [{ name: "the first step", samples: [100, 120] }, { name: "never seen", samples: [] }], knobs: { HOLD_DOWN_MS: "1000" }, machine: "2 cores", day: "2026-01-02", load: { start: "0.10 0.10 0.10", end: "0.20 0.10 0.10" },
};

describe("the benchmark's results", () => {
  it("show each figure with its goal and whether it was met", () => {
    const [, met, missed] = textTable([RECORD, { ...RECORD, failures: ["Run 3: the caller was never answered."] }]).split("\n");
    assert.match(met ?? "", /^one thing → another +p99 ≤ 600 ms +2 +200 +450 +450 +yes$/);
    assert.match(missed ?? "", /2 \(\+1 failed\).*MISSED$/);
  });

  it("show a figure without a sample as missed, not as good", () => {
    assert.match(textTable([{ ...RECORD, samples: [] }]), /0 +- +- +- +MISSED$/);
  });

  it("say on the page how, with which settings and on what it was measured, and where the time went", () => {
    const page = resultsPage([{ ...RECORD, failures: ["Run 3: no."] }]);
    for (const expected of ["How it was measured.", "`HOLD_DOWN_MS=1000`", "Measured on 2026-01-02: 2 cores.", "**Failed.** Run 3: no.", "| the first step | 2 | 100 | 120 |", "(plots/one.svg)"]) assert.ok(page.includes(expected), `${expected} is missing`);
    assert.ok(!page.includes("never seen"), "a part without samples is not shown");
  });

  it("keep the figures that were not measured this time, in the fixed order", () => {
    const other = { ...RECORD, name: "two" };
    const fresh = { ...RECORD, samples: [1] };
    assert.deepEqual(mergeResults([other, RECORD, { ...RECORD, name: "gone" }], [fresh], ["one", "two", "three"]), [fresh, other]);
  });

  it("round in the file to what is no noise", () => {
    assert.ok(resultsText([{ ...RECORD, samples: [1.23456] }]).includes("1.235"));
  });

  it("show decimals where whole numbers would hide the difference", () => {
    assert.deepEqual([formatValue(1_999.6, "ms"), formatValue(3.21, "ms"), formatValue(0.851, "% of a core"), formatValue(171.4, "MB")], ["2000", "3.2", "0.85", "171"]);
  });
});

describe("the plot of a distribution", () => {
  it("shows every sample, the curve up to all of them, and the goal", () => {
    const svg = distributionSvg({ ...RECORD, title: "a < b & c" });
    assert.equal(svg.match(/<circle /g)?.length, 2);
    assert.ok(svg.includes("a &lt; b &amp; c (n=2)"));
    assert.ok(svg.includes("goal 600"));
    assert.ok(!/NaN|Infinity|undefined/.test(svg));
  });

  it("is drawn of times that were measured more than once", () => {
    assert.deepEqual([hasPlot(RECORD), hasPlot({ ...RECORD, samples: [1] }), hasPlot({ ...RECORD, unit: "MB" })], [true, false, false]);
  });

  it("has round ticks", () => {
    assert.deepEqual([tickStep(630, 8), tickStep(3_800, 8), tickStep(0.9, 8)], [100, 500, 0.2]);
  });
});

describe("the benchmark's figures", () => {
  it("have names of their own that can be given to --only", () => {
    const names = FIGURES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z0-9-]+$/);
  });

  it("measure once what several of them share, and open a pair anew after it was released", async () => {
    const bench = makeBench({ runs: 1, minutes: 1, say: () => undefined });
    const counts = { measured: 0, opened: 0, closed: 0 };
    const open = (): Promise<{ close(): Promise<void> }> => {
      counts.opened += 1;
      return Promise.resolve({ close: () => { counts.closed += 1; return Promise.resolve(); } });
    };
    const measure = (): Promise<number> => Promise.resolve((counts.measured += 1));
    assert.equal(await bench.once("a", measure), 1);
    assert.equal(await bench.once("a", measure), 1);
    await bench.resource("pair", open);
    await bench.resource("pair", open);
    await bench.release();
    await bench.release();
    await bench.resource("pair", open);
    assert.deepEqual(counts, { measured: 1, opened: 2, closed: 1 });
  });
});
