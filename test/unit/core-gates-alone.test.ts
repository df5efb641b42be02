// Every gate alone keeps back every claim that it stands before: all others are open, so nothing else can be what stops it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gateContext, GATES, gatesPass } from "../../agent/core/gates.ts";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import type { State } from "../../agent/core/state.ts";
import { rowThatHolds } from "../../agent/core/transitions.ts";
import type { ClaimCause } from "../../agent/core/types.ts";
import { sampleMember } from "../simulation/core-samples.ts";
import { CLAIMABLE, CLAIMABLE_CONFIG, witnessSays } from "../support/claimable.ts";

const CAUSES = ["quorum", "consent", "vacant", "switchover", "takeover"] as const satisfies readonly ClaimCause[];

const policy = (over: Partial<State["policy"]>) => (state: State): State => ({ ...state, policy: { ...state.policy, ...over } });
const owner = (over: Partial<State["ownership"]>) => (state: State): State => ({ ...state, ownership: { ...state.ownership, ...over } });
const say = (verdicts: Readonly<Record<"witness-1" | "witness-2", "up" | "unknown">>) => (state: State): State => ({ ...state, members: { ...state.members, ...witnessSays("witness-1", verdicts["witness-1"]), ...witnessSays("witness-2", verdicts["witness-2"]) } });
const heartbeat = (over: object) => (state: State): State => {
  const member = state.members["node-a"];
  return { ...state, members: { ...state.members, "node-a": { ...sampleMember(11_900, null), ...member, heartbeat: member?.heartbeat == null ? null : { ...member.heartbeat, ...over } } } };
};
/** The same world, in which the active is a node that is not among the peers. */
const unlisted = (state: State): State => {
  const rename = (verdict: NonNullable<Heartbeat["verdict"]>): Heartbeat["verdict"] => ({ ...verdict, about: "node-z" });
  const members = Object.fromEntries(Object.entries(state.members).map(([id, member]) => [id === "node-a" ? "node-z" : id, member.heartbeat?.verdict == null ? member : { ...member, heartbeat: { ...member.heartbeat, verdict: rename(member.heartbeat.verdict) } }]));
  return { ...state, ownership: { ...state.ownership, holder: { kind: "node", node: "node-z" } }, evidence: { ...state.evidence, target: "node-z" }, members };
};

/** The gate, what closes it and nothing else, and before which claims: all that have the gate when none are named. */
const SPOILED: readonly [string, string, (state: State) => State, (readonly ClaimCause[])?][] = [
  ["serving", "our Asterisk is down", (state) => ({ ...state, health: { ...state.health, serving: "down" } })],
  ["serving", "our Asterisk has not been measured", (state) => ({ ...state, health: { ...state.health, serving: "unknown" } })],
  ["serving", "our Asterisk has not answered since we stalled", (state) => ({ ...state, health: { ...state.health, probes: { sip: { okAtMs: state.doubtedAtMs + 5, latencyMs: 6, hits: 9, misses: 0, firstMissAtMs: null, refused: false, failure: null } } } })],
  ["not draining", "an operator drains us", (state) => ({ ...state, draining: { sinceMs: 11_000, untilMs: 60_000, reason: "maintenance" } })],
  ["not draining", "Asterisk refuses calls still", (state) => ({ ...state, maintenance: true })],
  ["not paused", "claims are paused", (state) => policy({ pause: { ...state.policy.pause, on: true } })(state)],
  ["not blocked", "claims are blocked", policy({ blocked: true })],
  ["owner known", "one read contradicts", owner({ candidate: { kind: "stranger", instanceId: null } })],
  ["owner known", "no two reads have agreed", owner({ holder: null }), ["quorum", "consent", "switchover", "takeover"]],
  ["owner known", "EC2 has not been read since we doubted ourselves", owner({ readSentAtMs: null }), ["vacant"]],
  ["retry due", "the last claim failed a moment ago", policy({ claimNotBeforeMs: 12_001 })],
  ["retry due", "a claim's call is under way", (state) => ({ ...state, inFlight: { claim: 7 } })],
  ["retry due", "EC2 has not been read since a claim failed", policy({ claimFailures: 1, claimFailedAtMs: 11_950 })],
  ["address on a peer", "the address is on a node that is no peer", unlisted],
  ["hold-down over", "the address has just moved", policy({ holdDownUntilMs: 12_001 })],
  ["own verdict down", "we can't tell, and both witnesses say down", (state) => ({ ...state, evidence: { ...state.evidence, private: { ...state.evidence.private, okSinceMs: null } } })],
  ["nobody says up", "one witness sees it alive, and most see it down", (state) => ({ ...state, members: { ...state.members, ...witnessSays("witness-2", "up") } })],
  ["majority down", "no witness can tell", say({ "witness-1": "unknown", "witness-2": "unknown" })],
  ["EC2 asked", "EC2 was read too early for a mark", owner({ readSentAtMs: 11_499 })],
  ["active yields", "the active does not ask", heartbeat({ yield: null })],
  ["owner asked", "EC2 was read before it began", owner({ readSentAtMs: 11_499 })],
  ["owner asked", "EC2 can't be read", owner({ failures: 1 }), ["consent", "switchover"]],
  ["owner asked", "nothing is suspected", (state) => ({ ...state, evidence: { ...state.evidence, suspectedAtMs: null } }), ["consent", "switchover"]],
  ["nobody holds it", "a stranger holds it", owner({ holder: { kind: "stranger", instanceId: null } })],
  ["grace over", "it has just become free", owner({ sinceMs: 9_001 })],
  ["under the hourly limit", "there were too many", policy({ claimsAtMs: [1, 2, 3, 4, 5, 6] })],
  ["address offered", "nothing is offered", heartbeat({ switchover: null })],
  ["address offered", "the address is offered to another node", (state) => heartbeat({ switchover: { ...state.members["node-a"]?.heartbeat?.switchover, to: "node-c" } })(state)],
  ["operator's word", "the order has ended", (state) => ({ ...state, takeover: state.takeover === null ? null : { ...state.takeover, phase: "failed" } })],
];

