/**
 * EC2 in the simulator: the same model of EC2's rules that the embedded AWS serves over HTTP, called with virtual time.
 * Latency and faults come from the seed and from rules; what a rule does to a call is the same as over HTTP.
 */
import { addressReading, claimTags, instanceState, markTags } from "../../agent/adapters/ec2-translation.ts";
import { cloudFailure } from "../../agent/adapters/aws-errors.ts";
import type { NodeId } from "../../agent/core/types.ts";
import type { Completion, Request } from "../../agent/core/events.ts";
import { Ec2Error, RequestBuckets, throttled } from "../support/aws/ec2-limits.ts";
import { Ec2Model } from "../support/aws/ec2-model.ts";
import type { Ec2Answer, Ec2Request } from "../support/aws/ec2-shapes.ts";
import { Faults } from "../support/aws/faults.ts";
import { failureOf } from "../../agent/driver.ts";
import type { Chance, VirtualTime } from "./virtual-time.ts";

export const ALLOCATION = "eipalloc-0sim";
export const PUBLIC_IP = "203.0.113.10";
export const STRANGER = "i-stranger";
/** How an instance outside the cluster is called where a node's name could stand. */
export const STRANGER_NAME = "stranger";

export type CloudRequest = Extract<Request, { kind: "readAddress" | "readInstance" | "claim" | "dryRunClaim" | "dryRunStart" | "startInstance" | "dryRunMark" | "writeMark" | "writeClaimTags" }>;

/** A claim that has reached EC2, for the invariants of the world. */
export interface ClaimSeen {
  readonly node: NodeId;
  readonly atMs: number;
  readonly allowReassociation: boolean;
}

export const instanceOf = (node: NodeId): string => `i-${node}`;

export class SimCloud {
  readonly model: Ec2Model;
  readonly faults = new Faults();
  /** Latency of a read and of a call that changes something (ms), jittered by half. */
  readMs = 60;
  mutateMs = 300;
  /** Calls made since the start, by kind; what a steady cluster pays. */
  readonly calls = new Map<string, number>();
  /** Called when AssociateAddress reaches EC2, before its effect. */
  onClaim: (claim: ClaimSeen) => void = () => undefined;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #nodes: readonly NodeId[];

  constructor(time: VirtualTime, chance: Chance, nodes: readonly NodeId[], holder: NodeId | null, buckets = new RequestBuckets()) {
    this.#time = time;
    this.#chance = chance;
    this.#nodes = nodes;
    const instance = (id: string): { id: string; availabilityZone: string; interfaces: { id: string; privateIps: string[] }[] } => ({ id, availabilityZone: "zone", interfaces: [{ id: `eni-${id}`, privateIps: [`10.0.0.${id.length}`] }] });
    this.model = new Ec2Model({
      instances: [...nodes.map((node) => instance(instanceOf(node))), instance(STRANGER)],
      addresses: [{ allocationId: ALLOCATION, publicIp: PUBLIC_IP, ...(holder === null ? {} : { heldBy: instanceOf(holder) }) }],
    }, buckets);
  }

  /** Who holds the address now: a node's name, STRANGER_NAME, or null. */
  holder(): NodeId | null {
    const location = this.model.locate(ALLOCATION);
    if (location === null) return null;
    return this.#nodes.find((node) => instanceOf(node) === location.instanceId) ?? STRANGER_NAME;
  }

