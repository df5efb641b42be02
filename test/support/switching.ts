/** A planned failover from node-b to node-a, taken to any of its stages without a world around it. */
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { State } from "../../agent/core/state.ts";
import { advanceSwitchover, beginSwitchover, foldCount, type SwitchoverRequest } from "../../agent/core/switchover.ts";
import { believed, sampleConfig, sampleHeartbeat, sampleMember, sampleStandby } from "../simulation/core-samples.ts";

export const AT_MS = 10_000;
export const config: CoreConfig = sampleConfig();
export const request: SwitchoverRequest = { id: "00000000000000d1", to: "node-a", drainMs: 60_000, reason: "new kernel", dryRun: false };

/** node-b as a healthy active beside node-a, a standby that may claim. */
export function sampleActive(peer: Partial<Heartbeat> = {}, over: Partial<State> = {}): State {
  const standby = sampleStandby(AT_MS, config);
  const ownership = believed(standby.ownership, { kind: "node", node: "node-b" });
  const heartbeat = sampleHeartbeat({ role: "standby", holds: false, ...peer });
  return { ...standby, role: "active", ownership, evidence: { ...standby.evidence, target: null }, members: { "node-a": sampleMember(AT_MS, heartbeat) }, ...over };
}

/** The same a while later, with a heartbeat of node-a that has just come and answers our latest. */
export function later(state: State, byMs: number, peer: Partial<Heartbeat> = {}, over: Partial<State> = {}): State {
  const nowMs = state.nowMs + byMs;
  const sequence = state.sequence + 1;
  const heartbeat = { ...sampleHeartbeat({ role: "standby", holds: false }), echo: { sequence, heldMs: 1 }, ...peer };
  return { ...state, nowMs, sequence, members: { "node-a": sampleMember(nowMs, heartbeat) }, ownership: { ...state.ownership, readSentAtMs: nowMs }, ...over };
}

/** The answer to a count of calls. */
export const counts = (calls: number, channels: number) => ({ kind: "probe", probe: "counts", outcome: { ok: true, value: { calls, channels } } }) as const;

/** Drained to the point where the address is offered. */
export function sampleOffer(): State {
  const begun = advanceSwitchover({ ...beginSwitchover(sampleActive(), request, config), maintenance: true }, config);
  const empty = { ...later(begun, 100), switchover: foldCount(begun.switchover, counts(0, 0), begun.nowMs + 50) };
  return advanceSwitchover(empty, config);
}
