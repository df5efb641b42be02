// Builds the namespaces of a lab and the cables between them: every place has one link to the gateway (`igw`) and nothing
// else, so every packet between two places passes the gateway, where it can be translated, counted or dropped.
// The links are made inside the namespaces: the machine's own network never sees them.
import { ADDRESS, IMDS_ADDRESS, IMDS_CIDR, isNode, MANAGEMENT_ADDRESS, REFERENCE_PRIVATE, type Place } from "./addresses.ts";
import { faultsTable } from "./faults.ts";
import { NAT_TABLE, natUpdate } from "./nat.ts";
import { run } from "./run.ts";

/** Makes one namespace a place (`namespaceOf` names it) and connects all of them through `igw`. */
export async function buildTopology(places: readonly Place[], namespaceOf: (place: Place) => string): Promise<void> {
  const igw = namespaceOf("igw");
  for (const place of places) {
    await run("ip", ["netns", "add", namespaceOf(place)]);
    await inNamespace(namespaceOf(place), [
      "sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0",
      "ip link set lo up",
    ]);
  }
  await inNamespace(igw, [
    "sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0",
    // Packets for a public address that nobody holds vanish, as they do on the Internet; they get no ICMP error.
    "ip route add blackhole 203.0.113.0/24",
  ]);
  for (const place of places) if (place !== "igw") await connect(place, namespaceOf(place), igw);
  await run("nsenter", [`--net=/run/netns/${igw}`, "nft", "-f", "-"], {
    input: NAT_TABLE + natUpdate({ holder: null, withoutPublic: new Set() }) + faultsTable([]),
  });
}

async function connect(place: Exclude<Place, "igw">, namespace: string, igw: string): Promise<void> {
  const address = ADDRESS[place];
  const gateway = address.replace(/\.\d+$/, ".1");
  await run("ip", ["link", "add", "eth0", "netns", namespace, "type", "veth", "peer", "name", place, "netns", igw]);
  await inNamespace(igw, [`ip address add ${gateway}/24 dev ${place}`, `ip link set ${place} up`]);
  const more: string[] = [];
  if (isNode(place)) more.push(`ip address add ${MANAGEMENT_ADDRESS[place]}/32 dev eth0`);
  if (place === "aws") {
    const extra = [REFERENCE_PRIVATE.address, ...Object.values(IMDS_ADDRESS)];
    more.push(...extra.map((one) => `ip address add ${one}/32 dev eth0`));
  }
  await inNamespace(namespace, [
    `ip address add ${address}/24 dev eth0`,
    ...more,
    "ip link set eth0 up",
    `ip route add default via ${gateway} src ${address}`,
  ]);
  if (place === "aws") {
    await inNamespace(igw, [`ip route add ${REFERENCE_PRIVATE.address}/32 via ${address}`, `ip route add ${IMDS_CIDR} via ${address}`]);
  }
}

async function inNamespace(namespace: string, lines: readonly string[]): Promise<void> {
  await run("nsenter", [`--net=/run/netns/${namespace}`, "sh", "-e"], { input: lines.join("\n") });
}
