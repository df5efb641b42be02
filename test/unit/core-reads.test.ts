// When the core asks EC2 who holds the address: in a small world, whose EC2 can be made to refuse.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decisiveReadAtMs } from "../../agent/core/quorum.ts";
import { settledPair, type SmallWorld } from "../support/small-world.ts";

const THROTTLED = { code: "AGENT_CLOUD_THROTTLED", message: "RequestLimitExceeded" };

/** The instants at which that member asks for the address from now on. */
function reads(world: SmallWorld, id: string): number[] {
  const asked: number[] = [];
  world.observe(id, (_before, _event, { actions }) => {
    for (const action of actions) if (action.type === "request" && action.request.kind === "readAddress") asked.push(world.nowMs);
  });
  return asked;
}

function die(world: SmallWorld, id: string): void {
  world.machine(id).agent = false;
  world.machine(id).asterisk = false;
}

describe("the reads of a standby that suspects the active", () => {
  it("are two when EC2 answers again after it has refused: the one that finds out, and the decisive one", () => {
    const world = settledPair();
    world.machine("node-b").cloud = THROTTLED;
    die(world, "node-a");
    world.run(5_000);
    assert.ok((world.state("node-b").ownership.failures) >= 2);
    const asked = reads(world, "node-b");
    world.machine("node-b").cloud = null;
    while (world.state("node-b").role !== "claiming" && world.nowMs < 60_000) world.run(50);
    const { claim, config } = { claim: world.state("node-b").claim, config: world.config("node-b") };
    assert.ok(claim !== null, "it claims");
    assert.equal(asked.length, 2, asked.join(", "));
    assert.ok((asked[1] ?? 0) - (asked[0] ?? 0) >= config.markVisibleAfterMs, "late enough for a mark to show");
    assert.ok((asked[1] ?? 0) >= (decisiveReadAtMs(world.state("node-b"), config) ?? Infinity));
  });

  it("go on while EC2 answers, so that a change is seen soon", () => {
    const world = settledPair();
    world.cut.add("node-a>node-b");
    world.cut.add("node-b>node-a");
    const asked = reads(world, "node-b");
    world.run(6_000);
    assert.ok(asked.length >= 4, asked.join(", "));
  });
});
