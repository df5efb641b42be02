/** What every Cloud must do when a witness starts a standby that is kept stopped. Part of the contract in cloud-contract.ts. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Cloud } from "../../agent/ports.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import type { CloudStand, CloudWorld } from "./cloud-stand.ts";

/** Runs this part of the suite. */
export function describeStarts(stand: CloudStand): void {
  describe("starting a standby", () => {
    const { needs, soon } = stand;
    let world: CloudWorld;
    let a: Cloud;
    beforeEach(() => {
      ({ world, a } = stand.now());
    });

    it("starts a stopped instance", needs("starting"), async () => {
      await world.setInstance("node-b", "stopped");
      await a.startInstance("node-b", soon());
      assert.match(await a.readInstance("node-b", soon()), /^(?:pending|running)$/);
    });

    it("leaves one that runs as it is", needs("starting"), async () => {
      await a.startInstance("node-b", soon());
      assert.equal(await a.readInstance("node-b", soon()), "running");
    });

    it("fails for one that is terminated", needs("starting", "final-termination"), async () => {
      await world.setInstance("node-b", "terminated");
      await rejectsWith("AGENT_CLOUD_FAILED", a.startInstance("node-b", soon()));
    });

    it("fails for a node whose instance nobody has named", async () => {
      await rejectsWith("AGENT_CLOUD_FAILED", a.startInstance("node-x", soon()));
      await rejectsWith("AGENT_CLOUD_FAILED", a.dryRunStart("node-x", soon()));
    });

    it("is tried dry without starting anything", needs("starting"), async () => {
      await world.setInstance("node-b", "stopped");
      await a.dryRunStart("node-b", soon());
      assert.equal(await a.readInstance("node-b", soon()), "stopped");
    });

    it("shows a missing permission, dry or not", needs("faults"), async () => {
      await world.setInstance("node-b", "stopped");
      await world.fault({ caller: "node-a", action: "StartInstances", outcome: "deny" });
      await rejectsWith("AGENT_CLOUD_DENIED", a.dryRunStart("node-b", soon()));
      await rejectsWith("AGENT_CLOUD_DENIED", a.startInstance("node-b", soon()));
      assert.equal(await a.readInstance("node-b", soon()), "stopped");
    });
  });
}
