/**
 * Nobody's flood may delay a good member's heartbeats: the limits of the peer link, and the cheapest possible refusal.
 * Before any cryptography a connection is judged by its address alone. Every member's address has a budget of its own,
 * and all others share one, so that a stranger can use up only what strangers have. Memory is bounded by construction.
 */
import { isIPv6, SocketAddress } from "node:net";

/** The limits of the link. Rates are per second of the monotonic clock. */
export interface LinkLimits {
  /**
   * Frames and pings of one member. A member in good order sends some 4 heartbeats and 2 pings a second, a heartbeat more at every
   * change, and now and then a roster: a snapshot of 1,000 calls is 32 frames. Whoever exceeds this is cut off, not slowed
   * down: slowed-down heartbeats would be old when they are read, and would pass for fresh ones.
   */
  readonly framesBurst: number;
  readonly framesPerSecond: number;
  /** Connections from one member's address that may begin: redialling starts 4 times a second and soon slows down. */
  readonly handshakesBurst: number;
  readonly handshakesPerSecond: number;
  /** Connections from one member's address that may be in their handshake at once. */
  readonly pendingPerMember: number;
  /** The same, for all addresses together that are no member's. Used only when `onlyFrom` is "anyone". */
  readonly strangerHandshakesBurst: number;
  readonly strangerHandshakesPerSecond: number;
  readonly strangersPending: number;
  /** Connections in all; the last fence, which only a defect of the others can reach. */
  readonly maxConnections: number;
  /**
   * Bytes that may wait in a connection before a roster frame is dropped: 160 of the largest frames. A snapshot is sent at once and
   * counts only when all of it arrives: the largest (ROSTER_MAX in core/roster.ts, some 130 frames) must fit in.
   */
  readonly rosterBufferedMaxBytes: number;
  /** The same for a heartbeat: higher, so that a roster never keeps a heartbeat from leaving. */
  readonly heartbeatBufferedMaxBytes: number;
  /** How long a connection made with a key that has since been removed may go on, if its owner does not redial before. */
  readonly removedKeyGraceMs: number;
}

export const LINK_LIMITS: LinkLimits = {
  framesBurst: 256,
  framesPerSecond: 64,
  handshakesBurst: 16,
  handshakesPerSecond: 8,
  pendingPerMember: 4,
  strangerHandshakesBurst: 16,
  strangerHandshakesPerSecond: 16,
  strangersPending: 8,
  maxConnections: 64,
  rosterBufferedMaxBytes: 640 * 1024,
  heartbeatBufferedMaxBytes: 656 * 1024,
  removedKeyGraceMs: 600_000,
};

/** A token bucket: `burst` at once, `perSecond` in the long run. */
export interface TokenBucket {
  /** Takes one token; false when there is none. `nowMs` is monotonic. */
  take(nowMs: number): boolean;
}

/** A full bucket. */
export function makeTokenBucket(burst: number, perSecond: number, nowMs: number): TokenBucket {
  let tokens = burst;
  let filledAtMs = nowMs;
  return {
    take(atMs) {
      tokens = Math.min(burst, tokens + ((atMs - filledAtMs) * perSecond) / 1000);
      filledAtMs = atMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

/** Decides at accept, by the remote address alone. */
export interface AcceptGuard {
  /** null: go on, and call `settle` when the handshake has ended either way. Otherwise why not. */
  admit(address: string, nowMs: number): "unknown-node" | "flood" | null;
  /** The handshake of an admitted connection is over. */
  settle(address: string): void;
  /** A member's name was resolved to this address. Grows only by what our own resolver says. */
  allow(address: string): void;
}

interface Budget {
  readonly bucket: TokenBucket;
  readonly pendingMax: number;
  pending: number;
}

/**
 * @param addresses how many members live at each address (usually one), already normalised
 * @param strangersWelcome whether other addresses may try at all
 */
export function makeAcceptGuard(addresses: ReadonlyMap<string, number>, strangersWelcome: boolean, limits: LinkLimits, nowMs: number): AcceptGuard {
  const budgetFor = (members: number): Budget => ({ bucket: makeTokenBucket(limits.handshakesBurst * members, limits.handshakesPerSecond * members, nowMs), pendingMax: limits.pendingPerMember * members, pending: 0 });
  const members = new Map([...addresses].map(([address, count]) => [address, budgetFor(count)] as const));
  const strangers: Budget | null = strangersWelcome ? { bucket: makeTokenBucket(limits.strangerHandshakesBurst, limits.strangerHandshakesPerSecond, nowMs), pendingMax: limits.strangersPending, pending: 0 } : null;
  // Who was admitted as a stranger is settled as one, even if the address has become a member's meanwhile.
  const strangersPending = new Map<string, number>();
  return {
    admit(address, atMs) {
      const budget = members.get(address) ?? strangers;
      if (budget === null) return "unknown-node";
      if (budget.pending >= budget.pendingMax || !budget.bucket.take(atMs)) return "flood";
      budget.pending += 1;
      if (budget === strangers) strangersPending.set(address, (strangersPending.get(address) ?? 0) + 1);
      return null;
    },
    settle(address) {
      const asStranger = strangersPending.get(address) ?? 0;
      const budget = asStranger > 0 ? strangers : members.get(address);
      if (asStranger > 1) strangersPending.set(address, asStranger - 1);
      else strangersPending.delete(address);
      if (budget !== null && budget !== undefined) budget.pending -= 1;
    },
    allow(address) {
      if (!members.has(address)) members.set(address, budgetFor(1));
    },
  };
}

/** One spelling per address: an IPv4 address that came in over an IPv6 socket is written as IPv4. */
export function normalAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const bare = address.split("%")[0] ?? address;
  return isIPv6(bare) ? new SocketAddress({ address: bare, family: "ipv6" }).address : address;
}
