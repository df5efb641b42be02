/**
 * Command: the stand-in as a process of its own, which can be stopped, continued and killed like the real one. It prints
 * one JSON line `{"ready":true,"sipPort":…,"ariUrl":…}` when it is up. With --stdin it obeys commands, one a line, and
 * ends when its standard input does: `fault NAME on|off`, `app NAME connected|deaf|missing`, `load CALLS CHANNELS`,
 * `contacts REACHABLE UNREACHABLE`, `raw TEXT`, `drop-sockets`. Each is answered with a JSON line.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { AsteriskStandIn } from "./asterisk-stand-in.ts";
import { FAULT_NAMES } from "./faults.ts";

const { values } = parseArgs({
  options: {
    node: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    "sip-port": { type: "string", default: "5060" },
    "http-port": { type: "string", default: "8088" },
    control: { type: "string" },
    username: { type: "string", default: "agent" },
    /** Names of Stasis applications, comma separated. */
    apps: { type: "string", default: "" },
    stdin: { type: "boolean", default: false },
  },
});
const password = process.env["STAND_IN_PASSWORD"] ?? "";
if (values.node === undefined || values.control === undefined || password === "") {
  process.stderr.write("usage: STAND_IN_PASSWORD=… stand-in-main.ts --node NODE --control PATH [--host A] [--sip-port N] [--http-port N] [--username U] [--apps a,b] [--stdin]\n");
  process.exit(64);
}

const standIn = new AsteriskStandIn({
  nodeId: values.node,
  host: values.host,
  sipPort: Number(values["sip-port"]),
  httpPort: Number(values["http-port"]),
  controlSocketPath: values.control,
  username: values.username,
  password,
  apps: values.apps.split(",").filter((name) => name !== ""),
});

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function obey(line: string): void {
  const [command = "", ...words] = line.split(" ");
  const [first = "", second = ""] = words;
  const fault = FAULT_NAMES.find((name) => name === first);
  const as = (["connected", "deaf", "missing"] as const).find((word) => word === second);
  if (command === "fault" && fault !== undefined) standIn.setFault(fault, second === "on");
  else if (command === "app" && as !== undefined) standIn.setApp(first, as);
  else if (command === "load") standIn.setLoad(Number(first), Number(second));
  else if (command === "contacts") standIn.setContacts(Number(first), Number(second));
  else if (command === "raw") standIn.sendRaw(words.join(" "));
  else if (command === "drop-sockets") standIn.dropSockets();
  else {
    say({ done: false, line });
    return;
  }
  say({ done: true, line });
}

const end = async (): Promise<void> => {
  await standIn.stop();
  process.exit(0);
};
process.once("SIGTERM", () => void end());
process.once("SIGINT", () => void end());

await standIn.start();
if (values.stdin) createInterface({ input: process.stdin }).on("line", obey).once("close", () => void end());
say({ ready: true, sipPort: standIn.sipPort, ariUrl: standIn.ariUrl });
