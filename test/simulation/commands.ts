/**
 * The language of faults: plain sentences, carried out on a simulated cluster. Scenario files are written in it, and a
 * campaign's random scripts are made of it, so that a failing seed prints a story that can become a scenario.
 */
import { holderName } from "../../agent/core/ownership.ts";
import { overridesOf } from "../../agent/core/takeover.ts";
import type { InstanceStateName } from "../support/aws/ec2-shapes.ts";
import type { FaultRule } from "../support/aws/faults.ts";
import { ALLOCATION, instanceOf, STRANGER } from "./cloud.ts";
import { SimCluster } from "./cluster.ts";
import type { Asterisk, Disk } from "./member.ts";

/** How long `run until steady` waits at most, and how long steadiness must last (ms). */
export const STEADY_WITHIN_MS = 180_000;
const STEADY_FOR_MS = 5_000;
/** How often steadiness is looked for (ms). */
const LOOK_MS = 250;

interface Verb {
  readonly pattern: RegExp;
  readonly does: (cluster: SimCluster, words: readonly string[]) => void;
}

const NODE = "(node-[a-d])";
const MEMBER = "(node-[a-d]|witness-[1-3])";
const PLACE = "(node-[a-d]|witness-[1-3]|internet|resolver|endpoint|EC2)";

const verb = (sentence: string, does: Verb["does"]): Verb => ({ pattern: new RegExp(`^${sentence}$`), does });
const place = (word: string | undefined): string => (word === "EC2" ? "ec2" : (word ?? ""));
const first = (words: readonly string[]): string => words[0] ?? "";

const ASTERISK: Readonly<Record<string, Asterisk>> = { crashes: "crashed", hangs: "hung", recovers: "up", "cannot make calls": "cannot-call", "is overloaded": "overloaded" };
const OUTCOMES: Readonly<Record<string, FaultRule["outcome"]>> = { throttles: "throttle", denies: "deny", fails: "error-500", swallows: "blackhole", "loses the replies to": "lose-reply", "answers 500 after doing": "error-after" };

