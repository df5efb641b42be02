import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isMet, quantile, summarise } from "../bench/statistics.ts";
import { parseCpuTicks, parseMemory, parseWaitedMs } from "../bench/proc.ts";

describe("the benchmark's statistics", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  it("name a sample that was measured, never one between two", () => {
    assert.deepEqual(summarise(hundred), { n: 100, median: 50, p99: 99, max: 100 });
    assert.equal(quantile([10, 20], 0.5), 10);
  });

  it("take the maximum for the p99 of fewer than a hundred samples", () => {
    assert.equal(quantile([3, 1, 2], 0.99), 3);
    assert.equal(quantile([7], 0.99), 7);
  });

  it("refuse to make something of nothing", () => {
    assert.equal(summarise([]), null);
    assert.throws(() => quantile([], 0.5), RangeError);
    assert.throws(() => quantile([1], 0), RangeError);
  });

  it("meet a goal at its very bound, by the statistic that it names", () => {
    assert.equal(isMet({ statistic: "p99", atMost: 99 }, hundred, 0), true);
    assert.equal(isMet({ statistic: "max", atMost: 99 }, hundred, 0), false);
    assert.equal(isMet({ statistic: "p99", atMost: 98.9 }, hundred, 0), false);
  });

  it("call a goal missed when an attempt failed, or when nothing was measured", () => {
    assert.equal(isMet({ statistic: "p99", atMost: 1_000 }, hundred, 1), false);
    assert.equal(isMet({ statistic: "p99", atMost: 1_000 }, [], 0), false);
  });
});

describe("what the kernel says of a process", () => {
  it("is memory in MB of 10^6 bytes", () => {
    const status = "Name:\tnode\nVmHWM:\t  200000 kB\nVmRSS:\t  100000 kB\nRssAnon:\t   60000 kB\nRssFile:\t   40000 kB\n";
    assert.deepEqual(parseMemory(status), { resident: 102.4, anonymous: 61.44, file: 40.96, peak: 204.8 });
    assert.throws(() => parseMemory("Name:\tnode\n"), /VmRSS/);
  });

  it("is user and system time, whatever the process is called", () => {
    assert.equal(parseCpuTicks("42 (a) b) S 1 42 42 0 -1 4194560 500 0 0 0 130 25 0 0 20 0 11 0 900 0 0"), 155);
    assert.throws(() => parseCpuTicks("42 (node) S 1"), /time/);
  });

  it("is the time without a core, in milliseconds", () => {
    assert.equal(parseWaitedMs("1200000000 3500000 77\n"), 3.5);
    assert.throws(() => parseWaitedMs(""), /waiting/);
  });
});
