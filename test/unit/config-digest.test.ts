import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configuredAlike } from "../../agent/core/config-digest.ts";

describe("two members are configured alike", () => {
  const cases: readonly (readonly [what: string, ours: string, theirs: string, alike: boolean])[] = [
    ["when two nodes have both parts in common", "aaaa.bbbb", "aaaa.bbbb", true],
    ["when a node and a witness have in common what both know", "aaaa.bbbb", "aaaa", true],
    ["when a witness looks at a node, too", "aaaa", "aaaa.bbbb", true],
    ["when two witnesses are", "aaaa", "aaaa", true],
  ];
  const others: typeof cases = [
    ["when what only nodes know differs", "aaaa.bbbb", "aaaa.cccc", false],
    ["when what all know differs", "aaaa.bbbb", "dddd.bbbb", false],
    ["when a witness knows something else", "aaaa.bbbb", "dddd", false],
    ["when the other says nothing", "aaaa.bbbb", "", false],
    ["when one is only the beginning of the other", "aaaa.bbbb", "aa", false],
  ];
  for (const [what, ours, theirs, alike] of cases) it(what, () => { assert.equal(configuredAlike(ours, theirs), alike); });
  for (const [what, ours, theirs, alike] of others) it(`not ${what}`, () => { assert.equal(configuredAlike(ours, theirs), alike); });
});
