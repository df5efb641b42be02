/** Ec2Cloud keeps the contract against the embedded AWS, by instance and by interface. */
import { performance } from "node:perf_hooks";
import { Ec2Cloud, type ClaimTarget } from "../../agent/adapters/ec2-cloud.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { startEmbeddedAws } from "../support/aws/aws-server.ts";
import { describeCloudContract } from "./cloud-contract.ts";
import { type CloudWorld, type ClusterNode } from "./cloud-stand.ts";

const INSTANCES = { "node-a": "i-aaaa", "node-b": "i-bbbb" } as const;
const INTERFACES = { "node-a": "eni-aaaa", "node-b": "eni-bbbb" } as const;

async function makeWorld(targetOf: (node: ClusterNode) => ClaimTarget): Promise<CloudWorld> {
  const aws = await startEmbeddedAws({
    region: "eu-central-1",
    instances: [
      { id: "i-aaaa", availabilityZone: "eu-central-1a", interfaces: [{ id: "eni-aaaa", privateIps: ["10.0.1.10"] }] },
      { id: "i-bbbb", availabilityZone: "eu-central-1b", interfaces: [{ id: "eni-bbbb", privateIps: ["10.0.2.10"] }] },
      { id: "i-cccc", availabilityZone: "eu-central-1b", interfaces: [{ id: "eni-cccc", privateIps: ["10.0.2.99"] }] },
    ],
    addresses: [{ allocationId: "eipalloc-1", publicIp: "198.51.100.7" }],
  });
  const made = [pointSdkTo(aws.url)];
  const clouds = new Map<ClusterNode, Ec2Cloud>();
  for (const node of ["node-a", "node-b"] as const) {
    const access = awsAccess(node);
    const cloud = new Ec2Cloud({ ...access, allocationId: "eipalloc-1", instances: new Map(Object.entries(INSTANCES)), self: node, target: targetOf(node) });
    clouds.set(node, cloud);
    made.push(() => {
      cloud.close();
      access.connection.close();
    });
  }
  return {
    cloud: (node) => clouds.get(node) ?? fail(node),
    nowMs: () => performance.now(),
    place: (holder) => {
      const to = holder.kind === "nobody" ? null : holder.kind === "node" ? { instanceId: INSTANCES[holder.node as ClusterNode] } : holder.instanceId === null ? { networkInterfaceId: "eni-nlb", privateIp: "10.9.9.9" } : { instanceId: "i-cccc" };
      return Promise.resolve(aws.lab.placeAddress("eipalloc-1", to));
    },
    setInstance: (node, state) => Promise.resolve(aws.lab.setInstance(INSTANCES[node], state === "impaired" ? { impaired: true } : { state })),
    fault: (rule) => Promise.resolve(aws.lab.addFault(rule)),
    setReachable: (on) => aws.lab.setListening(on),
    tags: () => Promise.resolve(aws.lab.tags("eipalloc-1")),
    close: async () => {
      for (const close of made) close();
      await aws.close();
    },
  };
}

function fail(node: string): never {
  throw new Error(`no cloud for ${node}`);
}

describeCloudContract("Ec2Cloud by instance, embedded AWS", () => makeWorld((node) => ({ kind: "instance", instanceId: INSTANCES[node] })));
describeCloudContract("Ec2Cloud by interface, embedded AWS", () => makeWorld((node) => ({ kind: "interface", networkInterfaceId: INTERFACES[node], privateIp: node === "node-a" ? "10.0.1.10" : "10.0.2.10" })));
