/**
 * The production core and driver, many simulated minutes at a time, under faults drawn from a seed. A failure prints the
 * seed, what broke, and the command that replays it; the transcript is in the language of the scenarios.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCampaign, tellCampaign } from "./campaign.ts";
import { clusterFrom, perform } from "./commands.ts";
import { runAndJudge } from "./kept.ts";
import { replay } from "./story.ts";

const MINUTES = 10;
/** A quick share; test/campaign has the large one. */
const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 10);

describe("the simulation", () => {
  it(`keeps every promise through ${SEEDS} x ${MINUTES} simulated minutes of faults`, { timeout: 600_000 }, async () => {
    const kept = await runAndJudge({ firstSeed: 1, seeds: SEEDS, minutes: MINUTES, transcripts: false });
    assert.equal(kept.runs, SEEDS);
    assert.deepEqual(kept.broken, []);
    // A campaign in which nothing happens would keep every promise too.
    assert.ok(kept.claims >= SEEDS / 2, `only ${kept.claims} claims in ${SEEDS} runs`);
  });

  it("does the same again when a script is replayed", () => {
    for (const seed of [4, 7]) {
      const story = tellCampaign(seed, 3);
      const script = { cluster: story.sentence, acts: story.acts };
      assert.deepEqual(replay(script, seed).transcript, story.result(seed, true).transcript);
    }
  });

  it("does the same again for the same seed", () => {
    for (const seed of [7, 8]) assert.deepEqual(runCampaign(seed, 2, true), runCampaign(seed, 2, true));
  });

  it("does something else for another seed", () => {
    assert.notDeepEqual(runCampaign(7, 2, true).transcript, runCampaign(9, 2, true).transcript);
  });

  it("decides the same whatever the wall clocks show (S8)", () => {
    const story = (jump: number): readonly string[] => {
      const cluster = clusterFrom("cluster nodes=3 witnesses=1 holder=node-a");
      const jumps = (by: number): void => { for (const id of cluster.members.keys()) perform(cluster, `wall clock of ${id} jumps by ${by} s`); };
      perform(cluster, "start everything");
      jumps(jump);
      for (const sentence of ["run 30 s", "asterisk of node-a crashes", "run 3 s", "asterisk of node-a recovers", "run 40 s", "power off node-b", "run 10 s"]) perform(cluster, sentence);
      jumps(-3 * jump);
      for (const sentence of ["power on node-b", "cut node-a - node-c", "run 60 s", "operator pauses on node-c for 30 s", "asterisk of node-a hangs", "run 60 s"]) perform(cluster, sentence);
      return cluster.lines.map((line) => `${line.atMs} ${line.who} ${line.says}`);
    };
    const calm = story(0);
    assert.ok(calm.length > 10);
    assert.deepEqual(story(7_200), calm);
    assert.deepEqual(story(-86_400), calm);
  });
});
