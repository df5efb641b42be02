/**
 * The Cloud port over EC2. Six calls, each sent once: the SDK's retries are off, its waiting is cut off by the signal,
 * and credentials and connections are prepared before they are needed. `AllowReassociation` is always sent, because its
 * default has differed between account generations and SDKs (promise S5).
 */
import { AssociateAddressCommand, CreateTagsCommand, DescribeAddressesCommand, DescribeInstanceStatusCommand, EC2Client, StartInstancesCommand } from "@aws-sdk/client-ec2";
import type { AddressReading, ClaimTags, InstanceState, Mark, MonotonicMs, NodeId } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { Cloud } from "../ports.ts";
import type { AwsCallOptions, AwsConnection } from "./aws-connection.ts";
import type { AwsCredentials } from "./aws-credentials.ts";
import { awsCodeOf, callAws, cloudFailure } from "./aws-errors.ts";
import { addressReading, claimTags, instanceState, markTags, type Members, type Tag } from "./ec2-translation.ts";

/**
 * Where the address goes. EC2 takes an instance id only while the instance has exactly one network interface; a node
 * with a management interface names the interface, and the private address where that has several.
 */
export type ClaimTarget = { readonly kind: "instance"; readonly instanceId: string } | { readonly kind: "interface"; readonly networkInterfaceId: string; readonly privateIp: string | null };

/** What Ec2Cloud needs to know. The endpoint comes from the SDK's own variables (AWS_ENDPOINT_URL and the like). */
export interface Ec2CloudOptions {
  readonly region: string;
  readonly allocationId: string;
  /** Every node of the cluster, our own included, to its instance id. */
  readonly instances: ReadonlyMap<NodeId, string>;
  readonly self: NodeId;
  /** null on a witness, which never claims. */
  readonly target: ClaimTarget | null;
  /** Shared with the other AWS adapters. */
  readonly connection: AwsConnection;
  readonly credentials: AwsCredentials;
}

const READ_ADDRESS = { name: "EC2 DescribeAddresses", changes: false };
const READ_INSTANCE = { name: "EC2 DescribeInstanceStatus", changes: false };
const CLAIM = { name: "EC2 AssociateAddress", changes: true };
const CLAIM_DRY_RUN = { name: "EC2 AssociateAddress (dry run)", changes: false };
const START = { name: "EC2 StartInstances", changes: true };
const START_DRY_RUN = { name: "EC2 StartInstances (dry run)", changes: false };
const TAG = { name: "EC2 CreateTags", changes: true };
const TAG_DRY_RUN = { name: "EC2 CreateTags (dry run)", changes: false };

export class Ec2Cloud implements Cloud {
  readonly #options: Ec2CloudOptions;
  readonly #members: Members;
  readonly #client: EC2Client;

  constructor(options: Ec2CloudOptions) {
    this.#options = options;
    const { target, self } = options;
    this.#members = { instances: options.instances, self: { node: self, networkInterfaceId: target?.kind === "interface" ? target.networkInterfaceId : null } };
    this.#client = new EC2Client({ region: options.region, maxAttempts: 1, requestHandler: options.connection, credentials: options.credentials.provide });
  }

  /** At boot: fetches credentials, resolves the endpoint, opens a connection and runs the reading code once. */
  async warm(signal: AbortSignal): Promise<void> {
    await this.readAddress(signal);
  }

