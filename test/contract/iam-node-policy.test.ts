/**
 * provisioning/iam/node-policy.json lets a node do what the agent does and nothing else. The real policy with its real ARNs
 * and conditions is judged here; iam-moto.test.ts lets an emulator of others enforce what it can.
 */
import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { describe, it } from "node:test";
import { CloudWatchMetrics } from "../../agent/adapters/cloudwatch-metrics.ts";
import { Ec2Cloud, type ClaimTarget } from "../../agent/adapters/ec2-cloud.ts";
import { claimTags, MARK_TAG } from "../../agent/adapters/ec2-translation.ts";
import { SecretsManagerSecrets } from "../../agent/adapters/secrets-manager-secrets.ts";
import { startEmbeddedAws, type EmbeddedAws } from "../support/aws/aws-server.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { startIamGate, type IamGate } from "../support/iam/gate.ts";
import { CLUSTER, listed, policyOf } from "../support/iam/policies.ts";
import type { Inventory } from "../support/iam/questions.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { describeCloudContract } from "./cloud-contract.ts";
import { type CloudWorld, type ClusterNode } from "./cloud-stand.ts";

const INSTANCES = { "node-a": "i-aaaa", "node-b": "i-bbbb" } as const;
const INTERFACES = { "node-a": "eni-aaaa", "node-b": "eni-bbbb" } as const;
const memberTags = (node: string, cluster: string = CLUSTER.cluster_id): Record<string, string> => ({ ClusterId: cluster, NodeId: node });
const TAGS: Readonly<Record<string, Record<string, string>>> = { "i-aaaa": memberTags("node-a"), "i-bbbb": memberTags("node-b"), "eni-aaaa": memberTags("node-a"), "eni-bbbb": memberTags("node-b"), "i-cccc": memberTags("node-a", "another"), "eni-cccc": {} };
const inventory: Inventory = { tags: (id) => TAGS[id], interfaceOf: (instance) => instance.replace("i-", "eni-") };
const OTHER_SECRET = CLUSTER.secret_arn.replace("demo-AbCdEf", "other-AbCdEf");
const never = new AbortController().signal;

interface GatedAws {
  readonly aws: EmbeddedAws;
  readonly gate: IamGate;
  readonly close: () => Promise<void>;
}

async function gatedAws(): Promise<GatedAws> {
  const aws = await startEmbeddedAws({
    region: CLUSTER.region,
    instances: (["a", "b", "c"] as const).map((one) => ({ id: `i-${one.repeat(4)}`, availabilityZone: "eu-central-1a", interfaces: [{ id: `eni-${one.repeat(4)}`, privateIps: [`10.0.${one === "a" ? 1 : one === "b" ? 2 : 3}.10`] }] })),
    addresses: [{ allocationId: "eipalloc-1", publicIp: "198.51.100.7" }, { allocationId: "eipalloc-2", publicIp: "198.51.100.8" }],
    secrets: { [CLUSTER.secret_arn]: "{}", [OTHER_SECRET]: "{}" },
  });
  const gate = await startIamGate(aws.url, new Map(["node-a", "node-b"].map((node) => [node, policyOf("node-policy", CLUSTER, node)])), inventory);
  const restore = pointSdkTo(gate.url);
  return {
    aws,
    gate,
    close: async () => {
      restore();
      await gate.close();
      await aws.close();
    },
  };
}

function cloudOf(node: ClusterNode, target: ClaimTarget, allocationId = "eipalloc-1"): { readonly cloud: Ec2Cloud; readonly close: () => void } {
  const access = awsAccess(node);
  const cloud = new Ec2Cloud({ ...access, allocationId, instances: new Map(Object.entries(INSTANCES)), self: node, target });
  return { cloud, close: () => { cloud.close(); access.connection.close(); } };
}

async function makeWorld(targetOf: (node: ClusterNode) => ClaimTarget): Promise<CloudWorld> {
  const { aws, gate, close } = await gatedAws();
  const made = { "node-a": cloudOf("node-a", targetOf("node-a")), "node-b": cloudOf("node-b", targetOf("node-b")) };
  return {
    cloud: (node) => made[node].cloud,
    nowMs: () => performance.now(),
    place: (holder) => {
      const to = holder.kind === "nobody" ? null : holder.kind === "node" ? { instanceId: INSTANCES[holder.node as ClusterNode] } : holder.instanceId === null ? { networkInterfaceId: "eni-nlb", privateIp: "10.9.9.9" } : { instanceId: "i-cccc" };
      return Promise.resolve(aws.lab.placeAddress("eipalloc-1", to));
    },
    setInstance: (node, state) => Promise.resolve(aws.lab.setInstance(INSTANCES[node], state === "impaired" ? { impaired: true } : { state })),
    fault: (rule) => Promise.resolve(aws.lab.addFault(rule)),
    setReachable: (on) => gate.setListening(on),
    tags: () => Promise.resolve(aws.lab.tags("eipalloc-1")),
    close: async () => {
      for (const one of Object.values(made)) one.close();
      await close();
    },
  };
}

/** What a node may not do, by its policy. */
const LACKS = { starting: "a node may not start another: only a witness with COLD_STANDBY may" } as const;

