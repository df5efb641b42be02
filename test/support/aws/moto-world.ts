/** Two nodes, a stranger and an address in moto, made with the SDK as an operator would make them. */
import { AllocateAddressCommand, AssociateAddressCommand, CreateNetworkInterfaceCommand, DescribeAddressesCommand, DescribeSubnetsCommand, DisassociateAddressCommand, EC2Client, RunInstancesCommand, StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import type { Holder, InstanceState } from "../../../agent/core/types.ts";

export interface MotoWorld {
  readonly allocationId: string;
  readonly instances: ReadonlyMap<string, string>;
  place(holder: Holder): Promise<void>;
  setInstance(node: string, state: InstanceState): Promise<void>;
  tags(): Promise<Readonly<Record<string, string>>>;
  close(): void;
}

/** Empties moto and builds the world; the SDK must already point to moto. */
export async function makeMotoWorld(url: string): Promise<MotoWorld> {
  await fetch(`${url}/moto-api/reset`, { method: "POST" });
  const ec2 = new EC2Client({ region: "eu-central-1", credentials: { accessKeyId: "operator", secretAccessKey: "not-a-secret" } });
  const { Instances: instances = [] } = await ec2.send(new RunInstancesCommand({ ImageId: "ami-12c6146b", MinCount: 3, MaxCount: 3, InstanceType: "t3.micro" }));
  const [nodeA = "", nodeB = "", stranger = ""] = instances.map((one) => one.InstanceId ?? "");
  const { AllocationId: allocationId = "" } = await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
  const nodes = new Map([
    ["node-a", nodeA],
    ["node-b", nodeB],
  ]);
  const instanceOf = (node: string): string => nodes.get(node) ?? "";
  const address = async (): Promise<{ AssociationId?: string | undefined; Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined }> => (await ec2.send(new DescribeAddressesCommand({ AllocationIds: [allocationId] }))).Addresses?.[0] ?? {};
  const attach = async (to: { InstanceId: string } | { NetworkInterfaceId: string }): Promise<void> => {
    await ec2.send(new AssociateAddressCommand({ AllocationId: allocationId, AllowReassociation: true, ...to }));
  };
  return {
    allocationId,
    instances: nodes,
    place: async (holder) => {
      if (holder.kind === "node") return attach({ InstanceId: instanceOf(holder.node) });
      if (holder.kind === "stranger" && holder.instanceId !== null) return attach({ InstanceId: stranger });
      if (holder.kind === "stranger") {
        const subnet = (await ec2.send(new DescribeSubnetsCommand({}))).Subnets?.[0]?.SubnetId;
        const made = await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: subnet }));
        return attach({ NetworkInterfaceId: made.NetworkInterface?.NetworkInterfaceId ?? "" });
      }
      const { AssociationId } = await address();
      if (AssociationId !== undefined) await ec2.send(new DisassociateAddressCommand({ AssociationId }));
    },
    setInstance: async (node, state) => {
      if (state === "stopped") await ec2.send(new StopInstancesCommand({ InstanceIds: [instanceOf(node)] }));
      else if (state === "terminated") await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceOf(node)] }));
      else throw new Error(`moto can't make an instance ${state}`);
    },
    tags: async () => Object.fromEntries(((await address()).Tags ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""])),
    close: () => ec2.destroy(),
  };
}
