/**
 * Watches a pair whose active carries a thousand calls, with default settings: what the roster of calls (promise N3) costs Asterisk, the
 * agents and the link. In one run, minute by minute, the active's agent is there with its roster, there without listing calls, and away.
 */
import { setTimeout as after } from "node:timers/promises";
import { openPair, type Pair } from "../support/lab/pair.ts";
import { runSipp } from "../support/lab/sipp.ts";
import { waitUntil } from "../support/wait-until.ts";
import { agentOf } from "./fault-pair.ts";
import type { Bench } from "./figure.ts";
import { cpuPressureMs, cpuSecondsOf } from "./proc.ts";

const CALLS_HELD = 1_000;
/** Beside those that are held, so many calls a second begin and end: without any the link would have nothing to tell. */
const TURNOVER_PER_SECOND = 5;
const TURNOVER_LASTS_MS = 4_000;
const SET_UP_PER_SECOND = 25;
/** After a start of the agent, until its caches are warm and the peer has the whole roster. */
const WARM_UP_MS = 20_000;
const WINDOW_MS = 60_000;
const LINK_READ_EVERY_MS = 1_000;
const MINUTES_A_ROUND = 3;
const LISTED_NEVER = { ROSTER_INTERVAL_MS: "600000" };

/** A call to 200 is answered and stays until the caller ends it. */
const DIALPLAN = `[incoming]
exten => 200,1,Answer()
 same => n,Wait(7200)
 same => n,Hangup()
`;

/** What the active's agent does in a minute. */
export type Doing = "roster" | "no listing" | "away";
const ROUND: readonly Doing[] = ["roster", "no listing", "away"];

/** One minute; shares of a core in percent, the link in bytes a second (TCP's payload, TLS included, both directions of both connections). */
export interface RosterWindow {
  readonly doing: Doing;
  readonly asterisk: number;
  /** null while it is away. */
  readonly active: number | null;
  readonly standby: number;
  readonly link: number | null;
  /** How many connections there were between the agents, one after the other: without a fault two, one each way. */
  readonly connections: number;
  readonly calls: number;
}

export interface RosterLoad {
  readonly windows: readonly RosterWindow[];
  /** How much of the time anything on the machine waited for a core (%); null where the kernel doesn't tell. */
  readonly pressure: number | null;
}

/** Measured once for all figures of the roster. */
export const rosterPair = (bench: Bench): Promise<RosterLoad> => bench.once("roster pair", () => measureRoster(bench));

/** The values of one column in the minutes of one kind. */
export function valuesOf(load: RosterLoad, doing: Doing, column: "asterisk" | "active" | "standby" | "link"): readonly number[] {
  return load.windows.filter((window) => window.doing === doing).flatMap((window) => window[column] ?? []);
}

export function rosterNote({ windows, pressure }: RosterLoad): string {
  const calls = windows.map((window) => window.calls);
  const waited = pressure === null ? "" : ` Something on the machine, SIPp included, waited for a core ${pressure.toFixed(0)} % of the time.`;
  return `Default settings; ${CALLS_HELD} calls held by SIPp through the Elastic IP without media, and ${TURNOVER_PER_SECOND} a second that begin and end (${Math.min(...calls)} to ${Math.max(...calls)} calls at the minutes' ends). In turn, a minute each: with the roster, with an agent that lists calls never (ROSTER_INTERVAL_MS at its maximum), without an agent.${waited}`;
}

