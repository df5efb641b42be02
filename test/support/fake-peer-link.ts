/**
 * The peer link in memory: a network of links on a clock that the test turns. It behaves as TCP does: frames of a connection
 * stay in order, a lost one comes later and holds up those behind it, a path that is cut is silent, and a silent
 * connection is reset and redialled. Identities, keys, codec and replay detection are the production code.
 *
 * A path is what one node dials to another, with both its directions: packets lost one way only break a TCP connection just
 * the same. Not modelled: limits on frames and connections, which only the real link can show.
 */
import { makeFrameIntake, type FrameIntake } from "../../agent/adapters/link-intake.ts";
import { acceptsKey, formatIdentity, judgeIdentity, type KeyRing, makeKeyRing } from "../../agent/adapters/psk.ts";
import { encodeFrame, type Frame } from "../../agent/core/heartbeat.ts";
import type { NodeId } from "../../agent/core/types.ts";
import type { PeerLink, PeerLinkHandlers } from "../../agent/ports.ts";

/** What a path does to frames. lossRate in [0, 1) is per transmission; a cut path is dark, but refuses nothing. */
export interface FakePath {
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly lossRate: number;
  readonly cut: boolean;
}

/** As the real link's options, in ms. */
export interface FakeTiming {
  readonly handshakeTimeoutMs: number;
  readonly silentAfterMs: number;
  readonly redial: { readonly minMs: number; readonly maxMs: number };
}

export interface FakeLinkOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly members: ReadonlySet<NodeId>;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly dialWith: string;
  /** false: it dials, but whoever dials its name reaches another. For impostors. */
  readonly reachable?: boolean;
}

const QUIET: FakePath = { delayMs: 1, jitterMs: 0, lossRate: 0, cut: false };
/** TCP's first retransmission timeout on a fast network. */
const RETRANSMIT_MS = 200;
/** One-way trips before the first frame can leave: TCP, TLS 1.2, WebSocket. */
const HANDSHAKE_TRIPS = 8;

interface Connection {
  readonly from: FakeLink;
  readonly to: FakeLink;
  readonly keyId: string;
  readonly key: Uint8Array;
  inOrderAtMs: number;
  held: string[];
  over: boolean;
}

interface Dial {
  open: Connection | null;
  failures: number;
  /** Only the last dial that was scheduled counts. */
  attempt: number;
  reported: string;
}

/** All the links and what is under way between them. */
export class FakePeerNetwork {
  readonly random: () => number;
  readonly timing: FakeTiming;
  readonly #links = new Map<NodeId, FakeLink>();
  readonly #paths = new Map<string, FakePath>();
  readonly #connections = new Set<Connection>();
  #queue: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  #deferred: (() => void)[] = [];
  #order = 0;
  #nowMs = 0;

