/**
 * One run: both nodes whole and the address on the first, one contender steady on them, one fault, what the caller saw of
 * it, the mending, and what was left. The contenders take turns, so that whatever else the machine does falls on both.
 */
import { loadavg } from "node:os";
import { monotonicMs } from "../../support/lab/clock.ts";
import type { NodeName } from "../../support/lab/addresses.ts";
import { startCaller, type Caller } from "../../support/lab/caller.ts";
import { ALLOCATION, instanceOf, type Pair } from "../../support/lab/pair.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { pause, randomMoment } from "../fault-pair.ts";
import type { Contender } from "./contender.ts";
import type { RivalFault, Scene } from "./rival-faults.ts";

/** The pair's own delays of EC2 (pair.ts): a call that changes something, a read, and packets that follow a move. */
const MUTATE_MS = 300;
const READ_MS = 50;
/** A caller that was not answered by then is not served by this failover at all. */
export const RECOVERED_WITHIN_MS = 30_000;
export const SERVED_AGAIN_WITHIN_MS = 10_000;
const STEADY_WITHIN_MS = 120_000;
/** After the mending: long enough for a fail-back or a second thought, which take VRRP less than 4 s. */
const SETTLE_MS = 7_000;
const LOOK_EVERY_MS = 250;
const FIRST: NodeName = "node-a";

export interface RivalRun {
  readonly contender: string;
  readonly fault: string;
  /** The longest time without an answer; null when the service did not come back by itself. */
  readonly outageMs: number | null;
  readonly needlessMoves: number;
  /** At the end, all mended: the node that holds the address is not (alone) the one that takes itself for active. */
  readonly askew: boolean;
  /** At the end, all mended: the caller is still not answered. */
  readonly stranded: boolean;
  readonly load: number;
}

/** Sets the scene, runs the fault, and reports. Rejects when the contender did not become steady. */
export async function rivalRun(pair: Pair, contender: Contender, fault: RivalFault): Promise<RivalRun> {
  const scene: Scene = { pair, contender, calmAws: () => calmAws(pair), holder: () => pair.lab.eipTarget ?? FIRST };
  await setScene(pair);
  const caller = await startCaller(pair.lab, { perSecond: 20 });
  try {
    for (const node of pair.nodes.keys()) await contender.start(pair, node);
    await waitUntil(`${contender.name} to be steady`, () => gently(() => contender.isSteady(pair, FIRST)), STEADY_WITHIN_MS);
    await caller.answeredBy(FIRST, STEADY_WITHIN_MS);
    return await underFault(scene, fault, caller);
  } finally {
    await contender.stop();
    await caller.stop();
  }
}

async function underFault(scene: Scene, fault: RivalFault, caller: Caller): Promise<RivalRun> {
  const { pair, contender } = scene;
  await randomMoment();
  const movesBefore = pair.moves.length;
  await fault.before?.(scene);
  const node = scene.holder();
  const load = loadavg()[0] ?? 0;
  const faultAtMs = monotonicMs();
  await fault.strike(scene, node);
  const second = fault.later?.(scene) ?? Promise.resolve();
  const recovered = fault.moves === 0 ? await pause(fault.lastsMs ?? 0).then(() => true) : await answeredAfter(caller, monotonicMs() + SURE_MS);
  const outageMs = recovered ? outageSince(caller, faultAtMs) : null;
  await second;
  await fault.mend(scene, node);
  await pause(SETTLE_MS);
  const stranded = !(await caller.answeredBy(null, SERVED_AGAIN_WITHIN_MS).then(() => true, () => false));
  const actives = await contender.actives(pair);
  const laterOutageMs = fault.moves === 0 ? outageSince(caller, faultAtMs) : outageMs;
  return {
    contender: contender.name, fault: fault.name, load, stranded,
    outageMs: stranded ? null : laterOutageMs,
    needlessMoves: Math.max(0, pair.moves.length - movesBefore - fault.moves),
    askew: actives.length !== 1 || actives[0] !== pair.lab.eipTarget,
  };
}

/** An answer that was under way when the fault came is none. */
const SURE_MS = 200;

/** Whether the caller is answered again within the time that is allowed. */
async function answeredAfter(caller: Caller, sinceMs: number): Promise<boolean> {
  return waitUntil("the caller to be answered again", () => gently(() => {
    const last = caller.answers.at(-1);
    return Promise.resolve(last !== undefined && last.sentAtMs > sinceMs);
  }), RECOVERED_WITHIN_MS).then(() => true, () => false);
}

function outageSince(caller: Caller, faultAtMs: number): number {
  return caller.report({ sinceMs: faultAtMs - 1_000 }).longestGapMs;
}

/** Looking often would slow down what is looked at. */
async function gently<T>(look: () => Promise<T>): Promise<T> {
  await pause(LOOK_EVERY_MS);
  return look();
}

async function calmAws(pair: Pair): Promise<void> {
  await pair.aws("clearFaults");
  for (const action of ["AssociateAddress", "CreateTags"]) await pair.aws("addFault", { action, delayBeforeMs: MUTATE_MS });
  await pair.aws("addFault", { action: "DescribeAddresses", delayBeforeMs: READ_MS });
}

async function setScene(pair: Pair): Promise<void> {
  await pair.caller?.stop();
  pair.caller = null;
  await pair.lab.heal();
  await calmAws(pair);
  for (const { asterisk } of pair.nodes.values()) {
    if (asterisk.running()) asterisk.cont();
    else await asterisk.start();
  }
  for (const { asterisk } of pair.nodes.values()) await asterisk.waitBooted(60_000);
  if (pair.lab.eipTarget !== FIRST) await pair.aws("placeAddress", ALLOCATION, { instanceId: instanceOf(FIRST) });
  await waitUntil(`the address on ${FIRST}`, () => pair.lab.eipTarget === FIRST, 30_000);
}
