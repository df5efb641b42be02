// Reachability as a program inside a place sees it.
import type { Place } from "./addresses.ts";
import type { Lab } from "./network.ts";

const CONNECT = `
const [host, port, timeoutMs] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port), timeout: Number(timeoutMs) });
const say = (word) => { console.log(word); process.exit(0); };
socket.on("connect", () => say("connected")).on("timeout", () => say("silent")).on("error", (error) => say(error.code === "ECONNREFUSED" ? "refused" : "silent"));
`;

/** Tries a TCP connection from a place: `silent` when nothing came back in time (500 ms by default). */
export async function tcpFrom(lab: Lab, place: Place, host: string, port: number, timeoutMs = 500): Promise<"connected" | "refused" | "silent"> {
  const { stdout } = await lab.run(place, process.execPath, ["-e", CONNECT, host, String(port), String(timeoutMs)]);
  return stdout.trim() as "connected" | "refused" | "silent";
}

/** Number of UDP datagrams that a place has received so far. */
export async function udpReceived(lab: Lab, place: Place): Promise<number> {
  const { stdout } = await lab.run(place, "cat", ["/proc/net/snmp"]);
  const [names, values] = stdout.split("\n").filter((line) => line.startsWith("Udp:")).map((line) => line.split(" "));
  return Number(values?.[names?.indexOf("InDatagrams") ?? -1]);
}