const closed = (cause: ClaimCause, state: State): readonly string[] => GATES[cause].filter((gate) => !gate.passes(gateContext(state, CLAIMABLE_CONFIG))).map((gate) => gate.name);
const claimOf = (state: State): ClaimCause | null => rowThatHolds(gateContext(state, CLAIMABLE_CONFIG))?.cause ?? null;
/** The claim that would be made if everything but the rank had spoken for one of this cause until now. */
const rowFor = (cause: ClaimCause, state: State): ClaimCause | null => claimOf({ ...state, readySince: { cause, sinceMs: 0 } });

describe("the gates before every claim", () => {
  for (const cause of CAUSES) {
    it(`are all open for a claim by ${cause}, which is then made`, () => {
      assert.deepEqual(closed(cause, CLAIMABLE[cause]), []);
      assert.ok(gatesPass(cause, gateContext(CLAIMABLE[cause], CLAIMABLE_CONFIG)));
      assert.equal(rowFor(cause, CLAIMABLE[cause]), cause);
      assert.equal(claimOf(CLAIMABLE[cause]), cause === "switchover" || cause === "takeover" ? cause : null, "an automatic claim waits for its turn on top");
    });

    for (const [gate, when, spoil, causes] of SPOILED) {
      if (causes === undefined ? GATES[cause].every(({ name }) => name !== gate) : !causes.includes(cause)) continue;
      it(`keep a claim by ${cause} back when ${when}: ${gate}`, () => {
        const state = spoil(CLAIMABLE[cause]);
        assert.deepEqual(closed(cause, state), [gate]);
        assert.equal(rowFor(cause, state), null);
      });
    }
  }

  it("are these and no others, each asked for here", () => {
    const common = ["serving", "not draining", "not paused", "not blocked", "owner known", "retry due"];
    assert.deepEqual(Object.fromEntries(CAUSES.map((cause) => [cause, GATES[cause].map(({ name }) => name)])), {
      quorum: [...common, "address on a peer", "hold-down over", "own verdict down", "nobody says up", "majority down", "EC2 asked", "under the hourly limit"],
      consent: [...common, "address on a peer", "active yields", "owner asked", "under the hourly limit"],
      vacant: [...common, "nobody holds it", "grace over", "under the hourly limit"],
      switchover: ["address offered", "serving", "not draining", "not paused", "owner known", "retry due", "address on a peer", "owner asked"],
      takeover: ["operator's word", "serving", "not draining", "owner known", "retry due", "owner asked"],
    });
    assert.deepEqual(CAUSES.flatMap((cause) => GATES[cause].map(({ name }) => name)).filter((name) => !SPOILED.some(([gate]) => gate === name)), []);
  });
});
