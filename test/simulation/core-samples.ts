/** Small states and heartbeats for the unit tests of the core: everything ordinary, apart from what a test is about. */
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import { foldReading } from "../../agent/core/ownership.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { MemberView, State } from "../../agent/core/state.ts";
import { initialState } from "../../agent/core/step.ts";
import type { Holder, NodeId } from "../../agent/core/types.ts";
import { simConfig } from "./settings.ts";

/** The settings of node-b, a standby beside node-a (and node-c with three nodes), with the knobs' defaults. */
export function sampleConfig(over: { readonly nodes?: readonly NodeId[]; readonly witnesses?: readonly NodeId[]; readonly knobs?: Readonly<Record<string, string>> } = {}): CoreConfig {
  return simConfig({ kind: "node", nodeId: "node-b", nodes: over.nodes ?? ["node-a", "node-b"], witnesses: over.witnesses ?? [], knobs: over.knobs ?? {} });
}

/** A heartbeat of node-a, active and well, which answers heartbeat 1 of the receiver. */
export function sampleHeartbeat(over: Partial<Heartbeat> = {}): Heartbeat {
  return {
    v: 1, kind: "heartbeat", cluster: "sim", node: "node-a", incarnation: "00000000000000aa", sequence: 1, role: "active", serving: "serving", servingReason: "Takes calls.", yield: null, holds: true,
    publicIp: "203.0.113.10", pause: { revision: 0, setBy: "", on: false, reason: "", remainingMs: null }, hearsYou: "heard", echo: { sequence: 1, heldMs: 5 }, verdict: null, rosterHeld: null, draining: false, mark: null, blocked: false, zone: null, ready: true, switchover: null, answer: null, coldStart: null,
    software: "1.0.0", asterisk: null, configDigest: "same", calls: 0, ...over,
  };
}

/** What is known of the owner after two reads of EC2 that show the address there; the first was sent at `sentAtMs`. */
export function believed(ownership: State["ownership"], holder: Holder, sentAtMs = 900): State["ownership"] {
  const reading = { holder, publicIp: "203.0.113.10", mark: null, lastClaim: null };
  return foldReading(foldReading(ownership, reading, sentAtMs, sentAtMs + 60), reading, sentAtMs + 100, sentAtMs + 160);
}

/** How a member looks that was last heard at that instant. */
export function sampleMember(heardAtMs: number | null, heartbeat: Heartbeat | null, over: Partial<MemberView> = {}): MemberView {
  return { heardAtMs, heartbeat, incarnationSinceMs: null, rttMs: null, absentSinceMs: null, unheardSinceMs: null, ...over };
}

/**
 * node-b at `nowMs` as a healthy standby that watches node-a: EC2 has been read at 500 and 750 ms, both channels have
 * answered at `nowMs`, and node-a was heard at `nowMs`.
 */
export function sampleStandby(nowMs: number, config: CoreConfig = sampleConfig()): State {
  const start = initialState({ atMs: 0, wallMs: 1_700_000_000_000, incarnation: "00000000000000bb", policy: null }, config);
  const reading = { holder: { kind: "node", node: "node-a" }, publicIp: "203.0.113.10", mark: null, lastClaim: null } as const;
  const track = { okAtMs: nowMs, misses: 0, firstMissAtMs: null, proven: true };
  const reference = { okSentAtMs: nowMs, failedSentAtMs: null, okSinceMs: 500 };
  const members = Object.fromEntries([...config.peers, ...config.witnesses].map((id) => [id, sampleMember(nowMs, sampleHeartbeat({ node: id, role: id === "node-a" ? "active" : id.startsWith("w") ? "witness" : "standby", holds: id === "node-a" }))]));
  return {
    ...start, nowMs, tickedAtMs: nowMs, role: "standby", sequence: 1, members,
    ownership: foldReading(foldReading(start.ownership, reading, 500, 560), reading, 750, 810),
    evidence: { target: "node-a", sinceMs: 810, suspectedAtMs: null, sip: track, eip: track, private: reference, public: reference },
    health: { ...start.health, serving: "serving", ariSocketOpen: true },
  };
}

/**
 * The same standby after node-a fell silent on every channel at `silentAtMs`: suspected when its heartbeat was late, three
 * probes missed on each channel, the references answering, EC2 read when the suspicion began and again at `readAtMs`.
 */
export function sampleSilence(nowMs: number, silentAtMs: number, readAtMs: number, config: CoreConfig = sampleConfig()): State {
  const before = sampleStandby(silentAtMs, config);
  const suspectedAtMs = silentAtMs + config.peerLateAfterMs;
  const track = { okAtMs: silentAtMs, misses: 3, firstMissAtMs: silentAtMs + 100, proven: true };
  const reference = { okSentAtMs: silentAtMs + 200, failedSentAtMs: null, okSinceMs: 500 };
  const silent = before.members["node-a"];
  return {
    ...before, nowMs, tickedAtMs: nowMs,
    members: silent === undefined ? before.members : { ...Object.fromEntries(Object.entries(before.members).map(([id, member]) => [id, { ...member, heardAtMs: nowMs }])), "node-a": { ...silent, unheardSinceMs: suspectedAtMs } },
    evidence: { ...before.evidence, suspectedAtMs, sip: track, eip: track, private: reference, public: reference },
    ownership: { ...before.ownership, readSentAtMs: readAtMs, readAnsweredAtMs: readAtMs + 60 },
  };
}
