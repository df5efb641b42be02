/**
 * Between EC2's shapes and the core's words, without any I/O: the holder of an address, the alive mark and the claim's
 * tags, an instance's state. The simulator's cloud uses the same functions, so that both read EC2 alike.
 */
import { isIP } from "node:net";
import { AgentError } from "../errors.ts";
import type { AddressReading, ClaimTags, Holder, InstanceState, Mark, NodeId } from "../core/types.ts";

/** The tag that carries the alive mark; its value is `node/counter`. Terraform must ignore changes of it. */
export const MARK_TAG = "asterisk-node-agent/alive-mark";

/** EC2's limit on a tag's value (characters). */
const TAG_VALUE_MAX = 256;

/** A tag as EC2 takes it. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** The parts of DescribeAddresses' answer that matter. */
export interface DescribedAddress {
  readonly PublicIp?: string | undefined;
  readonly AssociationId?: string | undefined;
  readonly InstanceId?: string | undefined;
  readonly NetworkInterfaceId?: string | undefined;
  readonly Tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;
}

/** The parts of DescribeInstanceStatus' answer that matter. */
export interface DescribedStatus {
  readonly InstanceState?: { readonly Name?: string | undefined } | undefined;
  readonly InstanceStatus?: { readonly Status?: string | undefined } | undefined;
  readonly SystemStatus?: { readonly Status?: string | undefined } | undefined;
}

/** Who is who at EC2. */
export interface Members {
  /** Every node of the cluster, our own included, to its instance. */
  readonly instances: ReadonlyMap<NodeId, string>;
  /** Our own interface, so that an address which is held through it without an instance id is still known as ours. */
  readonly self: { readonly node: NodeId; readonly networkInterfaceId: string | null };
}

/** What an address shows. Rejects (throws AGENT_CLOUD_FAILED) an answer without a public address. */
export function addressReading(address: DescribedAddress, members: Members): AddressReading {
  // Heartbeats carry it and probes are sent to it, so it must be one.
  if (address.PublicIp === undefined || isIP(address.PublicIp) === 0) throw new AgentError("AGENT_CLOUD_FAILED", "EC2 DescribeAddresses: the answer has no public address");
  return { holder: holderOf(address, members), publicIp: address.PublicIp, mark: markOf(address.Tags ?? []), lastClaim: lastClaimOf(address.Tags ?? []) };
}

function holderOf(address: DescribedAddress, members: Members): Holder {
  const { InstanceId: instanceId, NetworkInterfaceId: interfaceId } = address;
  if (instanceId) {
    for (const [node, instance] of members.instances) if (instance === instanceId) return { kind: "node", node };
    return { kind: "stranger", instanceId };
  }
  if (interfaceId) return interfaceId === members.self.networkInterfaceId ? { kind: "node", node: members.self.node } : { kind: "stranger", instanceId: null };
  // An association without either has never been seen; it is surely not "nobody".
  return address.AssociationId ? { kind: "stranger", instanceId: null } : { kind: "nobody" };
}

/** null also for a value that no agent has written: somebody's own edit is no sign of life. */
function markOf(tags: NonNullable<DescribedAddress["Tags"]>): Mark | null {
  const value = tags.find((tag) => tag.Key === MARK_TAG)?.Value ?? "";
  const match = /^([a-z0-9-]{1,32})\/(\d{1,15})$/.exec(value);
  return match?.[1] === undefined ? null : { node: match[1], counter: Number(match[2]) };
}

/** null for anything that no agent has written whole. */
function lastClaimOf(tags: NonNullable<DescribedAddress["Tags"]>): AddressReading["lastClaim"] {
  const valueOf = (key: string): string => tags.find((tag) => tag.Key === key)?.Value ?? "";
  const claimedAtWallMs = Date.parse(valueOf("claimed-at"));
  const claimedBy = valueOf("claimed-by");
  return /^[a-z0-9-]{1,32}$/.test(claimedBy) && Number.isFinite(claimedAtWallMs) ? { claimedBy, claimedAtWallMs, reason: valueOf("claim-reason").slice(0, TAG_VALUE_MAX) } : null;
}

/** The tag for a mark. */
export function markTags(mark: Mark): Tag[] {
  return [{ Key: MARK_TAG, Value: `${mark.node}/${mark.counter}` }];
}

/** The tags for a claim; the reason is cut and cleaned, because EC2 refuses the whole call for one character. */
export function claimTags(tags: ClaimTags): Tag[] {
  return [
    { Key: "claimed-by", Value: tagValue(tags.claimedBy) },
    { Key: "claimed-at", Value: new Date(tags.claimedAtWallMs).toISOString() },
    { Key: "claim-reason", Value: tagValue(tags.reason) },
    { Key: "claim-epoch", Value: String(tags.epoch) },
  ];
}

/** Only what AWS's tagging page allows in every service: letters, digits, space and + - = . _ : / @; the rest becomes a hyphen. */
export function tagValue(text: string): string {
  return Array.from(text.replace(/[^\p{L}\p{N} +\-=._:/@]/gu, "-").trim()).slice(0, TAG_VALUE_MAX).join("").trim();
}

const STATES: Readonly<Record<string, InstanceState>> = { pending: "pending", running: "running", stopping: "stopping", stopped: "stopped", "shutting-down": "shutting-down", terminated: "terminated" };

/**
 * EC2's word for the instance; a running one is `impaired` when its own or the host's status check fails. A failed
 * check of an attached volume does not count: Asterisk answers callers without its disk.
 */
export function instanceState(status: DescribedStatus): InstanceState {
  const state = STATES[status.InstanceState?.Name ?? ""];
  if (state === undefined) throw new AgentError("AGENT_CLOUD_FAILED", `EC2 DescribeInstanceStatus: unknown instance state ${JSON.stringify(status.InstanceState?.Name?.slice(0, 40))}`);
  const impaired = status.InstanceStatus?.Status === "impaired" || status.SystemStatus?.Status === "impaired";
  return state === "running" && impaired ? "impaired" : state;
}
