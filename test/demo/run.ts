/** The course of one run: wait until the pair is steady, let the fault happen, watch until it is over, gather the facts. */
import { availableParallelism, loadavg } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { monotonicMs } from "../support/lab/clock.ts";
import { recordOf, type SeenStatus } from "./collect.ts";
import { FAULTS, type FaultName } from "./faults.ts";
import type { Progress } from "./progress.ts";
import { NODES, type DemoRecord, type NodeName } from "./record.ts";
import { waitingFor, type CallerView } from "./steady.ts";
import { awsToMonotonicMs, FIRST_ACTIVE, nodeOf, otherThan, type DemoWorld } from "./world.ts";

/** A pair that is not steady by then never will be, even on a slow machine (ms). */
const STEADY_WITHIN_MS = 60_000;
/** How long it must have been steady before the fault, so that the picture begins with calm (ms). */
const CALM_MS = 1_200;
const POLL_MS = 100;
/** A move is over when the caller has been answered again for so long (ms). */
const SETTLED_MS = 1_000;
/** Nothing happens: watched for so long at least, about three times what a claim would have needed (ms). */
const STAY_WATCH_MS = 6_000;
/** Watched at most (ms). */
const WATCH_MAX_MS = 20_000;
const ANSWERS_WITHIN_MS = 3_000;
const NANOSECONDS = 1e6;

const ACTIVE = FIRST_ACTIVE;
const STANDBY = otherThan(FIRST_ACTIVE);

export async function waitUntilSteady(world: DemoWorld, progress: Progress): Promise<void> {
  const giveUpAtMs = monotonicMs() + STEADY_WITHIN_MS;
  let steadySinceMs: number | null = null;
  for (;;) {
    const [active, standby] = await Promise.all([world.status(ACTIVE), world.status(STANDBY)]);
    const what = waitingFor(active, standby, callerView(world));
    const nowMs = monotonicMs();
    steadySinceMs = what === null ? (steadySinceMs ?? nowMs) : null;
    if (steadySinceMs !== null && nowMs - steadySinceMs >= CALM_MS) break;
    progress.waiting(what === null ? "waiting for a moment of calm" : `waiting for ${what}`);
    const died = world.obituaries();
    if (died.length > 0) throw new Error("a process that the demo needs has ended");
    if (nowMs >= giveUpAtMs) throw new Error(`the pair was not steady within ${STEADY_WITHIN_MS / 1_000} s; still waiting for ${what ?? "calm"}`);
    await pause(POLL_MS);
  }
  progress.done("the pair is steady: every channel is proven, the caller is answered");
}

/** The caller's last second. */
function callerView({ caller }: DemoWorld): CallerView {
  const sinceMs = monotonicMs() - 1_000;
  const last = caller.answers.at(-1);
  return { answeredBy: last !== undefined && last.atMs >= sinceMs ? last.node : null, lost: caller.report({ sinceMs }).lost };
}

export async function runFault(world: DemoWorld, fault: FaultName, progress: Progress): Promise<DemoRecord> {
  const lag = monitorEventLoopDelay({ resolution: 10 });
  const followedAtMs: number[] = [];
  const unfollow = world.aws.lab.onAddressMoved(() => followedAtMs.push(monotonicMs()));
  const callsBefore = world.aws.lab.calls().at(-1)?.number ?? 0;
  lag.enable();
  const faultAtMs = monotonicMs();
  world.inject(fault, ACTIVE);
  progress.done(`${fault}: ${FAULTS[fault].says(ACTIVE, STANDBY)}`);
  const statuses: SeenStatus[] = [];
  for (let over = false; !over; ) {
    await pause(POLL_MS);
    await look(world, statuses);
    const forMs = monotonicMs() - faultAtMs;
    over = forMs >= WATCH_MAX_MS || isOver(world, fault, statuses, forMs);
    progress.waiting("watching what happens");
  }
  lag.disable();
  unfollow();
  if (FAULTS[fault].expects.kind === "stay") await letAnswersArrive(world, faultAtMs);
  const endedAtMs = monotonicMs();
  const last = (node: NodeName): string | null => statuses.findLast((seen) => seen.node === node && endedAtMs - seen.atMs < 2_000)?.view.role ?? null;
  return recordOf({
    fault, active: ACTIVE, standby: STANDBY, faultAtMs, endedAtMs, statuses, followedAtMs, awsToMonotonicMs, nodeOf,
    logs: { "node-a": world.agentLog("node-a"), "node-b": world.agentLog("node-b") },
    calls: world.aws.lab.calls(callsBefore),
    moves: world.aws.lab.moves(),
    finalRoles: { "node-a": last("node-a"), "node-b": last("node-b") },
    report: world.caller.report({ sinceMs: faultAtMs }),
    answers: world.caller.answers,
    machine: { worstLagMs: Math.max(0, lag.max / NANOSECONDS - 10), load: loadavg()[0] ?? 0, processors: availableParallelism() },
  });
}

/** On a busy machine an answer may take its time; it is lost only when it never comes. */
async function letAnswersArrive({ caller }: DemoWorld, sinceMs: number): Promise<void> {
  for (const giveUpAtMs = monotonicMs() + ANSWERS_WITHIN_MS; caller.report({ sinceMs }).lost > 0 && monotonicMs() < giveUpAtMs; ) await pause(POLL_MS);
}

/** Both agents' status, as far as they answer. */
async function look(world: DemoWorld, statuses: SeenStatus[]): Promise<void> {
  await Promise.all(
    NODES.map(async (node) => {
      const view = await world.status(node);
      if (view !== null) statuses.push({ node, atMs: monotonicMs(), view });
    }),
  );
}

function isOver(world: DemoWorld, fault: FaultName, statuses: readonly SeenStatus[], forMs: number): boolean {
  const { expects } = FAULTS[fault];
  const role = (node: NodeName): string | undefined => statuses.findLast((seen) => seen.node === node)?.view.role;
  if (expects.kind === "stay") {
    const alarmed = statuses.some(({ node, view }) => node === STANDBY && view.conditions.some(({ name }) => expects.alarms.includes(name)));
    return forMs >= STAY_WATCH_MS && alarmed;
  }
  const answers = world.caller.answers.filter(({ node }) => node === STANDBY);
  const settled = answers.length > 0 && monotonicMs() - (answers[0]?.atMs ?? 0) >= SETTLED_MS;
  return settled && role(STANDBY) === "active" && (!expects.oldActiveLives || role(ACTIVE) === "standby");
}
