// What /status, /health and the text say of nodes in a small world.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GATES } from "../../agent/core/gates.ts";
import { healthOf, type HealthAnswer } from "../../agent/status/health.ts";
import { statusSchema, type StatusView } from "../../agent/status/schema.ts";
import { statusText } from "../../agent/status/text.ts";
import { statusView } from "../../agent/status/view.ts";
import { clusterFrom, perform } from "../simulation/commands.ts";
import { coreConfig, settledPair, SmallWorld } from "../support/small-world.ts";

const EXTRA = { worstCase: [{ what: "Asterisk killed", ms: 600, how: "by sums" }, { what: "instance dead", ms: 2000, how: "by sums" }], refusals: { "wrong-key": 2 } };

function viewOf(world: SmallWorld, node = "node-b"): StatusView {
  return statusView(world.state(node), world.config(node), EXTRA);
}

function health(world: SmallWorld, node = "node-b", sinceMs = 0): HealthAnswer {
  return healthOf(world.state(node), world.config(node), world.nowMs + sinceMs);
}

function die(world: SmallWorld, node: string): void {
  world.machine(node).agent = false;
  world.machine(node).asterisk = false;
}

/** All that can happen to the nodes in one afternoon, for what must hold of every view. */
function* anAfternoon(): Generator<{ readonly what: string; readonly world: SmallWorld }> {
  const config = { witnesses: ["w1"] };
  const world = new SmallWorld([coreConfig("node-a", config), coreConfig("node-b", config), coreConfig("w1")]);
  yield { what: "before the first tick", world };
  world.run(20_000);
  yield { what: "settled", world };
  world.machine("node-a").agent = false;
  world.run(5000);
  yield { what: "the active's agent dead", world };
  world.machine("node-a").asterisk = false;
  world.machine("node-b").cloud = { code: "AGENT_CLOUD_THROTTLED", message: "RequestLimitExceeded" };
  world.run(5000);
  yield { what: "the active dead, EC2 throttling", world };
  world.machine("node-b").cloud = null;
  world.claimsMove = false;
  world.run(4000);
  yield { what: "a claim under way", world };
  world.claimsMove = true;
  world.run(40_000);
  yield { what: "taken over", world };
  world.machine("node-b").asterisk = false;
  world.run(5000);
  yield { what: "nothing serves", world };
  world.holder = { kind: "stranger", instanceId: null };
  world.run(65_000);
  yield { what: "a stranger holds it", world };
}

describe("the status view", () => {
  it("fits its own schema through everything, with nothing but what JSON can carry", () => {
    for (const { what, world } of anAfternoon()) {
      for (const node of ["node-a", "node-b", "w1"]) {
        const view = viewOf(world, node);
        assert.deepEqual(statusSchema.strict().parse(JSON.parse(JSON.stringify(view))), view, `${node}, ${what}`);
      }
    }
  });

  it("tells a standby's role, reason, evidence and readiness", () => {
    const view = viewOf(settledPair());
    assert.equal(view.role, "standby");
    assert.match(view.since, /^2026-11-20T12:00:00\.\d{3}Z$/);
    assert.match(view.reason, /EC2 shows the address on node-a/);
    assert.deepEqual([view.address.publicIp, view.address.holder, view.address.here, view.address.candidate], ["203.0.113.10", "node-a", false, null]);
    assert.deepEqual(view.votes?.own.channels.map(({ name, verdict, proven }) => [name, verdict, proven]), [["heartbeat", "up", true], ["sip", "up", true], ["eip", "up", true]]);
    assert.deepEqual(view.ready, { claim: true, failure: null, mark: true });
    assert.deepEqual(view.health?.probes.filter((probe) => probe.ok).map((probe) => probe.name), ["ari", "sip", "stasis:ivr", "canary", "queues", "counts", "contacts"]);
    assert.equal(view.members[0]?.says?.hearsUs, "heard");
    assert.match(view.waitsFor, /^Nothing: it is ready/);
  });

  it("says of how many of a member's calls it has the names", () => {
    const cluster = clusterFrom("cluster nodes=2 holder=node-a");
    for (const sentence of ["start everything", "run 30 s", "node-a carries 3 calls", "run 10 s"]) perform(cluster, sentence);
    const { state, config } = cluster.member("node-b");
    assert.ok(state);
    const view = statusView(state, config, EXTRA);
    assert.deepEqual(view.members.map(({ id, callsKnown }) => [id, callsKnown]), [["node-a", 3]]);
    assert.match(statusText(view, { width: 200, colour: false }).join("\n"), /^node-a +active, .*; 3 of its calls known here$/m);
  });

  it("prints the gates that decide, and names the first closed one as what it waits for", () => {
    const world = settledPair();
    world.machine("node-a").agent = false;
    world.run(5000);
    const view = viewOf(world);
    assert.deepEqual(view.gates?.quorum.map((gate) => gate.name), GATES.quorum.map((gate) => gate.name));
    const closed = view.gates.quorum.find((gate) => !gate.passes);
    assert.equal(closed?.name, "own verdict down");
    assert.equal(view.waitsFor, `A claim (quorum) waits for "own verdict down". ${closed.sentence}`);
  });

  it("waits for what stands in the way of a claim by consent when the active asks to be relieved", () => {
    const world = settledPair();
    world.command("node-b", { kind: "pause", reason: "upgrade", forMs: null });
    world.machine("node-a").asterisk = false;
    world.run(5000);
    assert.equal(viewOf(world).waitsFor, 'A claim (consent) waits for "not paused". Automatic claims are paused by an operator: upgrade');
    assert.equal(viewOf(world, "node-a").waitsFor, "A standby that takes over, as this node asks for relief.");
    assert.equal(viewOf(world, "node-a").gates, null);
  });

  it("tells a claim under way with its phase", () => {
    const world = settledPair();
    world.claimsMove = false;
    die(world, "node-a");
    world.run(4000);
    const view = viewOf(world);
    assert.deepEqual([view.role, view.claim?.cause, view.claim?.phase], ["claiming", "quorum", "accepted"]);
    assert.match(view.waitsFor, /^Two reads of EC2 .*accepted; \d+ read\(s\) since then show somebody else/);
  });

  it("tells the history of roles and moves in order", () => {
    const world = settledPair();
    die(world, "node-a");
    world.run(5000);
    const view = viewOf(world);
    assert.deepEqual(view.transitions.map((each) => each.row), ["found-elsewhere", "claim-by-quorum", "claim-confirmed"]);
    assert.deepEqual(view.moves.map((each) => [each.from, each.to]), [["node-a", "node-b"]]);
    assert.ok(view.policy.holdDownLeftMs > 20_000);
    assert.equal(view.votes, null);
  });

  it("has no Asterisk and no gates to show on a witness", () => {
    const config = { witnesses: ["w1"] };
    const view = viewOf(settledPair([coreConfig("node-a", config), coreConfig("node-b", config), coreConfig("w1")]), "w1");
    assert.deepEqual([view.kind, view.health, view.gates, view.address.holder], ["witness", null, null, "node-a"]);
    assert.equal(view.waitsFor, "Nothing: it observes node-a and votes.");
  });
});

