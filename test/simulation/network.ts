/**
 * The simulated network between places: members, and `internet`, `resolver`, `endpoint` and `ec2`. A path has two
 * directions, each of which can be cut or lose packets by itself. TCP turns loss into delay and has to be dialled again
 * after a cut, UDP does not.
 */
import type { Chance, VirtualTime } from "./virtual-time.ts";

/** Retransmission of TCP on a young connection: RFC 6298's lower bounds as Linux has them (ms). */
const RETRANSMIT_MS = 200;
/** A broken connection is noticed and dialled anew within this time after the path is whole (ms). */
const REDIAL_MS = 1_000;

/** How late a frame's copy on an older connection may come (ms). */
const SHUFFLE_MS = 700;

export class SimNetwork {
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  readonly #cut = new Set<string>();
  readonly #loss = new Map<string, number>();
  readonly #lag = new Map<string, number>();
  readonly #shuffled = new Map<string, number>();
  readonly #lastArrivalMs = new Map<string, number>();
  /** Connections that a cut or a dead receiver broke: null until the dialling begins, then when it succeeds. */
  readonly #broken = new Map<string, number | null>();
  /** One way, without faults (ms). */
  delayMs = 1;

  constructor(time: VirtualTime, chance: Chance) {
    this.#time = time;
    this.#chance = chance;
  }

  /** Cuts the direction from `a` to `b`. */
  cut(a: string, b: string): void {
    this.#cut.add(`${a}>${b}`);
  }

  heal(a: string, b: string): void {
    this.#cut.delete(`${a}>${b}`);
  }

  /** Loses that share of the packets from `a` to `b` (0 to 1). */
  lose(a: string, b: string, share: number): void {
    if (share === 0) this.#loss.delete(`${a}>${b}`);
    else this.#loss.set(`${a}>${b}`, share);
  }

  /** Everything from `a` to `b` takes about that much longer, some of it more and some less (ms). */
  delay(a: string, b: string, ms: number): void {
    this.#lag.set(`${a}>${b}`, ms);
  }

  /**
   * That share of the frames from `a` to `b` comes twice, the second time late and out of order (0 to 1). One TCP connection
   * can't do that; two of them can, while a peer that dials anew has not let go of the old one.
   */
  shuffle(a: string, b: string, share: number): void {
    this.#shuffled.set(`${a}>${b}`, share);
  }

  healAll(): void {
    this.#cut.clear();
    this.#loss.clear();
    this.#lag.clear();
    this.#shuffled.clear();
  }

  isCut(a: string, b: string): boolean {
    return this.#cut.has(`${a}>${b}`);
  }

  /** Both directions are whole. */
  connected(a: string, b: string): boolean {
    return this.#cut.size === 0 || !(this.isCut(a, b) || this.isCut(b, a));
  }

  /** The share of packets that the path loses in its worse direction. */
  lossBetween(a: string, b: string): number {
    return this.#loss.size === 0 ? 0 : Math.max(this.#loss.get(`${a}>${b}`) ?? 0, this.#loss.get(`${b}>${a}`) ?? 0);
  }

  /** A datagram along that path: the delay until it arrives, or null when it is lost. */
  datagram(path: readonly string[]): number | null {
    const random = this.#chance(`datagram ${path[0] ?? ""}`);
    let delayMs = 0;
    for (let hop = 0; hop + 1 < path.length; hop += 1) {
      if (this.#cut.size > 0 || this.#loss.size > 0) {
        const leg = `${path[hop] ?? ""}>${path[hop + 1] ?? ""}`;
        if (this.#cut.has(leg) || (this.#loss.has(leg) && random() < (this.#loss.get(leg) ?? 0))) return null;
      }
      delayMs += (this.delayMs + (this.#lag.size === 0 ? 0 : (this.#lag.get(`${path[hop] ?? ""}>${path[hop + 1] ?? ""}`) ?? 0))) * (0.5 + random());
    }
    return delayMs;
  }

  /** How much longer than usual a question along these places and its answer take on average, because of delays that were laid on (ms). */
  lagOf(...path: readonly string[]): number {
    const legs = path.slice(1).flatMap((place, index) => [`${path[index] ?? ""}>${place}`, `${place}>${path[index] ?? ""}`]);
    return legs.reduce((sum, leg) => sum + (this.#lag.get(leg) ?? 0), 0);
  }

  /**
   * A frame on a TCP connection from `a` to `b`: delivered in order, late when packets are lost, never when cut.
   * `deliver` says whether somebody took it; if not, the connection has to be dialled again.
   */
  frame(a: string, b: string, deliver: () => boolean): void {
    const key = `${a}>${b}`;
    // Without acknowledgements a connection carries little: a cut in either direction silences it.
    if (!this.connected(a, b)) {
      this.#broken.set(key, null);
      return;
    }
    if (this.#broken.size > 0 && !this.#isOpen(key)) return;
    const random = this.#chance(key);
    let delayMs = (this.delayMs + (this.#lag.size === 0 ? 0 : (this.#lag.get(key) ?? 0))) * (0.5 + random());
    if (this.#loss.size > 0) for (let retry = RETRANSMIT_MS; retry < 10_000 && random() < (this.#loss.get(key) ?? 0); retry *= 2) delayMs += retry;
    const atMs = Math.max(this.#time.nowMs + delayMs, this.#lastArrivalMs.get(key) ?? 0);
    this.#lastArrivalMs.set(key, atMs);
    if (this.#shuffled.size > 0 && random() < (this.#shuffled.get(key) ?? 0)) this.#time.after(delayMs + SHUFFLE_MS * random(), () => { if (this.connected(a, b)) deliver(); });
    this.#time.at(atMs, () => {
      if (!this.connected(a, b) || !deliver()) this.#broken.set(key, null);
    });
  }

  #isOpen(key: string): boolean {
    const opensAtMs = this.#broken.get(key);
    if (opensAtMs === undefined) return true;
    if (opensAtMs === null) this.#broken.set(key, this.#time.nowMs + REDIAL_MS * this.#chance("redial")());
    else if (this.#time.nowMs >= opensAtMs) return this.#broken.delete(key);
    return false;
  }
}
