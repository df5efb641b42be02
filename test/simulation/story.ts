/**
 * A run as it unfolds: a cluster, what is done to it and when, and what must follow. What was done is a script, plain data:
 * carried out again it gives the same run, and with something left out it shows what that was good for (shrink.ts).
 */
import { STRANGER_NAME } from "./cloud.ts";
import { clusterFrom, isSteady, perform } from "./commands.ts";
import type { SimCluster } from "./cluster.ts";
import { watchPromises, type Findings, type Judged } from "./promises.ts";
import type { SingleFault } from "./random-faults.ts";
import { isServed } from "./signs-of-life.ts";

/** After healing, everything must be in order within this time (L5): the cold rule, a hold-down, and backoffs (ms). */
const RECOVERED_WITHIN_MS = 180_000;
/** It counts as being in order when it has been so for a little while (ms). */
const STEADY_FOR_MS = 5_000;
/** And must stay so (ms). */
export const QUIET_FOR_MS = 60_000;

/** What came of one run. Plain data, so that worker threads can hand it over. */
export interface RunResult {
  readonly seed: number;
  readonly simulatedMs: number;
  readonly moves: number;
  readonly claims: Readonly<Record<string, number>>;
  readonly judged: Readonly<Record<Judged, number>>;
  /** Starts of a standby that is kept stopped, as they were judged. */
  readonly starts: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
  /** The whole story, commands included; empty unless asked for or something is broken. */
  readonly transcript: readonly string[];
  /** What was done; null unless something is broken. */
  readonly script: Script | null;
}

/**
 * One thing that a script does, not before its instant: a sentence; one fault into a cluster that is in order, with its own
 * promise and healed afterwards; or a healing of everything, after which all must be in order again.
 */
export type Act = { readonly atMs: number; readonly kind: "say"; readonly sentence: string } | { readonly atMs: number; readonly kind: "single"; readonly fault: SingleFault } | { readonly atMs: number; readonly kind: "heal" };

export interface Script {
  /** `cluster nodes=2 ...` with its seed. */
  readonly cluster: string;
  readonly acts: readonly Act[];
}

/** A cluster with its story so far. */
export class Story {
  readonly cluster: SimCluster;
  /** Those of this cluster; the neighbours' broken promises are among them. */
  readonly findings: Findings;
  readonly #neighbours: readonly Findings[];
  readonly acts: Act[] = [];
  /** What the cluster was made from. */
  readonly sentence: string;
  readonly #counts: Record<string, number> = {};
  readonly #judged: Record<Judged, number> = { needed: 0, vacant: 0, blind: 0, raced: 0, asked: 0, broken: 0 };
  readonly #starts: Record<string, number> = {};

  constructor(sentence: string) {
    this.sentence = sentence;
    this.cluster = clusterFrom(sentence);
    this.findings = watchPromises(this.cluster);
    this.#neighbours = this.cluster.neighbours.map(watchPromises);
    this.cluster.say(">>", sentence);
    this.#do("start everything");
  }

  get nowMs(): number {
    return this.cluster.time.nowMs;
  }

  run(ms: number): void {
    this.cluster.run(ms);
  }

  /** Carries out one act, and notes it down. */
  act(act: Act): void {
    this.acts.push(act);
    if (act.atMs > this.nowMs) this.run(act.atMs - this.nowMs);
    if (act.kind === "say") this.#do(act.sentence);
    else if (act.kind === "single") this.#single(act.fault);
    if (act.kind === "say") return;
    this.#healAll();
    this.demandRecovery();
  }

