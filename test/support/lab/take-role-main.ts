// Runs on a node of the lab: the agent's own code turns the node's Asterisk to a role, as quickly as an agent would.
//
// Arguments: the role, the folder of Asterisk's configuration, its control socket, the password of the ARI user `agent`.
import process from "node:process";
import { AriModules } from "../../../agent/adapters/ari-modules.ts";
import { AsteriskControl } from "../../../agent/adapters/asterisk-control.ts";
import { LinkedAsteriskRole } from "../../../agent/adapters/asterisk-role.ts";

const [role, folder = "", socket = "", password = ""] = process.argv.slice(2);
const modules = new AriModules({ url: "http://127.0.0.1:8088", username: "agent", password, otherPassword: null }, new AsteriskControl(socket));
await new LinkedAsteriskRole({ folder, modules }).apply(role === "active" ? "active" : "standby", AbortSignal.timeout(15_000));
process.exit(0);
