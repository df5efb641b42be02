// What is promised of starts of a standby that is kept stopped: each check finds what it is there to find, and nothing else.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isCold, runCampaign, tellCampaign } from "./campaign.ts";
import type { SimCluster } from "./cluster.ts";
import { claimAfterStartMs, startWithinMs } from "./cold-deadlines.ts";
import { watchStarts, type StartJudged } from "./cold-promises.ts";
import { clusterFrom, perform } from "./commands.ts";
import { watchPromises, type Findings } from "./promises.ts";
import { Story } from "./story.ts";

interface Stage {
  readonly cluster: SimCluster;
  readonly findings: Findings;
}

/** A pair in order whose node-b is stopped, after these sentences; what real witnesses start on the way is in the findings. */
function stage(witnesses: number, ...sentences: readonly string[]): Stage {
  const cluster = clusterFrom(`cluster nodes=2 witnesses=${witnesses} holder=node-a COLD_STANDBY=true`);
  const findings = watchPromises(cluster);
  for (const sentence of ["start everything", "run 20 s", "operator stops node-b", "run 60 s", ...sentences]) perform(cluster, sentence);
  return { cluster, findings };
}

/** What the checker says of a start that leaves now, sent or not. */
function judged({ cluster, findings }: Stage, node = "node-b"): { readonly as: string | undefined; readonly broken: readonly string[] } {
  const before = findings.broken.length;
  cluster.startSent({ witness: "witness-1", node, atMs: cluster.time.nowMs });
  return { as: findings.starts.at(-1)?.judged, broken: findings.broken.slice(before).map((sentence) => sentence.replaceAll(/[0-9]+ ms/g, "# ms")) };
}

const BLIND = "isolate witness-1 except EC2, resolver, endpoint, witness-2, witness-3";

