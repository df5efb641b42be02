/** A quick share of the fuzzing in every test run, with new chance each time, and everything that ever failed. (test/campaign has a larger one.) */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { corpusOf, corpusTargets } from "../fuzz/corpus.ts";
import { complaintAbout, replay } from "../fuzz/run-target.ts";
import { TARGETS } from "../fuzz/target-list.ts";

const TIMEOUT_MS = 240_000;
/** Of the cases that the campaign tries; but as many of each as some are accepted among, whatever the seed. */
const SHARE = 1 / 4;
const CASES_MIN = 75;

describe("fuzzing", { timeout: TIMEOUT_MS }, () => {
  const seed = (Date.now() % 1_000_000_000) + 1;

  for (const target of TARGETS) {
    it(`${target.name}: ${target.says}`, async () => {
      const cases = Math.min(target.casesInSuite, Math.max(CASES_MIN, Math.ceil(SHARE * target.casesInSuite)));
      assert.equal(await complaintAbout(target, cases, seed), null);
    });
  }
});

describe("the corpus of past failures", { timeout: TIMEOUT_MS }, () => {
  it("belongs to targets that exist", () => {
    const names = TARGETS.map(({ name }) => name);
    assert.deepEqual(corpusTargets().filter((name) => !names.includes(name)), []);
  });

  for (const target of TARGETS) {
    for (const { file, why, input } of corpusOf(target.name)) {
      it(`${target.name}/${file}: ${why}`, () => replay(target, input));
    }
  }
});
