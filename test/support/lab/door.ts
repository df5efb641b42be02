// Connections from inside a place, without a new process for each: one small process there opens them (`door-main.ts`), and this
// one talks through a Unix socket, which knows no network namespaces. Opened when a place is first asked from; ends with the lab.
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { waitUntil } from "../wait-until.ts";
import type { NodeName, Place } from "./addresses.ts";
import type { DoorRequest } from "./door-main.ts";
import type { Lab } from "./network.ts";
import { labProgram } from "./programs.ts";
import { splice } from "./splice.ts";

/** How a connection went: it is there, the other side refused it, or nothing came back in time. */
export type Reach = { readonly outcome: "connected"; readonly socket: Socket } | { readonly outcome: "refused" | "silent" };

const doors = new WeakMap<Lab, Map<Place, Promise<string>>>();

/** Connects from a place. Rejects only when the lab is broken; `timeoutMs` is for the connection, not for what is said on it. */
export async function connectFrom(lab: Lab, place: Place, request: DoorRequest): Promise<Reach> {
  const socket = connect({ path: await doorOf(lab, place) });
  // Until somebody else listens: a connection that breaks in between is noticed when it is used.
  socket.on("error", () => undefined);
  socket.write(`${JSON.stringify(request)}\n`);
  const outcome = await firstLine(socket);
  if (outcome === "connected") return { outcome, socket };
  socket.destroy();
  if (outcome === "refused" || outcome === "silent") return { outcome };
  throw new Error(`the door of ${place} said "${outcome}"`);
}

export interface PageDoor {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** The way of an operator's browser to the page of a node: a port on this machine that leads to the node's loopback, as Session Manager's port forwarding does. `close` takes the port away. */
export async function openPageDoor(lab: Lab, node: NodeName): Promise<PageDoor> {
  await doorOf(lab, node);
  const server = createServer((near) => {
    // A browser that goes away breaks its connection; there is nobody to tell.
    near.on("error", () => near.destroy());
    connectFrom(lab, node, { host: "127.0.0.1", port: 8091, timeoutMs: 5000 }).then(
      (reach) => { if (reach.outcome === "connected") splice(near, reach.socket); else near.destroy(); },
      () => near.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => new Promise((resolve) => server.close(() => { resolve(); })) };
}

/** The socket of a place's door; opens the door if it is the first to ask. */
function doorOf(lab: Lab, place: Place): Promise<string> {
  const ofLab = doors.get(lab) ?? new Map<Place, Promise<string>>();
  doors.set(lab, ofLab);
  const door = ofLab.get(place) ?? openDoor(lab, place);
  ofLab.set(place, door);
  return door;
}

async function openDoor(lab: Lab, place: Place): Promise<string> {
  const path = join(lab.dir, `door-${place}.socket`);
  const door = await lab.spawn(place, process.execPath, [await labProgram("support/lab/door-main.ts"), path], { name: "door" });
  await waitUntil(`the door of ${place} to open`, () => door.log().includes("open"), 20_000);
  return path;
}

/** Reads one line and nothing behind it, which is for whoever has the connection next. */
function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = "";
    const done = (how: () => void): void => {
      socket.off("readable", read).off("error", failed).off("end", ended);
      how();
    };
    const read = (): void => {
      for (let byte = socket.read(1) as Buffer | null; byte !== null; byte = socket.read(1) as Buffer | null) {
        const character = byte.toString("latin1");
        if (character === "\n") return done(() => resolve(line));
        line += character;
      }
    };
    const failed = (error: Error): void => done(() => reject(error));
    const ended = (): void => done(() => resolve(line));
    socket.on("readable", read).on("error", failed).on("end", ended);
  });
}
