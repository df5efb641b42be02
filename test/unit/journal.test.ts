// The journal, fed by production cores in a small world: what is told, at which level, how often, and what never.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AgentError } from "../../agent/errors.ts";
import { makeJournal, type Journal } from "../../agent/journal.ts";
import { LOG_EVENTS, openLog, say, withoutCredentials, type LogLevel } from "../../agent/log.ts";
import { settledPair, SmallWorld } from "../support/small-world.ts";

interface LogLine {
  readonly level: LogLevel;
  readonly time: string;
  readonly monoMs: number;
  readonly node: string;
  readonly role: string;
  readonly event: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

interface Told {
  readonly lines: LogLine[];
  readonly journal: Journal;
  /** Lines of one event since the last call for it. */
  readonly of: (event: keyof typeof LOG_EVENTS) => readonly LogLine[];
}

/** A journal of that node from now on. */
function journalOf(world: SmallWorld, node = "node-b", level: LogLevel = "info"): Told {
  const lines: LogLine[] = [];
  const clock = { monotonicMs: () => world.nowMs, wallMs: () => world.wallMs };
  const log = openLog({ level, clusterId: "test", nodeId: node, clock, to: { write: (text) => { lines.push(JSON.parse(text) as LogLine); } } });
  const journal = makeJournal({ log, config: world.config(node), clock });
  world.observe(node, journal.observe);
  return { lines, journal, of: (event) => lines.filter((line) => line.event === event) };
}

function die(world: SmallWorld, node: string): void {
  world.machine(node).agent = false;
  world.machine(node).asterisk = false;
}

describe("the journal", () => {
  it("says nothing of a healthy standby but one summary an hour", () => {
    const world = settledPair();
    const told = journalOf(world);
    world.tickMs = 250;
    world.run(3_700_000);
    assert.deepEqual(told.lines.map((line) => [line.event, line.level]), [["summary", "info"]]);
    assert.match(told.lines[0]?.msg ?? "", /^standby for 60 min; node-a heard; Asterisk serving, 3 call\(s\); the address on node-a; 0 claim\(s\) in the last hour; 0 condition\(s\)\.$/);
  });

  it("gives every line the time, both clocks' instants, node, role, a known event and a sentence", () => {
    const world = new SmallWorld();
    const told = journalOf(world);
    world.run(3000);
    die(world, "node-a");
    world.run(10_000);
    assert.ok(told.lines.length >= 5);
    for (const line of told.lines) {
      assert.match(line.time, /^2026-11-20T12:00:\d\d\.\d{3}Z$/);
      assert.equal(Date.parse(line.time) - Date.UTC(2026, 10, 20, 12), line.monoMs - 5000);
      assert.equal(line.node, "node-b");
      assert.ok(["starting", "standby", "claiming", "active"].includes(line.role));
      assert.ok(line.event in LOG_EVENTS, line.event);
      assert.match(line.msg, /[.\w]$/);
    }
  });

  it("tells a failover: role changes with the row's own sentence, claims as warnings", () => {
    const world = new SmallWorld();
    const told = journalOf(world);
    world.run(10_000);
    die(world, "node-a");
    world.run(5000);
    assert.deepEqual(told.of("role-changed").map((line) => [line["row"], line.level, line.role]), [["found-elsewhere", "info", "standby"], ["claim-by-quorum", "warn", "claiming"], ["claim-confirmed", "warn", "active"]]);
    assert.equal(told.of("role-changed").at(-1)?.msg, world.state("node-b").reason);
    assert.deepEqual(told.of("claim-answered").map((line) => [line.level, line["ms"]]), [["info", 2]]);
    assert.deepEqual(told.of("owner-changed").map((line) => [line["from"], line["to"]]), [["node-a", "node-b"]]);
  });

  it("warns when this node is deposed", () => {
    const world = settledPair();
    const told = journalOf(world, "node-a");
    world.holder = { kind: "node", node: "node-b" };
    world.run(65_000);
    assert.deepEqual(told.of("role-changed").map((line) => [line["row"], line.level]), [["deposed", "warn"]]);
  });

  it("tells the answer of a claim that failed with its code", () => {
    const world = settledPair();
    const told = journalOf(world);
    world.machine("node-b").claim = { code: "AGENT_CLOUD_DENIED", message: "UnauthorizedOperation" };
    die(world, "node-a");
    world.run(2500);
    assert.deepEqual(told.of("claim-answered")[0]?.["err"], { code: "AGENT_CLOUD_DENIED", message: "UnauthorizedOperation" });
  });

  it("tells a condition when it begins and when it ends, with how long it lasted, and not in between", () => {
    const world = settledPair();
    const told = journalOf(world);
    world.machine("node-a").agent = false;
    world.run(60_000);
    assert.deepEqual(told.lines.map((line) => [line.event, line["condition"], line["about"], line.level]), [["condition-began", "peer-agent-silent", "node-a", "error"]]);
    world.machine("node-a").agent = true;
    world.run(10_000);
    const ended = told.of("condition-ended").find((line) => line["condition"] === "peer-agent-silent");
    assert.equal(ended?.level, "info");
    assert.ok(Math.abs(Number(ended["lastedMs"]) - 57_000) <= 1500, `it lasted ${String(ended["lastedMs"])} ms`);
    assert.match(ended.msg, /^Over after 5\d s: The agent of node-a/);
  });

  it("tells a flapping condition once", () => {
    const world = settledPair();
    const told = journalOf(world);
    for (let flaps = 0; flaps < 20; flaps += 1) {
      world.machine("node-b").ariEvents = flaps % 2 === 1;
      world.run(2000);
    }
    world.run(10_000);
    const sentences = told.lines.map((line) => `${line.event} ${String(line["condition"])}`).toSorted();
    assert.deepEqual(sentences, ["condition-began ari-socket-closed", "condition-began asterisk-degraded", "condition-ended ari-socket-closed", "condition-ended asterisk-degraded"]);
  });

  it("tells what an operator did", () => {
    const world = settledPair();
    const told = journalOf(world);
    world.command("node-b", { kind: "pause", reason: "upgrade", forMs: 600_000 });
    world.command("node-b", { kind: "resume" });
    world.command("node-b", { kind: "acknowledge" });
    assert.deepEqual(told.of("operator-commanded").map((line) => line.msg), ["An operator paused automatic claims for 10 min: upgrade", "An operator resumed automatic claims.", "An operator acknowledged the claims of the last hour: this node may claim again."]);
  });

  it("does not take a stall for a wall clock that was set", () => {
    const world = settledPair();
    const told = journalOf(world);
    world.stallMs = 20_000;
    world.run(25_000);
    assert.deepEqual(told.of("wall-clock-set"), []);
  });

  it("tells that the wall clock was set", () => {
    const world = settledPair();
    const told = journalOf(world);
    world.run(1000);
    world.wallAheadMs = -60_000;
    world.run(1000);
    assert.deepEqual(told.of("wall-clock-set").map((line) => [line["stepMs"], line.msg]), [[-60_000, "The wall clock was set 60 s back."]]);
  });

  it("shows heartbeats, probes and calls at debug only", () => {
    const world = settledPair();
    const told = journalOf(world, "node-b", "debug");
    world.run(2000);
    assert.ok(told.of("heartbeat-received").length >= 4);
    assert.ok(told.of("request-finished").some((line) => line["request"] === "probe:ari"));
    assert.ok(told.lines.every((line) => line.level === "debug"));
  });
});

describe("a defect in the journal", () => {
  it("does not reach the driver, and is told once a minute", () => {
    const world = settledPair();
    const told = journalOf(world);
    const state = { ...world.state("node-b"), members: null as never };
    for (let times = 0; times < 3; times += 1) {
      world.nowMs += 2000;
      told.journal.observe(state, { type: "ticked", atMs: world.nowMs, wallMs: world.wallMs, lagMs: 0, memoryMib: 0 }, { state: { ...state, nowMs: world.nowMs }, actions: [], reason: null });
    }
    assert.deepEqual(told.lines.map((line) => [line.event, line.level]), [["defect-found", "error"]]);
  });
});

describe("refusals in the journal", () => {
  it("are told once for each kind and sender, and again when they are over, with their number", () => {
    const world = settledPair();
    const told = journalOf(world);
    for (let tries = 0; tries < 30; tries += 1) {
      told.journal.onRefused("wrong-key", "test/node-a/k1", "10.0.1.10");
      told.journal.onRefused("unknown-node", null, "10.0.9.9");
      world.run(2000);
    }
    assert.deepEqual(told.of("peer-refused").map((line) => [line["refusal"], line["untrusted"], line.level]), [
      ["wrong-key", { claimed: "test/node-a/k1", address: "10.0.1.10" }, "warn"],
      ["unknown-node", { claimed: null, address: "10.0.9.9" }, "warn"],
    ]);
    world.run(62_000);
    assert.deepEqual(told.of("peer-refusals-ended").map((line) => [line["refusal"], line["count"], line["lastedMs"]]), [["wrong-key", 30, 58_000], ["unknown-node", 30, 58_000]]);
    assert.deepEqual(told.journal.refusals(), { "wrong-key": 30, "unknown-node": 30 });
  });

  it("do not fill the log or the memory when every one claims another identity", () => {
    const world = settledPair();
    const told = journalOf(world);
    for (let sender = 0; sender < 10_000; sender += 1) told.journal.onRefused("unknown-node", `nobody-${sender} ${"x".repeat(500)}`, "10.0.9.9");
    assert.ok(told.of("peer-refused").length <= 66, `${told.of("peer-refused").length} lines`);
    assert.ok(JSON.stringify(told.lines[0]).length < 600);
    assert.deepEqual(told.journal.refusals(), { "unknown-node": 10_000 });
  });
});

describe("connections in the journal", () => {
  it("are told when they change, and a reset loop is not", () => {
    const world = settledPair();
    const told = journalOf(world);
    told.journal.onConnection("node-a", true, "connected");
    for (let resets = 0; resets < 50; resets += 1) {
      told.journal.onConnection("node-a", false, "reset");
      told.journal.onConnection("node-a", true, "connected");
      world.run(100);
    }
    assert.equal(told.of("connection-changed").length, 1);
    world.run(11_000);
    told.journal.onConnection("node-a", false, "refused");
    assert.equal(told.of("connection-changed").at(-1)?.msg, "No connection to node-a: refused");
  });
});

describe("the log", () => {
  const lines: string[] = [];
  const log = openLog({ level: "debug", clusterId: "test", nodeId: "node-b", clock: { monotonicMs: () => 1, wallMs: () => 0 }, to: { write: (text) => { lines.push(text); } } });

  it("hides what is secret, wherever it is in a line", () => {
    say(log, "info", "agent-started", { password: "hunter2", config: { ariUrl: "http://agent:hunter2@127.0.0.1", inner: { ari_password: "hunter2" } }, credentials: { secretAccessKey: "hunter2" } }, "Connecting to ws://agent:hunter2@127.0.0.1/ari/events?api_key=agent:hunter2&app=x");
    const line = lines.at(-1) ?? "";
    assert.doesNotMatch(line, /hunter2/);
    assert.match(line, /app=x/);
  });

  it("tells of an agent's error its code, its message and the cause's message, and nothing of an SDK's object", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED"), { $response: { headers: { authorization: "AWS4 hunter2" } } });
    say(log, "error", "defect-found", { err: new AgentError("AGENT_CLOUD_UNREACHABLE", "EC2 can't be reached", cause) }, "It failed.");
    assert.deepEqual((JSON.parse(lines.at(-1) ?? "") as { err: unknown }).err, { code: "AGENT_CLOUD_UNREACHABLE", message: "EC2 can't be reached", cause: "Error: connect ECONNREFUSED" });
  });

  it("leaves ordinary text alone", () => {
    const text = "EC2 shows the address on node-a, read 3 s ago: http://127.0.0.1:8091/status (see user@host).";
    assert.equal(withoutCredentials(text), text);
  });
});
