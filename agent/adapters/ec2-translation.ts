/**
 * Between EC2's shapes and the core's words, without any I/O: the holder of an address, the alive mark and the claim's
 * tags, an instance's state. The simulator's cloud uses the same functions, so that both read EC2 alike.
 */
import { isIP } from "node:net";
import { AgentError } from "../errors.ts";
import type { Verdict } from "../core/evidence.ts";
import type { ClaimDetails } from "../core/moves.ts";
import type { AddressReading, ClaimTags, Holder, InstanceState, Mark, NodeId } from "../core/types.ts";

/** The tag that carries the alive mark; its value is `node/counter`. Terraform must ignore changes of it. */
export const MARK_TAG = "asterisk-node-agent/alive-mark";

/** The tag with who saw what and how long the stages took, for the history of the other nodes. */
export const DETAILS_TAG = "claim-details";
const CAUSES = ["quorum", "consent", "vacant", "switchover", "takeover"] as const;
const VERDICTS: Readonly<Record<string, Verdict>> = { u: "up", d: "down", x: "unknown" };

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
  return /^[a-z0-9-]{1,32}$/.test(claimedBy) && Number.isFinite(claimedAtWallMs) ? { claimedBy, claimedAtWallMs, reason: valueOf("claim-reason").slice(0, TAG_VALUE_MAX), ...detailsOf(valueOf(DETAILS_TAG)) } : null;
}

/** Nothing for a value that no agent has written whole. */
function detailsOf(value: string): { readonly details?: ClaimDetails } {
  const [cause, ec2, times, cut, ...seen] = value.split(" ");
  const stages = /^ms:(-|\d{1,12})\/(-|\d{1,12})\/(-|\d{1,12})\/(-|\d{1,12})$/.exec(times ?? "");
  const dropped = /^dropped:(-|\d{1,9})$/.exec(cut ?? "")?.[1];
  const observers = seen.map((each) => /^([a-z0-9-]{1,32}):([udx])([udx])([udx])([udx])$/.exec(each));
  const cloud = /^ec2:([udx])$/.exec(ec2 ?? "")?.[1];
  const known = CAUSES.find((each) => each === cause);
  if (known === undefined || cloud === undefined || stages === null || dropped === undefined || observers.includes(null)) return {};
  const ms = (text = "-"): number | null => (text === "-" ? null : Number(text));
  const verdict = (letter = "x"): Verdict => VERDICTS[letter] ?? "unknown";
  return {
    details: {
      cause: known, cloud: verdict(cloud), dropped: ms(dropped),
      stages: { suspicionMs: ms(stages[1]), decisionMs: ms(stages[2]), claimMs: ms(stages[3]), confirmMs: ms(stages[4]) },
      verdicts: observers.flatMap((found) => (found === null ? [] : [{ observer: found[1] ?? "", verdict: verdict(found[2]), heartbeat: verdict(found[3]), sip: verdict(found[4]), eip: verdict(found[5]) }])),
    },
  };
}

/** Whole words only, so that what does not fit is left out and the rest can still be read. */
function detailsText({ cause, cloud, stages, dropped, verdicts }: ClaimDetails): string {
  const number = (value: number | null): string => (value === null ? "-" : String(value));
  const letter = (seen: Verdict | null): string => Object.entries(VERDICTS).find(([, verdict]) => verdict === seen)?.[0] ?? "x";
  const { suspicionMs, decisionMs, claimMs, confirmMs } = stages;
  const words = [cause, `ec2:${letter(cloud)}`, `ms:${[suspicionMs, decisionMs, claimMs, confirmMs].map(number).join("/")}`, `dropped:${number(dropped)}`, ...verdicts.map(({ observer, verdict, heartbeat, sip, eip }) => `${observer}:${[verdict, heartbeat, sip, eip].map(letter).join("")}`)];
  return words.reduce((text, word) => (text.length + 1 + word.length > TAG_VALUE_MAX ? text : `${text} ${word}`));
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
    ...(tags.details === undefined ? [] : [{ Key: DETAILS_TAG, Value: detailsText(tags.details) }]),
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
