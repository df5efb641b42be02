/**
 * Makes a fault many times and takes the time: from just before the fault until the claim has arrived at EC2 (so the
 * figure includes the network, and is never too small), and as long as the caller was without an answer. The machine's
 * part is written down with each run: how long the two agents were ready to run and had no core.
 */
import { loadavg } from "node:os";
import { monotonicMs } from "../support/lab/clock.ts";
import type { NodeName } from "../support/lab/addresses.ts";
import type { Pair } from "../support/lab/pair.ts";
import { waitUntil } from "../support/wait-until.ts";
import { agentOf, callsAfter, faultPair, freshCaller, isClaim, lastCall, pause, randomMoment, steadyRoles } from "./fault-pair.ts";
import type { Bench, Part } from "./figure.ts";
import { tailOf, type LogLine } from "./log-tail.ts";
import { waitedMsOf } from "./proc.ts";
import { worstLagMs } from "./published-lag.ts";
import { repeated } from "./repeated.ts";
import type { Marks } from "./trace.ts";

const MOVED_WITHIN_MS = 45_000;
const ANSWERED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 20;
/** An agent that waited longer than this for a core while the fault was handled was visibly disturbed. */
const DISTURBED_MS = 50;

/** What is broken, and how it is mended once another node is active. */
export interface Fault {
  readonly name: string;
  strike(pair: Pair, node: NodeName): Promise<void> | void;
  mend(pair: Pair, node: NodeName): Promise<void>;
  /** Where the time until the decision went, from what the agents logged since the fault. */
  marks(logs: { readonly active: readonly LogLine[]; readonly standby: readonly LogLine[] }, active: NodeName, faultAtMs: number): Marks;
}

export interface FaultRun {
  /** From just before the fault until AssociateAddress had arrived at EC2. */
  readonly sentMs: number;
  /** From the caller's last answer to its next one. */
  readonly outageMs: number;
  readonly marks: Marks;
  /** How long each agent waited for a core between the fault and the move. */
  readonly waitedMs: readonly number[];
  readonly load: number;
}

export interface FaultRuns {
  readonly runs: readonly FaultRun[];
  /** The worst that the agents published during the runs; null when they published nothing. */
  readonly lagMs: number | null;
  readonly failures: readonly string[];
}

/** As many runs as the bench was asked for. A run that fails is told, and the next one gets a new pair. */
export async function faultRuns(bench: Bench, fault: Fault): Promise<FaultRuns> {
  const startedAtWallMs = Date.now();
  /** The pair whose caller is known, and the number of its last call; none after a run that failed. */
  const known: { pair: Pair | null; callNumber: number } = { pair: null, callNumber: 0 };
  const { results: runs, failures } = await repeated(bench, {
    name: fault.name,
    once: async () => {
      const pair = await faultPair(bench);
      const isKnown = known.pair === pair;
      known.pair = null;
      if (!isKnown) await freshCaller(pair);
      const { run, lastCallNumber } = await oneRun(pair, fault, isKnown ? known.callNumber : 0);
      Object.assign(known, { pair, callNumber: lastCallNumber });
      return run;
    },
    says: (run) => `sent after ${Math.round(run.sentMs)} ms, caller out for ${Math.round(run.outageMs)} ms, agents without a core ${run.waitedMs.map((ms) => Math.round(ms)).join(" and ")} ms, load ${run.load.toFixed(1)}`,
  });
  return { runs, failures, lagMs: known.pair === null ? null : await worstLagMs(known.pair, startedAtWallMs) };
}

async function oneRun(pair: Pair, fault: Fault, knownCall: number): Promise<{ readonly run: FaultRun; readonly lastCallNumber: number }> {
  const { active, standby } = await steadyRoles(pair);
  const { caller } = pair;
  if (caller === null) throw new Error("no caller runs");
  const before = await lastCall(pair, knownCall);
  const agents = [agentOf(pair, active), agentOf(pair, standby)] as const;
  const logs = { active: tailOf(agents[0].logFile), standby: tailOf(agents[1].logFile) };
  await randomMoment();
  const waitedBefore = agents.map(({ pid }) => waitedMsOf(pid));
  const movesBefore = pair.moves.length;

  const faultAtWallMs = Date.now();
  const faultAtMs = monotonicMs();
  await fault.strike(pair, active);

  await waitUntil(`packets to follow the address to ${standby}`, () => pair.moves.length > movesBefore, MOVED_WITHIN_MS);
  const waitedMs = agents.flatMap(({ pid }, index) => {
    const [then, now] = [waitedBefore[index], waitedMsOf(pid)];
    return then === null || then === undefined || now === null ? [] : [now - then];
  });
  await waitUntil(`an answer by ${standby}`, async () => {
    await pause(LOOK_EVERY_MS);
    return caller.answers.at(-1)?.node === standby;
  }, ANSWERED_WITHIN_MS);
  const calls = await callsAfter(pair, before);
  const claim = calls.find((call) => isClaim(call));
  if (claim === undefined) throw new Error("the address moved without a claim");
  const outage = caller.report({ sinceMs: faultAtMs - 1_000, outageOverMs: 0 }).outages.find((each) => (each.endMs ?? Infinity) > faultAtMs && each.after === standby);
  if (outage === undefined) throw new Error(`the caller saw no change to ${standby}`);
  const sentMs = claim.receivedAtWallMs - faultAtWallMs;
  const marks = fault.marks({ active: logs.active(), standby: logs.standby() }, active, faultAtMs);
  const run: FaultRun = { sentMs, outageMs: outage.lengthMs, marks: { ...marks, "AssociateAddress has arrived at EC2": sentMs, "the caller is answered": (outage.endMs ?? faultAtMs) - faultAtMs }, waitedMs, load: loadavg()[0] ?? 0 };
  await fault.mend(pair, active);
  return { run, lastCallNumber: calls.at(-1)?.number ?? before };
}

/** The marks of all runs, by name, in the order in which they usually come. */
export function partsOf(runs: readonly FaultRun[]): readonly Part[] {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.marks)))];
  return names.map((name) => ({ name, samples: runs.flatMap((run) => run.marks[name] ?? []) }));
}

/** What the machine had to do with it, in a sentence or two. */
export function disturbance(runs: readonly FaultRun[], sampleOf: (run: FaultRun) => number): string {
  const waited = runs.flatMap((run) => run.waitedMs);
  const calm = runs.filter((run) => run.waitedMs.every((ms) => ms <= DISTURBED_MS));
  const worst = waited.length === 0 ? 0 : Math.max(...waited);
  const said = `The agents were ready to run and had no core for at most ${Math.round(worst)} ms of a run; 1-minute load ${runs.length === 0 ? "-" : `${Math.min(...runs.map((run) => run.load)).toFixed(1)} to ${Math.max(...runs.map((run) => run.load)).toFixed(1)}`}.`;
  if (calm.length === runs.length || calm.length === 0) return said;
  return `${said} In ${runs.length - calm.length} of ${runs.length} runs an agent waited more than ${DISTURBED_MS} ms; without those runs the maximum is ${Math.round(Math.max(...calm.map(sampleOf)))} ms.`;
}
