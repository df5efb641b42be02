/** Every promise, through so much simulated time that rare orders of events come up; other seeds than the quick share's. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runAndJudge } from "../simulation/kept.ts";

const SEEDS = Number(process.env["CAMPAIGN_SEEDS"] ?? 1_000);
const MINUTES = 10;

describe("the campaign", () => {
  it(`keeps every promise through ${SEEDS} x ${MINUTES} simulated minutes of faults`, { timeout: 1_200_000 }, async () => {
    const kept = await runAndJudge({ firstSeed: 10_001, seeds: SEEDS, minutes: MINUTES, transcripts: false });
    assert.equal(kept.runs, SEEDS);
    assert.deepEqual(kept.broken, []);
    assert.ok(kept.claims >= SEEDS / 2, `only ${kept.claims} claims in ${SEEDS} runs`);
  });
});
