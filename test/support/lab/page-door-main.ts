// Runs on a node of the lab: lets what connects to a Unix socket through to the agent's page, which listens on the node's own
// loopback address only. What `ssh -L` or Session Manager's port forwarding does on a real node.
import { connect, createServer } from "node:net";
import process from "node:process";
import { splice } from "./splice.ts";

const [socketFile = "", port = "8091"] = process.argv.slice(2);
createServer((near) => { splice(near, connect({ host: "127.0.0.1", port: Number(port) })); }).listen(socketFile);