describe("a start of a standby", () => {
  it("is needed once the active is gone", () => {
    assert.deepEqual(judged(stage(1, "power off node-a", "run 3 s")), { as: "needed", broken: [] });
    assert.deepEqual(judged(stage(1, "asterisk of node-a crashes", "run 3 s")), { as: "needed", broken: [] });
  });

  it("breaks S2 while the active serves callers", () => {
    assert.deepEqual(judged(stage(1)), { as: "broken", broken: ["S2 at # ms: witness-1 starts node-b although node-a is serving callers"] });
    assert.deepEqual(judged(stage(1, BLIND, "run 20 s")), { as: "broken", broken: ["S2 at # ms: witness-1 starts node-b although node-a is serving callers"] });
  });

  it("is blind where the witness sees nothing of the active, which can leave no mark either", () => {
    assert.deepEqual(judged(stage(1, BLIND, "cut node-a - EC2", "run 5 s")), { as: "blind", broken: [] });
  });

  it("is raced where the active has come back a moment ago", () => {
    assert.deepEqual(judged(stage(1, "asterisk of node-a crashes", "run 4 s", "asterisk of node-a recovers", "run 1 s")), { as: "raced", broken: [] });
  });

  it("breaks S2 where another witness sees the active alive, marks or not", () => {
    assert.deepEqual(judged(stage(2, BLIND, "cut node-a - EC2", "run 5 s")), { as: "broken", broken: ["S2 at # ms: witness-1 starts node-b although witness-2 sees node-a alive and tells it"] });
    assert.deepEqual(judged(stage(2, BLIND, "cut node-a - EC2", "cut witness-1 - witness-2", "run 5 s")), { as: "blind", broken: [] });
  });

  it("breaks S2 without a majority of the witnesses that hear each other", () => {
    const undecided = ["cut witness-2 - node-a", "cut witness-2 - internet", "cut witness-2 - endpoint", "cut witness-2 - resolver"];
    assert.deepEqual(judged(stage(2, BLIND, ...undecided, "cut node-a - EC2", "run 5 s")).broken, ["S2 at # ms: witness-1 starts node-b without a majority: 1 of the 2 witnesses that hear each other find node-a down"]);
  });

  it("breaks S2 in a pause, but not in one of which the witness can't have heard", () => {
    assert.deepEqual(judged(stage(1, "operator pauses on node-a", "run 3 s", "power off node-a", "run 3 s")).broken, ["S2 at # ms: witness-1 starts node-b while paused"]);
    const deaf = stage(2, "power off node-a", "cut witness-1 - witness-2", "operator pauses on witness-2", "run 3 s");
    assert.deepEqual(judged(deaf).broken, []);
  });

  it("breaks S1 of an instance that EC2 does not call stopped", () => {
    assert.match(judged(stage(1, "operator starts node-b", "run 40 s", "power off node-a", "run 3 s")).broken[0] ?? "", /^S1 .* starts node-b, which EC2 last called stopped # ms ago$/);
    assert.match(judged(stage(1, "power off node-a", "run 3 s"), "node-a").broken[0] ?? "", /^S1 .* starts node-a, which EC2 has never called stopped$/);
  });

  it("breaks S6 while the address is on no node of the cluster", () => {
    assert.deepEqual(judged(stage(1, "operator pauses on node-a", "operator detaches the address", "run 3 s")).as, "raced");
    assert.match(judged(stage(1, "operator moves the address to a stranger", "run 20 s")).broken[0] ?? "", /^S6 .* although the address is on an instance outside the cluster$/);
  });

  it("breaks N2 before COLD_START_WAIT_MS is over, and before the backoff of one that failed", () => {
    const accepted = stage(1, "power off node-a", "run 8 s");
    assert.deepEqual(accepted.findings.starts.map(({ judged: as }) => as), ["needed"], "a real one");
    assert.match(judged(accepted).broken.join(), /N2 at # ms: witness-1 starts node-b # ms after EC2 accepted a start/);
    const failed = stage(1, "EC2 denies StartInstances", "power off node-a", "run 7 s");
    assert.ok(failed.findings.starts.length > 0, "a real one");
    assert.match(judged(failed).broken.join(), /N2 at # ms: witness-1 starts node-b # ms after start [12] in a row has failed/);
  });
});

describe("a start that is needed", () => {
  /** Witnesses that were never told to start anything: the promise is broken by them. */
  function idle(...sentences: readonly string[]): { readonly broken: string[]; readonly boundMs: number } {
    const cluster = clusterFrom("cluster nodes=2 witnesses=2 holder=node-a");
    const broken: string[] = [];
    const starts: StartJudged[] = [];
    watchStarts(cluster, starts, (promise, sentence) => { broken.push(`${promise}: ${sentence}`); });
    for (const sentence of ["start everything", "run 20 s", "operator stops node-b", "run 60 s", ...sentences]) perform(cluster, sentence);
    return { broken, boundMs: startWithinMs(cluster.member("witness-1").config) };
  }

  it("is missed when it is not sent in time", () => {
    const { broken, boundMs } = idle("power off node-a", "run 30 s");
    assert.equal(broken.length, 1, "once");
    assert.match(broken[0] ?? "", /^L2: no standby has been started for 1[01]... ms although node-a serves nobody/);
    assert.ok(boundMs > 6_900 && boundMs < 12_000, `${boundMs} ms: one whole slow interval of marks, and little more`);
  });

  it("is not demanded where it can't be sent, must not be, or is of no use", () => {
    const excuses: Readonly<Record<string, readonly string[]>> = {
      "the active serves": ["run 1 s"],
      "a pause": ["operator pauses on witness-2", "run 2 s", "power off node-a"],
      "no majority": ["power off witness-2", "power off node-a"],
      "EC2 away": ["EC2 swallows everything", "power off node-a"],
      "cut off from EC2": ["cut witness-1 - EC2", "cut witness-2 - EC2", "power off node-a"],
      "nothing stopped": ["operator starts node-b", "run 30 s", "power off node-a"],
      "nobody holds the address": ["operator pauses on node-a", "operator detaches the address", "power off node-a"],
    };
    for (const [excuse, sentences] of Object.entries(excuses)) assert.deepEqual(idle(...sentences, "run 60 s").broken, [], excuse);
  });

  it("is demanded of the ordinary faults with their own deadlines", () => {
    const story = new Story("cluster nodes=2 witnesses=1 holder=node-a COLD_STANDBY=true");
    story.act({ atMs: 0, kind: "heal" });
    story.act({ atMs: story.nowMs, kind: "say", sentence: "operator stops node-b" });
    const { config } = story.cluster.member("witness-1");
    const fault = { sentences: ["run 30 s", "asterisk of node-a crashes"], lastsMs: claimAfterStartMs(config) + 20_000, claimWithinMs: 30_000 + startWithinMs(config) + claimAfterStartMs(config), promise: "L2" };
    story.act({ atMs: story.nowMs, kind: "single", fault: { ...fault, startWithinMs: 30_000 + startWithinMs(config) } });
    assert.deepEqual(story.result(1, false).broken, []);
    story.act({ atMs: story.nowMs, kind: "say", sentence: "operator stops node-a" });
    const late = { ...fault, sentences: ["run 30 s", "asterisk of node-b crashes"], startWithinMs: 30_100 };
    story.act({ atMs: story.nowMs, kind: "single", fault: late });
    assert.match(story.result(1, false).broken.join(), /^L2: .* the start was sent after 3[567]... ms, promised within 30100 ms/);
    const unwanted = new Story("cluster nodes=2 witnesses=1 holder=node-a COLD_STANDBY=true");
    unwanted.act({ atMs: 0, kind: "heal" });
    unwanted.act({ atMs: unwanted.nowMs, kind: "say", sentence: "operator stops node-b" });
    unwanted.act({ atMs: unwanted.nowMs, kind: "single", fault: { ...fault, startWithinMs: null } });
    assert.match(unwanted.result(1, false).broken.join(), /S2: a start of node-b: run 30 s; asterisk of node-a crashes/);
  });
});

describe("a campaign's clusters whose standby is kept stopped", () => {
  it("are one in ten, drawn apart, and with the witnesses that the product demands", () => {
    const seeds = Array.from({ length: 1_000 }, (_, index) => index + 1).filter(isCold);
    assert.ok(seeds.length > 70 && seeds.length < 130, String(seeds.length));
    assert.ok(seeds.some((seed) => seed % 2 === 0) && seeds.some((seed) => seed % 2 === 1));
    for (const seed of seeds.slice(0, 20)) assert.match(tellCampaign(seed, 1).sentence, /^cluster nodes=2 witnesses=[123] holder=(?:node-a|node-b|nobody) seed=\d+ COLD_STANDBY=true/);
  });

  it("start standbys and stop them again, and healing leaves a stopped one stopped while another node is there", () => {
    const runs = [9, 31].map((seed) => runCampaign(seed, 10, true));
    assert.ok(runs.some(({ starts }) => (starts["needed"] ?? 0) > 0));
    assert.ok(runs.every(({ transcript }) => transcript.some((line) => /operator stops node-[ab]/.test(line))));
    const story = new Story("cluster nodes=2 witnesses=1 holder=node-a COLD_STANDBY=true");
    story.act({ atMs: 20_000, kind: "say", sentence: "operator stops node-b" });
    story.act({ atMs: 60_000, kind: "heal" });
    assert.equal(story.cluster.instance("node-b"), "stopped");
    assert.deepEqual(story.cluster.believers(), ["node-a"]);
    for (const sentence of ["operator pauses on node-a", "operator stops node-a"]) story.act({ atMs: story.nowMs, kind: "say", sentence });
    story.act({ atMs: story.nowMs + 20_000, kind: "heal" });
    assert.deepEqual(story.result(1, false).broken, []);
    assert.deepEqual([story.cluster.instance("node-a"), story.cluster.instance("node-b")], ["running", "stopped"]);
  });
});
