// The watch over Asterisk's database: what its command line tells, and what that means for a node (degraded, never down).
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDatabaseAnswer } from "../../agent/adapters/asterisk-replies.ts";
import type { ProbeValue } from "../../agent/core/events.ts";
import { foldProbe, initialHealth, judgeHealth, type Health, type ProbeName } from "../../agent/core/health.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { coreConfig, settledPair } from "../support/small-world.ts";

const CONFIG = coreConfig("node-a", { database: true });

function answered(health: Health, probe: ProbeName, value: ProbeValue, atMs: number): Health {
  return judgeHealth(foldProbe(health, { kind: "probe", probe, outcome: { ok: true, value } }, atMs - 1, atMs, "own"), atMs, CONFIG);
}

/** A node whose Asterisk answers everything. */
function healthy(): Health {
  const probes: readonly ProbeName[] = ["ari", "sip", "canary", "stasis:ivr"];
  return probes.reduce<Health>((health, probe) => answered(health, probe, { status: 200, registered: true }, 100), { ...initialHealth(0), ariSocketOpen: true });
}

describe("the watch over the database", () => {
  it("reads the answers that Asterisk 22.10.1 gave", () => {
    assert.equal(parseDatabaseAnswer("1                     1\nReturned 1 row.  Query executed on handle 0 [asterisk]\n\n"), true);
    assert.equal(parseDatabaseAnswer("Failed to execute query. [SELECT 1]\n\n"), false);
  });

  it("takes an Asterisk without the query for a fault of its configuration, not of the database", async () => {
    await rejectsWith("AGENT_ARI_FAILED", Promise.resolve().then(() => parseDatabaseAnswer("No such query 'ODBC_NODE_DATABASE'\nUsage: odbc read <name> <args> [exec]\n")));
  });

  it("calls a node degraded after two failed queries, with the reason, and well again after one that succeeds", () => {
    const once = answered(healthy(), "database", { connected: false }, 200);
    assert.equal(once.serving, "serving", "one slow query is nothing");
    const twice = answered(once, "database", { connected: false }, 300);
    assert.equal(twice.serving, "degraded");
    assert.match(twice.reason, /no database: phones can't register/);
    assert.equal(answered(twice, "database", { connected: true }, 400).serving, "serving");
  });

  it("never calls a node down for it", () => {
    let health = healthy();
    for (let atMs = 1_000; atMs < 100_000; atMs += 2_000) health = answered(health, "database", { connected: false }, atMs);
    assert.equal(health.serving, "degraded");
  });

  it("does not ask where there is no database", () => {
    const asked = (database: boolean): boolean => {
      const world = settledPair([coreConfig("node-a", { database }), coreConfig("node-b", { database })]);
      return world.state("node-a").health.probes.database !== undefined;
    };
    assert.equal(asked(false), false);
    assert.equal(asked(true), true);
  });
});
