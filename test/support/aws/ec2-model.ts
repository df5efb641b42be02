/**
 * EC2, as far as an Elastic IP is concerned: the rules, in memory, with time handed in. It has two faces: the embedded
 * AWS puts HTTP and XML around it, and the simulator's cloud calls it with virtual time. Each rule stands beside its
 * source; "assumed" marks what no page says.
 */
import { automaticAddress, Ec2Instances, type Instance } from "./ec2-instances.ts";
import { dryRunSucceeded, Ec2Error, RequestBuckets } from "./ec2-limits.ts";
import type { AddressMove, AddressView, Ec2Action, Ec2Answer, Ec2Request, Ec2WorldSpec, InstanceStateName, Location } from "./ec2-shapes.ts";

interface Interface {
  readonly id: string;
  readonly privateIps: readonly string[];
  readonly instanceId: string | null;
}

interface Address {
  readonly allocationId: string;
  readonly publicIp: string;
  association: { readonly id: string; readonly networkInterfaceId: string; readonly privateIp: string } | null;
  readonly tags: Map<string, string>;
  /** What reads have shown since when, for reads that lag. Oldest first. */
  history: { readonly fromMs: number; readonly view: AddressView }[];
}

const HISTORY_MAX = 200;

export class Ec2Model {
  readonly #instances: Ec2Instances;
  readonly #interfaces = new Map<string, Interface>();
  readonly #addresses = new Map<string, Address>();
  readonly #buckets: RequestBuckets;
  readonly #listeners: ((move: AddressMove) => void)[] = [];
  #nextAssociation = 1;

  /** @param buckets the account's, when others in it use up the same requests */
  constructor(spec: Ec2WorldSpec, buckets = new RequestBuckets()) {
    this.#buckets = buckets;
    this.#instances = new Ec2Instances(spec.instances);
    for (const { id, interfaces } of spec.instances) for (const one of interfaces) this.#interfaces.set(one.id, { ...one, instanceId: id });
    for (const { allocationId, publicIp, heldBy } of spec.addresses) {
      this.#addresses.set(allocationId, { allocationId, publicIp, association: null, tags: new Map(), history: [] });
      if (heldBy === undefined) this.#remember(allocationId, -Infinity);
      else this.place(allocationId, { instanceId: heldBy }, -Infinity);
    }
  }

  /** Called with every move, at once. */
  onAddressMoved(listener: (move: AddressMove) => void): void {
    this.#listeners.push(listener);
  }

  /** Called when a stopped instance is started; whoever listens says when it runs (setInstance). */
  onInstanceStarted(listener: (instanceId: string) => void): void {
    this.#instances.onStarted(listener);
  }

