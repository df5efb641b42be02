/** The table in test/simulation/README.md names every fault that campaigns draw, and says truly where each is drawn. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { clusterFrom, perform } from "../simulation/commands.ts";
import { coldMixedFault, coldSingleFaults } from "../simulation/cold-faults.ts";
import { mixedFault, mixedHeal, singleFaults } from "../simulation/random-faults.ts";
import { seededRandom } from "../simulation/virtual-time.ts";

/** Enough for the rarest sentence to come up dozens of times. */
const DRAWS = 20_000;

const STANDS_FOR: Readonly<Record<string, string>> = {
  N: "node-[a-d]",
  M: "(?:node-[a-d]|witness-[1-3])",
  P: "(?:node-[a-d]|witness-[1-3]|internet|resolver|endpoint|EC2)",
  CALLS: "(?:AssociateAddress|DescribeAddresses|CreateTags|StartInstances|DescribeInstanceStatus|everything)(?: of node-[a-d])?(?: [0-9]+ times)?",
  PLACES: "[A-Za-z0-9, -]+",
};

interface Row {
  readonly sentence: string;
  readonly pattern: RegExp;
  readonly alone: boolean;
  readonly mixed: boolean;
}

function rows(): readonly Row[] {
  const text = readFileSync(new URL("../simulation/README.md", import.meta.url), "utf8");
  return [...text.matchAll(/^\| [^|]+ \| `([^`]+)` \| (yes|no) \| (yes|no) \|$/gm)].map(([, sentence = "", alone, mixed]) => ({
    sentence,
    pattern: new RegExp(`^${sentence.replaceAll("\\|", "|").replaceAll("#", "-?[0-9]+").replaceAll(/\b(?:CALLS|PLACES|[NMP])\b/g, (word) => STANDS_FOR[word] ?? word)}$`),
    alone: alone === "yes",
    mixed: mixed === "yes",
  }));
}

/** What a campaign says in the end, neighbours' faults and pauses between sentences left out. */
const told = (sentences: readonly string[]): readonly string[] => sentences.filter((sentence) => !/^(?:run|in neighbour) /.test(sentence));

function drawn(from: (random: () => number, draw: number) => readonly string[]): ReadonlySet<string> {
  const random = seededRandom(1);
  return new Set(Array.from({ length: DRAWS }, (_, draw) => told(from(random, draw))).flat());
}

describe("the faults that campaigns draw", () => {
  const cluster = clusterFrom("cluster nodes=3 witnesses=2 holder=node-a neighbours=1");
  // A switchover is drawn where the target has proven that it may claim.
  perform(cluster, "start everything");
  perform(cluster, "run 30 s");
  const cold = clusterFrom("cluster nodes=2 witnesses=3 holder=node-a COLD_STANDBY=true");
  const alone = new Set([...drawn((random) => singleFaults(random, cluster, "node-a").sentences), ...drawn((random) => coldSingleFaults(random, cold, "node-a").sentences)]);
  const mixed = new Set([...drawn((random, draw) => (draw % 2 === 0 ? mixedFault : mixedHeal)(random, cluster)), ...drawn((random) => coldMixedFault(random, cold))]);
  const table = rows();

  it("all stand in the table", () => {
    const missing = [...alone, ...mixed].filter((sentence) => !table.some(({ pattern }) => pattern.test(sentence)));
    assert.deepEqual([...new Set(missing)], [], "give them a row in test/simulation/README.md");
  });

  it("are drawn where the table says", () => {
    const seen = (set: ReadonlySet<string>, { pattern }: Row): boolean => [...set].some((sentence) => pattern.test(sentence));
    const wrong = table.filter((row) => seen(alone, row) !== row.alone || seen(mixed, row) !== row.mixed);
    assert.deepEqual(wrong.map((row) => `${row.sentence}: alone ${seen(alone, row) ? "yes" : "no"}, mixed ${seen(mixed, row) ? "yes" : "no"}`), []);
    assert.ok(table.length >= 40, `only ${table.length} rows were found`);
  });

  it("strike neighbours in the account as well", () => {
    const random = seededRandom(2);
    const all = Array.from({ length: DRAWS }, () => [...singleFaults(random, cluster, "node-a").sentences, ...mixedFault(random, cluster)]).flat();
    assert.ok(all.some((sentence) => sentence.startsWith("in neighbour 1: ")));
  });
});
