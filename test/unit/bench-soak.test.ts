import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { delaysOf } from "../bench/flood/flood-runs.ts";
import { slopeOf } from "../bench/soak/slope.ts";
import { soakPage, soakText, type SoakResult } from "../bench/soak/soak-report.ts";

const HOUR_MS = 3_600_000;
const line = (values: readonly number[]): readonly { readonly atMs: number; readonly value: number }[] => values.map((value, index) => ({ atMs: (index * HOUR_MS) / 10, value }));

describe("the trend of a series", () => {
  it("is exact for a straight line, and unsure of a noisy one", () => {
    const straight = slopeOf(line([5, 6, 7, 8]));
    assert.ok(straight !== null && Math.abs(straight.perHour - 10) < 1e-9 && straight.plusMinus < 1e-6);
    const noisy = slopeOf(line([5, 9, 4, 8, 5, 9]));
    assert.ok(noisy !== null && noisy.plusMinus > Math.abs(noisy.perHour));
  });

  it("is none where there is nothing to see it in", () => {
    assert.equal(slopeOf(line([1, 2])), null);
    assert.equal(slopeOf([1, 2, 3].map((value) => ({ atMs: 7, value }))), null);
  });
});

describe("the soak's page", () => {
  const look = (atMs: number) => ({ atMs, resident: 90 + atMs / 60_000, handles: 40, cpu: 1.5 });
  const result: SoakResult = { minutes: 10, seed: 7, calls: 50, machine: "2 cores", day: "2026-01-02", looks: { "node-a": [0, 60_000, 120_000, 180_000, 240_000].map(look) }, faults: { "a cut": 3 }, movesWarranted: 1, moves: 1, lagMs: 12.3, failures: ["the pair did not come to rest."] };

  it("shows each agent's figures with their trend, the faults, the moves, and what failed", () => {
    for (const text of [soakText(result), soakPage(result)]) {
      for (const expected of ["+60.0 ± 0.0", "3 × a cut", "moved 1 times; the faults warranted 1", "at most 12 ms", "Failed: the pair did not come to rest.", "2 cores"]) assert.ok(text.includes(expected), `${expected} is missing in:\n${text}`);
    }
  });
});

describe("how late heartbeats are", () => {
  it("is counted from the one before, beyond the interval", () => {
    const at = (monoMs: number, event = "heartbeat-received") => ({ monoMs, event, msg: "" });
    assert.deepEqual(delaysOf([at(0), at(240), at(300, "other"), at(500), at(900)]), [0, 10, 150]);
  });
});
