/**
 * One run of the simulation: a cluster, some minutes of random faults in the language of the scenarios, then healing, and
 * what must follow from that. Everything follows from the seed. Odd seeds bring one fault at a time into a healthy
 * cluster, and there every promise holds without exemptions and with its deadline; even seeds mix faults.
 */
import { STRANGER_NAME } from "./cloud.ts";
import { clusterFrom, isSteady, perform } from "./commands.ts";
import type { SimCluster } from "./cluster.ts";
import { isServed, watchPromises, type Findings, type Judged } from "./promises.ts";
import { singleFaults, mixedFault, mixedHeal } from "./random-faults.ts";
import { seededRandom } from "./virtual-time.ts";

/** After healing, everything must be in order within this time (L5): the cold rule, a hold-down, and backoffs (ms). */
const RECOVERED_WITHIN_MS = 180_000;
/** It counts as being in order when it has been so for a little while (ms). */
const STEADY_FOR_MS = 5_000;
/** And must stay so (ms). */
const QUIET_FOR_MS = 60_000;
/** Until an ownership change no longer delays a claim (ms). */
const HOLD_DOWN_OVER_MS = 40_000;

/** What came of one run. Plain data, so that worker threads can hand it over. */
export interface RunResult {
  readonly seed: number;
  readonly simulatedMs: number;
  readonly moves: number;
  readonly claims: Readonly<Record<string, number>>;
  readonly judged: Readonly<Record<Judged, number>>;
  readonly broken: readonly string[];
  /** The whole story, commands included; empty unless asked for or something is broken. */
  readonly transcript: readonly string[];
}

/** Runs one seed for about that many simulated minutes. */
export function runCampaign(seed: number, minutes: number, wantTranscript = false): RunResult {
  const random = seededRandom(seed ^ 0x5eed);
  const story = new Story(clusterSentence(seed, random));
  try {
    if (seed % 2 === 1) oneAtATime(story, random, minutes * 60_000);
    else mixed(story, random, minutes * 60_000);
  } catch (error) {
    story.findings.broken.push(error instanceof Error ? error.message : String(error));
  }
  return story.result(seed, wantTranscript);
}

function clusterSentence(seed: number, random: () => number): string {
  const nodes = random() < 0.7 ? 2 : 3;
  const witnesses = random() < 0.5 ? 0 : 1 + Math.floor(random() * 3);
  const holder = random() < 0.1 ? "nobody" : random() < 0.8 ? "node-a" : "node-b";
  return `cluster nodes=${nodes} witnesses=${witnesses} holder=${holder} seed=${seed}`;
}

/** A cluster with its story as it unfolds. */
class Story {
  readonly cluster: SimCluster;
  readonly findings: Findings;
  readonly #counts: Record<string, number> = {};
  readonly #judged: Record<Judged, number> = { needed: 0, vacant: 0, blind: 0, raced: 0, asked: 0, broken: 0 };

  constructor(sentence: string) {
    this.cluster = clusterFrom(sentence);
    this.findings = watchPromises(this.cluster);
    this.cluster.say(">>", sentence);
    this.do("start everything");
  }

  get nowMs(): number {
    return this.cluster.time.nowMs;
  }

  do(sentence: string): void {
    if (!sentence.startsWith("run ")) this.cluster.say(">>", sentence);
    perform(this.cluster, sentence);
  }

  run(ms: number): void {
    this.cluster.run(ms);
  }

  breaks(sentence: string): void {
    this.findings.broken.push(`${sentence} (at ${Math.round(this.nowMs)} ms)`);
    this.cluster.say("promise", `BROKEN ${sentence}`);
  }

  /** Counts the claims of the chapter that ends here. */
  turnPage(): void {
    for (const claim of this.findings.claims) {
      this.#counts[claim.cause] = (this.#counts[claim.cause] ?? 0) + 1;
      this.#judged[claim.judged] += 1;
    }
    this.findings.restart();
  }