  /** L5: one active node that EC2 names and callers reach, without an operator, and then quiet. */
  demandRecovery(): void {
    const { cluster } = this;
    const clusters = [cluster, ...cluster.neighbours];
    const giveUpAtMs = this.nowMs + RECOVERED_WITHIN_MS;
    let sinceMs: number | null = null;
    while ((sinceMs === null || this.nowMs - sinceMs < STEADY_FOR_MS) && this.nowMs < giveUpAtMs) {
      this.run(500);
      sinceMs = clusters.every((one) => isSteady(one) && isServed(one)) ? (sinceMs ?? this.nowMs) : null;
    }
    if (sinceMs === null) {
      this.breaks(`L5: not in order ${RECOVERED_WITHIN_MS / 1_000} s after everything healed: ${clusters.map(describe).join("; neighbour: ")}`);
      return;
    }
    const moves = movesOf(clusters);
    this.run(QUIET_FOR_MS);
    if (movesOf(clusters) !== moves || !clusters.every(isSteady)) this.breaks(`L5: not quiet after everything healed: ${clusters.map(describe).join("; neighbour: ")}`);
  }

  result(seed: number, wantTranscript: boolean): RunResult {
    this.#turnPage();
    const { broken } = this.findings;
    const failed = broken.length > 0;
    const transcript = wantTranscript || failed ? this.cluster.lines.map((line) => `${String(Math.round(line.atMs)).padStart(9)} ${line.who.padEnd(9)} ${line.says}`) : [];
    return { seed, simulatedMs: this.nowMs, moves: this.cluster.moves.length, claims: this.#counts, judged: this.#judged, starts: this.#starts, broken: [...broken], transcript, script: failed ? { cluster: this.sentence, acts: this.acts } : null };
  }

  breaks(sentence: string): void {
    this.findings.broken.push(`${sentence} (at ${Math.round(this.nowMs)} ms)`);
    this.cluster.say("promise", `BROKEN ${sentence}`);
  }

  #do(sentence: string): void {
    this.cluster.say(">>", sentence);
    perform(this.cluster, sentence);
  }

  /** Counts the claims of the chapter that ends here. */
  #turnPage(): void {
    for (const claim of [this.findings, ...this.#neighbours].flatMap(({ claims }) => claims)) {
      this.#counts[claim.cause] = (this.#counts[claim.cause] ?? 0) + 1;
      this.#judged[claim.judged] += 1;
    }
    for (const { judged } of this.findings.starts) this.#starts[judged] = (this.#starts[judged] ?? 0) + 1;
    for (const findings of [this.findings, ...this.#neighbours]) findings.restart();
  }

  /** One fault in a healthy cluster: here every promise holds without exemptions and with its deadline. */
  #single(fault: SingleFault): void {
    const { cluster } = this;
    this.#turnPage();
    const movesBefore = cluster.moves.length;
    const atMs = this.nowMs;
    for (const sentence of fault.sentences) this.#do(sentence);
    this.run(fault.lastsMs);
    const sent = this.findings.claims[0];
    const what = fault.sentences.join("; ");
    this.#judgeStart(fault, atMs, what);
    if (fault.claimWithinMs === null) {
      const byOperator = fault.sentences.filter((sentence) => sentence.startsWith("operator moves the address")).length;
      if (sent !== undefined || cluster.moves.length !== movesBefore + byOperator) this.breaks(`S2: a claim although the active was serving: ${what}`);
      return;
    }
    if (sent === undefined || sent.atMs - atMs > fault.claimWithinMs) this.breaks(`${fault.promise}: ${what}: the claim was ${sent === undefined ? "never sent" : `sent after ${Math.round(sent.atMs - atMs)} ms`}, promised within ${fault.claimWithinMs} ms`);
    if (!isServed(cluster)) this.breaks(`${fault.promise}: callers are not served again: ${what}`);
  }

  #judgeStart({ startWithinMs }: SingleFault, atMs: number, what: string): void {
    const start = this.findings.starts[0];
    if (startWithinMs === null && start !== undefined) this.breaks(`S2: a start of ${start.node}: ${what}`);
    if (startWithinMs != null && (start === undefined || start.atMs - atMs > startWithinMs)) this.breaks(`L2: ${what}: the start was ${start === undefined ? "never sent" : `sent after ${Math.round(start.atMs - atMs)} ms`}, promised within ${Math.round(startWithinMs)} ms`);
  }

