import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addSample, addSamples, METRIC_NAMES, METRICS, type MetricAccumulators } from "../../agent/core/metrics.ts";
import { gauges, sampleMetrics } from "../../agent/core/sampling.ts";
import type { State } from "../../agent/core/state.ts";
import { simConfig } from "../simulation/settings.ts";
import { sampleConfig, sampleSilence, sampleStandby } from "../simulation/core-samples.ts";

const config = sampleConfig();

describe("a statistic set", () => {
  it("holds the least, the most, the sum and the count of its samples", () => {
    const values = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(fc.property(values, (samples) => {
      const sets = samples.reduce<MetricAccumulators["sets"]>((all, value) => addSample(all, "SipLatency", value), {});
      assert.deepEqual(sets.SipLatency, { min: Math.min(...samples), max: Math.max(...samples), sum: samples.reduce((a, b) => a + b, 0), count: samples.length });
    }));
  });

  it("is the same whether samples come alone or together", () => {
    const one = addSample(addSample({}, "PeerUp", 1), "Serving", 0);
    assert.deepEqual(addSamples({}, { PeerUp: 1, Serving: 0 }), one);
    assert.deepEqual(addSamples(one, { PeerUp: 0 }).PeerUp, { min: 0, max: 1, sum: 1, count: 2 });
  });

  it("refuses what CloudWatch would refuse", () => {
    for (const value of [NaN, Infinity, -Infinity]) assert.throws(() => addSample({}, "SipLatency", value), RangeError);
  });
});

describe("the samples of a state", () => {
  it("fill every gauge of a node, and only gauges", () => {
    const expected = METRIC_NAMES.filter((name) => METRICS[name].kind === "gauge");
    assert.deepEqual(Object.keys(gauges(sampleStandby(10_000), config)).toSorted(), expected.toSorted());
  });

  it("are fewer on a witness, which has no Asterisk and no address", () => {
    const witness = simConfig({ kind: "witness", nodeId: "witness-1", nodes: ["node-a", "node-b"], witnesses: ["witness-1"], knobs: {} });
    const names = Object.keys(gauges({ ...sampleStandby(10_000), role: "witness" }, witness));
    assert.ok(names.includes("PeerUp") && !names.includes("Serving") && !names.includes("EipHeld"));
  });

  it("say what is seen of the active", () => {
    assert.deepEqual([gauges(sampleStandby(10_000), config).PeerUp, gauges(sampleStandby(10_000), config).ObserversDown], [1, 0]);
    const silent = gauges(sampleSilence(12_000, 10_000, 11_600), config);
    assert.deepEqual([silent.PeerUp, silent.PeerSilence, silent.ObserversDown], [0, 2_000, 1]);
  });

  /** Samples second by second from the state given. */
  const seconds = (count: number, from: State): { readonly state: State; readonly minutes: number } => {
    let state = from;
    let minutes = 0;
    for (let second = 1; second <= count; second += 1) {
      const sampled = sampleMetrics({ ...state, nowMs: from.nowMs + 1_000 * second }, config);
      state = sampled.state;
      if (sampled.minute !== null) minutes += 1;
    }
    return { state, minutes };
  };

  it("are taken once a second and leave once a minute", () => {
    const start = { ...sampleStandby(10_000), sampledAtMs: 10_000, metricsSinceMs: 10_000 };
    assert.equal(sampleMetrics({ ...start, nowMs: 10_999 }, config).state.sampledAtMs, 10_000);
    assert.equal(seconds(59, start).minutes, 0);
    assert.equal(seconds(59, start).state.metrics.sets.PeerUp?.count, 59);
    assert.equal(seconds(60, start).minutes, 1);
    assert.deepEqual(seconds(60, start).state.metrics.sets, {}, "the next minute begins empty");
    assert.equal(seconds(180, start).minutes, 3);
  });

  it("go on gathering while the minute before is still on its way out", () => {
    const busy = { ...sampleStandby(10_000), sampledAtMs: 10_000, metricsSinceMs: 10_000, inFlight: { publishMetrics: 1 } };
    assert.equal(seconds(90, busy).minutes, 0);
    assert.equal(seconds(90, busy).state.metrics.sets.PeerUp?.count, 90);
  });

  it("leave with a zero for every counter that counted nothing", () => {
    const start = { ...sampleStandby(10_000), sampledAtMs: 10_000, metricsSinceMs: -60_000 };
    const { minute } = sampleMetrics({ ...start, nowMs: 11_000 }, config);
    for (const name of METRIC_NAMES.filter((each) => METRICS[each].kind === "counter")) assert.equal(minute?.sets[name]?.sum, 0, name);
  });
});
