import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MARK_TAG } from "../../agent/adapters/ec2-translation.ts";
import type { StatusView } from "../../agent/status/schema.ts";
import { recordOf, type Gathered } from "../demo/collect.ts";
import { NODES } from "../demo/record.ts";
import { waitingFor } from "../demo/steady.ts";

const FAULT_AT = 10_000;
const line = (monoMs: number, event: string, fields: object = {}): string => `${JSON.stringify({ level: "debug", monoMs, event, msg: "A sentence.", ...fields })}\n`;
const call = (number: number, node: string, action: string, receivedAtMs: number, parameters: Readonly<Record<string, unknown>> = {}) => ({ number, caller: node, action, parameters, receivedAtMs, receivedAtWallMs: 0, fromPort: 1 });
const status = (node: "node-a" | "node-b", atMs: number, role: string, suspectedForMs: number | null) => ({ node, atMs, view: { role, waitsFor: "It waits.", votes: { suspectedForMs } } as unknown as StatusView });
const location = (node: string) => ({ networkInterfaceId: `eni-${node}`, privateIp: "10.0.1.10", instanceId: node });

function gathered(change: Partial<Gathered> = {}): Gathered {
  return {
    fault: "death", active: "node-a", standby: "node-b", faultAtMs: FAULT_AT, endedAtMs: FAULT_AT + 4_000,
    logs: { "node-a": "", "node-b": "" }, calls: [], moves: [], followedAtMs: [], statuses: [], finalRoles: { "node-a": null, "node-b": "active" },
    report: { sent: 80, lost: 57 }, answers: [], machine: { worstLagMs: 1, load: 0, processors: 2 },
    awsToMonotonicMs: (ms) => ms + 9_000, nodeOf: (id) => NODES.find((node) => node === id) ?? null, ...change,
  };
}

describe("the demo's record", () => {
  it("takes its times from the fault, and leaves out what was long before it", () => {
    const logs = { "node-a": "", "node-b": line(5_000, "heartbeat-received", { from: "node-a" }) + line(9_900, "heartbeat-received", { from: "node-a" }) };
    assert.deepEqual(recordOf(gathered({ logs })).heartbeats, [-100]);
  });

  it("reads probes with their beginning, their end and whether nothing listened", () => {
    const logs = {
      "node-a": line(10_020, "request-finished", { request: "probe:ari", ms: 2, err: { code: "AGENT_PROBE_REFUSED" } }),
      "node-b": line(10_800, "request-finished", { request: "watchSip", ms: 200, err: { code: "AGENT_PROBE_TIMEOUT" } }) + line(10_900, "request-finished", { request: "watchEip", ms: 3 }) + line(10_950, "request-finished", { request: "readAddress", ms: 3 }),
    };
    const { probes, ownProbes } = recordOf(gathered({ logs }));
    assert.deepEqual(ownProbes, [{ channel: "ari", sentAtMs: 18, endedAtMs: 20, ok: false, refused: true }]);
    assert.deepEqual(probes, [{ channel: "sip", sentAtMs: 600, endedAtMs: 800, ok: false, refused: false }, { channel: "eip", sentAtMs: 897, endedAtMs: 900, ok: true, refused: false }]);
  });

  it("counts claims and marks as EC2 received them, and no dry run", () => {
    const { claims, marks, reads } = recordOf(gathered({
      calls: [
        call(1, "node-b", "AssociateAddress", 2_400, { AllowReassociation: "true", DryRun: "true" }),
        call(2, "node-b", "DescribeAddresses", 2_500),
        call(3, "node-b", "AssociateAddress", 2_560, { AllowReassociation: "true" }),
        call(4, "node-a", "CreateTags", 2_570, { "Tag.1.Key": MARK_TAG }),
        call(5, "node-b", "CreateTags", 2_900, { "Tag.1.Key": "claimed-by" }),
        call(6, "a-stranger", "AssociateAddress", 2_950),
      ],
    }));
    assert.deepEqual(claims, [{ node: "node-b", atMs: 1_560, allowReassociation: "true" }]);
    assert.deepEqual(marks, [{ node: "node-a", atMs: 1_570 }]);
    assert.deepEqual(reads, [{ node: "node-b", atMs: 1_500 }]);
  });

  it("knows when a move happened, and when packets followed", () => {
    const move = { number: 1, atWallMs: 0, allocationId: "eipalloc-0", publicIp: "127.0.0.1", from: location("node-a"), to: location("node-b"), atMs: 2_860 };
    assert.deepEqual(recordOf(gathered({ moves: [move], followedAtMs: [12_865] })).moves, [{ to: "node-b", atMs: 1_860, followedAtMs: 2_865 }]);
  });

  it("passes over lines that are no log of the agent, also one that was cut off by a kill", () => {
    const logs = { "node-a": `(node:1) Warning: something\n{"level":"info"}\n${line(10_010, "role-changed", { from: "active", to: "standby", row: "deposed" })}{"level":"in`, "node-b": "" };
    assert.deepEqual(recordOf(gathered({ logs })).roles, [{ node: "node-a", atMs: 10, from: "active", to: "standby", row: "deposed", sentence: "A sentence." }]);
  });

  it("dates the suspicion by the earliest date that a status gives, and shows the votes of the claim", () => {
    const { suspectedAtMs, votes } = recordOf(gathered({ statuses: [status("node-b", 10_500, "standby", null), status("node-b", 10_700, "standby", 80), status("node-b", 11_600, "claiming", 1_005), status("node-b", 12_500, "active", null)] }));
    assert.equal(suspectedAtMs, 595);
    assert.equal(votes?.atMs, 1_600);
  });

  it("finds the caller's outage, and none where answers kept coming", () => {
    const answer = (number: number, atMs: number, node: "node-a" | "node-b") => ({ number, sentAtMs: atMs - 1, atMs, status: 200, node, from: "127.0.0.1" });
    const every50 = (fromMs: number, untilMs: number, node: "node-a" | "node-b") => Array.from({ length: (untilMs - fromMs) / 50 }, (_unused, index) => answer(fromMs + index, fromMs + index * 50, node));
    const cut = recordOf(gathered({ answers: [...every50(9_000, 10_000, "node-a"), ...every50(12_900, 14_000, "node-b")] })).caller;
    assert.deepEqual(cut.outage, { startMs: -50, endMs: 2_900 });
    const whole = recordOf(gathered({ answers: every50(9_000, 14_000, "node-a") })).caller;
    assert.equal(whole.outage, null);
    assert.equal(whole.longestGapMs, 50);
    assert.deepEqual(recordOf(gathered({ answers: every50(9_000, 10_000, "node-a") })).caller.outage, { startMs: -50, endMs: null });
  });
});

