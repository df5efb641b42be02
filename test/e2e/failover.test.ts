// Faults that warrant a move, on the real thing: two Asterisk 22, the real agents, EC2's wire protocol, a caller. Bounds are
// generous because a busy machine is no failure; the bench shows the figures.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { monotonicMs } from "../support/lab/clock.ts";
import { ALLOCATION, instanceOf, type Pair } from "../support/lab/pair.ts";
import { callerSaw, holderOf, movedTo, withPair } from "../support/lab/pair-checks.ts";
import { waitUntil } from "../support/wait-until.ts";

/** The whole node is gone: power, network, processes. */
async function die(pair: Pair, name: "node-a" | "node-b"): Promise<void> {
  await pair.lab.nodeGone(name);
  pair.node(name).agent?.kill("SIGKILL");
  await pair.node(name).asterisk.kill();
}

/** Makes a fault on a steady pair and sees the address go to node-b, once, with the caller served again. */
async function failsOver(pair: Pair, fault: () => Promise<void> | void, outageMs: number, moves = 1): Promise<void> {
  await pair.steady("node-a");
  const atMs = monotonicMs();
  await fault();
  await movedTo(pair, "node-b");
  callerSaw(pair, atMs, outageMs);
  assert.equal(pair.moves.length, moves, "the address moved another number of times");
  assert.ok((await pair.claims()).every((claim) => claim.caller === "AKIALABNODEB"), "only the standby claims");
}

describe("the address moves to the standby when", () => {
  it("Asterisk is killed on the active", async () => {
    await withPair({}, async (pair) => {
      await failsOver(pair, async () => { await pair.node("node-a").asterisk.kill(); }, 10_000);
      await waitUntil("node-a to know that it was deposed", async () => (await pair.status("node-a")).role === "standby", 20_000);
      const view = await pair.status("node-b");
      assert.match(view.transitions.map((each) => each.reason).join("\n"), /asks to be relieved/);
    });
  });

  it("Asterisk is stopped on the active, so that TCP still accepts", async () => {
    await withPair({}, async (pair) => {
      await failsOver(pair, () => { pair.node("node-a").asterisk.stop(); }, 12_000);
    });
  });

  it("the whole active node is gone, and the old active returns as a standby", async () => {
    await withPair({}, async (pair) => {
      await failsOver(pair, () => die(pair, "node-a"), 12_000);
      await pair.lab.rejoin("node-a");
      await pair.node("node-a").asterisk.start();
      await pair.startAgent("node-a");
      await pair.steady("node-b");
      assert.equal((await pair.status("node-a")).role, "standby");
      assert.equal(pair.moves.length, 1, "coming back moves nothing");
    });
  });

  it("the whole active node is gone and a witness agrees", async () => {
    await withPair({ witness: true }, async (pair) => {
      await failsOver(pair, () => die(pair, "node-a"), 12_000);
      const view = await pair.status("node-b");
      assert.match(view.transitions.map((each) => each.reason).join("\n"), /2 of 2 observer/);
    });
  });

  it("the active dies while AWS is away for 30 s", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      await pair.lab.cut("node-b", "aws");
      await die(pair, "node-a");
      await waitUntil("30 s without AWS", async () => {
        assert.equal(await holderOf(pair), "node-a", "nobody can move the address without EC2");
        return monotonicMs() - atMs >= 30_000;
      }, 60_000);
      await pair.lab.heal("node-b", "aws");
      await movedTo(pair, "node-b");
      callerSaw(pair, atMs, 60_000);
      assert.equal(pair.moves.length, 1);
    });
  });

  it("the active dies while EC2 throttles claims for 20 s", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      await pair.aws("addFault", { action: "AssociateAddress", outcome: "throttle" });
      await die(pair, "node-a");
      await waitUntil("several throttled claims within 20 s", async () => (await pair.claims()).length >= 3 && monotonicMs() - atMs >= 20_000, 60_000);
      assert.equal(await holderOf(pair), "node-a");
      await pair.aws("clearFaults");
      await movedTo(pair, "node-b");
      callerSaw(pair, atMs, 60_000);
      assert.equal(pair.moves.length, 1);
      const gaps = (await pair.claims()).map((claim) => claim.receivedAtWallMs).map((at, index, all) => at - (all[index - 1] ?? at)).slice(1);
      assert.ok(gaps.some((gap) => gap > 1_000), "the tries spread out");
    });
  });

  it("AssociateAddress times out although it succeeded", async () => {
    await withPair({}, async (pair) => {
      await failsOver(pair, async () => {
        await pair.aws("addFault", { action: "AssociateAddress", outcome: "lose-reply", times: 1, delayAfterMs: 10_000 });
        await die(pair, "node-a");
      }, 20_000);
      assert.equal((await pair.claims()).length, 1, "it was not claimed a second time");
    });
  });

  it("nobody holds it and both nodes start at once", async () => {
    await withPair({ holder: null }, async (pair) => {
      await movedTo(pair, "node-a");
      await pair.steady("node-a");
      assert.deepEqual(pair.moves, ["node-a"]);
      assert.ok((await pair.claims()).every((claim) => String(claim.parameters["AllowReassociation"]) === "false"), "a free address is claimed with AllowReassociation=false");
    });
  });

  it("an operator moves it, and the agents believe EC2", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      await pair.aws("placeAddress", ALLOCATION, { instanceId: instanceOf("node-b") });
      await waitUntil("node-b active", async () => (await pair.status("node-b")).role === "active", 90_000);
      await waitUntil("node-a standby", async () => (await pair.status("node-a")).role === "standby", 90_000);
      assert.deepEqual(await pair.claims(), [], "nobody claims it back");
    });
  });
});