  /**
   * Does what is asked. Throws Ec2Error with EC2's code.
   * @param readLagMs reads show the world as it was so long ago: "results might not be immediately visible" (EC2
   * developer guide, eventual consistency)
   */
  execute(request: Ec2Request, nowMs: number, readLagMs = 0): Ec2Answer {
    this.#buckets.take(request.action, nowMs);
    switch (request.action) {
      case "DescribeAddresses":
        return { kind: "addresses", addresses: request.allocationIds.map((id) => viewAt(this.#address(id), nowMs - readLagMs)) };
      case "AssociateAddress":
        return this.#associate(request, nowMs);
      case "DisassociateAddress":
        return this.#disassociate(request, nowMs);
      case "CreateTags":
        return this.#createTags(request, nowMs);
      case "StartInstances":
        return this.#instances.start(request);
      case "DescribeInstanceStatus":
        return { kind: "statuses", statuses: this.#instances.statuses(request) };
    }
  }

  /** An operator's hand: puts the address on an instance, on an interface of a stranger, or on nothing. */
  place(allocationId: string, to: { readonly instanceId: string } | { readonly networkInterfaceId: string; readonly privateIp: string } | null, nowMs: number): void {
    if (to === null) this.#move(this.#address(allocationId), null, nowMs);
    else if ("instanceId" in to) this.#move(this.#address(allocationId), this.#primary(this.#instances.get(to.instanceId)), nowMs);
    else {
      if (!this.#interfaces.has(to.networkInterfaceId)) this.#interfaces.set(to.networkInterfaceId, { id: to.networkInterfaceId, privateIps: [to.privateIp], instanceId: null });
      this.#move(this.#address(allocationId), to, nowMs);
    }
  }

  /** An operator's hand, or fate. The address stays on a stopped instance (EC2 guide, stop and start). */
  setInstance(instanceId: string, change: { readonly state?: InstanceStateName; readonly impaired?: boolean }): void {
    this.#instances.set(instanceId, change);
  }

  /** How the instance is now, whatever reads show; "impaired" runs, and fails its status checks. */
  stateOf(instanceId: string): InstanceStateName | "impaired" {
    const { state, impaired } = this.#instances.get(instanceId);
    return state === "running" && impaired ? "impaired" : state;
  }

  /** Somebody else in the account uses up the action's requests. */
  drainRequests(action: Ec2Action, nowMs: number): void {
    this.#buckets.drain(action, nowMs);
  }

  /** Where the address is now, without any lag. */
  locate(allocationId: string): Location | null {
    return this.#locationOf(this.#address(allocationId));
  }

  /** The tags of the address now. */
  tags(allocationId: string): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#address(allocationId).tags);
  }

  /** What instance metadata shows: the Elastic IP on it, else the automatic address, else null (EC2 guide, instance metadata categories). */
  publicIpOf(instanceId: string, nowMs: number): string | null {
    const instance = this.#instances.get(instanceId);
    for (const address of this.#addresses.values()) if (address.association?.networkInterfaceId === instance.interfaces[0]) return address.publicIp;
    return automaticAddress(instance, nowMs);
  }

  /** The facts of an instance that its metadata serves. */
  describeInstance(instanceId: string): { readonly availabilityZone: string; readonly networkInterfaceId: string; readonly privateIp: string } {
    const instance = this.#instances.get(instanceId);
    return { availabilityZone: instance.availabilityZone, ...this.#primary(instance) };
  }

  #associate(request: Ec2Request & { action: "AssociateAddress" }, nowMs: number): Ec2Answer {
    const target = this.#target(request);
    // Assumed: ids are looked up before a dry run answers, as permission on a resource needs the resource.
    const address = this.#address(request.allocationId);
    if (request.dryRun) throw dryRunSucceeded();
    const held = address.association;
    if (held !== null) {
      // "This is an idempotent operation" (API reference, AssociateAddress). Assumed: the association keeps its id, and the flag makes no difference.
      if (held.networkInterfaceId === target.networkInterfaceId && held.privateIp === target.privateIp) return { kind: "associated", associationId: held.id };
      // "Reassociation is automatic, but you can specify false to ensure the operation fails if the Elastic IP address is already associated" (same page).
      if (request.allowReassociation === false) throw new Ec2Error("Resource.AlreadyAssociated", `resource ${address.allocationId} is already associated with associate-id ${held.id}`);
    }
    for (const other of this.#addresses.values()) {
      // "If the instance already has an Elastic IP address, the existing address is disassociated from it, but remains allocated" (same page).
      if (other !== address && other.association?.networkInterfaceId === target.networkInterfaceId && other.association.privateIp === target.privateIp) this.#move(other, null, nowMs);
    }
    return { kind: "associated", associationId: this.#move(address, target, nowMs) ?? "" };
  }

  #target(request: Ec2Request & { action: "AssociateAddress" }): { readonly networkInterfaceId: string; readonly privateIp: string } {
    if (request.networkInterfaceId !== null) {
      const one = this.#interfaces.get(request.networkInterfaceId);
      if (one === undefined) throw new Ec2Error("InvalidNetworkInterfaceID.NotFound", `The networkInterface ID '${request.networkInterfaceId}' does not exist`);
      const privateIp = request.privateIpAddress ?? one.privateIps[0] ?? "";
      if (!one.privateIps.includes(privateIp)) throw new Ec2Error("InvalidParameterValue", `Private IP address ${privateIp} is not assigned to ${one.id}`);
      return { networkInterfaceId: one.id, privateIp };
    }
    if (request.instanceId === null) throw new Ec2Error("MissingParameter", "Either an instance or a network interface must be given");
    const instance = this.#instances.get(request.instanceId);
    // "This is required if the instance has more than one network interface" is said of NetworkInterfaceId (same page).
    if (instance.interfaces.length > 1) throw new Ec2Error("InvalidInstanceID", `There are multiple interfaces attached to instance '${instance.id}'`);
    if (instance.state === "pending" || instance.state === "terminated") throw new Ec2Error("InvalidInstanceID", `The ${instance.state} instance '${instance.id}' is not in a valid state for this operation`);
    return this.#primary(instance);
  }

  #disassociate(request: Ec2Request & { action: "DisassociateAddress" }, nowMs: number): Ec2Answer {
    const address = Array.from(this.#addresses.values()).find((one) => one.association?.id === request.associationId);
    // Seen in the wild: an id from before somebody else's association is not found (terraform-provider-aws, pull request 3653).
    if (address === undefined) throw new Ec2Error("InvalidAssociationID.NotFound", `The association ID '${request.associationId}' does not exist`);
    if (request.dryRun) throw dryRunSucceeded();
    this.#move(address, null, nowMs);
    return { kind: "done" };
  }

  #createTags(request: Ec2Request & { action: "CreateTags" }, nowMs: number): Ec2Answer {
    const addresses = request.resources.map((id) => this.#address(id));
    for (const { Key, Value } of request.tags) {
      // Limits: EC2 guide, "Tag your resources", restrictions.
      if (Key.length === 0 || Key.length > 128 || Value.length > 256) throw new Ec2Error("InvalidParameterValue", `Tag ${JSON.stringify(Key)} is too long`);
      if (Key.startsWith("aws:")) throw new Ec2Error("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
    }
    if (addresses.some((one) => new Set([...one.tags.keys(), ...request.tags.map((tag) => tag.Key)]).size > 50)) throw new Ec2Error("TagLimitExceeded", "The maximum number of tags for the resource has been reached");
    if (request.dryRun) throw dryRunSucceeded();
    for (const address of addresses) {
      for (const { Key, Value } of request.tags) address.tags.set(Key, Value);
      this.#remember(address.allocationId, nowMs);
    }
    return { kind: "done" };
  }

  #move(address: Address, to: { readonly networkInterfaceId: string; readonly privateIp: string } | null, nowMs: number): string | null {
    const from = this.#locationOf(address);
    const id = to === null ? null : `eipassoc-${String(this.#nextAssociation++).padStart(17, "0")}`;
    address.association = to === null || id === null ? null : { id, ...to };
    const now = this.#locationOf(address);
    // Attaching releases the automatic address; it returns later, unless a second interface is attached (EC2 guide, instance IP addressing).
    if (from?.instanceId != null) this.#instances.returnAutomaticAddress(from.instanceId, nowMs);
    if (now?.instanceId != null) this.#instances.takeAutomaticAddress(now.instanceId);
    this.#remember(address.allocationId, nowMs);
    for (const listener of this.#listeners) listener({ allocationId: address.allocationId, publicIp: address.publicIp, from, to: now, atMs: nowMs });
    return id;
  }

  #remember(allocationId: string, nowMs: number): void {
    const address = this.#address(allocationId);
    const { association } = address;
    const location = this.#locationOf(address);
    address.history.push({
      fromMs: nowMs,
      view: {
        PublicIp: address.publicIp,
        AllocationId: allocationId,
        Domain: "vpc",
        ...(association === null ? {} : { AssociationId: association.id, NetworkInterfaceId: association.networkInterfaceId, PrivateIpAddress: association.privateIp }),
        ...(location?.instanceId == null ? {} : { InstanceId: location.instanceId }),
        Tags: Array.from(address.tags, ([Key, Value]) => ({ Key, Value })),
      },
    });
    if (address.history.length > HISTORY_MAX) address.history = address.history.slice(-HISTORY_MAX / 2);
  }

  #locationOf({ association }: Address): Location | null {
    if (association === null) return null;
    return { networkInterfaceId: association.networkInterfaceId, privateIp: association.privateIp, instanceId: this.#interfaces.get(association.networkInterfaceId)?.instanceId ?? null };
  }

  #primary(instance: Instance): { readonly networkInterfaceId: string; readonly privateIp: string } {
    const networkInterfaceId = instance.interfaces[0] ?? "";
    return { networkInterfaceId, privateIp: this.#interfaces.get(networkInterfaceId)?.privateIps[0] ?? "" };
  }

  #address(allocationId: string): Address {
    const address = this.#addresses.get(allocationId);
    if (address === undefined) throw new Ec2Error("InvalidAllocationID.NotFound", `The allocation ID '${allocationId}' does not exist`);
    return address;
  }
}

function viewAt(address: Address, atMs: number): AddressView {
  const seen = address.history.findLast((one) => one.fromMs <= atMs) ?? address.history[0];
  if (seen === undefined) throw new Error("an address without history");
  return seen.view;
}
