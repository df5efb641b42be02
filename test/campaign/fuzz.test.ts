/** The larger share of the fuzzing, with new chance each time. A failure prints the seed and the input; `npm run fuzz` runs as many as one likes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { complaintAbout } from "../fuzz/run-target.ts";
import { TARGETS } from "../fuzz/target-list.ts";

describe("fuzzing", { timeout: 600_000 }, () => {
  const seed = (Date.now() % 1_000_000_000) + 1;

  for (const target of TARGETS) {
    it(`${target.name}, at length: ${target.says}`, async () => {
      assert.equal(await complaintAbout(target, target.casesInSuite, seed), null);
    });
  }
});
