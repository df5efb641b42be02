/** The README's table of failures: every scenario has its row, and the row says what the scenario promises, no more. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { stories, storyOf } from "../support/failure-table.ts";

const scenario = (...expects: readonly string[]): string => `# Something fails: the agents act.\n# part: active\n\ncluster nodes=2\n${expects.map((line) => `expect ${line}\n`).join("")}`;
const heldTo = (...expects: readonly string[]): string => storyOf("x", scenario(...expects)).heldTo.join("; ");

describe("the table of failures", () => {
  it("has every scenario once, and each is held to something", () => {
    const files = readdirSync(new URL("../scenarios/", import.meta.url)).filter((name) => name.endsWith(".txt")).map((name) => name.slice(0, -4));
    assert.deepEqual(stories().map(({ name }) => name).toSorted(), files.toSorted());
    assert.deepEqual(stories().filter((story) => story.heldTo.length === 0).map(({ name }) => name), []);
  });

  it("takes the heading and the part from the file, and refuses a part that there is not", () => {
    const { heading, part } = storyOf("x", scenario("no claim"));
    assert.deepEqual([heading, part], ["Something fails: the agents act.", "active"]);
    assert.equal(storyOf("x", "# It moves.\n\ncluster nodes=2\n").part, "operator");
    assert.throws(() => storyOf("x", "# It moves.\n# part: gossip\n"), /"gossip" is no part/);
  });

  it("says when the claim is sent and by what, and what callers notice", () => {
    assert.equal(heldTo("no claim", "callers served throughout", "active node-a"), "no claim; callers notice nothing; in the end node-a is active");
    assert.equal(heldTo("the first claim by quorum", "the first claim within 2000 ms", "callers unserved for at most 3500 ms"), "a claim by quorum within 2 s; callers wait for at most 3.5 s");
    assert.equal(heldTo("no claim", "callers served throughout", "1 claim", "the first claim between 30000 and 38500 ms"), "no claim at first, then a claim, 30 to 38.5 s into the story; callers notice nothing until then");
    assert.equal(heldTo("5 claims", "the first claim within 2000 ms"), "5 claims, the first within 2 s");
  });
});
