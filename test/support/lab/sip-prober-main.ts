// Runs in a place of the lab: the agent's own SIP prober, once. Prints the final status of the answer.
//
// Arguments: `udp` or `tcp`, whom to ask.
import process from "node:process";
import { SocketProber } from "../../../agent/adapters/socket-prober.ts";

const [transport, host = ""] = process.argv.slice(2);
const { status } = await new SocketProber().sipOptions({ transport: transport === "tcp" ? "tcp" : "udp", host, port: 5060 }, AbortSignal.timeout(5000));
process.stdout.write(`${status}\n`, () => process.exit(0));
