/**
 * The peer link over real sockets: WebSockets over TLS with pre-shared keys. Every agent dials every member and sends on the
 * connection that it dialled, so each direction is judged by itself. Nothing is queued: a frame leaves now or is dropped,
 * because tomorrow's truth is in the next one. One timer enforces all deadlines and forgives what our own stall caused.
 */
import { isIP } from "node:net";
import type { Frame } from "../core/heartbeat.ts";
import type { NodeId } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { Clock, PeerLink, PeerLinkHandlers } from "../ports.ts";
import { LinkDialler } from "./link-dialler.ts";
import { LINK_LIMITS, type LinkLimits, makeAcceptGuard, normalAddress } from "./link-guard.ts";
import { type FrameIntake, makeFrameIntake } from "./link-intake.ts";
import { LinkListener } from "./link-listener.ts";
import { type KeyRing, makeKeyRing } from "./psk.ts";

/** How often deadlines are looked at (ms): a fraction of the shortest of them. */
const SWEEP_MS = 100;

/** Redial quickly: a member that returns should be heard within about a second. */
const REDIAL = { minMs: 250, maxMs: 2000 };

/** Everything that a link is made of. Durations are milliseconds. */
export interface WsPeerLinkOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Everyone we dial and accept from, ourselves not among them. */
  readonly members: ReadonlyMap<NodeId, { readonly host: string; readonly port: number }>;
  /** Port 0 takes a free one, which `port` then tells. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Key id to 32 bytes. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly dialWith: string;
  /**
   * handshakeTimeoutMs: from SYN to the end of the WebSocket upgrade, on both sides. silentAfterMs: a connection without a sign of
   * life for this long is reset and redialled; it also bounds how old a heartbeat can be when it arrives.
   */
  readonly deadlines: { readonly handshakeTimeoutMs: number; readonly silentAfterMs: number };
  readonly redial?: { readonly minMs: number; readonly maxMs: number };
  readonly limits?: Partial<LinkLimits>;
  /** Addresses that may connect at all. Default: the members' own. "anyone" leaves it to identity and key. */
  readonly onlyFrom?: ReadonlySet<string> | "anyone";
  readonly clock: Clock;
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number;
}

/** The authenticated link to all members. */
export class WsPeerLink implements PeerLink {
  readonly #options: WsPeerLinkOptions;
  readonly #limits: LinkLimits;
  readonly #diallers = new Map<NodeId, LinkDialler>();
  #ring: KeyRing;
  #listener: LinkListener | null = null;
  #intake: FrameIntake | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  #port: number | null = null;
  #listening: Promise<number> | null = null;
  #closing: Promise<void> | null = null;

  /** Throws AGENT_SECRET_INVALID for unusable keys, AGENT_CONFIG_INVALID for names that can't make an identity. */
  constructor(options: WsPeerLinkOptions) {
    if (options.clusterId === "" || /[/\s]/.test(options.clusterId)) throw new AgentError("AGENT_CONFIG_INVALID", "CLUSTER_ID must not be empty nor contain a slash or a space");
    if (options.members.has(options.nodeId)) throw new AgentError("AGENT_CONFIG_INVALID", `NODE_ID ${options.nodeId} is also among PEERS or WITNESSES`);
    this.#options = options;
    this.#limits = { ...LINK_LIMITS, ...options.limits };
    this.#ring = makeKeyRing(options.keys, options.dialWith);
  }

  /** The port that is listened on; null before start and after close. */
  get port(): number | null {
    return this.#port;
  }

  async start(handlers: PeerLinkHandlers): Promise<void> {
    if (this.#listener !== null || this.#closing !== null) throw new AgentError("AGENT_INVARIANT_BROKEN", "the peer link was started twice");
    const { clusterId, nodeId, members, listen, deadlines, clock, onlyFrom } = this.#options;
    const intake = (this.#intake = makeFrameIntake(clusterId, handlers, (deliver) => void setImmediate(deliver)));
    const guard = makeAcceptGuard(this.#knownAddresses(), onlyFrom === "anyone", this.#limits, clock.monotonicMs());
    const listener = (this.#listener = new LinkListener({ clusterId, nodeId, memberIds: new Set(members.keys()), listen, ring: this.#ring, ...deadlines, limits: this.#limits, clock, guard, intake, onRefused: (...refused) => handlers.onRefused(...refused), onArrived: (member) => this.#diallers.get(member)?.hurry() }));
    const onResolved = (address: string): void => {
      if (onlyFrom === undefined) guard.allow(normalAddress(address));
    };
    this.#listening = listener.listen();
    const port = await this.#listening;
    // Closed while it was starting: close() frees the port.
    if (this.#closingNow()) return;
    this.#port = port;
    for (const [member, target] of members) {
      this.#diallers.set(member, new LinkDialler({ clusterId, nodeId, member, ...target, ring: this.#ring, ...deadlines, redial: this.#options.redial ?? REDIAL, limits: this.#limits, clock, random: this.#options.random, onResolved, onChange: (connected, detail) => handlers.onConnection(member, connected, detail) }));
    }
    let sweptAtMs = clock.monotonicMs();
    this.#sweeper = setInterval(() => {
      const nowMs = clock.monotonicMs();
      const lateByMs = Math.max(0, nowMs - sweptAtMs - 2 * SWEEP_MS);
      sweptAtMs = nowMs;
      listener.sweep(nowMs, lateByMs);
      for (const dialler of this.#diallers.values()) dialler.sweep(nowMs, lateByMs);
    }, SWEEP_MS);
    for (const dialler of this.#diallers.values()) dialler.start();
  }

  /** Throws a RangeError for a frame that is too long, which only a defect can make. */
  send(to: NodeId, frame: Frame): boolean {
    return this.#diallers.get(to)?.send(frame) ?? false;
  }

  /**
   * Throws AGENT_SECRET_INVALID and keeps the old keys when the new ones are unusable. To rotate without a gap: first add the new key
   * on all members, then dial with it, then remove the old one. A connection made with a removed key is closed once its owner has
   * redialled with another, or after `removedKeyGraceMs`.
   */
  setKeys(keys: ReadonlyMap<string, Uint8Array>, dialWith: string): void {
    this.#ring = makeKeyRing(keys, dialWith);
    this.#listener?.setRing(this.#ring);
    for (const dialler of this.#diallers.values()) dialler.setRing(this.#ring);
  }

  /** Says goodbye on every connection. Resolves when the port is free; nothing is reported after that. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    this.#intake?.stop();
    // A listener that never listened has nothing to free; start() has told why.
    const listening = await this.#listening?.then(() => true, () => false);
    await Promise.all([listening === true ? this.#listener?.close() : undefined, ...[...this.#diallers.values()].map((dialler) => dialler.close())]);
    this.#port = null;
  }

  /** Asked anew after an await, where the compiler would otherwise believe what it knew before. */
  #closingNow(): boolean {
    return this.#closing !== null;
  }

  #knownAddresses(): ReadonlyMap<string, number> {
    const { members, onlyFrom } = this.#options;
    const counts = new Map<string, number>();
    const add = (address: string): void => void counts.set(normalAddress(address), (counts.get(normalAddress(address)) ?? 0) + 1);
    if (onlyFrom instanceof Set) for (const address of onlyFrom as ReadonlySet<string>) add(address);
    else for (const { host } of members.values()) if (isIP(host) !== 0) add(host);
    return counts;
  }
}
