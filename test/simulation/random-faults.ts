/**
 * Faults drawn by chance. `singleFaults` is what a healthy cluster must answer as promised; `mixedFault` is whatever can
 * happen, in any order and on top of anything else.
 */
import type { SimCluster } from "./cluster.ts";

/** One fault in a healthy cluster, and what it must lead to. */
export interface SingleFault {
  readonly sentences: readonly string[];
  readonly lastsMs: number;
  /** null: no claim may be sent. */
  readonly claimWithinMs: number | null;
  /** The same for a start of a stopped standby; left out: the fault says nothing of starts. */
  readonly startWithinMs?: number | null;
  /** The promise behind the deadline. */
  readonly promise: string;
}

export type Draw = () => number;

/** Places that are no members. */
const PLACES = ["internet", "resolver", "endpoint", "EC2"];

export function pick<T>(random: Draw, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** One fault for a cluster that is in order, with `active` holding the address. */
export function singleFaults(random: Draw, cluster: SimCluster, active: string): SingleFault {
  const standbys = cluster.nodes.filter((node) => node !== active);
  const standby = pick(random, standbys);
  const witnesses = [...cluster.members.keys()].filter((id) => !cluster.nodes.includes(id));
  const anyone = pick(random, [...cluster.members.keys()]);
  const claim = (promise: string, claimWithinMs: number, ...sentences: string[]): SingleFault => ({ sentences, lastsMs: 25_000, claimWithinMs, promise });
  const calm = (...sentences: string[]): SingleFault => ({ sentences, lastsMs: pick(random, [5_000, 20_000, 70_000]), claimWithinMs: null, promise: "S2" });
  const kinds: readonly (() => SingleFault)[] = [
    () => claim("L1", 600, `asterisk of ${active} crashes`),
    () => claim("L2", 2_000, `power off ${active}`),
    () => claim("L2", 2_000, `machine ${active} freezes`),
    () => claim("L2", 2_000, `isolate ${active}`),
    () => claim("L3", 3_000, `asterisk of ${active} hangs`),
    () => claim("a canary that fails", 16_000, `asterisk of ${active} cannot make calls`),
    () => claim("L2", 2_000, `instance of ${active} is stopped`),
    () => calm(...standbys.map((node) => `cut ${active} - ${node}`)),
    () => calm(`cut ${active} > ${standby}`),
    () => calm(`cut ${standby} > ${active}`),
    () => calm(`agent of ${active} is killed`),
    () => calm(`agent of ${active} is stopped`),
    () => calm(`agent of ${standby} is killed`),
    () => calm(`agent of ${standby} is stopped`),
    () => calm(`machine ${standby} freezes`),
    () => calm(`power off ${standby}`),
    () => calm(`isolate ${standby}`),
    () => calm(`isolate ${standby} except EC2, endpoint, resolver`),
    () => calm(`asterisk of ${standby} crashes`),
    () => calm(`lose 20 % between ${active} and ${standby}`),
    () => calm(`lose 20 % between ${active} and ${standby}`, `lose 20 % between ${standby} and internet`, `lose 20 % between ${active} and internet`),
    () => calm("EC2 throttles everything"),
    () => calm("EC2 swallows everything"),
    () => calm("EC2 fails everything"),
    () => calm("EC2 denies everything"),
    () => calm("EC2 takes 1500 ms longer for everything"),
    () => calm(`cut ${active} - EC2`),
    () => calm(`cut ${standby} - EC2`),
    () => calm("EC2 shows what was 4000 ms ago"),
    () => calm(`wall clock of ${anyone} jumps by ${pick(random, ["-7200", "7200"])} s`),
    () => calm(`disk of ${anyone} is unwritable`),
    () => calm(`operator drains ${active} for 30 s`),
    () => calm(`operator drains ${standby} for 30 s`),
    // A switchover needs a target that has lately proven that it may claim.
    ...(cluster.member(standby).state?.claimReady.ready === true
      ? [
          () => claim("a switchover", 2_000, `${active} carries 0 calls`, `operator switches over on ${pick(random, [active, standby])} to ${standby} draining for 60 s`),
          () => calm(`${active} carries 3 calls`, `operator switches over on ${active} to ${standby} draining for 600 s`, `asterisk of ${standby} crashes`),
          () => calm(`operator checks a switchover on ${active} to ${standby}`),
        ]
      : []),
    () => calm(`asterisk of ${standby} is overloaded`),
    () => calm(`asterisk of ${standby} crashes`, "run 2 s", `asterisk of ${standby} recovers`, "run 3 s", `asterisk of ${standby} crashes`, "run 1 s", `asterisk of ${standby} recovers`),
    () => calm(`event loop of ${anyone} stalls for ${pick(random, ["300", "900", "2500"])} ms`),
    () => calm(`event loop of ${anyone} is busy for up to ${pick(random, ["80", "200", "700"])} ms at a time`),
    () => calm(`delay by ${pick(random, ["30", "150"])} ms between ${active} and ${standby}`),
    () => calm(`repeat and reorder 30 % between ${active} and ${standby}`),
    () => calm(`agent of ${anyone} runs the previous version`),
    () => calm("somebody in the account uses up EC2's requests for 30 s"),
    ...cluster.neighbours.map((_, index) => () => calm(`in neighbour ${index + 1}: power off node-a`)),
    ...networkFaults(random, cluster, standby, anyone).map((sentence) => () => calm(sentence)),
    ...cloudFaults(active).map((sentences) => () => claim("L4", 600, ...sentences, `asterisk of ${active} crashes`)),
    ...agentFaults(cluster, anyone).map((sentences) => () => calm(...sentences)),
    ...operatorFaults(active, standby, anyone).map((sentences) => () => calm(...sentences)),
    ...(witnesses.length === 0 ? [] : [() => calm(`power off ${pick(random, witnesses)}`), () => calm(`isolate ${pick(random, witnesses)}`), () => calm(`agent of ${pick(random, witnesses)} is stopped`)]),
  ];
  return pick(random, kinds)();
}

/** Paths that a standby's evidence or the active's mark depends on, one at a time: the others still show that the active lives. */
function networkFaults(random: Draw, cluster: SimCluster, standby: string, anyone: string): readonly string[] {
  const place = pick(random, PLACES);
  return [
    `cut ${anyone} - ${place}`, `cut ${anyone} > ${place}`, `cut ${place} > ${anyone}`,
    `lose 40 % between ${anyone} and ${place}`, `delay by 150 ms between ${anyone} and ${place}`,
    `firewall of ${pick(random, [...cluster.members.keys()])} drops its ${pick(random, ["sip probes", "eip probes", "heartbeats"])}`,
    `firewall of ${standby} drops its heartbeats`,
  ];
}

/** What EC2 can do to the one call that counts. The claim is sent all the same, and its success is seen in the end. */
function cloudFaults(active: string): readonly (readonly string[])[] {
  return [
    ["EC2 loses the replies to AssociateAddress 1 times"],
    ["EC2 answers 500 after doing AssociateAddress 1 times"],
    ["EC2 throttles AssociateAddress 2 times"],
    ["EC2 fails AssociateAddress 1 times"],
    ["EC2 takes 5000 ms longer for AssociateAddress"],
    ["EC2 shows what was 2000 ms ago"],
    [`instance of ${active} is impaired`],
  ];
}

function agentFaults(cluster: SimCluster, anyone: string): readonly (readonly string[])[] {
  const members = [...cluster.members.keys()];
  return [
    [`agent of ${anyone} is killed`, "run 1 s", `agent of ${anyone} starts`],
    [`agent of ${anyone} is stopped`, "run 4 s", `agent of ${anyone} continues`],
    [`disk of ${anyone} is unreadable`, `agent of ${anyone} is killed`, "run 1 s", `agent of ${anyone} starts`],
    // A whole upgrade, one member after the other.
    [...members.map((id) => `agent of ${id} runs the previous version`), "run 10 s", ...members.flatMap((id) => [`agent of ${id} runs this version`, "run 4 s"])],
  ];
}

/** Operators move the address where they like, and may forbid every claim. */
function operatorFaults(active: string, standby: string, anyone: string): readonly (readonly string[])[] {
  return [
    [`operator moves the address to ${standby}`],
    ["operator moves the address to a stranger"],
    [`operator pauses on ${anyone}`, "run 2 s", `asterisk of ${active} crashes`],
    [`operator pauses on ${anyone} for 100 s`, "run 2 s", `power off ${active}`],
    [`operator drains ${standby} for 10 s`, "run 2 s", `operator undrains ${standby}`],
  ];
}

/** Any fault, on any member, whatever else is broken already. */
export function mixedFault(random: Draw, cluster: SimCluster): readonly string[] {
  const neighbour = random() < 0.2 ? cluster.neighbours.length - 1 : -1;
  if (neighbour >= 0) return [`in neighbour ${neighbour + 1}: ${plainFault(random, cluster.neighbours[neighbour] as SimCluster)}`];
  return random() < 0.25 ? sharpFault(random, cluster) : [plainFault(random, cluster)];
}

/** Faults that aim at the decision itself: a standby that sees nothing of an active that serves. */
function sharpFault(random: Draw, cluster: SimCluster): readonly string[] {
  const holder = cluster.cloud.holder();
  const active = holder !== null && cluster.nodes.includes(holder) ? holder : pick(random, cluster.nodes);
  const standby = pick(random, cluster.nodes.filter((node) => node !== active));
  const blind = `isolate ${standby} except EC2, endpoint, resolver`;
  const nap = pick(random, ["600", "1500", "9000", "70000"]);
  return pick(random, [
    [blind],
    [`cut ${standby} > ${active}`, `run ${pick(random, ["100", "700", "2000"])} ms`, blind],
    [`firewall of ${standby} drops its heartbeats`, `run ${pick(random, ["300", "2000", "75000"])} ms`, blind],
    [`agent of ${standby} is stopped`, `run ${nap} ms`, blind, `agent of ${standby} continues`],
    [blind, `run ${nap} ms`, `agent of ${standby} is stopped`, `run ${nap} ms`, `agent of ${standby} continues`],
    [`agent of ${active} is killed`, "run 2 s", `agent of ${active} starts`, "run 3 s", blind],
    [`asterisk of ${active} crashes`, `run ${pick(random, ["50", "200", "400"])} ms`, `asterisk of ${active} recovers`],
    [`asterisk of ${active} crashes`, `agent of ${standby} is stopped`, `run ${nap} ms`, `asterisk of ${active} recovers`, "run 20 s", `agent of ${standby} continues`],
    ["EC2 takes 1500 ms longer for everything", "run 3 s", blind],
    [blind, "run 70 s", "heal everything"],
    ["EC2 loses the replies to AssociateAddress 1 times", `power off ${active}`],
    ["EC2 takes 5000 ms longer for AssociateAddress", `machine ${active} freezes`, "run 4 s", `machine ${active} thaws`],
    [`operator moves the address to ${standby}`, `power off ${standby}`],
    [`operator switches over on ${active} to ${standby} draining for 0 s`, `run ${pick(random, ["20", "100", "300", "700"])} ms`, pick(random, [`power off ${standby}`, `agent of ${active} is killed`, `agent of ${active} is stopped`, `cut ${active} - ${standby}`, `asterisk of ${active} crashes`, `operator pauses on ${active}`, `operator undrains ${active}`])],
    ["EC2 takes 5000 ms longer for AssociateAddress", `operator switches over on ${standby} to ${standby} draining for 0 s`, "run 2 s", `operator undrains ${active}`],
    [`operator moves the address to ${standby}`, `run ${pick(random, ["300", "1000", "3000"])} ms`, `operator moves the address to ${active}`],
    [`asterisk of ${standby} crashes`, "run 1 s", `asterisk of ${active} crashes`, "run 5 s", `asterisk of ${standby} recovers`],
    ["operator moves the address to a stranger", `asterisk of ${active} crashes`],
    [`power off ${active}`, "run 30 s", `power on ${active}`],
    [`asterisk of ${active} crashes`, "run 1 s", `asterisk of ${active} recovers`, "run 4 s", `asterisk of ${active} crashes`, "run 300 ms", `asterisk of ${active} recovers`, "run 2 s", `asterisk of ${active} crashes`],
  ]);
}

function plainFault(random: Draw, cluster: SimCluster): string {
  const node = pick(random, cluster.nodes);
  const member = pick(random, [...cluster.members.keys()]);
  const other = pick(random, [...cluster.members.keys()].filter((id) => id !== member));
  const place = pick(random, [...cluster.members.keys(), ...PLACES].filter((id) => id !== member));
  const action = pick(random, ["AssociateAddress", "DescribeAddresses", "CreateTags", "everything"]);
  const kinds: readonly (() => string)[] = [
    () => `asterisk of ${node} ${pick(random, ["crashes", "crashes", "hangs", "cannot make calls"])}`,
    () => `asterisk of ${node} is overloaded`,
    () => `asterisk of ${node} recovers`,
    () => `event loop of ${member} stalls for ${pick(random, ["200", "700", "3000"])} ms`,
    () => `event loop of ${member} is busy for up to ${pick(random, ["60", "250", "800"])} ms at a time`,
    () => `delay by ${pick(random, ["20", "120", "600"])} ms between ${member} and ${place}`,
    () => `repeat and reorder ${pick(random, ["10", "60"])} % between ${member} and ${other}`,
    () => `agent of ${member} runs ${pick(random, ["the previous", "this"])} version`,
    () => `somebody in the account uses up EC2's requests for ${pick(random, ["5", "40"])} s`,
    () => `power off ${member}`,
    () => `agent of ${member} is killed`,
    () => `agent of ${member} is stopped`,
    () => `machine ${member} freezes`,
    () => `cut ${member} - ${place}`,
    () => `cut ${member} ${pick(random, [">", "-"])} ${other}`,
    () => pick(random, [`cut ${member} > ${place}`, `cut ${place} > ${member}`]),
    () => `isolate ${member}${pick(random, ["", "", " except EC2, endpoint, resolver", " except internet"])}`,
    () => `lose ${pick(random, ["5", "20", "40"])} % between ${member} and ${place}`,
    () => `firewall of ${member} drops its ${pick(random, ["sip probes", "eip probes", "heartbeats"])}`,
    () => `EC2 ${pick(random, ["throttles", "fails", "swallows", "loses the replies to", "answers 500 after doing", "denies"])} ${action}${pick(random, ["", ` of ${node}`])}${pick(random, ["", " 1 times", " 3 times"])}`,
    () => `EC2 takes ${pick(random, ["300", "1000", "1900", "5000"])} ms longer for ${action}`,
    () => `EC2 shows what was ${pick(random, ["500", "2000", "6000"])} ms ago`,
    () => `instance of ${node} is ${pick(random, ["stopped", "impaired"])}`,
    () => pick(random, [`operator moves the address to ${node}`, "operator moves the address to a stranger", "operator detaches the address", `operator moves the address to ${node}`]),
    () => `operator pauses on ${member}${pick(random, ["", " for 30 s"])}`,
    () => `operator drains ${node} for ${pick(random, ["10", "60"])} s`,
    () => `operator switches over on ${node}${pick(random, ["", ` to ${pick(random, cluster.nodes)}`])} draining for ${pick(random, ["0", "20", "60"])} s`,
    () => `operator switches over on ${node} draining for ${pick(random, ["0", "20"])} s`,
    () => pick(random, [`operator takes over on ${node}`, `operator takes over on ${node}`, `operator takes over on ${node} even if not serving`]),
    () => `${node} carries ${pick(random, ["1", "40", "0"])} calls`,
    () => `disk of ${member} is ${pick(random, ["unwritable", "unreadable"])}`,
    () => `wall clock of ${member} jumps by ${pick(random, ["-4000", "-20", "20", "4000"])} s`,
  ];
  return pick(random, kinds)();
}

/** Something gets better, perhaps. */
export function mixedHeal(random: Draw, cluster: SimCluster): readonly string[] {
  const node = pick(random, cluster.nodes);
  const member = pick(random, [...cluster.members.keys()]);
  const kinds: readonly (() => string)[] = [
    () => `asterisk of ${node} recovers`,
    () => `power on ${member}`,
    () => `agent of ${member} starts`,
    () => `agent of ${member} continues`,
    () => `event loop of ${member} is quick`,
    () => `machine ${member} thaws`,
    () => "heal everything",
    () => "EC2 recovers",
    () => `instance of ${node} is running`,
    () => `disk of ${member} is good`,
    () => `operator resumes on ${member}`,
    () => `operator acknowledges on ${node}`,
    () => `operator moves the address to ${node}`,
  ];
  return [pick(random, kinds)()];
}
