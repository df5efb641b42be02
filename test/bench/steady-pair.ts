/** Watches a pair in which nothing happens, with default settings and nothing else running: what the agents cost. */
import { setTimeout as after } from "node:timers/promises";
import { openPair, type Pair } from "../support/lab/pair.ts";
import type { CallRecord } from "../support/aws/aws-lab.ts";
import { agentOf, callsAfter, isDryRun } from "./fault-pair.ts";
import type { Bench } from "./figure.ts";
import { cpuPressureMs, cpuSecondsOf, memoryOf, type Memory } from "./proc.ts";
import { lagInWords, worstLagMs } from "./published-lag.ts";

/** After the start, until caches are warm and the first canary calls are over. */
const WARM_UP_MS = 20_000;
const MINUTE_MS = 60_000;

export interface SteadyAgent {
  readonly role: string;
  /** At the end of each minute. */
  readonly memory: readonly Memory[];
  /** Share of a core in each minute (%). */
  readonly cpu: readonly number[];
  /** What this agent asked of AWS in the minutes that were measured. */
  readonly calls: readonly CallRecord[];
  /** All its dry runs of a claim since its start: the first comes with the start. */
  readonly dryRunsAtMs: readonly number[];
}

export interface Steady {
  readonly minutes: number;
  readonly agents: readonly SteadyAgent[];
  /** How much of the time anything on the machine waited for a core (%); null where the kernel doesn't tell. */
  readonly pressure: number | null;
  /** The worst event-loop lag that the agents published; null when they published nothing. */
  readonly lagMs: number | null;
}

/** Measured once for all figures of a steady pair. */
export const steadyPair = (bench: Bench): Promise<Steady> => bench.once("steady pair", () => watchSteadyPair(bench));

async function watchSteadyPair(bench: Bench): Promise<Steady> {
  await bench.release();
  bench.say(`watching a steady pair for ${bench.minutes} min`);
  const pair = await openPair();
  try {
    for (const name of pair.nodes.keys()) await pair.startAgent(name);
    await pair.steady("node-a");
    await pair.caller?.stop();
    pair.caller = null;
    await after(WARM_UP_MS);
    return await watch(pair, bench);
  } finally {
    await pair.close();
  }
}

async function watch(pair: Pair, bench: Bench): Promise<Steady> {
  const names = [...pair.nodes.keys()];
  const pids = names.map((name) => agentOf(pair, name).pid);
  const memory: Memory[][] = names.map(() => []);
  const cpu: number[][] = names.map(() => []);
  const before = await callsAfter(pair, 0);
  const last = before.at(-1)?.number ?? 0;
  const pressureBefore = cpuPressureMs();
  const startedAtMs = performance.now();
  const startedAtWallMs = Date.now();
  let seconds = await Promise.all(pids.map(cpuSecondsOf));
  let sinceMs = performance.now();
  for (let minute = 1; minute <= bench.minutes; minute += 1) {
    await after(Math.max(0, startedAtMs + minute * MINUTE_MS - performance.now()));
    const now = await Promise.all(pids.map(cpuSecondsOf));
    const elapsedS = (performance.now() - sinceMs) / 1_000;
    pids.forEach((pid, index) => {
      memory[index]?.push(memoryOf(pid));
      cpu[index]?.push((((now[index] ?? 0) - (seconds[index] ?? 0)) / elapsedS) * 100);
    });
    seconds = now;
    sinceMs = performance.now();
    bench.say(`steady ${minute}/${bench.minutes} min: CPU ${cpu.map((each) => each.at(-1)?.toFixed(2)).join(" and ")} %, RSS ${memory.map((each) => each.at(-1)?.resident.toFixed(1)).join(" and ")} MB`);
  }
  const pressureAfter = cpuPressureMs();
  const pressure = pressureBefore === null || pressureAfter === null ? null : ((pressureAfter - pressureBefore) / (performance.now() - startedAtMs)) * 100;
  const during = await callsAfter(pair, last);
  const views = await Promise.all(names.map((name) => pair.status(name)));
  const agents = names.map((name, index): SteadyAgent => {
    const own = (call: CallRecord): boolean => call.caller.toLowerCase().endsWith(name.replace("-", ""));
    const dryRuns = [...before, ...during].filter((call) => own(call) && call.action === "AssociateAddress" && isDryRun(call));
    return { role: views[index]?.role ?? "unknown", memory: memory[index] ?? [], cpu: cpu[index] ?? [], calls: during.filter(own), dryRunsAtMs: dryRuns.map((call) => call.receivedAtWallMs) };
  });
  return { minutes: bench.minutes, agents, pressure, lagMs: await worstLagMs(pair, startedAtWallMs) };
}

/** What else the machine was doing, in a sentence. */
export function steadyNote({ minutes, pressure, agents, lagMs }: Steady): string {
  return `An idle pair (${agents.map(({ role }) => role).join(" and ")}) with default settings, no calls, watched for ${minutes} min.${pressure === null ? "" : ` Something on the machine waited for a core ${pressure.toFixed(0)} % of that time.`} ${lagInWords(lagMs)}`;
}
