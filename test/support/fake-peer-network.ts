/**
 * A network for peer links in memory, on a clock that the test turns. It behaves as TCP does: frames of a connection stay in order,
 * a lost one comes later and holds up those behind it, a path that is cut is silent, and a silent connection is reset.
 *
 * A path is what one node dials to another, with both its directions: packets lost one way only break a TCP connection just
 * the same. Not modelled: limits on frames and connections, which only the real link can show.
 */
import type { NodeId } from "../../agent/core/types.ts";

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

const QUIET: FakePath = { delayMs: 1, jitterMs: 0, lossRate: 0, cut: false };
/** TCP's first retransmission timeout on a fast network. */
const RETRANSMIT_MS = 200;

/** One end, as the network needs it. */
export interface FakeEnd {
  readonly id: NodeId;
  /** A frame has come in on a connection that another dialled. */
  arrive(connection: Connection, text: string): void;
  /** A connection that it dialled has ended. */
  lost(connection: Connection, why: string): void;
  identity(keyId: string): string;
  /** null when it lets the caller in, otherwise what the caller gets to know. */
  admit(caller: FakeEnd, keyId: string, key: Uint8Array): string | null;
  /** A member that dials it is there: it does not wait for its backoff. */
  hurry(member: NodeId): void;
}

/** What one end has dialled to another. */
export interface Connection {
  readonly from: FakeEnd;
  readonly to: FakeEnd;
  readonly keyId: string;
  readonly key: Uint8Array;
  inOrderAtMs: number;
  held: string[];
  over: boolean;
}

/** All the links and what is under way between them. */
export class FakePeerNetwork {
  readonly random: () => number;
  readonly timing: FakeTiming;
  readonly #links = new Map<NodeId, FakeEnd>();
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

  // What follows is for the ends.

  after(ms: number, run: () => void): void {
    this.#queue.push({ atMs: this.#nowMs + ms, order: (this.#order += 1), run });
  }

  defer(deliver: () => void): void {
    this.#deferred.push(deliver);
  }

  listening(node: NodeId): FakeEnd | null {
    return this.#links.get(node) ?? null;
  }

  /** It takes the name over from an older one. */
  listen(link: FakeEnd): void {
    this.#links.set(link.id, link);
  }

  leave(link: FakeEnd): void {
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