  result(seed: number, wantTranscript: boolean): RunResult {
    this.turnPage();
    const { broken } = this.findings;
    const transcript = wantTranscript || broken.length > 0 ? this.cluster.lines.map((line) => `${String(Math.round(line.atMs)).padStart(9)} ${line.who.padEnd(9)} ${line.says}`) : [];
    return { seed, simulatedMs: this.nowMs, moves: this.cluster.moves.length, claims: this.#counts, judged: this.#judged, broken: [...broken], transcript };
  }
}

/** Everything that can be healed is healed; what remains is what the agents must do by themselves. */
function healAll(story: Story): void {
  const { cluster } = story;
  story.do("heal everything");
  story.do("EC2 recovers");
  for (const [id, member] of cluster.members) {
    if (!member.powered) story.do(`power on ${id}`);
    if (member.isFrozen) story.do(`machine ${id} thaws`);
    if (member.disk !== "good") story.do(`disk of ${id} is good`);
    if (member.asterisk !== "up" && cluster.nodes.includes(id)) story.do(`asterisk of ${id} recovers`);
    if (member.agentIsStopped) story.do(`agent of ${id} continues`);
    if (member.state === null) story.do(`agent of ${id} starts`);
    if (member.state?.policy.blocked === true) story.do(`operator acknowledges on ${id}`);
  }
  for (const node of cluster.nodes) if (cluster.member(node).state?.draining != null) story.do(`operator undrains ${node}`);
  for (const node of cluster.nodes) story.do(`instance of ${node} is running`);
  if (cluster.cloud.holder() === STRANGER_NAME) story.do("operator detaches the address");
  // Those that come up now learn of a pause from the others.
  story.run(3_000);
  const first = [...cluster.members].find(([, member]) => member.state?.policy.pause.on === true)?.[0];
  if (first !== undefined) story.do(`operator resumes on ${first}`);
}

/** L5: one active node that EC2 names and callers reach, without an operator, and then quiet. */
function demandRecovery(story: Story): void {
  const { cluster } = story;
  const giveUpAtMs = story.nowMs + RECOVERED_WITHIN_MS;
  let sinceMs: number | null = null;
  while ((sinceMs === null || story.nowMs - sinceMs < STEADY_FOR_MS) && story.nowMs < giveUpAtMs) {
    story.run(500);
    sinceMs = isSteady(cluster) && isServed(cluster) ? (sinceMs ?? story.nowMs) : null;
  }
  if (sinceMs === null) {
    story.breaks(`L5: not in order ${RECOVERED_WITHIN_MS / 1_000} s after everything healed: ${describe(cluster)}`);
    return;
  }
  const moves = cluster.moves.length;
  story.run(QUIET_FOR_MS);
  if (cluster.moves.length !== moves || !isSteady(cluster)) story.breaks(`L5: not quiet after everything healed: ${describe(cluster)}`);
}

function describe(cluster: SimCluster): string {
  const nodes = cluster.nodeMembers.map((member) => `${member.id} ${member.state?.role ?? "gone"} (${member.state?.health.serving ?? "-"})`);
  return `${nodes.join(", ")}; EC2 shows ${String(cluster.cloud.holder())}`;
}

function oneAtATime(story: Story, random: () => number, untilMs: number): void {
  demandRecovery(story);
  while (story.nowMs < untilMs - 2 * QUIET_FOR_MS) {
    story.run(HOLD_DOWN_OVER_MS + 1_000 * random());
    const active = story.cluster.believers()[0];
    if (active === undefined) return;
    story.turnPage();
    const fault = singleFaults(random, story.cluster, active);
    const movesBefore = story.cluster.moves.length;
    const atMs = story.nowMs;
    for (const sentence of fault.sentences) story.do(sentence);
    story.run(fault.lastsMs);
    const sent = story.findings.claims[0];
    if (fault.claimWithinMs === null && (sent !== undefined || story.cluster.moves.length !== movesBefore)) story.breaks(`S2: a claim although the active was serving: ${fault.sentences.join("; ")}`);
    if (fault.claimWithinMs !== null && (sent === undefined || sent.atMs - atMs > fault.claimWithinMs)) story.breaks(`${fault.promise}: ${fault.sentences.join("; ")}: the claim was ${sent === undefined ? "never sent" : `sent after ${Math.round(sent.atMs - atMs)} ms`}, promised within ${fault.claimWithinMs} ms`);
    if (fault.claimWithinMs !== null && !isServed(story.cluster)) story.breaks(`${fault.promise}: callers are not served again: ${fault.sentences.join("; ")}`);
    healAll(story);
    demandRecovery(story);
  }
}

function mixed(story: Story, random: () => number, untilMs: number): void {
  if (random() < 0.5) story.run(20_000 * random());
  while (story.nowMs < untilMs - QUIET_FOR_MS) {
    story.run(pauseMs(random));
    for (const sentence of random() < 0.4 ? mixedHeal(random, story.cluster) : mixedFault(random, story.cluster)) story.do(sentence);
    if (random() < 0.03) {
      healAll(story);
      demandRecovery(story);
    }
  }
  healAll(story);
  demandRecovery(story);
}

/** Often in quick succession, so that faults meet; sometimes long enough for slow phases to begin. */
function pauseMs(random: () => number): number {
  const kind = random();
  return random() * (kind < 0.45 ? 2_500 : kind < 0.85 ? 12_000 : 80_000);
}
