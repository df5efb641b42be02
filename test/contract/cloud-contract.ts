/**
 * What every Cloud must do, whether it is the simulator's, or Ec2Cloud against the embedded AWS, moto or AWS itself. A
 * place that can't show a behaviour names the capability that it lacks and why; those tests are then reported as
 * skipped with that reason.
 */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Cloud } from "../../agent/ports.ts";
import type { Holder, InstanceState } from "../../agent/core/types.ts";
import type { FaultRule } from "../support/aws/faults.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { waitUntil } from "../support/wait-until.ts";

export const CLUSTER_NODES = ["node-a", "node-b"] as const;
export type ClusterNode = (typeof CLUSTER_NODES)[number];

/** What a place may be unable to show. */
export type CloudCapability =
  /** Faults can be injected: throttling, refusals, delays, lost replies. */
  | "faults"
  /** DescribeInstanceStatus can be made to show a failed check. */
  | "impaired-instances"
  /** AWS can be made unreachable, so that connecting is refused. */
  | "unreachable"
  /** Reads can be made to lag behind. */
  | "stale-reads"
  /** Time passes between the decision to claim and the request's leaving. */
  | "last-moment-check";

/** A world with two nodes and one address, which nobody holds at first. */
export interface CloudWorld {
  cloud(node: ClusterNode): Cloud;
  /** The clock by which notAfterMs is judged. */
  nowMs(): number;
  /** An operator's hand. A stranger with an instance id means: any instance outside the cluster. */
  place(holder: Holder): Promise<void>;
  setInstance(node: ClusterNode, state: InstanceState): Promise<void>;
  /** `caller` is a node's name. Capability "faults". */
  fault(rule: FaultRule & { readonly caller?: ClusterNode }): Promise<void>;
  /** AWS away or back, for everybody. Capability "unreachable". */
  setReachable(on: boolean): Promise<void>;
  /** The address's tags as they are now. */
  tags(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

/** Long enough for a busy machine; nothing in this suite waits for it to pass. */
const PATIENT_MS = 20_000;

/** Runs the suite. `lacks`: capability to reason. */
export function describeCloudContract(name: string, makeWorld: () => Promise<CloudWorld>, lacks: Partial<Record<CloudCapability, string>> = {}): void {
  const needs = (...capabilities: CloudCapability[]): { readonly skip: string | false } => {
    const missing = capabilities.filter((one) => lacks[one] !== undefined);
    return { skip: missing.length === 0 ? false : missing.map((one) => `lacks ${one}: ${lacks[one] ?? ""}`).join("; ") };
  };

  describe(`Cloud contract: ${name}`, () => {
    let world: CloudWorld;
    let a: Cloud;
    let timers: NodeJS.Timeout[] = [];
    let b: Cloud;
    /** As the driver's deadlines; AbortSignal.timeout() would not keep the process alive. */
    const after = (ms: number): AbortSignal => {
      const controller = new AbortController();
      timers.push(setTimeout(() => controller.abort(), ms));
      return controller.signal;
    };
    const soon = (): AbortSignal => after(PATIENT_MS);
    const holder = async (): Promise<Holder> => (await a.readAddress(soon())).holder;
    const claim = (cloud: Cloud, allowReassociation: boolean): Promise<void> => cloud.claim({ allowReassociation, notAfterMs: world.nowMs() + PATIENT_MS }, soon());
    const nodeA: Holder = { kind: "node", node: "node-a" };
    const nodeB: Holder = { kind: "node", node: "node-b" };

    beforeEach(async () => {
      world = await makeWorld();
      a = world.cloud("node-a");
      b = world.cloud("node-b");
    });
    afterEach(async () => {
      for (const timer of timers) clearTimeout(timer);
      timers = [];
      await world.close();
    });

    describe("reading", () => {
      it("shows that nobody holds the address", async () => {
        assert.deepEqual(await holder(), { kind: "nobody" });
      });

      it("shows the node that holds it, to both nodes alike, with the public address", async () => {
        await world.place(nodeB);
        const [seenByA, seenByB] = await Promise.all([a.readAddress(soon()), b.readAddress(soon())]);
        assert.deepEqual(seenByA.holder, nodeB);
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
        assert.deepEqual(await holder(), nodeB);
      });
    });

    describe("claiming", () => {
      it("takes the address from the holder in one call when reassociation is allowed", async () => {
        await world.place(nodeB);
        await claim(a, true);
        assert.deepEqual(await holder(), nodeA);
      });

      it("takes a free address when reassociation is not allowed", async () => {
        await claim(a, false);
        assert.deepEqual(await holder(), nodeA);
      });

      it("is refused, and changes nothing, when the address is taken and reassociation is not allowed", async () => {
        await world.place(nodeB);
        await rejectsWith("AGENT_CLAIM_REFUSED", claim(a, false));
        assert.deepEqual(await holder(), nodeB);
      });

      it("lets exactly one of two simultaneous claims for a free address win", async () => {
        const results = await Promise.allSettled([claim(a, false), claim(b, false)]);
        assert.deepEqual(results.map((one) => one.status).sort(), ["fulfilled", "rejected"]);
        assert.deepEqual(await holder(), results[0].status === "fulfilled" ? nodeA : nodeB);
      });

      it("succeeds again for the node that has it already", async () => {
        await claim(a, false);
        await claim(a, true);
        await claim(a, false);
        assert.deepEqual(await holder(), nodeA);
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
        assert.deepEqual(await holder(), nodeB);
      });
    });

    describe("starting a standby", () => {
      it("starts a stopped instance", async () => {
        await world.setInstance("node-b", "stopped");
        await a.startInstance("node-b", soon());
        assert.match(await a.readInstance("node-b", soon()), /^(?:pending|running)$/);
      });

      it("leaves one that runs as it is", async () => {
        await a.startInstance("node-b", soon());
        assert.equal(await a.readInstance("node-b", soon()), "running");
      });

      it("fails for one that is terminated, and for a node whose instance nobody has named", async () => {
        await world.setInstance("node-b", "terminated");
        await rejectsWith("AGENT_CLOUD_FAILED", a.startInstance("node-b", soon()));
        await rejectsWith("AGENT_CLOUD_FAILED", a.startInstance("node-x", soon()));
        await rejectsWith("AGENT_CLOUD_FAILED", a.dryRunStart("node-x", soon()));
      });

      it("is tried dry without starting anything", async () => {
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

    describe("dry runs", () => {
      it("succeed and change nothing", async () => {
        await world.place(nodeB);
        await a.dryRunClaim(soon());
        await a.dryRunMark(soon());
        assert.deepEqual(await holder(), nodeB);
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

    describe("faults", () => {
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
        assert.deepEqual(await holder(), nodeA);
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
  });
}
