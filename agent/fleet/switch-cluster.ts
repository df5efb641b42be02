/**
 * One cluster's planned switchover from afar: Systems Manager runs the cluster's own document on its active, whose agents lead it;
 * EC2 says whether the address has moved. A stopped standby may be started first and waited for.
 */
import { AgentError } from "../errors.ts";
import { fleetRow, notReadyBecause, type FleetCluster, type FleetNode } from "../core/fleet.ts";
import type { FleetPort } from "../ports.ts";
import type { Acted } from "./roll.ts";

export interface SwitchOptions {
  /** As the document takes it: 0, 90s, 10m. */
  readonly drain: string;
  readonly drainMs: number;
  readonly startStopped: boolean;
  /** The pace of looking (ms). */
  readonly lookEveryMs: number;
  /** A started standby must be ready within this time (ms): boot, render, Asterisk, and a minute until its metrics show it. */
  readonly readyWithinMs: number;
  /** After the command has ended, EC2 must show the move within this time (ms). */
  readonly movedWithinMs: number;
  readonly tell: (line: string) => void;
  readonly nowMs: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

/** The document may take so much longer than its drain (ms): Systems Manager's own way, and the hand-over. */
const BEYOND_DRAIN_MS = 300_000;
const CALL_WITHIN_MS = 30_000;

const soon = (): AbortSignal => AbortSignal.timeout(CALL_WITHIN_MS);

export async function switchCluster(port: FleetPort, facts: FleetCluster, options: SwitchOptions): Promise<Acted> {
  try {
    return await attempt(port, facts, options);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { ok: false, says: `${error.message} (${error.code})` };
  }
}

async function attempt(port: FleetPort, facts: FleetCluster, options: SwitchOptions): Promise<Acted> {
  const active = facts.nodes.find(({ instanceId }) => instanceId === facts.holder);
  if (active === undefined) return { ok: false, says: `Refused: the address is on ${fleetRow(facts).active}, no node of this cluster.` };
  const standby = await readyStandby(port, facts, active, options);
  if ("says" in standby) return standby;
  options.tell(`${facts.cluster}: asks ${active.node} to hand over to ${standby.node}`);
  const commandId = await port.askSwitchover(facts.cluster, active.instanceId, options.drain, soon());
  const ended = await until(options, options.drainMs + BEYOND_DRAIN_MS, async () => {
    const state = await port.commandState(commandId, active.instanceId, soon());
    return state.ended ? state : null;
  });
  if (ended === null) return { ok: false, says: `The command ${commandId} on ${active.node} has not ended in time; look at it in Systems Manager.` };
  if (!ended.ok) return { ok: false, says: lastLine(ended.says) };
  const holder = await until(options, options.movedWithinMs, async () => {
    const now = await port.holder(facts.allocationId, soon());
    return now !== active.instanceId && facts.nodes.some(({ instanceId }) => instanceId === now) ? now : null;
  });
  if (holder === null) return { ok: false, says: `The node says that it is done, but EC2 does not show the address on another node: ${lastLine(ended.says)}` };
  return { ok: true, says: `The address is on ${facts.nodes.find(({ instanceId }) => instanceId === holder)?.node ?? holder}.` };
}

/** The standby that is ready, or made ready; else why there is none. */
async function readyStandby(port: FleetPort, facts: FleetCluster, active: FleetNode, options: SwitchOptions): Promise<FleetNode | Acted> {
  const standbys = facts.nodes.filter((node) => node !== active);
  const ready = standbys.find((node) => notReadyBecause(node) === null);
  if (ready !== undefined) return ready;
  const stopped = standbys.find(({ state }) => state === "stopped");
  if (stopped === undefined) return { ok: false, says: `Refused: ${standbys.map((node) => `${node.node}: ${notReadyBecause(node) ?? ""}`).join("; ") || "there is no standby"}.` };
  if (!options.startStopped) return { ok: false, says: `Refused: ${stopped.node}'s instance is stopped; --start-stopped starts it first.` };
  options.tell(`${facts.cluster}: starts ${stopped.node} (${stopped.instanceId})`);
  await port.start(stopped.instanceId, soon());
  const started = await until(options, options.readyWithinMs, async () => {
    const now = (await port.clusters(soon())).find(({ cluster }) => cluster === facts.cluster);
    const node = now?.nodes.find(({ instanceId }) => instanceId === stopped.instanceId);
    return node !== undefined && notReadyBecause(node) === null ? node : null;
  });
  return started ?? { ok: false, says: `${stopped.node} was started and did not become ready in time. It is left running.` };
}

async function until<T>({ lookEveryMs, nowMs, wait }: SwitchOptions, withinMs: number, look: () => Promise<T | null>): Promise<T | null> {
  const giveUpAtMs = nowMs() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== null || nowMs() >= giveUpAtMs) return seen;
    await wait(lookEveryMs);
  }
}

/** The sentence with which a command ended. */
function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
