/**
 * Faults of a pair whose standby is kept stopped (COLD_STANDBY), drawn by chance like all others (random-faults.ts), of which
 * most are drawn here too.
 */
import { claimAfterStartMs, startWithinMs } from "./cold-deadlines.ts";
import type { SimCluster } from "./cluster.ts";
import { mixedFault, pick, type Draw, type SingleFault } from "./random-faults.ts";

/** L3: how long a hung Asterisk may pass for one that serves (ms). */
const HUNG_SEEN_MS = 3_000;
/** The waits after so many failed starts at their longest, and a call's time-out for each (ms). */
const backoffsMs = (failures: number, timeoutMs: number): number => 2_000 * (2 ** failures - 1) + failures * timeoutMs;

/** One fault for a cluster that is in order, whose `active` holds the address and whose other node is stopped. */
export function coldSingleFaults(random: Draw, cluster: SimCluster, active: string): SingleFault {
  const standby = cluster.nodes.find((node) => node !== active) ?? "";
  const witnesses = [...cluster.members.keys()].filter((id) => !cluster.nodes.includes(id));
  const witness = pick(random, witnesses);
  const { config } = cluster.member(witness);
  const soonMs = startWithinMs(config);
  const claimMs = claimAfterStartMs(config);
  const startLater = (laterMs: number, failures: number, ...sentences: string[]): SingleFault => {
    const claimWithinMs = laterMs + soonMs + backoffsMs(failures, config.claimTimeoutMs) + claimMs;
    return { sentences, lastsMs: claimWithinMs + 8_000, claimWithinMs, startWithinMs: laterMs + soonMs, promise: "the claim of a started standby" };
  };
  const start = (...sentences: string[]): SingleFault => startLater(0, 0, ...sentences);
  const calm = (...sentences: string[]): SingleFault => ({ sentences, lastsMs: pick(random, [10_000, 30_000, 90_000]), claimWithinMs: null, startWithinMs: null, promise: "S2" });
  /** The active dies, a start is sent, and EC2 never carries it out. */
  const vain = (...sentences: string[]): SingleFault => ({ sentences, lastsMs: 60_000, claimWithinMs: null, startWithinMs: soonMs, promise: "S2" });
  const death = pick(random, [`power off ${active}`, `power off ${active}`, `asterisk of ${active} crashes`, `isolate ${active}`, `instance of ${active} is stopped`]);
  const blinded = (who: string): readonly string[] => [`cut ${who} - ${active}`, `firewall of ${who} drops its eip probes`];
  const aFew = witnesses.slice(0, Math.floor((witnesses.length - 1) / 2));
  const kinds: readonly (() => SingleFault)[] = [
    () => start(`power off ${active}`),
    () => start(`machine ${active} freezes`),
    () => start(`isolate ${active}`),
    () => start(`instance of ${active} is stopped`),
    () => start(`operator stops ${active}`),
    () => start(`asterisk of ${active} crashes`),
    () => startLater(HUNG_SEEN_MS, 0, `asterisk of ${active} hangs`),
    ...startFaults().map(([failures, sentence]) => () => startLater(0, failures, sentence, death)),
    () => vain("EC2 denies StartInstances", death),
    () => vain("EC2 swallows StartInstances", death),
    () => startLater(0, 0, `isolate ${witness} except EC2, resolver, endpoint, ${witnesses.join(", ")}`, death),
    // A minority of the witnesses is gone for good: the others are enough.
    ...aFew.flatMap((gone) => [() => start(`power off ${gone}`, death), () => start(`agent of ${gone} is stopped`, death), () => start(`isolate ${gone}`, death)]),
    () => startLater(3_000, 0, `agent of ${witness} is killed`, "run 1 s", `agent of ${witness} starts`, "run 2 s", death),
    // Nobody is there who could start it.
    () => calm(...witnesses.map((id) => `power off ${id}`), `power off ${active}`),
    () => calm(...witnesses.map((id) => `cut ${id} - EC2`), `asterisk of ${active} crashes`),
    () => calm("EC2 swallows everything", `power off ${active}`),
    () => calm(`operator pauses on ${pick(random, [active, ...witnesses])}`, "run 2 s", death),
    () => calm(`operator pauses on ${active} for 100 s`, "run 2 s", `instance of ${active} is stopped`),
    () => calm(`asterisk of ${active} crashes`, "run 3 s", `asterisk of ${active} recovers`),
    () => calm(...blinded(witness)),
    () => calm(...witnesses.flatMap(blinded)),
    () => calm(...witnesses.map((id) => `isolate ${id} except EC2, resolver, endpoint, ${witnesses.join(", ")}`)),
    () => calm(`isolate ${witness}`),
    () => calm(`isolate ${witness} except internet`),
    () => calm(`agent of ${active} is killed`),
    () => calm(`agent of ${active} is stopped`),
    () => calm(`cut ${active} - EC2`),
    () => calm(`lose 20 % between ${active} and ${witness}`),
    () => calm("EC2 denies StartInstances"),
    () => calm("EC2 shows what was 4000 ms ago"),
    () => calm("somebody in the account uses up EC2's requests for 30 s"),
    () => calm(`agent of ${witness} is stopped`, "run 9 s", `agent of ${witness} continues`),
    () => calm(`event loop of ${witness} stalls for ${pick(random, ["900", "2500"])} ms`),
    () => calm(`agent of ${witness} runs the previous version`),
    // By hand: started, and perhaps stopped again, while the active serves.
    () => calm(`operator starts ${standby}`, `run ${pick(random, ["10", "60"])} s`, `operator stops ${standby}`),
    () => calm(`operator starts ${standby}`, "run 60 s", ...witnesses.flatMap(blinded), `run ${pick(random, ["3", "70"])} s`, `instance of ${standby} is stopped`),
    () => ({ ...calm(`operator starts ${standby}`, "run 60 s", `power off ${active}`), lastsMs: 20_000, claimWithinMs: 62_000, promise: "L2" }),
  ];
  return pick(random, kinds)();
}