async function measureRoster(bench: Bench): Promise<RosterLoad> {
  await bench.release();
  const rounds = Math.max(1, Math.floor(bench.minutes / MINUTES_A_ROUND));
  bench.say(`opening a pair for ${CALLS_HELD} calls, ${rounds} rounds of ${MINUTES_A_ROUND} min`);
  const pair = await openPair({ asteriskFiles: { "extensions_local.conf": DIALPLAN } });
  try {
    for (const name of pair.nodes.keys()) await pair.startAgent(name);
    await pair.steady("node-a");
    await pair.caller?.stop();
    pair.caller = null;
    await holdCalls(pair, rounds);
    const pressureBefore = cpuPressureMs();
    const startedAtMs = performance.now();
    const windows: RosterWindow[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      for (const doing of ROUND) {
        await bringAbout(pair, doing);
        const window = await watch(pair, doing);
        windows.push(window);
        bench.say(`roster ${round}/${rounds}, ${doing}: Asterisk ${window.asterisk.toFixed(2)} %, agents ${window.active?.toFixed(2) ?? "-"} and ${window.standby.toFixed(2)} %, link ${window.link?.toFixed(0) ?? "-"} B/s over ${window.connections} connection(s), ${window.calls} calls`);
      }
    }
    const pressureAfter = cpuPressureMs();
    return { windows, pressure: pressureBefore === null || pressureAfter === null ? null : ((pressureAfter - pressureBefore) / (performance.now() - startedAtMs)) * 100 };
  } finally {
    await pair.close();
  }
}

async function holdCalls(pair: Pair, rounds: number): Promise<void> {
  // Longer than all minutes and restarts together; SIPp ends with the lab.
  const lastMs = (rounds + 1) * ROUND.length * (WINDOW_MS + 2 * WARM_UP_MS);
  await runSipp(pair.lab, { service: "200", calls: CALLS_HELD, rate: SET_UP_PER_SECOND, timeoutMs: 2 * lastMs, args: ["-d", String(2 * lastMs), "-l", String(CALLS_HELD), "-p", "5071"] });
  await waitUntil(`${CALLS_HELD} calls`, async () => (await callsNow(pair)) >= CALLS_HELD, 3 * (CALLS_HELD / SET_UP_PER_SECOND) * 1_000);
  await runSipp(pair.lab, { service: "200", calls: 1_000_000, rate: TURNOVER_PER_SECOND, timeoutMs: 2 * lastMs, args: ["-d", String(TURNOVER_LASTS_MS), "-p", "5072"] });
}

async function callsNow(pair: Pair): Promise<number> {
  return Number(/^(\d+) active calls?$/m.exec(await pair.node("node-a").asterisk.cli("core show channels count"))?.[1] ?? 0);
}

async function bringAbout(pair: Pair, doing: Doing): Promise<void> {
  await pair.node("node-a").agent?.end(10_000);
  if (doing !== "away") {
    await pair.startAgent("node-a", doing === "roster" ? {} : LISTED_NEVER);
    await pair.steady("node-a");
  }
  await after(WARM_UP_MS);
}

async function watch(pair: Pair, doing: Doing): Promise<RosterWindow> {
  const pids = [pair.node("node-a").asterisk.pid, agentOf(pair, "node-b").pid, ...(doing === "away" ? [] : [agentOf(pair, "node-a").pid])];
  const linkBefore = await connectionBytes(pair);
  const link = new Map(linkBefore);
  const before = await Promise.all(pids.map(cpuSecondsOf));
  const startedAtMs = performance.now();
  // A connection that ends takes its counters along, so they are read every second.
  while (performance.now() - startedAtMs < WINDOW_MS) {
    await after(LINK_READ_EVERY_MS);
    for (const [connection, bytes] of await connectionBytes(pair)) link.set(connection, bytes);
  }
  const now = await Promise.all(pids.map(cpuSecondsOf));
  const elapsedS = (performance.now() - startedAtMs) / 1_000;
  const linkTotal = [...link].reduce((sum, [connection, bytes]) => sum + bytes - (linkBefore.get(connection) ?? 0), 0);
  const [asterisk = 0, standby = 0, active = null] = pids.map((_, index) => (((now[index] ?? 0) - (before[index] ?? 0)) / elapsedS) * 100);
  return { doing, asterisk, standby, active, link: doing === "away" ? null : linkTotal / elapsedS, connections: link.size, calls: await callsNow(pair) };
}

/** What has passed over each connection between the two agents since it was opened, as the kernel of the active's side counted it. */
async function connectionBytes(pair: Pair): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await pair.lab.run("node-a", "ss", ["-tinHO", "( sport = :8090 or dport = :8090 )"]);
  return new Map(stdout.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [, , , local = "", peer = ""] = line.trim().split(/\s+/);
    const bytes = [...line.matchAll(/\bbytes_(?:acked|received):(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
    return [`${local} ${peer}`, bytes] as const;
  }));
}