/** Every sentence that `perform` understands, apart from `cluster`, which makes one. */
const VERBS: readonly Verb[] = [
  verb("start everything", (cluster) => { cluster.startAll(); }),
  verb("run until steady", runUntilSteady),
  verb(`run until ${NODE} claims`, runUntilClaim),
  verb("run ([0-9]+) (ms|s|min)", (cluster, words) => { cluster.run(durationMs(words[0], words[1])); }),

  verb(`power off ${MEMBER}`, (cluster, words) => { cluster.powerOff(first(words)); }),
  verb(`power on ${MEMBER}`, (cluster, words) => { cluster.powerOn(first(words)); }),
  verb(`machine ${MEMBER} freezes`, (cluster, words) => { cluster.member(first(words)).freeze(); }),
  verb(`machine ${MEMBER} thaws`, (cluster, words) => { cluster.member(first(words)).thaw(); }),
  verb(`asterisk of ${NODE} (crashes|hangs|recovers|cannot make calls|is overloaded)`, (cluster, words) => { cluster.member(first(words)).setAsterisk(ASTERISK[words[1] ?? ""] ?? "up"); }),
  verb(`agent of ${MEMBER} (starts|is killed|is stopped|continues)`, agent),
  verb(`agent of ${MEMBER} runs (the previous|this) version`, (cluster, words) => { cluster.member(first(words)).install(words[1] === "the previous"); }),
  verb(`event loop of ${MEMBER} is busy for up to ([0-9]+) ms at a time`, (cluster, words) => { cluster.member(first(words)).slowDown(Number(words[1])); }),
  verb(`event loop of ${MEMBER} stalls for ([0-9]+) ms`, stall),
  verb(`event loop of ${MEMBER} is quick`, (cluster, words) => { cluster.member(first(words)).slowDown(0); }),
  verb(`${NODE} carries ([0-9]+) calls`, (cluster, words) => { cluster.member(first(words)).carryCalls(Number(words[1])); }),
  verb(`disk of ${MEMBER} is (good|unwritable|unreadable)`, (cluster, words) => { cluster.member(first(words)).disk = words[1] as Disk; }),
  verb(`wall clock of ${MEMBER} jumps by (-?[0-9]+) s`, (cluster, words) => { cluster.member(first(words)).wallErrorMs += Number(words[1]) * 1_000; }),

  verb(`cut ${PLACE} - ${PLACE}`, (cluster, words) => { cluster.cut(place(words[0]), place(words[1])); }),
  verb(`cut ${PLACE} > ${PLACE}`, (cluster, words) => { cluster.network.cut(place(words[0]), place(words[1])); }),
  verb(`heal ${PLACE} - ${PLACE}`, (cluster, words) => { cluster.heal(place(words[0]), place(words[1])); }),
  verb(`heal ${PLACE} > ${PLACE}`, (cluster, words) => { cluster.network.heal(place(words[0]), place(words[1])); }),
  verb(`isolate ${MEMBER}(?: except ([a-zA-Z0-9, -]+))?`, (cluster, words) => { cluster.isolate(first(words), (words[1] ?? "").split(/, */).map((word) => place(word))); }),
  verb(`lose ([0-9]+) % between ${PLACE} and ${PLACE}`, lose),
  verb(`delay by ([0-9]+) ms between ${PLACE} and ${PLACE}`, (cluster, [ms, a, b]) => { bothWays(a, b, (from, to) => { cluster.network.delay(from, to, Number(ms)); }); }),
  verb(`repeat and reorder ([0-9]+) % between ${MEMBER} and ${MEMBER}`, (cluster, [percent, a, b]) => { bothWays(a, b, (from, to) => { cluster.network.shuffle(from, to, Number(percent) / 100); }); }),
  verb(`firewall of ${MEMBER} drops its (sip probes|eip probes|heartbeats)`, (cluster, words) => { cluster.firewall.add(`${first(words)}>${words[1]?.split(" ")[0] ?? ""}`); }),
  verb("heal everything", (cluster) => {
    cluster.network.healAll();
    cluster.firewall.clear();
  }),

  verb(`EC2 (throttles|denies|fails|swallows|loses the replies to|answers 500 after doing) ([A-Z][A-Za-z]+|everything)(?: of ${NODE})?(?: ([0-9]+) times)?`, cloudFault),
  verb(`EC2 takes ([0-9]+) ms longer for ([A-Z][A-Za-z]+|everything)(?: of ${NODE})?`, (cluster, words) => { addRule(cluster, { ...ruleFor(words[1], words[2]), delayBeforeMs: Number(words[0]) }); }),
  verb("EC2 shows what was ([0-9]+) ms ago", (cluster, words) => { addRule(cluster, { staleMs: Number(words[0]) }); }),
  verb("EC2 recovers", (cluster) => {
    cluster.cloud.faults.clear();
    if (cluster.cloudTroubleUntilMs === Infinity) cluster.cloudTroubleUntilMs = cluster.time.nowMs;
  }),
  verb("somebody in the account uses up EC2's requests for ([0-9]+) s", (cluster, words) => { cluster.exhaustAccount(Number(words[0]) * 1_000); }),
  verb("in neighbour ([1-9]): (.+)", (cluster, [which, sentence]) => { perform(neighbour(cluster, Number(which)), sentence ?? ""); }),
  verb(`instance of ${NODE} is impaired`, (cluster, words) => { cluster.cloud.model.setInstance(instanceOf(first(words)), { impaired: true }); }),
  verb(`instance of ${NODE} is (running|stopping|stopped|terminated)`, (cluster, words) => { cluster.setInstance(first(words), words[1] as InstanceStateName); }),
  verb(`operator starts ${NODE}`, (cluster, words) => { cluster.startInstance(first(words)); }),
  verb(`operator stops ${NODE}`, (cluster, words) => { cluster.stopInstance(first(words)); }),

  verb(`operator moves the address to ${NODE}`, (cluster, words) => { cluster.cloud.model.place(ALLOCATION, { instanceId: instanceOf(first(words)) }, cluster.time.nowMs); }),
  verb("operator moves the address to a stranger", (cluster) => { cluster.cloud.model.place(ALLOCATION, { instanceId: STRANGER }, cluster.time.nowMs); }),
  verb("operator detaches the address", (cluster) => { cluster.cloud.model.place(ALLOCATION, null, cluster.time.nowMs); }),
  verb(`operator pauses on ${MEMBER}(?: for ([0-9]+) s)?`, (cluster, words) => { cluster.member(first(words)).operator({ kind: "pause", reason: "maintenance", forMs: words[1] === undefined ? null : Number(words[1]) * 1_000 }); }),
  verb(`operator drains ${NODE} for ([0-9]+) s`, (cluster, words) => { cluster.member(first(words)).operator({ kind: "drain", reason: "maintenance", forMs: Number(words[1]) * 1_000 }); }),
  verb(`operator undrains ${NODE}`, (cluster, words) => { cluster.member(first(words)).operator({ kind: "undrain" }); }),
  verb(`operator (switches over|checks a switchover) on ${NODE}(?: to ${NODE})?(?: draining for ([0-9]+) s)?`, switchOver),
  verb(`operator takes over on ${NODE}( even if not serving)?`, (cluster, words) => { takeOver(cluster, first(words), words[1] !== undefined); }),
  verb(`operator resumes on ${MEMBER}`, (cluster, words) => { cluster.member(first(words)).operator({ kind: "resume" }); }),
  verb(`operator acknowledges on ${MEMBER}`, (cluster, words) => { cluster.member(first(words)).operator({ kind: "acknowledge" }); }),
];

