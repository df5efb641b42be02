// Faults of the network, as nftables text: what is cut, one way or both, and what is lossy. All faults live in one table of
// the gateway, which every packet between two places passes, and are rewritten together in one transaction.
//
// A path through the Elastic IP is a path of its own: cutting node-a from node-b leaves node-b's way to the Elastic IP
// (held by node-a) alone, because on EC2 these are different paths too.
import { ADDRESS, ELASTIC_IP, IMDS_CIDR, isNode, MANAGEMENT_ADDRESS, REFERENCE_PRIVATE, type FaultEnd, type Place } from "./addresses.ts";

type Somewhere = Exclude<Place, "igw">;

export type Fault =
  /** Drops `percent` of the packets from one end to the other (100: all). */
  | { readonly kind: "drop"; readonly from: FaultEnd; readonly to: FaultEnd; readonly percent: number }
  /** Drops everything to and from a place but its traffic with the allowed ends. */
  | { readonly kind: "only"; readonly place: Somewhere; readonly allowed: readonly FaultEnd[] }
  /** The machine is dead: drops everything to and from it, its metadata service included, in silence. */
  | { readonly kind: "gone"; readonly place: Somewhere };

/** One nft transaction that replaces all faults by the given ones. */
export function faultsTable(faults: readonly Fault[]): string {
  const chains: string[] = [];
  const rules: string[] = [];
  for (const fault of faults) {
    if (fault.kind === "drop") {
      const chance = fault.percent >= 100 ? "" : `numgen random mod 100 < ${fault.percent} `;
      rules.push(`${oneWay(fault.from, fault.to)} ${chance}counter drop`);
    } else if (fault.kind === "gone") {
      rules.push(...aroundPlace(fault.place).map((match) => `${match} counter drop`));
    } else {
      const chain = `only_${chains.length}`;
      const open = fault.allowed.flatMap((end) => [oneWay(fault.place, end), oneWay(end, fault.place)]);
      const imds = [`ip saddr ${IMDS_CIDR}`, `ip daddr ${IMDS_CIDR}`];
      chains.push(`chain ${chain} {\n${[...open, ...imds].map((match) => `${match} return\n`).join("")}counter drop\n}`);
      rules.push(...aroundPlace(fault.place).map((match) => `${match} jump ${chain}`));
    }
  }
  const forward = `chain forward {\ntype filter hook forward priority filter;\n${rules.join("\n")}\n}`;
  return `table ip faults\ndelete table ip faults\ntable ip faults {\n${chains.join("\n")}\n${forward}\n}\n`;
}

function aroundPlace(place: Somewhere): string[] {
  return [`ip saddr ${addresses(place)}`, `ip daddr ${addresses(place)}`];
}

/**
 * What the packets from one end to the other look like in the gateway's forward hook: behind the translation of the
 * destination and before that of the source, so both ends show their private addresses.
 */
function oneWay(from: FaultEnd, to: FaultEnd): string {
  if (from === "eip" && to === "eip") throw new Error("a fault needs two different ends");
  if (to === "eip") return `ct direction original ct original ip saddr ${addresses(from)} ct original ip daddr ${ELASTIC_IP}`;
  if (from === "eip") return `ct direction reply ct original ip saddr ${addresses(to)} ct original ip daddr ${ELASTIC_IP}`;
  const pair = `ip saddr ${addresses(from)} ip daddr ${addresses(to)}`;
  // The caller has no private path: all it ever sends goes to the Elastic IP.
  return from === "caller" || to === "caller" ? pair : `${pair} ct original ip daddr != ${ELASTIC_IP}`;
}

function addresses(end: FaultEnd): string {
  if (end === "eip") return ELASTIC_IP;
  if (end === "reference") return REFERENCE_PRIVATE.address;
  return isNode(end) ? `{ ${ADDRESS[end]}, ${MANAGEMENT_ADDRESS[end]} }` : ADDRESS[end];
}
