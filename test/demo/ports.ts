/**
 * Free ports of the loopback address, for programs that have to be told theirs in advance. They are taken from below the
 * ranges in which systems choose ports for outgoing connections (from 32768 on Linux, from 49152 on macOS): between the
 * choice and its use, nobody takes them by chance.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

const FROM = 20_000;
const UNTIL = 32_000;
const HOST = "127.0.0.1";

/** `count` different ports that are free for TCP and for UDP. Rejects when there are not so many. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const free: number[] = [];
  // Demos that run at the same time begin at different places.
  const first = Math.floor(Math.random() * (UNTIL - FROM));
  for (let tried = 0; tried < UNTIL - FROM && free.length < count; tried += 1) {
    const port = FROM + ((first + tried) % (UNTIL - FROM));
    if ((await canListen(port)) && (await canBind(port))) free.push(port);
  }
  if (free.length < count) throw new Error(`there are no ${count} free ports between ${FROM} and ${UNTIL}`);
  return free;
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, HOST);
    await once(server, "listening");
    await new Promise((resolve) => server.close(resolve));
    return true;
  } catch {
    return false; // Taken, or kept from us: another will do.
  }
}

async function canBind(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    socket.bind(port, HOST);
    await once(socket, "listening");
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
