/** Real peer links on the loopback for one test after the other: a good one under test, good members that speak to it, and all of it closed afterwards. */
import { performance } from "node:perf_hooks";
import { afterEach } from "node:test";
import { WsPeerLink, type WsPeerLinkOptions } from "../../agent/adapters/ws-peer-link.ts";
import { CLUSTER, heartbeatOf, keyOf, recorder, type Seen } from "./peer-frames.ts";
import { waitUntil } from "./wait-until.ts";

/** The key that all of them have, as k1. */
export const KEY = keyOf(1);
/** How long a test waits for anything that it is going to see (ms). */
export const DEADLINE_MS = 20_000;
export const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
/** A member's address with nobody there: the connections in these tests are made by hand. */
const ELSEWHERE = { host: "127.0.0.1", port: 1 };

/** A link that listens, and what it has told. */
export interface Started {
  readonly link: WsPeerLink;
  readonly seen: Seen;
  readonly port: number;
}

/** Resolves when a connection has ended, in whatever way. */
export async function gone(connection: { once(event: "close", listener: () => void): unknown }): Promise<void> {
  let over = false;
  connection.once("close", () => (over = true));
  await waitUntil("a connection to end", () => over, DEADLINE_MS);
}

/** What a test of peer links can do; what it starts and gives to `closing` ends with it, the last first. */
export interface LoopbackLinks {
  /** Starts node a, with the members b and c elsewhere, unless told otherwise. */
  readonly start: (options?: Partial<WsPeerLinkOptions>) => Promise<Started>;
  /** A good member b that sends 20 heartbeats a second to `to`, and what it has got through so far. */
  readonly goodPeerOf: (to: Started) => Promise<{ arrived(): number; connectionsLost(): number }>;
  readonly closing: (() => unknown)[];
}

/** Call it where tests are described. */
export function loopbackLinks(): LoopbackLinks {
  const closing: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function start(options: Partial<WsPeerLinkOptions> = {}): Promise<Started> {
    const { seen, handlers } = recorder();
    const link = new WsPeerLink({
      clusterId: CLUSTER, nodeId: "a", members: new Map([["b", ELSEWHERE], ["c", ELSEWHERE]]), listen: { host: "127.0.0.1", port: 0 }, keys: new Map([["k1", KEY]]), dialWith: "k1",
      deadlines: { handshakeTimeoutMs: 1500, silentAfterMs: 1000 }, redial: { minMs: 50, maxMs: 200 }, clock, random: Math.random, ...options,
    });
    await link.start(handlers);
    closing.push(() => link.close());
    return { link, seen, port: link.port ?? 0 };
  }

  async function goodPeerOf(to: Started): Promise<{ arrived(): number; connectionsLost(): number }> {
    const peer = await start({ nodeId: "b", members: new Map([["a", { host: "127.0.0.1", port: to.port }]]) });
    await waitUntil("the good peer to be connected", () => peer.seen.connections.at(-1)?.connected === true, DEADLINE_MS);
    let sequence = 0;
    const timer = setInterval(() => peer.link.send("a", heartbeatOf("b", (sequence += 1))), 50);
    closing.push(() => clearInterval(timer));
    return { arrived: () => to.seen.heartbeats.length, connectionsLost: () => peer.seen.connections.filter((change) => !change.connected).length };
  }

  return { start, goodPeerOf, closing };
}
