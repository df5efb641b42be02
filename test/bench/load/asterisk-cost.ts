/** What our probes cost an Asterisk that carries many calls: its share of a core with the agents and without them, in turns. */
import type { NodeName } from "../../support/lab/addresses.ts";
import { openPair, type Pair } from "../../support/lab/pair.ts";
import { CALL_APP, callsOn, startCallApp, startCallLoad } from "../call-load.ts";
import { agentOf, pause } from "../fault-pair.ts";
import type { Bench } from "../figure.ts";
import { cpuSecondsOf } from "../proc.ts";

export const CALLS = 1_000;
const ROUNDS = 4;
const SECONDS = 15;
/** After the agents' start or end, until what it caused is over. */
const SETTLE_MS = 8_000;
const ACTIVE: NodeName = "node-a";
/** The reads that cost are those that grow with the calls; the settings are the defaults. */
export const LOAD_KNOBS = { STASIS_APPS: CALL_APP, LOG_LEVEL: "info" } as const;

export interface AsteriskCost {
  /** Share of a core (%), a round each. */
  readonly without: readonly number[];
  readonly with: readonly number[];
  /** Of the active's agent itself in the same rounds. */
  readonly agent: readonly number[];
  readonly moves: number;
  /** Calls that were up at the end. */
  readonly callsLeft: number;
}

export async function asteriskCost(bench: Bench): Promise<AsteriskCost> {
  await bench.release();
  const pair = await openPair({ knobs: LOAD_KNOBS });
  try {
    for (const node of pair.nodes.keys()) await startCallApp(pair, node);
    await pair.caller?.stop();
    pair.caller = null;
    bench.say(`putting ${CALLS} calls on ${ACTIVE}`);
    const load = await startCallLoad(pair, ACTIVE, CALLS);
    const cost = await inTurns(pair, bench);
    const callsLeft = await callsOn(pair, ACTIVE);
    await load.stop();
    return { ...cost, moves: pair.moves.length, callsLeft };
  } finally {
    await pair.close();
  }
}

async function inTurns(pair: Pair, bench: Bench): Promise<Pick<AsteriskCost, "without" | "with" | "agent">> {
  const shares = { without: [] as number[], with: [] as number[], agent: [] as number[] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    await pause(SETTLE_MS);
    shares.without.push((await sharesOf([pair.node(ACTIVE).asterisk.pid]))[0] ?? 0);
    for (const node of pair.nodes.keys()) await pair.startAgent(node);
    await pair.steady(ACTIVE);
    await pause(SETTLE_MS);
    const [asterisk = 0, agent = 0] = await sharesOf([pair.node(ACTIVE).asterisk.pid, agentOf(pair, ACTIVE).pid]);
    shares.with.push(asterisk);
    shares.agent.push(agent);
    for (const node of pair.nodes.keys()) await agentOf(pair, node).end();
    bench.say(`round ${round}/${ROUNDS}: Asterisk ${shares.without.at(-1)?.toFixed(2) ?? ""} % without, ${asterisk.toFixed(2)} % with the agents; the active's agent ${agent.toFixed(2)} %`);
  }
  return shares;
}

/** How much of a core each process takes (%), over SECONDS. */
async function sharesOf(pids: readonly number[]): Promise<readonly number[]> {
  const before = await Promise.all(pids.map(cpuSecondsOf));
  const startedAtMs = performance.now();
  await pause(SECONDS * 1_000);
  const after = await Promise.all(pids.map(cpuSecondsOf));
  const elapsedS = (performance.now() - startedAtMs) / 1_000;
  return after.map((seconds, index) => ((seconds - (before[index] ?? seconds)) / elapsedS) * 100);
}
