/**
 * One pair in the lab on which faults are made one after the other: the standby of one run is the active of the next.
 * The waiting in between is done gently, so that asking does not slow down what is measured.
 */
import { waitUntil } from "../support/wait-until.ts";
import type { CallRecord } from "../support/aws/aws-lab.ts";
import { startCaller } from "../support/lab/caller.ts";
import type { NodeName } from "../support/lab/addresses.ts";
import { openPair, type Pair } from "../support/lab/pair.ts";
import type { LabProcess } from "../support/lab/process.ts";
import { FAULT_KNOBS } from "./lab-knobs.ts";
import type { Bench } from "./figure.ts";

/** Each look at both agents' status costs two processes: a busy machine must not be made busier. */
const LOOK_EVERY_MS = 300;
const READY_WITHIN_MS = 90_000;
/** After the last look, so that its processes are gone when the fault comes. */
const QUIET_MS = 1_000;
/** The fault falls anywhere between two probes, which are this far apart; heartbeats are closer. */
const PHASE_MS = 1_000;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The pair for faults, opened once. Its agents run with FAULT_KNOBS. */
export function faultPair(bench: Bench): Promise<Pair> {
  return bench.resource("fault pair", async () => {
    bench.say("opening a pair for the faults");
    const pair = await openPair({ knobs: FAULT_KNOBS });
    try {
      for (const name of pair.nodes.keys()) await pair.startAgent(name);
      await pair.steady("node-a");
    } catch (error) {
      await pair.close();
      throw error;
    }
    return pair;
  });
}

/** The agent's process. Throws when none was ever started. */
export function agentOf(pair: Pair, name: NodeName): LabProcess {
  const { agent } = pair.node(name);
  if (agent === null) throw new Error(`no agent on ${name}`);
  return agent;
}

/** A caller of its own for each series: one caller's answers add up, and searching them costs time. */
export async function freshCaller(pair: Pair): Promise<void> {
  await pair.caller?.stop();
  pair.caller = await startCaller(pair.lab, { perSecond: 20 });
}

export interface Roles {
  readonly active: NodeName;
  readonly standby: NodeName;
}

/** Resolves when a fault would find everything as it is most of the time; says who is active and who would take over. */
export async function steadyRoles(pair: Pair): Promise<Roles> {
  return waitUntil("one active, and a standby that is ready to take over", async () => {
    await pause(LOOK_EVERY_MS);
    const views = await Promise.all([...pair.nodes.keys()].map((name) => pair.status(name)));
    const active = views.find((view) => view.role === "active");
    const standby = views.find((view) => view.role === "standby");
    if (active === undefined || standby === undefined) return false;
    const heard = views.every((view) => view.health?.serving === "serving" && view.members.every((member) => member.hearing === "heard"));
    const watched = standby.votes?.own.channels.every((channel) => channel.proven && channel.verdict === "up") === true;
    if (!heard || !watched || standby.policy.holdDownLeftMs > 0 || standby.claim !== null) return false;
    return { active: nameOf(pair, active.node), standby: nameOf(pair, standby.node) };
  }, READY_WITHIN_MS);
}

function nameOf(pair: Pair, id: string): NodeName {
  const name = [...pair.nodes.keys()].find((each) => each === id);
  if (name === undefined) throw new Error(`${id} is no node of this lab`);
  return name;
}

/** Lets the machine come to rest after the looking, and ends at a random moment between two probes. */
export function randomMoment(): Promise<void> {
  return pause(QUIET_MS + Math.random() * PHASE_MS);
}

/** Number of the last call that has reached the embedded AWS. */
export async function lastCall(pair: Pair, after: number): Promise<number> {
  return (await callsAfter(pair, after)).at(-1)?.number ?? after;
}

export async function callsAfter(pair: Pair, after: number): Promise<readonly CallRecord[]> {
  return (await pair.aws("calls", after)) as CallRecord[];
}

/** Whether a call is the real claim, and not its rehearsal. */
export function isClaim(call: CallRecord): boolean {
  return call.action === "AssociateAddress" && !isDryRun(call);
}

export function isDryRun(call: CallRecord): boolean {
  const flag = call.parameters["DryRun"] ?? call.parameters["dryRun"];
  return flag === true || flag === "true";
}
