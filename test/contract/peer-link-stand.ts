/** Where the contract of the peer link is tried: a small network made anew for every test, and what is done in nearly all of them. */
import assert from "node:assert/strict";
import { afterEach, beforeEach } from "node:test";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import type { NodeId } from "../../agent/core/types.ts";
import type { PeerLink } from "../../agent/ports.ts";
import { heartbeatOf, keyOf, type Seen } from "../support/peer-frames.ts";

/** Who joins. Defaults: the lab's cluster, key k1 made of ones, knowing everybody else. */
export interface Joiner {
  readonly node: NodeId;
  readonly cluster?: string;
  readonly keys?: ReadonlyMap<string, Uint8Array>;
  readonly dialWith?: string;
  readonly knows?: readonly NodeId[];
  /** Dials under that name, but whoever dials the name reaches the real one. */
  readonly impostor?: boolean;
}

export interface Joined {
  readonly link: PeerLink;
  readonly seen: Seen;
}

/** A small network of the nodes a, b and c. */
export interface LinkBench {
  /** Makes a link and starts it. */
  join(joiner: Joiner): Promise<Joined>;
  /** The path that `from` dials to `to` goes dark, or is lit again. */
  setDark(from: NodeId, to: NodeId, dark: boolean): void;
  /** Lets time pass until the condition holds; fails, saying `what`, when it never does. */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Lets time pass for longer than every deadline of the link. */
  aWhile(): Promise<void>;
  close(): Promise<void>;
}

export const KEY_1 = keyOf(1);
export const KEY_2 = keyOf(0x5a);
export const ONE = new Map([["k1", KEY_1]]);
export const BOTH = new Map([["k1", KEY_1], ["k2", KEY_2]]);
export const TWO = new Map([["k2", KEY_2]]);

export const connected = (joined: Joined, to: NodeId): boolean => joined.seen.connections.findLast((change) => change.to === to)?.connected === true;
export const heard = (joined: Joined, from: NodeId, sequence: number): boolean => joined.seen.heartbeats.some((entry) => entry.from === from && entry.heartbeat.sequence === sequence);
export const refused = (joined: Joined, refusal: string): boolean => joined.seen.refusals.some((entry) => entry.refusal === refusal);

/** The present test's network. */
export interface LinkStand {
  /** The network itself; asked for inside a test. */
  readonly bench: () => LinkBench;
  /** a and b, connected both ways. */
  readonly pair: () => Promise<{ readonly a: Joined; readonly b: Joined }>;
  /** Sends one heartbeat from one to the other and waits for it. */
  readonly beat: (from: Joined, node: NodeId, at: Joined, to: NodeId, sequence: number, replaced?: Partial<Heartbeat>) => Promise<void>;
}

/** Called inside a `describe`: a network for each of its tests. */
export function linkStand(makeBench: () => Promise<LinkBench>): LinkStand {
  let bench: LinkBench;
  beforeEach(async () => {
    bench = await makeBench();
  });
  afterEach(() => bench.close());
  return {
    bench: () => bench,
    async pair() {
      const a = await bench.join({ node: "a" });
      const b = await bench.join({ node: "b" });
      await bench.until("a and b to be connected both ways", () => connected(a, "b") && connected(b, "a"));
      return { a, b };
    },
    async beat(from, node, at, to, sequence, replaced = {}) {
      assert.equal(from.link.send(to, heartbeatOf(node, sequence, replaced)), true, `${node} could not send heartbeat ${sequence}`);
      await bench.until(`heartbeat ${sequence} of ${node} to arrive`, () => heard(at, node, sequence));
    },
  };
}
