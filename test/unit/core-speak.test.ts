// What this member says to the others, and when: every field of a heartbeat, and the roster to those that lack it.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Notice } from "../../agent/core/events.ts";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import { speak } from "../../agent/core/speak.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleConfig, sampleHeartbeat, sampleMember, sampleStandby } from "../simulation/core-samples.ts";
import { CLAIMABLE, CLAIMABLE_CONFIG } from "../support/claimable.ts";

const config = sampleConfig({ witnesses: ["witness-1"] });
const NOW = 12_000;
const standby: State = { ...sampleStandby(NOW, config), heartbeatNow: false, sequence: 4, sentAtMs: [NOW - config.heartbeatIntervalMs] };
const sent = <T extends Notice["type"]>(notices: readonly Notice[], type: T): readonly Extract<Notice, { type: T }>[] => notices.filter((notice): notice is Extract<Notice, { type: T }> => notice.type === type);
/** The heartbeat to node-a, said at once. */
function says(state: State, of: CoreConfig = config): Heartbeat {
  return sent(speak({ ...state, heartbeatNow: true }, of).notices, "sendHeartbeat")[0]?.heartbeat ?? assert.fail();
}

describe("a heartbeat of ours", () => {
  it("leaves every HEARTBEAT_INTERVAL_MS, at once when there is news, and to every member", () => {
    const { state, notices } = speak(standby, config);
    assert.deepEqual(sent(notices, "sendHeartbeat").map(({ to }) => to), ["node-a", "witness-1"]);
    assert.deepEqual([state.sequence, state.sentAtMs, state.heartbeatNow], [5, [NOW - config.heartbeatIntervalMs, NOW], false]);
    const early = { ...standby, sentAtMs: [NOW - config.heartbeatIntervalMs + 1] };
    assert.deepEqual(speak(early, config), { state: early, notices: [] });
    const news = speak({ ...early, heartbeatNow: true }, config);
    assert.deepEqual([news.notices.length, news.state.heartbeatNow], [2, false]);
    assert.equal(speak({ ...standby, sentAtMs: [] }, config).notices.length, 2);
    const long = { ...standby, sentAtMs: Array.from({ length: 32 }, (_, index) => 100 * index) };
    assert.deepEqual(speak(long, config).state.sentAtMs, [...long.sentAtMs.slice(1), NOW], "of the last 32 the instant is known");
  });

  it("says what this node is, and says nothing where there is nothing", () => {
    const quiet = says(standby);
    assert.deepEqual([quiet.yield, quiet.holds, quiet.pause.remainingMs, quiet.draining, quiet.switchover, quiet.answer, quiet.coldStart], [null, false, null, false, null, null, null]);
    assert.deepEqual(quiet.verdict, { about: "node-a", verdict: "up", heartbeat: "up", sip: "up", eip: "up" });
    assert.equal(says({ ...standby, evidence: { ...standby.evidence, target: null } }).verdict, null);
    const held = { ...standby, ownership: { ...standby.ownership, holder: { kind: "node", node: "node-b" } } } as const;
    assert.deepEqual([says({ ...held, role: "active" }).holds, says(held).holds, says({ ...standby, role: "active" }).holds], [true, false, false]);
    assert.deepEqual([says({ ...standby, yielding: "gone" }).yield, says({ ...standby, draining: { sinceMs: 1, untilMs: 2, reason: "" } }).draining], ["gone", true]);
    const pausedUntil = (untilMs: number): unknown => says({ ...standby, policy: { ...standby.policy, pause: { ...standby.policy.pause, untilMs } } }).pause.remainingMs;
    assert.deepEqual([pausedUntil(NOW + 500), pausedUntil(NOW - 500)], [500, 0]);
    const switchover = { id: "00000000000000d1", to: "node-a", reason: "work", phase: "yielding", ending: "", startedAtMs: 1, drainUntilMs: 1, refusingSinceMs: 1, empty: true, troubleSinceMs: null, phaseAtMs: 1, phaseSequence: 0, offeredAtMs: 1, before: null } as const;
    assert.deepEqual(says({ ...standby, switchover }).switchover, { id: switchover.id, to: "node-a", phase: "yielding", says: "The address is offered to node-a.", reason: "work" });
  });

  it("says to each member how it is heard, which heartbeat of its was the last, and which roster of its is held", () => {
    const member = { ...standby.members, "node-a": sampleMember(NOW - 30, sampleHeartbeat({ sequence: 9 })) };
    const { hearsYou, echo, rosterHeld } = says({ ...standby, members: member, peerRosters: { "node-a": { incarnation: "00000000000000aa", generation: 3, calls: new Map(), arriving: null } } });
    assert.deepEqual([hearsYou, echo, rosterHeld], ["heard", { sequence: 9, heldMs: 30 }, 3]);
    const never = says({ ...standby, members: {} });
    assert.deepEqual([never.hearsYou, never.echo, never.rosterHeld], ["never", null, null]);
  });

  it("answers an active that offers us the address: how the claim is, why the last one failed, or what it waits for", () => {
    const answer = (over: Partial<State>): string | null => says({ ...CLAIMABLE.switchover, ...over }, CLAIMABLE_CONFIG).answer;
    const failed = { ...CLAIMABLE.switchover.policy, claimFailure: { code: "AGENT_CLOUD_DENIED", message: "no" } };
    assert.equal(answer({ role: "claiming" }), "its claim is under way");
    assert.equal(answer({ policy: failed }), "its last claim failed with AGENT_CLOUD_DENIED, no");
    assert.equal(answer({ role: "claiming", policy: failed }), "its last claim failed with AGENT_CLOUD_DENIED, no");
    assert.match(answer({ health: { ...CLAIMABLE.switchover.health, serving: "down" } }) ?? "", /Asterisk is down/);
    assert.equal(answer({ role: "active" }), null);
    assert.equal(says({ ...standby, policy: failed }).answer, null, "nothing is offered");
  });

  it("tells what a witness that may start a standby waits for", () => {
    const cold = { ...sampleConfig(), kind: "witness", nodeId: "witness-1", coldStandby: true } as const;
    assert.match(says({ ...standby, role: "witness" }, cold).coldStart ?? "", /standby/);
  });
});