  async readAddress(signal: AbortSignal): Promise<AddressReading> {
    const reply = await callAws(READ_ADDRESS, signal, () => this.#client.send(new DescribeAddressesCommand({ AllocationIds: [this.#options.allocationId] }), { abortSignal: signal }));
    const address = reply.Addresses?.[0];
    if (address === undefined) throw new AgentError("AGENT_CLOUD_FAILED", `${READ_ADDRESS.name}: the answer is empty`);
    return addressReading(address, this.#members);
  }

  async readInstance(node: NodeId, signal: AbortSignal): Promise<InstanceState> {
    const instanceId = this.#instanceOf(node, READ_INSTANCE.name);
    const reply = await callAws(READ_INSTANCE, signal, () => this.#client.send(new DescribeInstanceStatusCommand({ InstanceIds: [instanceId], IncludeAllInstances: true }), { abortSignal: signal }));
    const status = reply.InstanceStatuses?.[0];
    if (status === undefined) throw new AgentError("AGENT_CLOUD_FAILED", `${READ_INSTANCE.name}: the answer is empty`);
    return instanceState(status);
  }

  async claim(request: { readonly allowReassociation: boolean; readonly notAfterMs: MonotonicMs }, signal: AbortSignal): Promise<void> {
    const options: AwsCallOptions = { abortSignal: signal, notAfterMs: request.notAfterMs };
    await callAws(CLAIM, signal, () => this.#client.send(this.#associate(request.allowReassociation, false), options));
  }

  dryRunClaim(signal: AbortSignal): Promise<void> {
    return dryRun(CLAIM_DRY_RUN, signal, () => this.#client.send(this.#associate(true, true), { abortSignal: signal }));
  }

  dryRunMark(signal: AbortSignal): Promise<void> {
    return dryRun(TAG_DRY_RUN, signal, () => this.#client.send(this.#tag(markTags({ node: this.#options.self, counter: 0 }), true), { abortSignal: signal }));
  }

  async startInstance(node: NodeId, signal: AbortSignal): Promise<void> {
    const command = this.#start(node, false);
    await callAws(START, signal, () => this.#client.send(command, { abortSignal: signal }));
  }

  async dryRunStart(node: NodeId, signal: AbortSignal): Promise<void> {
    const command = this.#start(node, true);
    await dryRun(START_DRY_RUN, signal, () => this.#client.send(command, { abortSignal: signal }));
  }

  async writeMark(mark: Mark, signal: AbortSignal): Promise<void> {
    await callAws(TAG, signal, () => this.#client.send(this.#tag(markTags(mark), false), { abortSignal: signal }));
  }

  async writeClaimTags(tags: ClaimTags, signal: AbortSignal): Promise<void> {
    await callAws(TAG, signal, () => this.#client.send(this.#tag(claimTags(tags), false), { abortSignal: signal }));
  }

  resetConnections(): void {
    this.#options.connection.reset();
  }

  close(): void {
    this.#client.destroy();
  }

  #instanceOf(node: NodeId, call: string): string {
    const instanceId = this.#options.instances.get(node);
    if (instanceId === undefined) throw new AgentError("AGENT_CLOUD_FAILED", `${call}: no instance id is configured for ${node}`);
    return instanceId;
  }

  #start(node: NodeId, dry: boolean): StartInstancesCommand {
    return new StartInstancesCommand({ InstanceIds: [this.#instanceOf(node, START.name)], DryRun: dry });
  }

  #associate(allowReassociation: boolean, dry: boolean): AssociateAddressCommand {
    const { target, allocationId } = this.#options;
    if (target === null) throw new AgentError("AGENT_INVARIANT_BROKEN", "a witness never claims");
    const where = target.kind === "instance" ? { InstanceId: target.instanceId } : { NetworkInterfaceId: target.networkInterfaceId, ...(target.privateIp === null ? {} : { PrivateIpAddress: target.privateIp }) };
    return new AssociateAddressCommand({ AllocationId: allocationId, ...where, AllowReassociation: allowReassociation, DryRun: dry });
  }

  #tag(tags: Tag[], dry: boolean): CreateTagsCommand {
    return new CreateTagsCommand({ Resources: [this.#options.allocationId], Tags: tags, DryRun: dry });
  }
}

/** A dry run always ends in an error; DryRunOperation is the one that says "it would have succeeded". */
async function dryRun(call: { readonly name: string; readonly changes: boolean }, signal: AbortSignal, send: () => Promise<unknown>): Promise<void> {
  const succeeded = await callAws(call, signal, async () => {
    try {
      await send();
      return false;
    } catch (error) {
      if (awsCodeOf(error) === "DryRunOperation") return true;
      throw cloudFailure(error, call);
    }
  });
  if (!succeeded) throw new AgentError("AGENT_CLOUD_FAILED", `${call.name}: it was carried out, which a dry run must not be`);
}
