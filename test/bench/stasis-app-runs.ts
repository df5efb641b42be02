/** The Stasis app under load, measured once for its figures: one node with a real Asterisk, agent and MariaDB; SIPp is whom it calls. */
import { setTimeout as after } from "node:timers/promises";
import { openPair, type Pair } from "../support/lab/pair.ts";
import { startCallees, type Callees } from "../support/stasis-app/callee.ts";
import { CARRIER_FILES, LabApp, prepareApps, SHORT } from "../support/stasis-app/lab-app.ts";
import { waitUntil } from "../support/wait-until.ts";
import type { Bench } from "./figure.ts";
import { cpuSecondsOf } from "./proc.ts";

const CALLS = 200;
const SINGLE_CALLS = 20;
const CROWD = 600;
const HOLD_MS = 20_000;
const WATCHED_MS = 8_000;

const CAMPAIGN = {
  campaign: "bench", trunk: "carrier", ringSeconds: 20, maxCallSeconds: 120, pacing: { callsPerSecond: 100, concurrent: 1_000 },
  menu: { start: "ask", nodes: { ask: { type: "gather", media: [SHORT], firstDigitMs: 60_000, choices: { 1: "bye" }, exhausted: "bye" }, bye: { type: "goodbye", media: [SHORT] } } },
};

export interface StasisAppRun {
  /** From POST /dial to the INVITE at the callee, one call at a time (ms). */
  readonly toInviteMs: readonly number[];
  /** From the key's event to Asterisk's answer to what it led to (ms). */
  readonly reactionsMs: readonly number[];
  /** From the first POST until two hundred calls were up (ms). */
  readonly setUpMs: number;
  /** With two hundred calls up: the app's share of a core (%), Asterisk's, and the app's memory (MB). */
  readonly cpu: number;
  readonly asteriskCpu: number;
  readonly memory: number;
  readonly crowd: CrowdRun;
}

/** Six hundred calls asked for at once. */
interface CrowdRun {
  /** The most that were up at the same moment. */
  readonly mostAtOnce: number;
  /** Calls that did not go the whole way: dialled once, answered, through the menu. */
  readonly spoiled: number;
  /** From the key's event to Asterisk's answer, of these calls (ms). */
  readonly reactionsMs: readonly number[];
}

export const CALLS_AT_ONCE = CALLS;
export const CALLS_OF_CROWD = CROWD;

/** Measured once for all figures of the app. */
export const stasisAppRun = (bench: Bench): Promise<StasisAppRun> => bench.once("stasis app", () => run(bench));

async function run(bench: Bench): Promise<StasisAppRun> {
  await bench.release();
  bench.say(`the Stasis app: ${SINGLE_CALLS} single calls, then ${CALLS} at once`);
  const pair = await openPair({ database: true, asteriskFiles: CARRIER_FILES, knobs: { STASIS_APPS: "callcenter" } });
  try {
    const app = new LabApp(pair, "node-a");
    await app.start(await prepareApps(pair, CAMPAIGN), { APP_TRUNK_LIMITS: "carrier=100/1000" });
    for (const name of pair.nodes.keys()) await pair.startAgent(name);
    await waitUntil("the app to be active", async () => (await app.status()).role === "active", 60_000);
    await pair.caller?.stop();
    pair.caller = null;
    const callees = await startCallees(pair.lab, HOLD_MS);
    return { toInviteMs: await singleCalls(app, callees), ...(await manyCalls(pair, app)), crowd: await crowdOf(pair, app) };
  } finally {
    await pair.close();
  }
}

const numberOf = (index: number): string => `+4930${200_000 + index}1`;

async function singleCalls(app: LabApp, callees: Callees): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < SINGLE_CALLS; index += 1) {
    const [[, sentAtMs] = [0, 0]] = await app.dialTimed([{ callId: `single-${index}`, phoneNumber: numberOf(index), campaignId: "bench" }]);
    const rung = await waitUntil("the INVITE", async () => (await callees.ledger()).find(({ what, number }) => what === "INVITE" && number === numberOf(index)), 10_000);
    times.push(rung.atMs - sentAtMs);
  }
  return times;
}

async function manyCalls(pair: Pair, app: LabApp): Promise<Omit<StasisAppRun, "toInviteMs" | "crowd">> {
  await waitUntil("the single calls to end", async () => (await app.status()).here === 0, 60_000);
  const startedAtMs = performance.now();
  await app.dial(Array.from({ length: CALLS }, (_, index) => ({ callId: `many-${index}`, phoneNumber: numberOf(1_000 + index), campaignId: "bench" })));
  await waitUntil(`${CALLS} calls to be up`, async () => ((await app.status()).figures?.up ?? 0) >= CALLS, 60_000);
  const setUpMs = performance.now() - startedAtMs;
  const asteriskPid = pair.node("node-a").asterisk.pid;
  const [appBefore, asteriskBefore] = [await app.status(), await cpuSecondsOf(asteriskPid)];
  const watchedFromMs = performance.now();
  await after(WATCHED_MS);
  const [appAfter, asteriskAfter] = [await app.status(), await cpuSecondsOf(asteriskPid)];
  const elapsedMs = performance.now() - watchedFromMs;
  await waitUntil("every key to be pressed", async () => (await app.status()).here === 0, 90_000);
  const { reactionsMs } = await app.status();
  return { reactionsMs, setUpMs, cpu: ((appAfter.cpuMs - appBefore.cpuMs) / elapsedMs) * 100, asteriskCpu: ((asteriskAfter - asteriskBefore) / (elapsedMs / 1_000)) * 100, memory: appAfter.rssBytes / 1e6 };
}

async function crowdOf(pair: Pair, app: LabApp): Promise<CrowdRun> {
  const before = (await app.status()).reactionsMs.length;
  let mostAtOnce = 0;
  await app.dial(Array.from({ length: CROWD }, (_, index) => ({ callId: `crowd-${index}`, phoneNumber: numberOf(10_000 + index), campaignId: "bench" })));
  await waitUntil("the crowd to have been up", async () => {
    const { figures, reactionsMs } = await app.status();
    mostAtOnce = Math.max(mostAtOnce, figures?.up ?? 0);
    return figures !== null && figures.queued + figures.dialling + figures.up === 0 && reactionsMs.length > before;
  }, 180_000);
  const [spoiled = ""] = (await pair.database?.sql("SELECT COUNT(*) FROM app_calls WHERE call_id LIKE 'crowd-%' AND (result <> 'answered' OR attempts <> 1)")) ?? [];
  return { mostAtOnce, spoiled: Number(spoiled), reactionsMs: (await app.status()).reactionsMs.slice(before) };
}