describe("our roster", () => {
  const three = sampleConfig({ nodes: ["node-a", "node-b", "node-c"] });
  const calls = (...ids: readonly string[]): State["roster"]["calls"] => new Map(ids.map((id) => [id, { id, party: "x", sinceWallMs: 1 }]));
  const peers = (held: Readonly<Record<"node-a" | "node-c", number | null>>, heardAtMs = NOW): State["members"] => Object.fromEntries(Object.entries(held).map(([id, rosterHeld]) => [id, sampleMember(heardAtMs, sampleHeartbeat({ node: id, rosterHeld }))]));
  const told = (state: State): { readonly to: readonly string[]; readonly roster: State["roster"] } => {
    const { state: after, notices } = speak({ ...state, heartbeatNow: true }, three);
    return { to: sent(notices, "sendRoster").map(({ to, frames }) => `${to} ${frames[0]?.generation ?? 0}`), roster: after.roster };
  };
  const both = { generation: 1, atMs: NOW };
  const carries = told({ ...standby, members: peers({ "node-a": null, "node-c": null }), roster: { ...standby.roster, calls: calls("1") } });
  const later = (ms: number, held: Parameters<typeof peers>[0], over: Partial<State["roster"]> = {}): ReturnType<typeof told> => told({ ...standby, nowMs: NOW + ms, members: peers(held, NOW + ms), roster: { ...carries.roster, ...over } });

  it("is told to every peer that is heard, once", () => {
    assert.deepEqual(carries.to, ["node-a 1", "node-c 1"]);
    assert.deepEqual([carries.roster.generation, carries.roster.sent], [1, { "node-a": both, "node-c": both }]);
    assert.deepEqual(later(250, { "node-a": 1, "node-c": 1 }).to, []);
    assert.deepEqual(later(250, { "node-a": null, "node-c": 1 }).to, [], "the answer may be on its way");
    const deaf = told({ ...standby, members: peers({ "node-a": null, "node-c": null }, NOW - three.peerLateAfterMs), roster: { ...standby.roster, calls: calls("1") } });
    assert.deepEqual([deaf.to, deaf.roster.generation], [[], 1]);
  });

  it("is told again after two seconds without an answer", () => {
    assert.deepEqual(later(1_999, { "node-a": null, "node-c": 1 }).to, []);
    const again = later(2_000, { "node-a": null, "node-c": 1 });
    assert.deepEqual([again.to, again.roster.sent["node-a"]?.atMs], [["node-a 1"], NOW + 2_000]);
  });

  it("is told anew when it has changed, but not before all have answered or had their time", () => {
    const changed = { calls: calls("1", "2") };
    assert.deepEqual(later(250, { "node-a": 1, "node-c": 1 }, changed).to, ["node-a 2", "node-c 2"]);
    assert.deepEqual(later(250, { "node-a": null, "node-c": 1 }, changed).to, []);
    assert.deepEqual(later(2_000, { "node-a": null, "node-c": 1 }, changed).to, ["node-a 2", "node-c 2"]);
  });

  it("is not told before there was a call", () => {
    const none = told({ ...standby, members: peers({ "node-a": null, "node-c": null }) });
    assert.deepEqual([none.to, none.roster], [[], standby.roster]);
  });
});
