// The internet gateway's translation, as nftables text: 1:1 between the Elastic IP and the private address of its holder,
// between every other node and its own automatic public address, and between management addresses and theirs, which never
// change. Nodes see private addresses only, as on EC2.
//
// The way from inside to the Elastic IP ("hairpin") goes through both translations: the holder sees the asker's public
// address, so its answer comes back through the gateway and not by the private shortcut.
import { ADDRESS, AUTOMATIC_PUBLIC_ADDRESS, ELASTIC_IP, MANAGEMENT_ADDRESS, MANAGEMENT_PUBLIC_ADDRESS, NODES, VPC_CIDR, type NodeName } from "./addresses.ts";

type Inside = keyof typeof AUTOMATIC_PUBLIC_ADDRESS;

export interface NatState {
  /** Who holds the Elastic IP; `null` when nobody does. */
  readonly holder: NodeName | null;
  /** Places whose automatic public address is gone (as after an Elastic IP was taken away from them). */
  readonly withoutPublic: ReadonlySet<Inside>;
}

/** The table with empty maps; `natUpdate` fills them. */
export const NAT_TABLE = `
table ip nat {
  map elastic { type ipv4_addr : ipv4_addr; }
  map public { type ipv4_addr : ipv4_addr; }
  set has_public { type ipv4_addr; }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    dnat to ip daddr map @elastic
  }
  chain forward {
    type filter hook forward priority -10;
    ct direction original ip saddr ${VPC_CIDR} ip saddr != @has_public ip daddr != ${VPC_CIDR} drop
    ct direction original ip saddr ${VPC_CIDR} ip saddr != @has_public ct status dnat drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip daddr != ${VPC_CIDR} snat to ip saddr map @public
    ct status dnat snat to ip saddr map @public
  }
}
`;

/** One nft transaction which replaces all translations: no packet sees a half of it. */
export function natUpdate(state: NatState): string {
  const inside = Object.keys(AUTOMATIC_PUBLIC_ADDRESS) as Inside[];
  const connected = inside.filter((place) => place === state.holder || !state.withoutPublic.has(place));
  const publicOf = (place: Inside) => (place === state.holder ? ELASTIC_IP : AUTOMATIC_PUBLIC_ADDRESS[place]);
  const lines = ["flush map ip nat elastic", "flush map ip nat public", "flush set ip nat has_public"];
  if (state.holder !== null) lines.push(`add element ip nat elastic { ${ELASTIC_IP} : ${ADDRESS[state.holder]} }`);
  const translated = [...connected.map((place) => [ADDRESS[place], publicOf(place)]), ...NODES.map((node) => [MANAGEMENT_ADDRESS[node], MANAGEMENT_PUBLIC_ADDRESS[node]])];
  for (const [inner = "", outer = ""] of translated) lines.push(`add element ip nat public { ${inner} : ${outer} }`, `add element ip nat has_public { ${inner} }`);
  return lines.join("\n") + "\n";
}

/**
 * Shell lines that forget all flows through the given public addresses. Without this a long-lived UDP flow would
 * stay on the old holder: translation is looked up for the first packet of a flow only.
 */
export function conntrackFlush(publicAddresses: readonly string[]): string {
  // conntrack exits with 1 when there was nothing to forget.
  return publicAddresses.flatMap((address) => [`conntrack -D -d ${address}`, `conntrack -D -q ${address}`]).map((line) => `${line} >/dev/null 2>&1 || true`).join("\n");
}