  /** Everything that can be healed is healed; what remains is what the agents must do by themselves. */
  #healAll(): void {
    this.cluster.neighbours.forEach((neighbour, index) => { this.#heal(neighbour, (sentence) => { this.#do(`in neighbour ${index + 1}: ${sentence}`); }); });
    this.#heal(this.cluster, (sentence) => { this.#do(sentence); });
    // Those that come up now learn of a pause from the others.
    this.run(3_000);
    const paused = (cluster: SimCluster): string | undefined => [...cluster.members].find(([, member]) => member.state?.policy.pause.on === true)?.[0];
    this.cluster.neighbours.forEach((neighbour, index) => { if (paused(neighbour) !== undefined) this.#do(`in neighbour ${index + 1}: operator resumes on ${paused(neighbour) ?? ""}`); });
    if (paused(this.cluster) !== undefined) this.#do(`operator resumes on ${paused(this.cluster) ?? ""}`);
  }

  #heal(cluster: SimCluster, heal: (sentence: string) => void): void {
    heal("heal everything");
    heal("EC2 recovers");
    const off = leftOff(cluster);
    for (const [id, member] of cluster.members) {
      if (off.has(id)) continue;
      if (!member.powered) heal(`power on ${id}`);
      if (member.isFrozen) heal(`machine ${id} thaws`);
      if (member.isSlow) heal(`event loop of ${id} is quick`);
      if (member.disk !== "good") heal(`disk of ${id} is good`);
      if (member.asterisk !== "up" && cluster.nodes.includes(id)) heal(`asterisk of ${id} recovers`);
      if (member.agentIsStopped) heal(`agent of ${id} continues`);
      if (member.state === null) heal(`agent of ${id} starts`);
      if (member.state?.policy.blocked === true) heal(`operator acknowledges on ${id}`);
    }
    for (const node of cluster.nodes) if (cluster.member(node).state?.draining != null) heal(`operator undrains ${node}`);
    for (const node of cluster.nodes) if (!off.has(node)) heal(`instance of ${node} is running`);
    if (cluster.cloud.holder() === STRANGER_NAME) heal("operator detaches the address");
  }
}

/**
 * A standby that somebody has stopped is not broken, and one that boots comes by itself; as long as another node is there. If
 * all are off, the one that holds the address comes back.
 */
function leftOff(cluster: SimCluster): ReadonlySet<string> {
  if (!cluster.coldStandby) return new Set();
  const holder = cluster.cloud.holder() ?? STRANGER_NAME;
  const off = new Set(cluster.nodes.filter((node) => ["stopped", "stopping", "pending"].includes(cluster.instance(node))));
  if (off.size === cluster.nodes.length) off.delete(cluster.nodes.find((node) => node === holder) ?? cluster.nodes[0] ?? "");
  return off;
}

const movesOf = (clusters: readonly SimCluster[]): number => clusters.reduce((sum, { moves }) => sum + moves.length, 0);

function describe(cluster: SimCluster): string {
  const nodes = cluster.nodeMembers.map((member) => `${member.id} ${member.state?.role ?? "gone"} (${member.state?.health.serving ?? "-"})`);
  return `${nodes.join(", ")}; EC2 shows ${String(cluster.cloud.holder())}`;
}

/** Carries a script out to its end, or only until something breaks. */
export function replay(script: Script, seed: number, stopAtFirst = false): RunResult {
  const story = new Story(script.cluster);
  telling(story, () => {
    for (const act of script.acts) {
      story.act(act);
      if (stopAtFirst && story.findings.broken.length > 0) return;
    }
  });
  return story.result(seed, true);
}

/** What throws while a story is told is a broken promise as well: it ends the story. */
export function telling(story: Story, tell: () => void): void {
  try {
    tell();
  } catch (error) {
    story.findings.broken.push(error instanceof Error ? error.message : String(error));
  }
}
