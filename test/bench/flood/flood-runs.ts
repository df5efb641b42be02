/**
 * Floods the active's heartbeat port from another network, one kind after the other with a calm stretch before each, and
 * takes from both agents' own logs how far apart the good heartbeats came in. The attacker shares the machine's cores
 * with the nodes, which no attacker on the Internet does; it runs at the lowest priority for that reason.
 */
import { join } from "node:path";
import { z } from "zod";
import { KNOBS } from "../../../agent/knobs.ts";
import { ELASTIC_IP, type NodeName } from "../../support/lab/addresses.ts";
import type { Pair } from "../../support/lab/pair.ts";
import { REPOSITORY } from "../../support/lab/roots.ts";
import { agentOf, faultPair, pause, steadyRoles } from "../fault-pair.ts";
import type { Bench } from "../figure.ts";
import { tailOf, type LogLine } from "../log-tail.ts";
import { cpuSecondsOf, memoryOf } from "../proc.ts";

/** In the order in which they are made; `calm` is the same measurement without an attacker. */
const FLOODS = ["calm", "handshakes", "trickle", "huge"] as const;
export type Flood = (typeof FLOODS)[number];

const SECONDS = 15;
const PORT = 8090;
const LOWEST_PRIORITY = 19;

const reportSchema = z.object({ connections: z.number(), established: z.number(), refused: z.number(), bytes: z.number(), seconds: z.number() });

export type AttackReport = z.infer<typeof reportSchema>;

export interface FloodRun {
  readonly flood: Flood;
  /** How much longer than the interval each gap between two heartbeats was (ms), at both agents; 0 for those in time. */
  readonly delaysMs: readonly number[];
  readonly moves: number;
  /** Of the attacker; null in the calm. */
  readonly did: AttackReport | null;
  /** Of the attacked agent: the share of a core, and the memory at the end (MB). */
  readonly cpu: number;
  readonly resident: number;
}

export async function floodRuns(bench: Bench): Promise<readonly FloodRun[]> {
  const pair = await faultPair(bench);
  const { active } = await steadyRoles(pair);
  const runs: FloodRun[] = [];
  for (const flood of FLOODS) {
    const run = await oneFlood(pair, active, flood);
    bench.say(`flood ${flood}: heartbeats late by at most ${Math.round(Math.max(...run.delaysMs))} ms, ${run.moves} moves, attacked agent ${run.cpu.toFixed(1)} % of a core, ${run.resident.toFixed(0)} MB${run.did === null ? "" : `; ${Math.round(run.did.connections / run.did.seconds)} connections a second`}`);
    runs.push(run);
  }
  return runs;
}

async function oneFlood(pair: Pair, active: NodeName, flood: Flood): Promise<FloodRun> {
  const agents = [...pair.nodes.keys()].map((name) => agentOf(pair, name));
  const { pid } = agentOf(pair, active);
  const logs = agents.map(({ logFile }) => tailOf(logFile));
  const movesBefore = pair.moves.length;
  const cpuBefore = await cpuSecondsOf(pid);
  const startedAtMs = performance.now();
  const did = flood === "calm" ? await pause(SECONDS * 1_000).then(() => null) : await attack(pair, flood, SECONDS);
  const cpu = (((await cpuSecondsOf(pid)) - cpuBefore) / ((performance.now() - startedAtMs) / 1_000)) * 100;
  return { flood, delaysMs: logs.flatMap((log) => delaysOf(log())), moves: pair.moves.length - movesBefore, did, cpu, resident: memoryOf(pid).resident };
}

/** Resolves when the attacker has had its time, with what it did. */
export async function attack(pair: Pair, flood: Flood, seconds: number): Promise<AttackReport> {
  let told = "";
  const attacker = await pair.lab.spawn("caller", "nice", ["-n", String(LOWEST_PRIORITY), process.execPath, "--import", "tsx", join(REPOSITORY, "test/bench/flood/attacker-main.ts"), flood, ELASTIC_IP, String(PORT), String(seconds)], { name: `attacker-${flood}`, onLine: (line) => { told = line; } });
  await attacker.exited;
  if (told === "") throw new Error(`the attacker said nothing:\n${attacker.log()}`);
  return reportSchema.parse(JSON.parse(told));
}

/** How late each heartbeat was, compared with the one before it from the same member. */
export function delaysOf(lines: readonly LogLine[]): readonly number[] {
  const heard = lines.filter((line) => line.event === "heartbeat-received");
  return heard.slice(1).map((line, index) => Math.max(0, line.monoMs - (heard[index]?.monoMs ?? line.monoMs) - KNOBS.HEARTBEAT_INTERVAL_MS.default));
}
