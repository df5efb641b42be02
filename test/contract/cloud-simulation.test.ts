/** The simulator's EC2 keeps the contract, so that what a seed proves holds for the real adapter. */
import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import type { AddressReading, InstanceState, NodeId } from "../../agent/core/types.ts";
import { AgentError, type ErrorCode } from "../../agent/errors.ts";
import type { Cloud } from "../../agent/ports.ts";
import { ALLOCATION, instanceOf, SimCloud, STRANGER, type CloudRequest } from "../simulation/cloud.ts";
import { seededChance, VirtualTime } from "../simulation/virtual-time.ts";
import { describeCloudContract } from "./cloud-contract.ts";

/** One node's requests as promises. Deadlines are the driver's in a simulation; here the signal stands for them. */
function portOf(cloud: SimCloud, self: NodeId): Cloud {
  const ask = (request: CloudRequest, signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => reject(new AgentError("AGENT_CLOUD_TIMEOUT", "the deadline passed"));
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      cloud.execute(self, request, ({ kind, outcome }) => {
        assert.equal(kind, request.kind);
        if (outcome.ok) resolve(outcome.value);
        else reject(new AgentError(outcome.failure.code as ErrorCode, outcome.failure.message));
      });
    });
  return {
    readAddress: async (signal) => (await ask({ kind: "readAddress" }, signal)) as AddressReading,
    readInstance: async (node, signal) => (await ask({ kind: "readInstance", node }, signal)) as InstanceState,
    dryRunClaim: async (signal) => { await ask({ kind: "dryRunClaim" }, signal); },
    dryRunMark: async (signal) => { await ask({ kind: "dryRunMark" }, signal); },
    startInstance: async (node, signal) => { await ask({ kind: "startInstance", node, reason: "" }, signal); },
    dryRunStart: async (node, signal) => { await ask({ kind: "dryRunStart", node }, signal); },
    claim: async (request, signal) => { await ask({ kind: "claim", ...request }, signal); },
    writeMark: async (mark, signal) => { await ask({ kind: "writeMark", mark }, signal); },
    writeClaimTags: async (tags, signal) => { await ask({ kind: "writeClaimTags", tags }, signal); },
    resetConnections: () => undefined,
    close: () => undefined,
  };
}

describeCloudContract(
  "SimCloud",
  () => {
    const time = new VirtualTime();
    const cloud = new SimCloud(time, seededChance(1, time), ["node-a", "node-b"], null);
    cloud.readMs = 2;
    cloud.mutateMs = 2;
    // Virtual time follows real time, so that the suite's own deadlines mean the same.
    const startedAtMs = performance.now();
    const pump = setInterval(() => time.runUntil(performance.now() - startedAtMs), 1);
    return Promise.resolve({
      cloud: (node) => portOf(cloud, node),
      nowMs: () => time.nowMs,
      place: (holder) => Promise.resolve(cloud.model.place(ALLOCATION, holder.kind === "nobody" ? null : holder.kind === "node" ? { instanceId: instanceOf(holder.node) } : holder.instanceId === null ? { networkInterfaceId: "eni-stranger", privateIp: "10.9.9.9" } : { instanceId: STRANGER }, time.nowMs)),
      setInstance: (node, state) => Promise.resolve(cloud.model.setInstance(instanceOf(node), state === "impaired" ? { impaired: true } : { state })),
      fault: (rule) => Promise.resolve(cloud.faults.add(rule)),
      setReachable: () => Promise.reject(new Error("the simulated network is the world's")),
      tags: () => Promise.resolve(cloud.model.tags(ALLOCATION)),
      close: () => {
        clearInterval(pump);
        return Promise.resolve();
      },
    });
  },
  {
    unreachable: "the way to EC2 is the simulated world's network, not SimCloud's",
    "last-moment-check": "a simulated claim leaves in the very step that decided it",
  },
);