  /** Carries out a call; `reply` is called unless the answer gets lost. The caller's own path is the world's business. */
  execute(caller: NodeId, request: CloudRequest, reply: (completion: Completion) => void): void {
    const call = toEc2(request, caller);
    this.calls.set(request.kind, (this.calls.get(request.kind) ?? 0) + 1);
    const plan = this.faults.plan(caller, call.action);
    const changes = call.action === "AssociateAddress" || call.action === "CreateTags" || call.action === "StartInstances";
    const latencyMs = (changes ? this.mutateMs : this.readMs) * (0.5 + this.#chance(`${caller} ${request.kind}`)());
    if (plan.outcome === "blackhole") return;
    const arriveMs = latencyMs / 2 + plan.delayBeforeMs;
    this.#time.after(arriveMs, () => {
      const completion = this.#work(caller, request, call, plan.outcome, plan.staleMs);
      if (plan.outcome !== "lose-reply") this.#time.after(latencyMs / 2 + plan.delayAfterMs, () => { reply(completion); });
    });
  }

  #work(caller: NodeId, request: CloudRequest, call: Ec2Request, outcome: string, staleMs: number): Completion {
    const name = `EC2 ${call.action}`;
    const changes = request.kind === "claim" || request.kind === "startInstance" || request.kind === "writeMark" || request.kind === "writeClaimTags";
    try {
      if (outcome === "throttle") throw throttled();
      if (outcome === "deny") throw new Ec2Error("UnauthorizedOperation", "You are not authorized to perform this operation.", 403);
      if (outcome === "error-503") throw new Ec2Error("Unavailable", "The service is unavailable.", 503);
      if (outcome === "error-500") throw new Ec2Error("InternalError", "An internal error has occurred.", 500);
      if (request.kind === "claim") this.onClaim({ node: caller, atMs: this.#time.nowMs, allowReassociation: request.allowReassociation });
      const answer = this.model.execute(call, this.#time.nowMs, staleMs);
      if (outcome === "error-after") throw new Ec2Error("InternalError", "An internal error has occurred.", 500);
      return this.#completion(caller, request, answer);
    } catch (error) {
      if (!(error instanceof Ec2Error)) throw error;
      if (error.code === "DryRunOperation") return { kind: request.kind, outcome: { ok: true, value: null } } as Completion;
      const failure = cloudFailure(Object.assign(new Error(error.message), { name: error.code, $metadata: { httpStatusCode: error.status } }), { name, changes });
      return failureOf(request, { code: failure.code, message: failure.message });
    }
  }

  #completion(caller: NodeId, request: CloudRequest, answer: Ec2Answer): Completion {
    const members = { instances: new Map(this.#nodes.map((node) => [node, instanceOf(node)])), self: { node: caller, networkInterfaceId: null } };
    if (request.kind === "readAddress" && answer.kind === "addresses" && answer.addresses[0] !== undefined) return { kind: "readAddress", outcome: { ok: true, value: addressReading(answer.addresses[0], members) } };
    if (request.kind === "readInstance" && answer.kind === "statuses" && answer.statuses[0] !== undefined) return { kind: "readInstance", node: request.node, outcome: { ok: true, value: instanceState(answer.statuses[0]) } };
    if (request.kind === "startInstance") return { kind: "startInstance", node: request.node, reason: request.reason, outcome: { ok: true, value: null } };
    return { kind: request.kind, outcome: { ok: true, value: null } } as Completion;
  }
}

function toEc2(request: CloudRequest, caller: NodeId): Ec2Request {
  const associate = (allowReassociation: boolean, dryRun: boolean): Ec2Request => ({ action: "AssociateAddress", allocationId: ALLOCATION, instanceId: instanceOf(caller), networkInterfaceId: null, privateIpAddress: null, allowReassociation, dryRun });
  switch (request.kind) {
    case "readAddress":
      return { action: "DescribeAddresses", allocationIds: [ALLOCATION] };
    case "readInstance":
      return { action: "DescribeInstanceStatus", instanceIds: [instanceOf(request.node)], includeAllInstances: true };
    case "claim":
      return associate(request.allowReassociation, false);
    case "dryRunClaim":
      return associate(true, true);
    case "startInstance":
    case "dryRunStart":
      return { action: "StartInstances", instanceIds: [instanceOf(request.node)], dryRun: request.kind === "dryRunStart" };
    case "dryRunMark":
      return { action: "CreateTags", resources: [ALLOCATION], tags: markTags({ node: caller, counter: 0 }), dryRun: true };
    case "writeMark":
      return { action: "CreateTags", resources: [ALLOCATION], tags: markTags(request.mark), dryRun: false };
    case "writeClaimTags":
      return { action: "CreateTags", resources: [ALLOCATION], tags: claimTags(request.tags), dryRun: false };
  }
}
