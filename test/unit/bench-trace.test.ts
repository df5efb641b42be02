import assert from "node:assert/strict";
import { mkdtempSync, rmSync, appendFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseLog, tailOf, type LogLine } from "../bench/log-tail.ts";
import { consentMarks, quorumMarks } from "../bench/trace.ts";

const FAULT_MS = 10_000;

const failed = (request: string, afterMs: number, code = "AGENT_PROBE_TIMEOUT"): LogLine => ({ monoMs: FAULT_MS + afterMs, event: "request-finished", msg: "", request, err: { code } });
const claims = (afterMs: number): LogLine => ({ monoMs: FAULT_MS + afterMs, event: "role-changed", msg: "", from: "standby", to: "claiming" });

describe("where the time of a failover went", () => {
  it("is known from the first refusal at both doors when Asterisk was killed", () => {
    const active = [failed("probe:ari", -500), failed("probe:ari", 9, "AGENT_ARI_FAILED"), failed("probe:sip", 12, "AGENT_PROBE_REFUSED"), failed("probe:ari", 60, "AGENT_PROBE_REFUSED")];
    assert.deepEqual(consentMarks(active, [claims(230)], FAULT_MS), { "the active's first failed probe": 9, "the active knows that Asterisk is down": 60, "the standby decides": 230 });
  });

  it("is known from the third miss of one door when Asterisk hangs", () => {
    const active = [500, 900, 1_300].map((ms) => failed("probe:sip", ms));
    assert.equal(consentMarks(active, [], FAULT_MS)["the active knows that Asterisk is down"], 1_300);
  });

  it("leaves out what the logs do not show", () => {
    assert.deepEqual(consentMarks([], [], FAULT_MS), {});
    assert.deepEqual(quorumMarks([], "node-a", FAULT_MS), {});
  });

  it("counts the silence of a dead node from its last heartbeat, and names the read that decided", () => {
    const read = (afterMs: number): LogLine => ({ monoMs: FAULT_MS + afterMs, event: "request-finished", msg: "", request: "readAddress" });
    const standby = [
      { monoMs: FAULT_MS - 100, event: "heartbeat-received", msg: "", from: "node-a" },
      ...[400, 600, 800].map((ms) => failed("watchSip", ms)), ...[450, 650, 850].map((ms) => failed("watchEip", ms)),
      read(560), read(1_455), claims(1_460), read(1_900),
    ];
    assert.deepEqual(quorumMarks(standby, "node-a", FAULT_MS), {
      "heartbeats silent for PEER_LOST_AFTER_MS": 1_400,
      "SIP to the node missed PROBE_DOWN_AFTER times": 800,
      "SIP to the Elastic IP missed PROBE_DOWN_AFTER times": 850,
      "EC2 shows no alive mark": 1_455,
      "the standby decides": 1_460,
    });
  });
});

describe("the tail of an agent's log", () => {
  it("holds what was written since, and of that only the agent's own lines", () => {
    const folder = mkdtempSync(join(tmpdir(), "bench-"));
    try {
      const file = join(folder, "agent.log");
      const line = (monoMs: number): string => `${JSON.stringify({ monoMs, event: "summary", msg: "m", level: "info" })}\n`;
      writeFileSync(file, line(1));
      const tail = tailOf(file);
      appendFileSync(file, `${line(2)}(node:1) Warning: something\n{"other":1}\n${line(3)}{"monoMs":4,"eve`);
      assert.deepEqual(tail().map(({ monoMs }) => monoMs), [2, 3]);
      assert.equal(parseLog(line(7))[0]?.monoMs, 7);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
