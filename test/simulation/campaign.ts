/**
 * One run of the simulation: a cluster, some minutes of random faults in the language of the scenarios, then healing, and
 * what must follow from that. Everything follows from the seed. Odd seeds bring one fault at a time into a healthy
 * cluster, and there every promise holds without exemptions and with its deadline; even seeds mix faults. In one seed of
 * ten the cluster is a pair whose standby is kept stopped.
 */
import { coldMixedFault, coldSingleFaults } from "./cold-faults.ts";
import { mixedFault, mixedHeal, singleFaults, type SingleFault } from "./random-faults.ts";
import { QUIET_FOR_MS, Story, telling, type RunResult } from "./story.ts";
import { seededRandom } from "./virtual-time.ts";

/** Until an ownership change no longer delays a claim (ms). */
const HOLD_DOWN_OVER_MS = 40_000;
/** Until everybody has noticed that the standby is stopped: EC2's own time, and the witness's question (ms). */
const STOPPED_SEEN_MS = 20_000;
/** The share of clusters whose standby is kept stopped. */
const COLD_SHARE = 0.1;

/** Runs one seed for about that many simulated minutes. */
export function runCampaign(seed: number, minutes: number, wantTranscript = false): RunResult {
  return tellCampaign(seed, minutes).result(seed, wantTranscript);
}

/** The same, with all that can be asked of a story. */
export function tellCampaign(seed: number, minutes: number): Story {
  const random = seededRandom(seed ^ 0x5eed);
  const cold = isCold(seed);
  const story = new Story(cold ? coldClusterSentence(seed, random) : clusterSentence(seed, random));
  telling(story, () => {
    if (seed % 2 === 0) mixed(story, random, minutes * 60_000);
    else oneAtATime(story, random, minutes * 60_000, cold ? drawColdSingle : drawSingle);
  });
  return story;
}

/** Is the standby of that seed's cluster kept stopped? Drawn by itself, so that all other seeds have the runs that they had without. */
export function isCold(seed: number): boolean {
  return seededRandom(seed ^ 0xf00d)() < COLD_SHARE;
}

function clusterSentence(seed: number, random: () => number): string {
  const size = random();
  const nodes = size < 0.65 ? 2 : size < 0.92 ? 3 : 4;
  const witnesses = random() < 0.5 ? 0 : 1 + Math.floor(random() * 3);
  const holder = random() < 0.1 ? "nobody" : random() < 0.8 ? "node-a" : "node-b";
  // Pairs beside it cost as much time as the pair itself, and touch it in one thing only: EC2's limits.
  const neighbours = random() < 0.06 ? 2 : 0;
  return `cluster nodes=${nodes} witnesses=${witnesses} holder=${holder} seed=${seed}${neighbours === 0 ? "" : ` neighbours=${neighbours}`}`;
}

function coldClusterSentence(seed: number, random: () => number): string {
  const share = random();
  const witnesses = share < 0.45 ? 1 : share < 0.75 ? 2 : 3;
  const holder = random() < 0.1 ? "nobody" : random() < 0.7 ? "node-a" : "node-b";
  // The default is as long as half a run: with a shorter wait a run sees more than one start.
  const wait = random() < 0.5 ? "" : " COLD_START_WAIT_MS=120000";
  return `cluster nodes=2 witnesses=${witnesses} holder=${holder} seed=${seed} COLD_STANDBY=true${wait}`;
}

type DrawSingle = (story: Story, random: () => number, active: string) => SingleFault;

function oneAtATime(story: Story, random: () => number, untilMs: number, draw: DrawSingle): void {
  story.act({ atMs: 0, kind: "heal" });
  while (story.nowMs < untilMs - 2 * QUIET_FOR_MS) {
    story.run(HOLD_DOWN_OVER_MS + 1_000 * random());
    const active = story.cluster.believers()[0];
    if (active === undefined) return;
    const fault = draw(story, random, active);
    story.act({ atMs: story.nowMs, kind: "single", fault });
  }
}

const drawSingle: DrawSingle = (story, random, active) => singleFaults(random, story.cluster, active);

/** The standby is stopped before most faults; where it runs, what holds for every pair holds here too. */
const drawColdSingle: DrawSingle = (story, random, active) => {
  const standby = story.cluster.nodes.find((node) => node !== active) ?? "";
  if (story.cluster.member(standby).powered && random() < 0.8) {
    say(story, `operator stops ${standby}`);
    story.run(STOPPED_SEEN_MS + 60_000 * random());
  }
  return (story.cluster.member(standby).powered ? singleFaults : coldSingleFaults)(random, story.cluster, active);
};

function mixed(story: Story, random: () => number, untilMs: number): void {
  const drawFault = story.cluster.coldStandby ? coldMixedFault : mixedFault;
  // A cluster in the middle of an upgrade: some members run the version before.
  if (random() < 0.2) for (const id of story.cluster.members.keys()) if (random() < 0.5) story.act({ atMs: 0, kind: "say", sentence: `agent of ${id} runs the previous version` });
  if (random() < 0.5) story.run(20_000 * random());
  while (story.nowMs < untilMs - QUIET_FOR_MS) {
    story.run(pauseMs(random));
    for (const sentence of random() < 0.4 ? mixedHeal(random, story.cluster) : drawFault(random, story.cluster)) say(story, sentence);
    if (random() < 0.03) story.act({ atMs: story.nowMs, kind: "heal" });
  }
  story.act({ atMs: story.nowMs, kind: "heal" });
}

/** A pause between two sentences is the time of the second. */
function say(story: Story, sentence: string): void {
  const pause = /^run ([0-9]+) (ms|s)$/.exec(sentence);
  if (pause === null) story.act({ atMs: story.nowMs, kind: "say", sentence });
  else story.run(Number(pause[1]) * (pause[2] === "s" ? 1_000 : 1));
}

/** Often in quick succession, so that faults meet; sometimes long enough for slow phases to begin. */
function pauseMs(random: () => number): number {
  const kind = random();
  return random() * (kind < 0.45 ? 2_500 : kind < 0.85 ? 12_000 : 80_000);
}