/** As nodectl does it: the operator is shown what the takeover would override, and accepts that. */
function takeOver(cluster: SimCluster, node: string, evenIfNotServing: boolean): void {
  const { state, config } = cluster.member(node);
  if (state === null) return; // No agent runs there: nobody takes the order.
  const accepted = overridesOf(state, config).map(({ gate }) => gate);
  cluster.member(node).operator({ kind: "takeover", request: { id: orderId(cluster), reason: "the data centre says that it is gone", from: holderName(state.ownership.holder), accepted, evenIfNotServing } });
}

function orderId(cluster: SimCluster): string {
  cluster.orders += 1;
  return cluster.orders.toString(16).padStart(16, "0");
}

function switchOver(cluster: SimCluster, [how, where = "", to, seconds = "600"]: readonly string[]): void {
  cluster.member(where).operator({ kind: "switchover", request: { id: orderId(cluster), to: to ?? null, drainMs: Number(seconds) * 1_000, reason: "new kernel", dryRun: how === "checks a switchover" } });
}

/** Makes a cluster from `cluster nodes=2 witnesses=0 holder=node-a [seed=1] [KNOB=value ...]`; its agents are not started. */
export function clusterFrom(sentence: string): SimCluster {
  const settings = new Map(sentence.replace(/^cluster */, "").split(/ +/).filter((word) => word !== "").map((word) => [word.split("=")[0] ?? "", word.split("=")[1] ?? ""]));
  const take = (name: string, otherwise: string): string => {
    const value = settings.get(name) ?? otherwise;
    settings.delete(name);
    return value;
  };
  const holder = take("holder", "node-a");
  const spec = { neighbours: Number(take("neighbours", "0")), seed: Number(take("seed", "1")), nodes: Number(take("nodes", "2")), witnesses: Number(take("witnesses", "0")), holder: holder === "nobody" ? null : holder };
  return new SimCluster({ ...spec, knobs: Object.fromEntries(settings) });
}

/** Carries out one sentence. Throws when it is none of the language. */
export function perform(cluster: SimCluster, sentence: string): void {
  for (const { pattern, does } of VERBS) {
    const found = pattern.exec(sentence);
    if (found === null) continue;
    does(cluster, found.slice(1));
    return;
  }
  throw new Error(`not a sentence that the simulation understands: ${sentence}`);
}

