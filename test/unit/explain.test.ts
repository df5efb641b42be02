// What `nodectl explain` shows is what decides: over simulated lives of a cluster, its answer is compared with what the core
// then does, and every gate that it shows with the gate itself.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { explainText } from "../../agent/cli/explain.ts";
import { age, doubtIfLate } from "../../agent/core/age.ts";
import { COLD_START_GATES } from "../../agent/core/cold-standby.ts";
import { fold } from "../../agent/core/fold.ts";
import { GATES, gateContext } from "../../agent/core/gates.ts";
import { step } from "../../agent/core/step.ts";
import type { Event } from "../../agent/core/events.ts";
import type { State } from "../../agent/core/state.ts";
import { explanationSchema } from "../../agent/status/explain-schema.ts";
import { explanationOf, MEASURES, RANK_GATE } from "../../agent/status/explain.ts";
import { coreConfig, settledPair, SmallWorld } from "../support/small-world.ts";
import { type Machine } from "../support/small-world-answers.ts";

/** One thing that happens, and for how long it is then left alone (ms). */
interface Happening {
  readonly what: "die" | "asterisk" | "agent" | "publicSip" | "privateSip" | "cloud" | "pause" | "resume" | "drain" | "cut" | "detach" | "stranger" | "restart" | "stall" | "nothing";
  readonly node: "node-a" | "node-b";
  readonly thenMs: number;
}

const happening: fc.Arbitrary<Happening> = fc.record({
  what: fc.constantFrom("die", "asterisk", "agent", "publicSip", "privateSip", "cloud", "pause", "resume", "drain", "cut", "detach", "stranger", "restart", "stall", "nothing"),
  node: fc.constantFrom("node-a", "node-b"),
  thenMs: fc.constantFrom(100, 700, 2_000, 5_000),
});

function happen(world: SmallWorld, { what, node }: Happening): void {
  const machine: Machine = world.machine(node);
  switch (what) {
    case "die":
      Object.assign(machine, { agent: false, asterisk: false });
      break;
    case "asterisk":
    case "agent":
    case "publicSip":
    case "privateSip":
      machine[what] = !machine[what];
      break;
    case "cloud":
      machine.cloud = machine.cloud === null ? { code: "AGENT_CLOUD_THROTTLED", message: "RequestLimitExceeded" } : null;
      break;
    case "pause":
      world.command(node, { kind: "pause", reason: "a test", forMs: 3_000 });
      break;
    case "resume":
      world.command(node, { kind: "resume" });
      break;
    case "drain":
      world.command(node, { kind: "drain", reason: "a test", forMs: 2_000 });
      break;
    case "cut":
      world.cut.add(`${node}>${node === "node-a" ? "node-b" : "node-a"}`);
      break;
    case "detach":
      world.holder = { kind: "nobody" };
      break;
    case "stranger":
      world.holder = { kind: "stranger", instanceId: "i-0stranger" };
      break;
    case "restart":
      world.restart(node);
      break;
    case "stall":
      world.stallMs = 900;
      break;
    case "nothing":
      break;
  }
}

interface Looked {
  readonly before: State;
  readonly event: Event;
}

/** Lives through it, and hands over what every step of both nodes began with. */
function live(happenings: readonly Happening[], look: (node: "node-a" | "node-b", looked: Looked) => void): void {
  const world = new SmallWorld([coreConfig("node-a", { witnesses: ["w1"] }), coreConfig("node-b", { witnesses: ["w1"] }), coreConfig("w1")]);
  world.run(12_000);
  for (const node of ["node-a", "node-b"] as const) world.observe(node, (before, event) => { look(node, { before, event }); });
  for (const each of happenings) {
    happen(world, each);
    world.run(each.thenMs);
  }
}

const RUNS = { numRuns: 40 } as const;

describe("an explanation", () => {
  it("says yes exactly when the core then claims, and names the same cause", () => {
    let claims = 0;
    fc.assert(fc.property(fc.array(happening, { minLength: 2, maxLength: 6 }), (happenings) => {
      live([{ what: "die", node: "node-a", thenMs: 700 }, ...happenings], (node, { before, event }) => {
        const config = coreConfig(node, { witnesses: ["w1"] });
        // What the step decides on: the state after the fact was folded in and everything that depends on time was aged.
        const decides = age(fold(doubtIfLate({ ...before, nowMs: event.atMs }, event, config), event, config), config);
        const said = explanationOf(decides, config);
        const { state } = step(before, event, config);
        const did = before.claim === null && state.claim !== null ? state.claim.cause : null;
        assert.equal(said.wouldClaim, did, `${node} at ${event.atMs}: ${said.sentence}`);
        if (did !== null) claims += 1;
      });
    }), RUNS);
    assert.ok(claims > 0, "no life had a claim: this test compares nothing");
  });

  it("shows of every gate what the gate itself says, and that all pass exactly when it claims", () => {
    fc.assert(fc.property(fc.array(happening, { minLength: 1, maxLength: 5 }), (happenings) => {
      live(happenings, (node, { before }) => {
        const config = coreConfig(node, { witnesses: ["w1"] });
        const said = explanationOf(before, config);
        const context = gateContext(before, config);
        for (const { cause, gates, passes } of said.causes) {
          const shown = gates.filter(({ name }) => name !== RANK_GATE);
          const deciding = Object.entries(GATES).find(([name]) => name === cause)?.[1] ?? [];
          assert.deepEqual(shown.map(({ name, passes: open, sentence }) => [name, open, sentence]), deciding.map((gate) => [gate.name, gate.passes(context), gate.says(context)]));
          assert.equal(passes, gates.every((gate) => gate.passes));
        }
        if (before.role === "standby" && said.wouldClaim !== null) assert.equal(said.causes.find(({ cause }) => cause === said.wouldClaim)?.passes, true);
      });
    }), RUNS);
  });

  it("has a value and a limit for every gate that there is", () => {
    const names = new Set([...Object.values(GATES).flat(), ...COLD_START_GATES].map(({ name }) => name));
    assert.deepEqual(Object.keys(MEASURES).toSorted(), [...names].toSorted());
    const world = settledPair();
    for (const { gates } of explanationOf(world.state("node-b"), world.config("node-b")).causes) {
      for (const gate of gates) assert.ok(gate.value !== "" && gate.limit !== "" && gate.sentence !== "", gate.name);
    }
  });

  it("fits its schema and 80 columns through an outage, and begins with the answer", () => {
    const world = settledPair();
    const check = (expected: RegExp, node = "node-b"): string => {
      const said = explanationOf(world.state(node), world.config(node));
      assert.deepEqual(explanationSchema.strict().parse(JSON.parse(JSON.stringify(said))), said);
      const lines = explainText(said, 80);
      assert.deepEqual(lines.filter((line) => line.length > 80), []);
      assert.match(lines.slice(0, 4).join(" ").replaceAll(/\s+/g, " "), expected);
      return lines.join("\n");
    };
    check(/^Would node-b \(standby; the address is on node-a\) claim now\? No\. Nothing: it is ready/);
    check(/^Would node-a \(active; .*claim now\? No\. This node holds the address\./, "node-a");
    world.machine("node-a").agent = false;
    world.machine("node-a").asterisk = false;
    world.run(1_000);
    const text = check(/No\. A claim \(quorum\) waits for "own verdict down"/);
    assert.match(text, /^ {2}NO {2}own verdict down {6,}up \(needs: down\)|^ {2}NO {2}own verdict down {6,}unknown \(needs: down\)/m);
    assert.match(text, /^ {4}sip .*(miss|never)/m);
  });
});