describeCloudContract("Ec2Cloud by instance, under the node policy", () => makeWorld((node) => ({ kind: "instance", instanceId: INSTANCES[node] })), LACKS);
describeCloudContract("Ec2Cloud by interface, under the node policy", () => makeWorld((node) => ({ kind: "interface", networkInterfaceId: INTERFACES[node], privateIp: node === "node-a" ? "10.0.1.10" : "10.0.2.10" })), LACKS);

describe("the node policy, over the wire", () => {
  const withGate = async (work: (world: GatedAws) => Promise<void>): Promise<void> => {
    const world = await gatedAws();
    await work(world).finally(() => world.close());
  };
  const withCloud = async (target: ClaimTarget, work: (cloud: Ec2Cloud) => Promise<void>, allocationId?: string): Promise<void> => {
    const { cloud, close } = cloudOf("node-a", target, allocationId);
    await work(cloud).finally(close);
  };
  const claim = (cloud: Ec2Cloud): Promise<void> => cloud.claim({ allowReassociation: true, notAfterMs: performance.now() + 60_000 }, never);

  it("refuses to give the address to the peer, to another cluster's instance, or to an untagged interface", () =>
    withGate(async ({ aws }) => {
      for (const target of [{ kind: "instance", instanceId: "i-bbbb" }, { kind: "instance", instanceId: "i-cccc" }, { kind: "interface", networkInterfaceId: "eni-cccc", privateIp: null }] as const) {
        await withCloud(target, async (cloud) => {
          await rejectsWith("AGENT_CLOUD_DENIED", claim(cloud));
          await rejectsWith("AGENT_CLOUD_DENIED", cloud.dryRunClaim(never));
        });
      }
      assert.deepEqual(aws.lab.calls(), [], "nothing came through");
    }));

  it("refuses to claim or to tag another address", () =>
    withGate(() =>
      withCloud({ kind: "instance", instanceId: "i-aaaa" }, async (cloud) => {
        await rejectsWith("AGENT_CLOUD_DENIED", claim(cloud));
        await rejectsWith("AGENT_CLOUD_DENIED", cloud.writeMark({ node: "node-a", counter: 1 }, never));
      }, "eipalloc-2"),
    ));

  it("allows the cluster's namespace and refuses every other", () =>
    withGate(async () => {
      const access = awsAccess("node-a");
      const publish = async (namespace: string): Promise<void> => {
        const sink = new CloudWatchMetrics({ ...access, namespace, cluster: "demo", node: "node-a" });
        await sink.publish([{ atWallMs: Date.now(), sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }], never).finally(() => sink.close());
      };
      await publish(CLUSTER.metrics_namespace);
      await rejectsWith("AGENT_CLOUD_DENIED", publish("Somebody/Else"));
      access.connection.close();
    }));

  it("allows the cluster's secret and refuses every other", () =>
    withGate(async () => {
      const access = awsAccess("node-a");
      const fetch = async (secretId: string): Promise<void> => {
        const source = new SecretsManagerSecrets({ ...access, secretId });
        await source.fetch(never).finally(() => source.close());
      };
      await fetch(CLUSTER.secret_arn);
      await rejectsWith("AGENT_SECRET_UNREADABLE", fetch(OTHER_SECRET));
      access.connection.close();
    }));

  it("has no action that the agent does not use", () =>
    withGate(async ({ gate, aws }) => {
      aws.lab.placeAddress("eipalloc-1", null);
      await withCloud({ kind: "instance", instanceId: "i-aaaa" }, async (cloud) => {
        await cloud.readAddress(never);
        await cloud.readInstance("node-b", never);
        await claim(cloud);
        await cloud.writeMark({ node: "node-a", counter: 1 }, never);
      });
      const access = awsAccess("node-a");
      const sink = new CloudWatchMetrics({ ...access, namespace: CLUSTER.metrics_namespace, cluster: "demo", node: "node-a" });
      await sink.publish([{ atWallMs: Date.now(), sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }], never);
      const source = new SecretsManagerSecrets({ ...access, secretId: CLUSTER.secret_arn });
      await source.fetch(never);
      for (const one of [sink, source, access.connection]) one.close();
      assert.deepEqual(gate.allowed(), [...new Set(policyOf("node-policy").Statement.flatMap(({ Action }) => listed(Action)))].sort());
    }));

  it("names exactly the tags that the agent writes", () => {
    const statement = policyOf("node-policy").Statement.find(({ Action }) => Action === "ec2:CreateTags");
    const allowed = statement?.Condition?.["ForAllValues:StringEquals"]?.["aws:TagKeys"];
    const written = [MARK_TAG, ...claimTags({ claimedBy: "node-a", claimedAtWallMs: 0, reason: "quorum", epoch: 1, details: { cause: "quorum", verdicts: [], cloud: "unknown", stages: { suspicionMs: 1, decisionMs: 0, claimMs: 1, confirmMs: 1 }, dropped: 0 } }).map(({ Key }) => Key)];
    assert.deepEqual(listed(allowed ?? []).toSorted(), written.sort());
  });
});