describe("the status text", () => {
  it("is at most 15 lines of 80 columns for a healthy node, without colour", () => {
    const world = settledPair();
    for (const node of ["node-a", "node-b"]) {
      const lines = statusText(viewOf(world, node));
      assert.ok(lines.length <= 15, lines.join("\n"));
      assert.deepEqual(lines.filter((line) => line.length > 80), []);
      assert.ok(!lines.some((line) => line.includes("\u001b")));
    }
  });

  it("stays within 80 columns and 24 lines through everything", () => {
    for (const { what, world } of anAfternoon()) {
      for (const node of ["node-a", "node-b", "w1"]) {
        const lines = statusText(viewOf(world, node));
        assert.deepEqual(lines.filter((line) => line.length > 80), [], what);
        assert.ok(lines.length <= 24, `${what}:\n${lines.join("\n")}`);
      }
    }
  });

  it("answers the questions that are asked at night", () => {
    const world = settledPair();
    die(world, "node-a");
    world.run(10_000);
    const text = statusText(viewOf(world)).join("\n");
    for (const expected of [/^node-b of test: ACTIVE for 8\.\d s, since 2026-11-20 12:00:2\dZ/, /^why +Two reads of EC2 confirm/m, /^asterisk +serving \(22\.10\.0\) for/m, /^address +203\.0\.113\.10 on this node; EC2 was read .* ago/m, /^node-a +SILENT for 10 s, last seen as active/m, /^waits for +Nothing: it serves callers\. No standby/m, /^history +.* claiming -> active \(claim-confirmed\)$/m, /^ERROR +peer-lost: /m, /^worst case Asterisk killed 600 ms; instance dead 2\.0 s$/m]) assert.match(text, expected);
  });

  it("has room for long names of members", () => {
    const names = ["asterisk-prod-eu-a", "asterisk-prod-eu-b"];
    const world = new SmallWorld(names.map((name) => ({ ...coreConfig(name, { peers: names.filter((other) => other !== name) }), kind: "node" as const })));
    world.holder = { kind: "node", node: "asterisk-prod-eu-a" };
    world.run(5000);
    const lines = statusText(viewOf(world, "asterisk-prod-eu-b"));
    assert.ok(lines.some((line) => line.startsWith("asterisk-prod-eu-a active, heard")), lines.join("\n"));
    assert.deepEqual(lines.filter((line) => line.length > 80), []);
  });

  it("lets no member's words steer the terminal", () => {
    const view = viewOf(settledPair([coreConfig("node-a", { software: "1\u001b[2J\u202e\n" }), coreConfig("node-b")]));
    assert.doesNotMatch(statusText(view).join(""), /[\u001b\u202e\n]/);
    assert.match(statusText(view).join("\n"), /version-difference: node-a runs agent 1\?\[2J\?\?/);
  });

  it("colours when asked, without changing the text", () => {
    const world = settledPair();
    die(world, "node-a");
    world.run(10_000);
    const coloured = statusText(viewOf(world), { width: 80, colour: true });
    assert.deepEqual(coloured.map((line) => line.replace(/\u001b\[\d+m/g, "")), statusText(viewOf(world)));
    assert.ok(coloured.some((line) => line.includes("\u001b[31m")));
  });
});

describe("/health", () => {
  const cases: readonly { readonly title: string; readonly ok: boolean; readonly says: RegExp; readonly on?: string; readonly later?: number; readonly make?: (world: SmallWorld) => void }[] = [
    { title: "an active that serves", ok: true, on: "node-a", says: /^Active and serving/ },
    { title: "a standby that could take over", ok: true, says: /^Standby and ready/ },
    { title: "an active whose Asterisk is down", ok: false, on: "node-a", says: /^Active, but its Asterisk is down/, make: (world) => { world.machine("node-a").asterisk = false; world.machine("node-b").asterisk = false; world.run(3000); } },
    { title: "a standby whose Asterisk is down", ok: false, says: /^Standby, but its Asterisk is down/, make: (world) => { world.machine("node-b").asterisk = false; world.run(3000); } },
    { title: "a degraded standby", ok: true, says: /^Standby and ready/, make: (world) => { world.machine("node-b").alertedQueues = 1; world.run(15_000); } },
    { title: "a standby that can't read EC2", ok: false, says: /EC2 can't be read: AGENT_CLOUD_TIMEOUT/, make: (world) => { world.machine("node-b").cloud = { code: "AGENT_CLOUD_TIMEOUT", message: "no answer" }; world.run(130_000); } },
    { title: "an active that can't read EC2, because it goes on serving", ok: true, on: "node-a", says: /^Active and serving/, make: (world) => { world.machine("node-a").cloud = { code: "AGENT_CLOUD_TIMEOUT", message: "no answer" }; world.run(130_000); } },
    { title: "a paused standby, because it obeys", ok: true, says: /ready, but automatic claims are paused: work/, make: (world) => { world.command("node-b", { kind: "pause", reason: "work", forMs: null }); } },
    { title: "a standby that hears nobody, because that is not its fault", ok: true, says: /^Standby and ready/, make: (world) => { world.machine("node-a").agent = false; world.run(10_000); } },
    { title: "a standby whose own network is broken", ok: false, says: /neither reference answers/, make: (world) => { world.machine("node-b").privateNet = false; world.machine("node-b").publicNet = false; world.run(65_000); } },
    { title: "a standby whose agent no longer ticks", ok: false, later: 6000, says: /has not ticked for 6\.0 s/ },
  ];
  for (const { title, ok, says, on = "node-b", later = 0, make } of cases) {
    it(`is ${ok ? 200 : 503} for ${title}`, () => {
      const world = settledPair();
      make?.(world);
      const answer = health(world, on, later);
      assert.match(answer.reason, says);
      assert.equal(answer.ok, ok);
    });
  }

  it("is 503 before EC2 was read, and while a claim was never tried dry", () => {
    const world = new SmallWorld();
    assert.match(health(world).reason, /^Starting/);
    assert.equal(health(world).ok, false);
  });

  it("is 503 for a standby whose dry run failed", () => {
    const world = new SmallWorld();
    world.machine("node-b").dryRun = { code: "AGENT_CLOUD_DENIED", message: "UnauthorizedOperation" };
    world.run(5000);
    assert.deepEqual([health(world).ok, health(world).reason], [false, "Standby, but the dry run of a claim failed: AGENT_CLOUD_DENIED: UnauthorizedOperation"]);
  });

  it("is 503 for a blocked standby", () => {
    const world = settledPair([coreConfig("node-a"), coreConfig("node-b", { claimsPerHour: 1, holdDownMs: 0 })]);
    die(world, "node-a");
    world.run(5000);
    world.machine("node-a").agent = true;
    world.machine("node-a").asterisk = true;
    world.holder = { kind: "node", node: "node-a" };
    world.run(65_000);
    die(world, "node-a");
    world.run(10_000);
    assert.deepEqual([health(world).ok, /blocked after 1/.test(health(world).reason)], [false, true]);
  });

  it("depends on a witness's ears", () => {
    const config = { witnesses: ["w1"] };
    const world = settledPair([coreConfig("node-a", config), coreConfig("node-b", config), coreConfig("w1")]);
    assert.deepEqual(health(world, "w1"), { ok: true, reason: "Witness; hears node-a, node-b." });
    die(world, "node-a");
    world.run(10_000);
    assert.deepEqual(health(world, "w1"), { ok: true, reason: "Witness; hears node-b." });
    die(world, "node-b");
    world.run(10_000);
    assert.equal(health(world, "w1").ok, false);
  });
});