/** One active node that EC2 also names, every other node that runs standby, and all of them serving. */
export function isSteady(cluster: SimCluster): boolean {
  const holder = cluster.cloud.holder();
  return cluster.nodeMembers.every((member) => {
    const state = member.state;
    if (state === null || !member.agentRuns) return !member.powered;
    return state.role === (member.id === holder ? "active" : "standby") && state.health.serving === "serving";
  });
}

/** Runs until the cluster has been steady for a while. Throws when it does not become so. */
function runUntilSteady(cluster: SimCluster): void {
  const giveUpAtMs = cluster.time.nowMs + STEADY_WITHIN_MS;
  let sinceMs: number | null = null;
  while (sinceMs === null || cluster.time.nowMs - sinceMs < STEADY_FOR_MS) {
    cluster.run(LOOK_MS);
    sinceMs = isSteady(cluster) ? (sinceMs ?? cluster.time.nowMs) : null;
    if (sinceMs === null && cluster.time.nowMs > giveUpAtMs) throw new Error(`not steady within ${STEADY_WITHIN_MS / 1_000} s: ${cluster.nodeMembers.map((member) => `${member.id} ${member.state?.role ?? "gone"}, ${member.state?.health.serving ?? "-"}`).join("; ")}; EC2 shows ${String(cluster.cloud.holder())}`);
  }
}

/** Stops at the moment in which that node's claim has left. Throws when there is none. */
function runUntilClaim(cluster: SimCluster, [who = ""]: readonly string[]): void {
  const giveUpAtMs = cluster.time.nowMs + STEADY_WITHIN_MS;
  while (cluster.member(who).state?.role !== "claiming") {
    if (cluster.time.nowMs > giveUpAtMs) throw new Error(`${who} has not claimed within ${STEADY_WITHIN_MS / 1_000} s`);
    cluster.run(10);
  }
}

function durationMs(amount: string | undefined, unit: string | undefined): number {
  return Number(amount) * (unit === "min" ? 60_000 : unit === "s" ? 1_000 : 1);
}

function agent(cluster: SimCluster, [who = "", what]: readonly string[]): void {
  const member = cluster.member(who);
  if (what === "starts") member.startAgent();
  else if (what === "is killed") member.killAgent();
  else if (what === "is stopped") member.stopAgent();
  else member.continueAgent();
}

function bothWays(a: string | undefined, b: string | undefined, does: (from: string, to: string) => void): void {
  does(place(a), place(b));
  does(place(b), place(a));
}

function lose(cluster: SimCluster, [percent, a, b]: readonly string[]): void {
  bothWays(a, b, (from, to) => { cluster.network.lose(from, to, Number(percent) / 100); });
}

/** One long task: everything else of that process waits. */
function stall(cluster: SimCluster, [who = "", ms]: readonly string[]): void {
  const member = cluster.member(who);
  if (!member.agentRuns) return;
  member.stopAgent();
  cluster.time.after(Number(ms), () => { if (!member.isFrozen) member.continueAgent(); });
}

function neighbour(cluster: SimCluster, which: number): SimCluster {
  const found = cluster.neighbours[which - 1];
  if (found === undefined) throw new Error(`this cluster has no neighbour ${which}`);
  return found;
}

function ruleFor(action: string | undefined, caller: string | undefined): FaultRule {
  return { ...(action === "everything" || action === undefined ? {} : { action }), ...(caller === undefined ? {} : { caller }) };
}

function cloudFault(cluster: SimCluster, [what = "", action, caller, times]: readonly string[]): void {
  addRule(cluster, { ...ruleFor(action, caller), outcome: OUTCOMES[what] ?? "none", ...(times === undefined ? {} : { times: Number(times) }) });
}

function addRule(cluster: SimCluster, rule: FaultRule): void {
  cluster.cloud.faults.add(rule);
  cluster.cloudTroubleUntilMs = Infinity;
}
