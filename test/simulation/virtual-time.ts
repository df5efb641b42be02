/** Virtual time and seeded chance: a heap of callbacks in order of their instant. Nothing in a simulation waits. */
import type { Scheduler } from "../../agent/driver.ts";

interface Entry {
  readonly atMs: number;
  readonly order: number;
  callback: (() => void) | null;
}

/** All time of one simulated world. */
export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  readonly #heap: Entry[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Calls back at that instant, after everything that was asked for earlier at the same instant. */
  at(atMs: number, callback: () => void): () => void {
    const entry: Entry = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, callback };
    this.#push(entry);
    return () => {
      entry.callback = null;
    };
  }

  after(ms: number, callback: () => void): () => void {
    return this.at(this.#nowMs + ms, callback);
  }

  /** Runs everything up to and including that instant. */
  runUntil(untilMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      if (next.callback === null) continue;
      this.#nowMs = next.atMs;
      next.callback();
    }
    this.#nowMs = untilMs;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let child = heap.length;
    heap.push(entry);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!earlier(entry, above)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!earlier(heap[child] as Entry, last)) break;
      heap[parent] = heap[child] as Entry;
      parent = child;
    }
    heap[parent] = last;
  }
}

function earlier(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Seeded chance in [0, 1): the mulberry32 generator; equal seeds give equal runs. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return mixed(state);
  };
}

function mixed(state: number): number {
  let value = Math.imul(state ^ (state >>> 15), state | 1);
  value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
  return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
}

/** Chance for a purpose. */
export type Chance = (purpose: string) => () => number;

/**
 * Chance that follows from the seed, the purpose, the instant, and how often it was drawn in that instant, and from nothing
 * else: one more draw somewhere does not change what happens elsewhere or later, so transcripts stay comparable.
 */
export function seededChance(seed: number, time: VirtualTime): Chance {
  const purposes = new Map<string, () => number>();
  return (purpose) => {
    const known = purposes.get(purpose);
    if (known !== undefined) return known;
    let hash = seed ^ 0x811c9dc5;
    for (let at = 0; at < purpose.length; at += 1) hash = Math.imul(hash ^ purpose.charCodeAt(at), 0x01000193);
    let atMs = -1;
    let draws = 0;
    const draw = (): number => {
      draws = time.nowMs === atMs ? draws + 1 : 0;
      atMs = time.nowMs;
      return mixed((hash + Math.imul(Math.floor(atMs * 64), 0x9e3779b1) + Math.imul(draws, 0x85ebca6b)) >>> 0);
    };
    purposes.set(purpose, draw);
    return draw;
  };
}

/**
 * The clock and scheduler of one process. It can be stopped and continued, as SIGSTOP and SIGCONT do: callbacks that
 * fall due meanwhile run at once when it goes on, while the world's time has moved on.
 */
export class ProcessTime implements Scheduler {
  readonly #world: VirtualTime;
  readonly #random: () => number;
  /** The event loop is busy with something else for up to so long at a time (ms); whatever comes meanwhile waits. */
  busyMs = 0;
  #busyUntilMs = -Infinity;
  #stopped = false;
  #ended = false;
  /** What waits, by the stream that it came in on: a socket keeps its order, timers and answers have none. */
  #held: { readonly stream: string | null; readonly callback: () => void }[] = [];

  constructor(world: VirtualTime, random: () => number = () => 0) {
    this.#world = world;
    this.#random = random;
  }

  get nowMs(): number {
    return this.#world.nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    let cancelled = false;
    const cancel = this.#world.after(ms, () => {
      this.run(() => {
        if (!cancelled) callback();
      });
    });
    return () => {
      cancelled = true;
      cancel();
    };
  }

  /** Runs now, or when the process goes on; never after it has ended. */
  run(callback: () => void, stream: string | null = null): void {
    if (this.#ended) return;
    if (this.#stopped) this.#held.push({ stream, callback });
    else if (this.busyMs > 0 && this.#isBusy()) this.#world.at(this.#busyUntilMs, () => { this.run(callback, stream); });
    else callback();
  }

  /** Whatever comes to an idle loop finds it busy; all that waited is handled at one instant, in order. */
  #isBusy(): boolean {
    const { nowMs } = this.#world;
    if (nowMs === this.#busyUntilMs) return false;
    if (nowMs > this.#busyUntilMs) this.#busyUntilMs = nowMs + this.busyMs * this.#random();
    return nowMs < this.#busyUntilMs;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Goes on. `random` shuffles what had piled up: a process may see its sockets before its timers. */
  goOn(random: () => number): void {
    this.#stopped = false;
    const held = this.#held;
    this.#held = [];
    // Shuffled first; then every stream's own callbacks are put back into their order, at the places that they drew.
    const order = held.map((_, index) => index);
    for (let last = order.length - 1; last > 0; last -= 1) {
      const other = Math.floor(random() * (last + 1));
      [order[last], order[other]] = [order[other] as number, order[last] as number];
    }
    const streams = new Map<string, number[]>();
    for (const index of order.toSorted((a, b) => a - b)) {
      const stream = held[index]?.stream;
      if (stream == null) continue;
      const places = streams.get(stream);
      if (places === undefined) streams.set(stream, [index]);
      else places.push(index);
    }
    for (const index of order) {
      const stream = held[index]?.stream;
      const next = stream == null ? index : (streams.get(stream)?.shift() ?? index);
      const waiting = held[next];
      if (waiting !== undefined) this.run(waiting.callback, waiting.stream);
    }
  }

  end(): void {
    this.#ended = true;
    this.#held = [];
  }
}