/** What EC2 can do to a start, and how many starts that costs at the most. */
function startFaults(): readonly (readonly [number, string])[] {
  return [
    // What a zone without a free machine answers counts as an error of EC2's own (InsufficientInstanceCapacity comes with 500).
    [1, "EC2 fails StartInstances 1 times"],
    [3, "EC2 fails StartInstances 3 times"],
    [2, "EC2 throttles StartInstances 2 times"],
    [1, "EC2 denies StartInstances 1 times"],
    [1, "EC2 swallows StartInstances 1 times"],
    [1, "EC2 loses the replies to StartInstances 1 times"],
    [1, "EC2 answers 500 after doing StartInstances 1 times"],
    [1, "EC2 takes 1500 ms longer for StartInstances"],
    [1, "EC2 takes 5000 ms longer for StartInstances"],
  ];
}

/** Any fault, on any member, whatever else is broken already; again and again the standby is stopped, so that most of it meets a stopped one. */
export function coldMixedFault(random: Draw, cluster: SimCluster): readonly string[] {
  const kind = random();
  const standby = cluster.nodes.find((node) => node !== cluster.cloud.holder()) ?? "";
  if (kind < 0.3 && cluster.member(standby).powered) return [pick(random, [`operator stops ${standby}`, `instance of ${standby} is stopped`])];
  if (kind < 0.6) return pick(random, sharpFaults(random, cluster, standby));
  return mixedFault(random, cluster);
}

/** Faults that aim at the start: whether it is needed, and what becomes of it. */
function sharpFaults(random: Draw, cluster: SimCluster, standby: string): readonly (readonly string[])[] {
  const active = cluster.nodes.find((node) => node !== standby) ?? "";
  const witnesses = [...cluster.members.keys()].filter((id) => !cluster.nodes.includes(id));
  const witness = pick(random, witnesses);
  const blind = `isolate ${witness} except EC2, endpoint, resolver`;
  const nap = pick(random, ["600", "1500", "9000", "70000"]);
  const call = pick(random, ["StartInstances", "StartInstances", "DescribeInstanceStatus"]);
  return [
    [`power off ${active}`],
    [`power off ${active}`, `run ${pick(random, ["5", "15", "40"])} s`, `power on ${active}`],
    [`operator stops ${active}`],
    [`EC2 ${pick(random, ["throttles", "fails", "swallows", "loses the replies to", "answers 500 after doing", "denies"])} ${call}${pick(random, ["", " 1 times", " 3 times"])}`],
    [`EC2 takes ${pick(random, ["1000", "5000"])} ms longer for ${call}`],
    [`EC2 loses the replies to StartInstances 1 times`, `power off ${active}`],
    [`operator starts ${standby}`],
    [`operator starts ${standby}`, `run ${pick(random, ["3", "30"])} s`, `operator stops ${standby}`],
    [blind],
    [blind, `run ${pick(random, ["1", "20", "70"])} s`, "heal everything"],
    [blind, `run ${nap} ms`, `agent of ${witness} is stopped`, `run ${nap} ms`, `agent of ${witness} continues`],
    [`agent of ${witness} is stopped`, `run ${nap} ms`, blind, `agent of ${witness} continues`],
    [...witnesses.map((id) => `cut ${id} - ${active}`), `agent of ${active} is stopped`, "run 3 s", `agent of ${active} continues`],
    [blind, "EC2 denies CreateTags"],
    [`power off ${witness}`],
    [`agent of ${witness} is killed`, "run 1 s", `agent of ${witness} starts`],
    [`operator moves the address to ${standby}`],
    [`operator pauses on ${witness}`, `power off ${active}`, `run ${pick(random, ["8", "20"])} s`, `operator resumes on ${witness}`],
    [`operator pauses on ${witness} for ${pick(random, ["5", "30"])} s`],
  ];
}
