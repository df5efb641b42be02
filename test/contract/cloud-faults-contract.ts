/** What every Cloud must make of an AWS that throttles, denies, errs or does not answer. Part of the contract in cloud-contract.ts. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Cloud } from "../../agent/ports.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { waitUntil } from "../support/wait-until.ts";
import { NODE_A, PATIENT_MS, type CloudStand, type CloudWorld } from "./cloud-stand.ts";

/** Runs this part of the suite; needs the capabilities to inject them. */
export function describeFaults(stand: CloudStand): void {
  describe("faults", () => {
    const { needs, soon, after, holder, claim } = stand;
    let world: CloudWorld;
    let a: Cloud;
    let b: Cloud;
    beforeEach(() => {
      ({ world, a, b } = stand.now());
    });

    it("tell that a call was throttled, which changes nothing", needs("faults"), async () => {
      await world.fault({ caller: "node-a", action: "AssociateAddress", times: 1, outcome: "throttle" });
      await rejectsWith("AGENT_CLOUD_THROTTLED", claim(a, false));
      assert.deepEqual(await holder(), { kind: "nobody" });
      await claim(a, false);
    });

    it("tell that a claim was denied, which changes nothing", needs("faults"), async () => {
      await world.fault({ caller: "node-a", action: "AssociateAddress", outcome: "deny" });
      await rejectsWith("AGENT_CLOUD_DENIED", claim(a, false));
      assert.deepEqual(await holder(), { kind: "nobody" });
    });

    it("leave the outcome of a claim unknown after an internal error, whether it was done or not", needs("faults"), async () => {
      await world.fault({ caller: "node-a", action: "AssociateAddress", times: 1, outcome: "error-500" });
      await rejectsWith("AGENT_CLOUD_TIMEOUT", claim(a, false));
      assert.deepEqual(await holder(), { kind: "nobody" });
      await world.fault({ caller: "node-a", action: "AssociateAddress", times: 1, outcome: "error-after" });
      await rejectsWith("AGENT_CLOUD_TIMEOUT", claim(a, false));
      assert.deepEqual(await holder(), NODE_A);
    });

    it("make a read fail after an internal error", needs("faults"), async () => {
      await world.fault({ caller: "node-a", action: "DescribeAddresses", times: 1, outcome: "error-503" });
      await rejectsWith("AGENT_CLOUD_FAILED", a.readAddress(soon()));
      assert.deepEqual(await holder(), { kind: "nobody" });
    });

    it("leave the outcome unknown when the reply is lost after the work was done", needs("faults"), async () => {
      await world.fault({ caller: "node-a", action: "AssociateAddress", times: 1, outcome: "lose-reply" });
      await rejectsWith("AGENT_CLOUD_TIMEOUT", a.claim({ allowReassociation: false, notAfterMs: world.nowMs() + PATIENT_MS }, after(500)));
      await waitUntil("the claim to show", async () => (await holder()).kind === "node", PATIENT_MS);
    });

    it("leave the outcome unknown when the deadline passes first", needs("faults"), async () => {
      await world.fault({ caller: "node-a", action: "AssociateAddress", times: 1, outcome: "blackhole" });
      await rejectsWith("AGENT_CLOUD_TIMEOUT", a.claim({ allowReassociation: false, notAfterMs: world.nowMs() + PATIENT_MS }, after(50)));
      assert.deepEqual(await holder(), { kind: "nobody" });
    });

    it("can hit one node and spare the other", needs("faults"), async () => {
      await world.fault({ caller: "node-b", outcome: "throttle" });
      await rejectsWith("AGENT_CLOUD_THROTTLED", b.readAddress(soon()));
      assert.deepEqual(await holder(), { kind: "nobody" });
    });

    it("tell that AWS can't be reached, and end when it can", needs("unreachable"), async () => {
      await a.readAddress(soon());
      await world.setReachable(false);
      a.resetConnections();
      await rejectsWith("AGENT_CLOUD_UNREACHABLE", a.readAddress(soon()));
      await rejectsWith("AGENT_CLOUD_UNREACHABLE", claim(a, false));
      await world.setReachable(true);
      assert.deepEqual(await holder(), { kind: "nobody" });
    });
  });
}
