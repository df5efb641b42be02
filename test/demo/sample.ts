/** Records as the demo makes them, of runs that never were: for the tests of the drawing and of the judgement. */
import type { FaultName } from "./faults.ts";
import type { AnswerFact, DemoRecord, NodeName, ProbeFact, VotesFact } from "./record.ts";

const range = (fromMs: number, untilMs: number, stepMs: number): number[] => Array.from({ length: Math.max(0, Math.ceil((untilMs - fromMs) / stepMs)) }, (_unused, index) => fromMs + index * stepMs);
const answered = (fromMs: number, untilMs: number, node: NodeName): AnswerFact[] => range(fromMs, untilMs, 50).map((sentAtMs) => ({ sentAtMs, atMs: sentAtMs + 1, node }));
const probed = (channel: ProbeFact["channel"], fromMs: number, untilMs: number, stepMs: number, ok: boolean): ProbeFact[] => range(fromMs, untilMs, stepMs).map((sentAtMs) => ({ channel, sentAtMs, endedAtMs: sentAtMs + (ok ? 2 : 200), ok, refused: false }));

function votes(heartbeat: "up" | "down", sip: "up" | "down", eip: "up" | "down", cloud: "up" | "unknown"): VotesFact {
  const verdict = heartbeat === "down" && sip === "down" && eip === "down" ? "down" : "up";
  const channel = (name: "heartbeat" | "sip" | "eip", seen: "up" | "down") => ({ name, verdict: seen, okAgeMs: 100, misses: 0, proven: true });
  return {
    atMs: 1_650,
    votes: { target: "node-a", suspectedForMs: 1_000, own: { verdict, channels: [channel("heartbeat", heartbeat), channel("sip", sip), channel("eip", eip)] }, witnesses: [], cloud: { verdict: cloud, reason: "No alive mark has appeared since the suspicion began." }, downs: verdict === "down" ? 1 : 0, observers: 1, majority: verdict === "down", references: [] },
    waitsFor: "A claim waits for its own verdict, which is up.",
  };
}

/** A run in which every promise of this fault is kept. */
export function sampleRecord(fault: FaultName): DemoRecord {
  return fault === "partition" || fault === "agent-death" ? stayed(fault) : moved(fault);
}

const QUIET: Pick<DemoRecord, "active" | "standby" | "machine"> = { active: "node-a", standby: "node-b", machine: { worstLagMs: 4, load: 0.3, processors: 4, selfDoubt: false } };

function moved(fault: "death" | "crash" | "hang"): DemoRecord {
  const claimMs = fault === "crash" ? 200 : 1_560;
  const backMs = claimMs + 1_340;
  const silent = fault === "death";
  const row = silent ? "claim-by-quorum" : "claim-by-consent";
  return {
    ...QUIET, fault,
    heartbeats: range(-1_480, silent ? 0 : backMs + 1_000, 250),
    probes: [...probed("sip", -700, 0, 1_000, true), ...probed("eip", -700, 0, 1_000, true), ...probed("sip", 600, backMs, 200, false), ...probed("eip", 600, backMs, 200, false)],
    ownProbes: silent ? [] : (["ari", "sip"] as const).flatMap((channel) => range(10, claimMs - 160, 400).map((sentAtMs) => ({ channel, sentAtMs, endedAtMs: sentAtMs + 2, ok: false, refused: fault === "crash" }))),
    suspectedAtMs: claimMs - 100,
    reads: [{ node: "node-b", atMs: claimMs - 60 }, { node: "node-b", atMs: claimMs + 300 }, { node: "node-b", atMs: claimMs + 560 }],
    marks: [],
    claims: [{ node: "node-b", atMs: claimMs, allowReassociation: "true" }],
    claimAnswers: [{ node: "node-b", atMs: claimMs + 303, afterMs: 303, failure: null }],
    roles: [
      { node: "node-b", atMs: claimMs - 2, from: "standby", to: "claiming", row, sentence: "node-a is gone: 1 of 1 observer(s) see it down on every channel, suspected for 962 ms. No alive mark has appeared since the suspicion began." },
      { node: "node-b", atMs: claimMs + 640, from: "claiming", to: "active", row: "claim-confirmed", sentence: "Two reads of EC2 confirm the claim after 642 ms: this node is active." },
      ...(silent ? [] : [{ node: "node-a" as const, atMs: claimMs + 900, from: "active", to: "standby", row: "deposed", sentence: "Two reads of EC2 show the address on node-b: this node is standby now." }]),
    ],
    conditions: [{ node: "node-b", atMs: claimMs + 1_640, name: "peer-lost", sentence: "node-a has been silent for 3.2 s: there is no standby to take over." }],
    moves: [{ to: "node-b", atMs: claimMs + 300, followedAtMs: claimMs + 1_300 }],
    caller: { answers: [...answered(-1_480, 0, "node-a"), ...answered(backMs, backMs + 1_000, "node-b")], asked: 80, lost: 57, longestGapMs: backMs + 30, outage: { startMs: -29, endMs: backMs + 1 } },
    votes: silent ? votes("down", "down", "down", "unknown") : votes("down", "up", "up", "unknown"),
    finalRoles: { "node-a": silent ? null : "standby", "node-b": "active" },
    endMs: backMs + 1_100,
  };
}

function stayed(fault: "partition" | "agent-death"): DemoRecord {
  const cut = fault === "partition";
  return {
    ...QUIET, fault,
    heartbeats: range(-1_480, 0, 250),
    probes: [...probed("sip", -700, 0, 1_000, true), ...probed("eip", -700, 0, 1_000, true), ...probed("sip", 600, 6_000, 200, !cut), ...probed("eip", 600, 6_000, 200, true)],
    ownProbes: [],
    suspectedAtMs: 580,
    reads: range(600, 6_000, 1_000).map((atMs) => ({ node: "node-b", atMs })),
    marks: cut ? range(610, 6_000, 1_000).map((atMs) => ({ node: "node-a", atMs })) : [],
    claims: [], claimAnswers: [], roles: [],
    conditions: [{ node: "node-b", atMs: 3_420, name: cut ? "nodes-cut-apart" : "peer-agent-silent", sentence: "node-a has been silent for 3.5 s, but it lives: nothing is claimed." }],
    moves: [],
    caller: { answers: answered(-1_480, 6_050, "node-a"), asked: 121, lost: 0, longestGapMs: 61, outage: null },
    votes: cut ? votes("down", "down", "up", "up") : votes("down", "up", "up", "unknown"),
    finalRoles: { "node-a": cut ? "active" : null, "node-b": "standby" },
    endMs: 6_100,
  };
}
