// What a frame from another member changes: a heartbeat, a roster, an order; and whose frames are believed.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fold } from "../../agent/core/fold.ts";
import type { Heartbeat, OperationFrame, RosterFrame } from "../../agent/core/heartbeat.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleConfig, sampleHeartbeat, sampleMember, sampleStandby } from "../simulation/core-samples.ts";
import { coreConfig } from "../support/small-world.ts";

const config = sampleConfig({ witnesses: ["witness-1"] });
const witnessConfig = coreConfig("witness-1", { peers: ["node-a", "node-b"] });
const NOW = 12_000;
/** Its heartbeats 8, 9 and 10 left at these instants. */
const standby: State = { ...sampleStandby(NOW, config), heartbeatNow: false, sequence: 10, sentAtMs: [11_500, 11_700, 11_900] };

const hear = (state: State, said: Partial<Heartbeat>, from = "node-a", of: CoreConfig = config): State => fold(state, { type: "heartbeatReceived", atMs: NOW, from, heartbeat: sampleHeartbeat({ node: from, ...said }) }, of);

describe("a heartbeat", () => {
  it("of a peer or a witness is noted, and one of anybody else is not", () => {
    const silent = { ...standby, members: Object.fromEntries(["node-a", "witness-1"].map((id) => [id, sampleMember(9_000, sampleHeartbeat({ node: id }), { unheardSinceMs: 10_000 })])) };
    for (const from of ["node-a", "witness-1"]) {
      const heard = hear(silent, { sequence: 5 }, from);
      assert.deepEqual([heard.members[from]?.heardAtMs, heard.members[from]?.heartbeat?.sequence], [NOW, 5], from);
      assert.equal(heard.members[from]?.unheardSinceMs, 10_000, "time alone ends that");
    }
    assert.equal(hear(silent, {}, "node-z"), silent);
  });

  it("tells the round trip of the one that it answers, while we know when that left", () => {
    const trip = (echo: Heartbeat["echo"]): readonly unknown[] => {
      const before = { ...standby, members: { "node-a": sampleMember(9_000, sampleHeartbeat(), { rttMs: 77 }) } };
      const heard = hear(before, { echo });
      return [heard.members["node-a"]?.rttMs, heard.metrics.since.slice(before.metrics.since.length)];
    };
    assert.deepEqual(trip({ sequence: 9, heldMs: 20 }), [280, [{ name: "HeartbeatRtt", value: 280 }]]);
    assert.deepEqual(trip({ sequence: 10, heldMs: 20 }), [80, [{ name: "HeartbeatRtt", value: 80 }]]);
    for (const echo of [null, { sequence: 7, heldMs: 20 }]) assert.deepEqual(trip(echo), [77, []], JSON.stringify(echo));
  });

  it("brings a newer pause, which is saved and told on at once", () => {
    const paused = hear(standby, { pause: { revision: 1, setBy: "node-a", on: true, reason: "work", remainingMs: 500 } });
    assert.deepEqual([paused.policy.pause, paused.unsaved, paused.heartbeatNow], [{ revision: 1, setBy: "node-a", on: true, reason: "work", untilMs: NOW + 500 }, true, true]);
    const same = hear(standby, {});
    assert.deepEqual([same.policy, same.unsaved, same.heartbeatNow], [standby.policy, false, false]);
  });

  it("teaches a node nothing of who has the address: that is EC2's to say", () => {
    const said = hear({ ...standby, ownership: { ...standby.ownership, holder: { kind: "nobody" } } }, { holds: true });
    assert.deepEqual(said.ownership.holder, { kind: "nobody" });
  });
});

describe("a witness", () => {
  const blank = { ...standby.ownership, holder: null, publicIp: null, sinceMs: 0 };
  const rows = (a: boolean, b: boolean): State["members"] => Object.fromEntries([["node-a", a] as const, ["node-b", b] as const].map(([id, holds]) => [id, sampleMember(11_000, sampleHeartbeat({ node: id, holds }))]));
  const believes = (holder: State["ownership"]["holder"], members: State["members"], said: Partial<Heartbeat>, from: string): State["ownership"] => hear({ ...standby, role: "witness", members, ownership: { ...blank, holder } }, said, from, witnessConfig).ownership;
  const a = { kind: "node", node: "node-a" } as const;
  const b = { kind: "node", node: "node-b" } as const;

  it("believes the node that says that it holds the address, and learns the address from it", () => {
    const { holder, sinceMs, publicIp } = believes(null, {}, { holds: true }, "node-a");
    assert.deepEqual([holder, sinceMs, publicIp], [a, NOW, "203.0.113.10"]);
    assert.equal(believes(null, {}, { holds: false }, "node-a").holder, null);
    assert.deepEqual(believes({ kind: "nobody" }, {}, { holds: true }, "node-a").holder, a);
  });

  it("goes on believing it from when it began, also when it falls silent about the address", () => {
    assert.deepEqual(believes(a, rows(true, false), { holds: true }, "node-a"), { ...blank, holder: a, publicIp: "203.0.113.10" });
    assert.deepEqual(believes(a, rows(true, false), { holds: false }, "node-a").holder, a);
    assert.equal(believes(a, rows(false, false), { holds: true }, "node-a").sinceMs, blank.sinceMs, "and when it says so again");
  });

  it("believes whoever began to say so last, when two say so", () => {
    assert.deepEqual(believes(a, rows(true, false), { holds: true }, "node-b").holder, b, "node-b has just begun");
    assert.deepEqual(believes(a, rows(true, true), { holds: true }, "node-b").holder, a, "node-b has said so before");
    assert.deepEqual(believes(a, rows(false, true), { holds: true }, "node-b").holder, b, "and node-a says so no more");
    assert.deepEqual(believes(null, rows(false, true), { holds: true }, "node-b").holder, b, "and nobody else did");
  });

  it("keeps the address that it knows when a holder names none", () => {
    const before = { ...standby, role: "witness", members: rows(true, false), ownership: { ...blank, holder: a, publicIp: "203.0.113.9" } } as const;
    assert.equal(hear(before, { holds: true, publicIp: null }, "node-a", witnessConfig).ownership.publicIp, "203.0.113.9");
  });
});

describe("a roster and an order", () => {
  const head = { v: 1, cluster: "sim", incarnation: "00000000000000aa" } as const;
  const roster = (from: string): State => {
    const frame: RosterFrame = { ...head, kind: "roster", node: from, generation: 1, part: 0, parts: 1, snapshot: true, added: [{ id: "1", party: "x", sinceWallMs: 5 }], removed: [] };
    return fold(standby, { type: "rosterReceived", atMs: NOW, from, frame }, config);
  };
  const order = (from: string, of: CoreConfig = config): State => {
    const frame: OperationFrame = { ...head, kind: "operation", node: from, operation: 1, request: { id: "00000000000000d1", to: "node-b", drainMs: 0, reason: "work", dryRun: false } };
    return fold(standby, { type: "operationReceived", atMs: NOW, from, frame }, of);
  };

  it("are taken from peers and from nobody else", () => {
    assert.deepEqual([...(roster("node-a").peerRosters["node-a"]?.calls.keys() ?? [])], ["1"]);
    assert.equal(roster("witness-1"), standby);
    assert.equal(order("node-a").switchover?.phase, "refused", "a standby has nothing to hand over, and says so");
    assert.equal(order("witness-1"), standby);
    assert.equal(order("node-a", witnessConfig), standby, "a witness carries out no order");
  });
});