  /** @param random uniform in [0, 1): loss, jitter and redials are drawn from it, so that a seed replays */
  constructor(random: () => number, timing: FakeTiming = { handshakeTimeoutMs: 1000, silentAfterMs: 1000, redial: { minMs: 250, maxMs: 2000 } }) {
    this.random = random;
    this.timing = timing;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** When the next thing happens; null when nothing ever will. */
  nextAtMs(): number | null {
    return this.#queue.reduce<number | null>((least, { atMs }) => (least === null || atMs < least ? atMs : least), null);
  }

  /** Lets everything happen up to and including that instant. */
  advanceTo(nowMs: number): void {
    for (let nextAtMs = this.nextAtMs(); nextAtMs !== null && nextAtMs <= nowMs; nextAtMs = this.nextAtMs()) {
      this.#nowMs = Math.max(this.#nowMs, nextAtMs);
      const due = this.#queue.filter(({ atMs }) => atMs <= this.#nowMs).sort((one, other) => one.atMs - other.atMs || one.order - other.order);
      this.#queue = this.#queue.filter(({ atMs }) => atMs > this.#nowMs);
      for (const { run } of due) run();
      for (const deliver of this.#deferred.splice(0)) deliver();
    }
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  /** A link of this network; it takes the name over from an older one. */
  makeLink(options: FakeLinkOptions): PeerLink {
    return new FakeLink(this, options);
  }

  /** Changes what the path that `from` dials to `to` does. */
  shape(from: NodeId, to: NodeId, change: Partial<FakePath>): void {
    const path = { ...this.path(from, to), ...change };
    this.#paths.set(`${from} ${to}`, path);
    for (const connection of this.#connections) {
      if (connection.from.id !== from || connection.to.id !== to) continue;
      if (!path.cut) for (const text of connection.held.splice(0)) this.transmit(connection, text);
      else this.after(this.timing.silentAfterMs, () => this.path(from, to).cut && this.end(connection, "silent"));
    }
  }

  path(from: NodeId, to: NodeId): FakePath {
    return this.#paths.get(`${from} ${to}`) ?? QUIET;
  }

  // What follows is for the links.

  after(ms: number, run: () => void): void {
    this.#queue.push({ atMs: this.#nowMs + ms, order: (this.#order += 1), run });
  }

  defer(deliver: () => void): void {
    this.#deferred.push(deliver);
  }

  listening(node: NodeId): FakeLink | null {
    return this.#links.get(node) ?? null;
  }

  listen(link: FakeLink): void {
    this.#links.set(link.id, link);
  }

  leave(link: FakeLink): void {
    if (this.#links.get(link.id) === link) this.#links.delete(link.id);
    for (const connection of this.#connections) if (connection.from === link || connection.to === link) this.end(connection, "closed by the other side");
  }

  tripMs(path: FakePath): number {
    let ms = path.delayMs + this.random() * path.jitterMs;
    for (let wait = RETRANSMIT_MS; this.random() < path.lossRate; wait *= 2) ms += wait;
    return ms;
  }

  open(connection: Connection): void {
    for (const older of this.#connections) if (older.from.id === connection.from.id && older.to === connection.to && older.from !== connection.from) this.end(older, "replaced");
    this.#connections.add(connection);
  }

  transmit(connection: Connection, text: string): void {
    const path = this.path(connection.from.id, connection.to.id);
    const tripMs = this.tripMs(path);
    if (tripMs > this.timing.silentAfterMs) return this.after(this.timing.silentAfterMs, () => this.end(connection, "silent"));
    connection.inOrderAtMs = Math.max(connection.inOrderAtMs, this.#nowMs + tripMs);
    this.after(connection.inOrderAtMs - this.#nowMs, () => {
      if (connection.over) return;
      if (this.path(connection.from.id, connection.to.id).cut) connection.held.push(text);
      else connection.to.arrive(connection, text);
    });
  }

  end(connection: Connection, why: string): void {
    if (connection.over) return;
    connection.over = true;
    this.#connections.delete(connection);
    connection.from.lost(connection, why);
  }
}

/** One node's end of the network. */
class FakeLink implements PeerLink {
  readonly id: NodeId;
  readonly #network: FakePeerNetwork;
  readonly #options: FakeLinkOptions;
  readonly #dials = new Map<NodeId, Dial>();
  #ring: KeyRing;
  #handlers: PeerLinkHandlers | null = null;
  #intake: FrameIntake | null = null;

  constructor(network: FakePeerNetwork, options: FakeLinkOptions) {
    this.id = options.nodeId;
    this.#network = network;
    this.#options = options;
    this.#ring = makeKeyRing(options.keys, options.dialWith);
  }

  start(handlers: PeerLinkHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#intake = makeFrameIntake(this.#options.clusterId, handlers, (deliver) => this.#network.defer(deliver));
    if (this.#options.reachable !== false) this.#network.listen(this);
    for (const member of this.#options.members) {
      this.#dials.set(member, { open: null, failures: 0, attempt: 0, reported: "" });
      this.#dialAfter(member, 0);
    }
    return Promise.resolve();
  }

  send(to: NodeId, frame: Frame): boolean {
    const text = encodeFrame(frame);
    const connection = this.#dials.get(to)?.open;
    if (connection === null || connection === undefined) return false;
    this.#network.transmit(connection, text);
    return true;
  }

  setKeys(keys: ReadonlyMap<string, Uint8Array>, dialWith: string): void {
    this.#ring = makeKeyRing(keys, dialWith);
    for (const [member, { open }] of this.#dials) if (open === null || open.keyId !== dialWith || !acceptsKey(this.#ring, open.keyId, open.key)) this.#dialAfter(member, 0);
  }

  close(): Promise<void> {
    this.#intake?.stop();
    const handlers = this.#handlers;
    this.#handlers = null;
    for (const [member, dial] of this.#dials) if (dial.open !== null) handlers?.onConnection(member, false, "closed by us");
    this.#dials.clear();
    this.#network.leave(this);
    return Promise.resolve();
  }

  /** A frame has come in on a connection that another dialled. */
  arrive(connection: Connection, text: string): void {
    this.#intake?.receive(text, { node: connection.from.id, claimed: connection.from.identity(connection.keyId), address: connection.from.id });
  }

  lost(connection: Connection, why: string): void {
    const member = connection.to.id;
    const dial = this.#dials.get(member);
    if (dial?.open !== connection) return;
    dial.open = null;
    this.#report(member, false, `connection lost: ${why}`);
    this.#redial(member);
  }

  identity(keyId: string): string {
    return formatIdentity({ cluster: this.#options.clusterId, node: this.id, keyId });
  }

  /** null when it lets the caller in, otherwise what the caller gets to know. */
  admit(caller: FakeLink, keyId: string, key: Uint8Array): string | null {
    const { clusterId, members } = this.#options;
    const verdict = judgeIdentity(caller.identity(keyId), clusterId, members, this.#ring);
    const refusal = !verdict.ok ? verdict.refusal : acceptsKey(this.#ring, keyId, key) ? null : "wrong-key";
    if (refusal === null) return null;
    this.#handlers?.onRefused(refusal, verdict.claimed, caller.id);
    return verdict.ok ? "it has another key under the same id" : "it does not accept our identity";
  }

  /** A member that dials us is there: don't wait for our backoff. */
  hurry(member: NodeId): void {
    if (this.#dials.get(member)?.open === null) this.#dialAfter(member, 0);
  }

  #dialAfter(member: NodeId, ms: number): void {
    const dial = this.#dials.get(member);
    if (dial === undefined) return;
    dial.attempt += 1;
    const { attempt } = dial;
    this.#network.after(ms, () => {
      if (this.#dials.get(member) === dial && dial.attempt === attempt) this.#dial(member, dial);
    });
  }

  #dial(member: NodeId, dial: Dial): void {
    const path = this.#network.path(this.id, member);
    const { attempt } = dial;
    const keyId = this.#ring.dialWith;
    const key = this.#ring.keys.get(keyId) ?? new Uint8Array(0);
    let ms = 0;
    for (let trip = 0; trip < HANDSHAKE_TRIPS; trip += 1) ms += this.#network.tripMs(path);
    const { handshakeTimeoutMs } = this.#network.timing;
    this.#network.after(Math.min(ms, handshakeTimeoutMs), () => {
      if (this.#dials.get(member) !== dial || dial.attempt !== attempt) return;
      const target = this.#network.listening(member);
      const dark = ms > handshakeTimeoutMs || this.#network.path(this.id, member).cut;
      const refused = dark ? "no answer" : target === null ? "nothing listens there" : target.admit(this, keyId, key);
      if (refused !== null || target === null) {
        this.#report(member, dial.open !== null, `can't connect: ${refused ?? ""}`);
        return this.#redial(member);
      }
      const before = dial.open;
      const connection: Connection = { from: this, to: target, keyId, key, inOrderAtMs: before?.inOrderAtMs ?? 0, held: [], over: false };
      dial.open = connection;
      dial.failures = 0;
      this.#network.open(connection);
      this.#report(member, true, `connected with key ${keyId}`);
      // What the older one still carries arrives; then nobody knows it any more.
      if (before !== null) this.#network.after(this.#network.timing.silentAfterMs, () => this.#network.end(before, "replaced"));
      target.hurry(this.id);
    });
  }

  #redial(member: NodeId): void {
    const dial = this.#dials.get(member);
    if (dial === undefined) return;
    const { minMs, maxMs } = this.#network.timing.redial;
    this.#dialAfter(member, Math.min(maxMs, minMs * 2 ** Math.min(dial.failures, 10)) * (0.5 + this.#network.random() / 2));
    dial.failures += 1;
  }

  #report(member: NodeId, connected: boolean, detail: string): void {
    const dial = this.#dials.get(member);
    const report = `${connected} ${detail}`;
    if (dial === undefined || dial.reported === report) return;
    dial.reported = report;
    this.#handlers?.onConnection(member, connected, detail);
  }
}
