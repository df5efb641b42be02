// Reachability as a program inside a place sees it.
import type { Place } from "./addresses.ts";
import { connectFrom } from "./door.ts";
import type { Lab } from "./network.ts";

/** Tries a TCP connection from a place: `silent` when nothing came back in time (500 ms by default). */
export async function tcpFrom(lab: Lab, place: Place, host: string, port: number, timeoutMs = 500): Promise<"connected" | "refused" | "silent"> {
  const reach = await connectFrom(lab, place, { host, port, timeoutMs });
  if (reach.outcome === "connected") reach.socket.destroy();
  return reach.outcome;
}

/** Number of UDP datagrams that a place has received so far. */
export async function udpReceived(lab: Lab, place: Place): Promise<number> {
  const { stdout } = await lab.run(place, "cat", ["/proc/net/snmp"]);
  const [names, values] = stdout.split("\n").filter((line) => line.startsWith("Udp:")).map((line) => line.split(" "));
  return Number(values?.[names?.indexOf("InDatagrams") ?? -1]);
}
