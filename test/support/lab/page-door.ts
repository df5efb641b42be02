// The way of an operator's browser to the page of a node in the lab: a port on this machine that leads to the node's loopback.
import { existsSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import type { NodeName } from "./addresses.ts";
import type { Lab } from "./network.ts";
import { splice } from "./splice.ts";
import { waitUntil } from "../wait-until.ts";

export interface PageDoor {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Opens the way. What stands on the node goes with the lab; `close` takes away this machine's end. */
export async function openPageDoor(lab: Lab, node: NodeName): Promise<PageDoor> {
  const socketFile = join(lab.dir, `page-${node}.socket`);
  await lab.spawn(node, process.execPath, ["--import", "tsx", join(import.meta.dirname, "page-door-main.ts"), socketFile], { name: `page-door-${node}` });
  await waitUntil(`the way to the page of ${node}`, () => existsSync(socketFile), 20_000);
  const server = createServer((near) => { splice(near, connect({ path: socketFile })); });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => new Promise((resolve) => server.close(() => { resolve(); })) };
}