describe("a steady pair", () => {
  const view = (node: string, role: string, change: object = {}): StatusView =>
    ({
      node, role, health: { serving: "serving", reason: "Takes calls." }, members: [{ id: "the other", hearing: "heard", says: { hearsUs: "heard" } }], ready: { claim: true, mark: true }, policy: { holdDownLeftMs: 0 },
      votes: { suspectedForMs: null, own: { channels: [{ name: "sip", verdict: "up", proven: true }, { name: "eip", verdict: "up", proven: true }] } }, ...change,
    }) as unknown as StatusView;
  const active = view("node-a", "active");
  const standby = view("node-b", "standby");
  const caller = { answeredBy: "node-a", lost: 0 };

  it("is one in which nothing is left to wait for", () => {
    assert.equal(waitingFor(active, standby, caller), null);
  });

  it("is none while anything that decides later is not in place", () => {
    assert.match(waitingFor(active, null, caller) ?? "", /agents to start/);
    assert.match(waitingFor(view("node-a", "active", { health: { serving: "unknown", reason: "Not measured yet." } }), standby, caller) ?? "", /node-a: Not measured yet/);
    assert.match(waitingFor(view("node-a", "standby"), standby, caller) ?? "", /roles/);
    assert.match(waitingFor(active, view("node-b", "standby", { ready: { claim: null, mark: true } }), caller) ?? "", /dry run/);
    assert.match(waitingFor(active, view("node-b", "standby", { members: [{ id: "node-a", hearing: "late", says: { hearsUs: "heard" } }] }), caller) ?? "", /hear each other/);
    assert.match(waitingFor(active, view("node-b", "standby", { votes: { suspectedForMs: null, own: { channels: [{ name: "eip", verdict: "up", proven: false }] } } }), caller) ?? "", /channel eip/);
    assert.match(waitingFor(active, standby, { answeredBy: null, lost: 0 }) ?? "", /caller/);
    assert.match(waitingFor(active, standby, { answeredBy: "node-a", lost: 2 }) ?? "", /caller/);
  });
});
