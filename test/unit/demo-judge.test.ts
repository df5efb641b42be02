import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FAULTS, type FaultName } from "../demo/faults.ts";
import { busyInWords, judge } from "../demo/judge.ts";
import type { DemoRecord } from "../demo/record.ts";
import { sampleRecord } from "../demo/sample.ts";

const changed = (fault: FaultName, change: Partial<DemoRecord>): ReturnType<typeof judge> => judge({ ...sampleRecord(fault), ...change });
const broken = (judgement: ReturnType<typeof judge>): string => judgement.checks.filter(({ outcome }) => outcome === "broken").map(({ says }) => says).join("; ");

describe("the demo's judgement", () => {
  for (const fault of Object.keys(FAULTS) as FaultName[]) {
    it(`finds nothing wrong with a run in which all went well (${fault})`, () => {
      const { held, checks, verdict } = judge(sampleRecord(fault));
      assert.equal(held, true, verdict);
      assert.deepEqual(checks.filter(({ outcome }) => outcome !== "kept"), []);
    });
  }

  it("is broken when nobody claims, and says so", () => {
    const judgement = changed("death", { claims: [], moves: [], roles: [] });
    assert.equal(judgement.held, false);
    assert.match(judgement.verdict, /^PROMISES BROKEN: node-b sent no claim/);
  });

  it("is broken when the address moved twice, elsewhere, or with two claims", () => {
    const { moves, claims } = sampleRecord("death");
    assert.match(broken(changed("death", { moves: [...moves, { to: "node-a", atMs: 3_000, followedAtMs: 4_000 }] })), /moved 2 times, from node-a to node-b to node-a/);
    assert.match(broken(changed("death", { moves: [{ to: null, atMs: 1_900, followedAtMs: 2_900 }] })), /to nobody/);
    assert.match(broken(changed("death", { claims: [...claims, ...claims] })), /with 2 claims/);
  });

  it("is broken when AllowReassociation was left to EC2's default", () => {
    assert.match(broken(changed("death", { claims: [{ node: "node-b", atMs: 1_560, allowReassociation: null }] })), /AllowReassociation=not sent/);
  });

  it("is broken when the claim was never confirmed, or the old active still thinks that it is one", () => {
    assert.match(broken(changed("death", { roles: [] })), /never had the claim confirmed/);
    assert.match(broken(changed("crash", { finalRoles: { "node-a": "active", "node-b": "active" } })), /node-a has read EC2 and is active now/);
  });

  it("is broken when the caller is not answered again, or by both", () => {
    const { caller } = sampleRecord("hang");
    assert.match(broken(changed("hang", { caller: { ...caller, outage: { startMs: -29, endMs: null } } })), /not answered again/);
    assert.match(broken(changed("hang", { caller: { ...caller, answers: [...caller.answers, { sentAtMs: 3_400, atMs: 3_401, node: "node-a" }] } })), /1 times by another/);
  });

  it("is broken when anything moves, or is only tried, where nothing may", () => {
    const claim = { node: "node-b", atMs: 1_500, allowReassociation: "true" } as const;
    assert.match(broken(changed("partition", { claims: [claim] })), /1 claim\(s\) sent/);
    assert.equal(changed("agent-death", { moves: [{ to: "node-b", atMs: 1_800, followedAtMs: 2_800 }] }).held, false);
  });

  it("is broken when a single question of the caller stayed unanswered in a partition", () => {
    const { caller } = sampleRecord("partition");
    assert.match(broken(changed("partition", { caller: { ...caller, lost: 1 } })), /1 of the caller's 121 questions/);
  });

  it("is broken when nobody raised an alarm, or another one", () => {
    assert.match(broken(changed("partition", { conditions: [] })), /no alarm \(nodes-cut-apart\)/);
    assert.equal(changed("agent-death", { conditions: sampleRecord("partition").conditions }).held, false);
  });
});

describe("a claim after its limit", () => {
  const late = (machine: Partial<DemoRecord["machine"]>): ReturnType<typeof judge> => {
    const record = sampleRecord("death");
    return judge({ ...record, claims: [{ node: "node-b", atMs: 2_140, allowReassociation: "true" }], machine: { ...record.machine, ...machine } });
  };

  it("is a broken promise on a machine that had nothing else to do", () => {
    assert.equal(late({}).held, false);
    assert.match(late({}).verdict, /2140 ms after the death, limit 2000 ms, and this machine was not busy/);
  });

  it("is told, and is none, on a machine that was measurably too busy", () => {
    for (const machine of [{ worstLagMs: 310 }, { load: 9 }, { selfDoubt: true }]) {
      const { held, checks, verdict } = late(machine);
      assert.equal(held, true);
      assert.equal(checks[0]?.outcome, "late");
      assert.match(verdict, /claim after 2140 ms \(limit 2000 ms; late: busy machine\)/);
    }
  });

  it("names what it knows of the machine", () => {
    assert.equal(busyInWords({ worstLagMs: 310.4, load: 9.04, processors: 2, selfDoubt: false }), "event loop up to 310 ms late, load 9.0 on 2 processors");
    assert.equal(busyInWords({ worstLagMs: 20, load: 1.5, processors: 2, selfDoubt: false }), null);
  });
});
