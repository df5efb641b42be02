/**
 * What every Cloud must do, whether it is the simulator's, or Ec2Cloud against the embedded AWS, moto or AWS itself. A
 * place that can't show a behaviour names the capability that it lacks and why; those tests are then reported as
 * skipped with that reason.
 */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Cloud } from "../../agent/ports.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { describeFaults } from "./cloud-faults-contract.ts";
import { describeStarts } from "./cloud-starts-contract.ts";
import { cloudStand, NODE_A, NODE_B, PATIENT_MS, type CloudCapability, type CloudWorld } from "./cloud-stand.ts";

/** Runs the suite. `lacks`: capability to reason. */
export function describeCloudContract(name: string, makeWorld: () => Promise<CloudWorld>, lacks: Partial<Record<CloudCapability, string>> = {}): void {
  describe(`Cloud contract: ${name}`, () => {
    const stand = cloudStand(makeWorld, lacks);
    const { needs, soon, holder, claim } = stand;
    let world: CloudWorld;
    let a: Cloud;
    let b: Cloud;
    beforeEach(() => {
      ({ world, a, b } = stand.now());
    });

    describe("reading", () => {
      it("shows that nobody holds the address", async () => {
        assert.deepEqual(await holder(), { kind: "nobody" });
      });

      it("shows the node that holds it, to both nodes alike, with the public address", async () => {
        await world.place(NODE_B);
        const [seenByA, seenByB] = await Promise.all([a.readAddress(soon()), b.readAddress(soon())]);
        assert.deepEqual(seenByA.holder, NODE_B);
        assert.deepEqual(seenByB, seenByA);
        assert.match(seenByA.publicIp, /^\d+\.\d+\.\d+\.\d+$/);
      });

      it("shows an instance outside the cluster as a stranger", async () => {
        await world.place({ kind: "stranger", instanceId: "any" });
        assert.equal((await holder()).kind, "stranger");
      });

      it("shows an interface without an instance as a stranger without an id", async () => {
        await world.place({ kind: "stranger", instanceId: null });
        assert.deepEqual(await holder(), { kind: "stranger", instanceId: null });
      });

      it("tells whether a peer's instance runs", async () => {
        assert.equal(await a.readInstance("node-b", soon()), "running");
        await world.setInstance("node-b", "stopped");
        assert.equal(await a.readInstance("node-b", soon()), "stopped");
      });

      it("tells a terminated instance from a stopped one", async () => {
        await world.setInstance("node-b", "terminated");
        assert.equal(await a.readInstance("node-b", soon()), "terminated");
      });

      it("calls a running instance with a failed check impaired", needs("impaired-instances"), async () => {
        await world.setInstance("node-b", "impaired");
        assert.equal(await a.readInstance("node-b", soon()), "impaired");
      });

      it("fails for a node whose instance nobody has named", async () => {
        await rejectsWith("AGENT_CLOUD_FAILED", a.readInstance("node-x", soon()));
      });

      it("may lag behind, and catches up", needs("stale-reads"), async () => {
        await world.fault({ caller: "node-a", action: "DescribeAddresses", times: 1, staleMs: 3_600_000 });
        await claim(b, false);
        assert.deepEqual(await holder(), { kind: "nobody" });
        assert.deepEqual(await holder(), NODE_B);
      });
    });

    describe("claiming", () => {
      it("takes the address from the holder in one call when reassociation is allowed", async () => {
        await world.place(NODE_B);
        await claim(a, true);
        assert.deepEqual(await holder(), NODE_A);
      });

      it("takes a free address when reassociation is not allowed", async () => {
        await claim(a, false);
        assert.deepEqual(await holder(), NODE_A);
      });

      it("is refused, and changes nothing, when the address is taken and reassociation is not allowed", async () => {
        await world.place(NODE_B);
        await rejectsWith("AGENT_CLAIM_REFUSED", claim(a, false));
        assert.deepEqual(await holder(), NODE_B);
      });

      it("lets exactly one of two simultaneous claims for a free address win", async () => {
        const results = await Promise.allSettled([claim(a, false), claim(b, false)]);
        assert.deepEqual(results.map((one) => one.status).sort(), ["fulfilled", "rejected"]);
        assert.deepEqual(await holder(), results[0].status === "fulfilled" ? NODE_A : NODE_B);
      });

      it("succeeds again for the node that has it already", async () => {
        await claim(a, false);
        await claim(a, true);
        await claim(a, false);
        assert.deepEqual(await holder(), NODE_A);
      });

      it("is not sent when its time is over", needs("last-moment-check"), async () => {
        await rejectsWith("AGENT_CLAIM_STALE", a.claim({ allowReassociation: false, notAfterMs: world.nowMs() - 1 }, soon()));
        assert.deepEqual(await holder(), { kind: "nobody" });
      });

      it("is not sent when the signal has fired before", async () => {
        await rejectsWith("AGENT_CLOUD_TIMEOUT", a.claim({ allowReassociation: false, notAfterMs: world.nowMs() + PATIENT_MS }, AbortSignal.abort()));
        assert.deepEqual(await holder(), { kind: "nobody" });
      });

      it("goes on working after the connections were dropped", async () => {
        await claim(a, false);
        a.resetConnections();
        b.resetConnections();
        await claim(b, true);
        assert.deepEqual(await holder(), NODE_B);
      });
    });

    describe("dry runs", () => {
      it("succeed and change nothing", async () => {
        await world.place(NODE_B);
        await a.dryRunClaim(soon());
        await a.dryRunMark(soon());
        assert.deepEqual(await holder(), NODE_B);
        assert.deepEqual(await world.tags(), {});
      });

      it("show a missing permission", needs("faults"), async () => {
        await world.fault({ caller: "node-a", outcome: "deny" });
        await rejectsWith("AGENT_CLOUD_DENIED", a.dryRunClaim(soon()));
        await rejectsWith("AGENT_CLOUD_DENIED", a.dryRunMark(soon()));
        await b.dryRunClaim(soon());
      });
    });

    describe("tags", () => {
      it("carry the alive mark to the other node", async () => {
        assert.equal((await b.readAddress(soon())).mark, null);
        await a.writeMark({ node: "node-a", counter: 1 }, soon());
        await a.writeMark({ node: "node-a", counter: 2 }, soon());
        assert.deepEqual((await b.readAddress(soon())).mark, { node: "node-a", counter: 2 });
      });

      it("tell who claimed, when and why, and leave the alive mark alone", async () => {
        await a.writeMark({ node: "node-a", counter: 7 }, soon());
        await a.writeClaimTags({ claimedBy: "node-a", claimedAtWallMs: Date.UTC(2026, 10, 21, 2, 3, 4), reason: "quorum: 2 of 3 observers say down (node-b) <silent>", epoch: 3 }, soon());
        const tags = await world.tags();
        assert.equal(tags["claimed-by"], "node-a");
        assert.equal(tags["claimed-at"], "2026-11-21T02:03:04.000Z");
        assert.equal(tags["claim-reason"], "quorum: 2 of 3 observers say down -node-b- -silent-");
        assert.equal(tags["claim-epoch"], "3");
        assert.deepEqual((await b.readAddress(soon())).mark, { node: "node-a", counter: 7 });
      });

      it("survive a move of the address", async () => {
        await a.writeMark({ node: "node-a", counter: 7 }, soon());
        await claim(b, false);
        assert.deepEqual((await a.readAddress(soon())).mark, { node: "node-a", counter: 7 });
      });
    });

    describeStarts(stand);
    describeFaults(stand);
  });
}
