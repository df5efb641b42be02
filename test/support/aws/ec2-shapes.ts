/** What goes into the EC2 model and comes out of it. */

export type InstanceStateName = "pending" | "running" | "stopping" | "stopped" | "shutting-down" | "terminated";

/** What a world begins with. */
export interface Ec2WorldSpec {
  readonly instances: readonly { readonly id: string; readonly availabilityZone: string; readonly interfaces: readonly { readonly id: string; readonly privateIps: readonly string[] }[]; readonly autoPublicIp?: string }[];
  readonly addresses: readonly { readonly allocationId: string; readonly publicIp: string; readonly heldBy?: string }[];
}

/** A request, after the wire. `null` where the caller left a parameter out. */
export type Ec2Request =
  | { readonly action: "DescribeAddresses"; readonly allocationIds: readonly string[] }
  | { readonly action: "AssociateAddress"; readonly allocationId: string; readonly instanceId: string | null; readonly networkInterfaceId: string | null; readonly privateIpAddress: string | null; readonly allowReassociation: boolean | null; readonly dryRun: boolean }
  | { readonly action: "DisassociateAddress"; readonly associationId: string; readonly dryRun: boolean }
  | { readonly action: "CreateTags"; readonly resources: readonly string[]; readonly tags: readonly Tag[]; readonly dryRun: boolean }
  | { readonly action: "StartInstances"; readonly instanceIds: readonly string[]; readonly dryRun: boolean }
  | { readonly action: "DescribeInstanceStatus"; readonly instanceIds: readonly string[]; readonly includeAllInstances: boolean };

export type Ec2Action = Ec2Request["action"];

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** An address as DescribeAddresses shows it (the SDK's names). */
export interface AddressView {
  readonly PublicIp: string;
  readonly AllocationId: string;
  readonly Domain: "vpc";
  readonly AssociationId?: string;
  readonly InstanceId?: string;
  readonly NetworkInterfaceId?: string;
  readonly PrivateIpAddress?: string;
  readonly Tags: readonly Tag[];
}

/** An instance as DescribeInstanceStatus shows it. */
export interface StatusView {
  readonly InstanceId: string;
  readonly AvailabilityZone: string;
  readonly InstanceState: { readonly Name: InstanceStateName };
  readonly InstanceStatus: { readonly Status: string };
  readonly SystemStatus: { readonly Status: string };
}

export type Ec2Answer = { readonly kind: "addresses"; readonly addresses: readonly AddressView[] } | { readonly kind: "associated"; readonly associationId: string } | { readonly kind: "done" } | { readonly kind: "started"; readonly instances: readonly { readonly instanceId: string; readonly was: InstanceStateName; readonly is: InstanceStateName }[] } | { readonly kind: "statuses"; readonly statuses: readonly StatusView[] };

/** Where an address points: an interface's private address, and the instance that the interface is attached to. */
export interface Location {
  readonly networkInterfaceId: string;
  readonly privateIp: string;
  readonly instanceId: string | null;
}

/** An address that changed its place. */
export interface AddressMove {
  readonly allocationId: string;
  readonly publicIp: string;
  readonly from: Location | null;
  readonly to: Location | null;
  readonly atMs: number;
}
