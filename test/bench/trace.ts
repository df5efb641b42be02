/** From the agents' logs: when what happened between a fault and the claim. All marks are milliseconds after the fault. */
import { KNOBS } from "../../agent/knobs.ts";
import type { LogLine } from "./log-tail.ts";

export type Marks = Readonly<Record<string, number>>;

/** The thresholds that decide; the bench leaves them at their defaults. */
const PROBE_DOWN_AFTER = KNOBS.PROBE_DOWN_AFTER.default;
const PEER_LOST_AFTER_MS = KNOBS.PEER_LOST_AFTER_MS.default;

/** The active fails its own probes and asks to be relieved: what both agents say. Marks that the logs don't show are left out. */
export function consentMarks(active: readonly LogLine[], standby: readonly LogLine[], faultAtMs: number): Marks {
  const ari = misses(active, "probe:ari", faultAtMs);
  const sip = misses(active, "probe:sip", faultAtMs);
  const first = [...ari, ...sip].map((line) => line.monoMs);
  return {
    ...mark("the active's first failed probe", first.length === 0 ? undefined : Math.min(...first), faultAtMs),
    ...mark("the active knows that Asterisk is down", downAtMs(ari, sip), faultAtMs),
    ...mark("the standby decides", decidedAtMs(standby, faultAtMs), faultAtMs),
  };
}

/** Asterisk is down when both doors refuse, or when one has missed so many times in a row. */
function downAtMs(ari: readonly LogLine[], sip: readonly LogLine[]): number | undefined {
  const refusedAt = (lines: readonly LogLine[]): number => lines.find((line) => line.err?.code === "AGENT_PROBE_REFUSED")?.monoMs ?? Infinity;
  const missedAt = (lines: readonly LogLine[]): number => lines[PROBE_DOWN_AFTER - 1]?.monoMs ?? Infinity;
  const at = Math.min(Math.max(refusedAt(ari), refusedAt(sip)), missedAt(ari), missedAt(sip));
  return Number.isFinite(at) ? at : undefined;
}

/** The active is silent: each of the standby's channels comes to its end by itself, and the last one decides. */
export function quorumMarks(standby: readonly LogLine[], active: string, faultAtMs: number): Marks {
  const decidedMs = decidedAtMs(standby, faultAtMs);
  const until = decidedMs ?? Infinity;
  const lastHeard = standby.findLast((line) => line.event === "heartbeat-received" && line.from === active && line.monoMs <= until);
  const lastRead = standby.findLast((line) => line.request === "readAddress" && line.err === undefined && line.monoMs >= faultAtMs && line.monoMs <= until);
  const missed = (request: string): number | undefined => misses(standby, request, faultAtMs)[PROBE_DOWN_AFTER - 1]?.monoMs;
  return {
    ...mark("heartbeats silent for PEER_LOST_AFTER_MS", lastHeard === undefined ? undefined : lastHeard.monoMs + PEER_LOST_AFTER_MS, faultAtMs),
    ...mark("SIP to the node missed PROBE_DOWN_AFTER times", missed("watchSip"), faultAtMs),
    ...mark("SIP to the Elastic IP missed PROBE_DOWN_AFTER times", missed("watchEip"), faultAtMs),
    ...mark("EC2 shows no alive mark", lastRead?.monoMs, faultAtMs),
    ...mark("the standby decides", decidedMs, faultAtMs),
  };
}

/** Failed requests of one kind after the fault, in order. */
function misses(lines: readonly LogLine[], request: string, sinceMs: number): readonly LogLine[] {
  return lines.filter((line) => line.event === "request-finished" && line.request === request && line.err !== undefined && line.monoMs >= sinceMs);
}

function decidedAtMs(standby: readonly LogLine[], sinceMs: number): number | undefined {
  return standby.find((line) => line.event === "role-changed" && line.to === "claiming" && line.monoMs >= sinceMs)?.monoMs;
}

function mark(name: string, atMs: number | undefined, faultAtMs: number): Marks {
  return atMs === undefined ? {} : { [name]: atMs - faultAtMs };
}
