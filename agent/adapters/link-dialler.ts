/**
 * Our own connection to one member: dialled, watched, redialled. Frames leave on it and none arrive. That it is alive is
 * known from pongs: TCP would notice a dead receiver only after minutes. A change of key is make-before-break: the old
 * connection carries heartbeats until the new one is open.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import { encodeFrame, type Frame, FRAME_MAX_BYTES } from "../core/heartbeat.ts";
import type { NodeId } from "../core/types.ts";
import type { Clock } from "../ports.ts";
import type { LinkLimits } from "./link-guard.ts";
import { abandon, closeGently } from "./link-socket.ts";
import { CLOSE_GRACE_MS, codeOf, explainDialFailure, LINK_PATH, LINK_TLS } from "./link-tls.ts";
import { acceptsKey, formatIdentity, type KeyRing, printable } from "./psk.ts";

/** A dial that has not answered within this time is given up when the member itself turns up (ms): it waits for a lost SYN. */
const HURRY_AFTER_MS = 250;

export interface DiallerOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly member: NodeId;
  readonly host: string;
  readonly port: number;
  readonly ring: KeyRing;
  /** From the first SYN to the end of the WebSocket handshake. */
  readonly handshakeTimeoutMs: number;
  /** A connection without a pong for this long is destroyed and redialled. */
  readonly silentAfterMs: number;
  /** The first redial comes within minMs; the interval doubles up to maxMs. Each is jittered down to its half. */
  readonly redial: { readonly minMs: number; readonly maxMs: number };
  readonly limits: LinkLimits;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called only when something differs from the last call. */
  readonly onChange: (connected: boolean, detail: string) => void;
  /** The member's name was resolved. */
  readonly onResolved: (address: string) => void;
}

interface Line {
  readonly raw: Socket;
  readonly ws: WebSocket;
  readonly keyId: string;
  readonly dialledAtMs: number;
  openedAtMs: number;
  heardAtMs: number;
  pingedAtMs: number;
  /** Ended for us: whatever it still emits is of no interest. */
  over: boolean;
}

/** Keeps one connection to one member for as long as it lives. */
export class LinkDialler {
  readonly #options: DiallerOptions;
  #ring: KeyRing;
  #open: Line | null = null;
  #trying: Line | null = null;
  #redialTimer: NodeJS.Timeout | null = null;
  #failures = 0;
  #closed = false;
  #replaced: Promise<void> = Promise.resolve();
  #reported = "";

  constructor(options: DiallerOptions) {
    this.#options = options;
    this.#ring = options.ring;
  }

  /** Dials now, unless it is being done. */
  start(): void {
    if (!this.#closed && this.#trying === null) this.#dial();
  }

  /** False when there is no connection, or when the receiver does not take what it was sent before. */
  send(frame: Frame): boolean {
    const text = encodeFrame(frame);
    const line = this.#open;
    if (line?.ws.readyState !== WebSocket.OPEN) return false;
    const { heartbeatBufferedMaxBytes, rosterBufferedMaxBytes } = this.#options.limits;
    if (line.ws.bufferedAmount > (frame.kind === "roster" ? rosterBufferedMaxBytes : heartbeatBufferedMaxBytes)) return false;
    line.ws.send(text);
    return true;
  }

  /** The member has just dialled us, so it is there: don't wait for our backoff, nor for a SYN that was lost. */
  hurry(): void {
    if (this.#closed || this.#open !== null) return;
    if (this.#trying !== null) {
      if (this.#options.clock.monotonicMs() - this.#trying.dialledAtMs < HURRY_AFTER_MS) return;
      this.#discard(this.#trying);
    }
    this.#dial();
  }

  /** Dials anew if our key has changed; the open connection goes on until the new one is open. */
  setRing(ring: KeyRing): void {
    const old = this.#ring;
    this.#ring = ring;
    const key = old.keys.get(old.dialWith);
    if (this.#closed || (ring.dialWith === old.dialWith && key !== undefined && acceptsKey(ring, old.dialWith, key))) return;
    if (this.#trying !== null) this.#discard(this.#trying);
    this.#failures = 0;
    this.#dial();
  }

  /**
   * Enforces the deadlines. Called every so often.
   * @param lateByMs how late this call comes: our own stall is not held against the member
   */
  sweep(nowMs: number, lateByMs: number): void {
    const { handshakeTimeoutMs, silentAfterMs } = this.#options;
    if (this.#trying !== null && nowMs - this.#trying.dialledAtMs > handshakeTimeoutMs) this.#failed(this.#trying, `no answer within ${handshakeTimeoutMs} ms`);
    const line = this.#open;
    if (line === null) return;
    line.heardAtMs = Math.min(nowMs, line.heardAtMs + lateByMs);
    if (nowMs - line.heardAtMs > silentAfterMs) return this.#failed(line, `silent for more than ${silentAfterMs} ms`);
    if (nowMs - line.openedAtMs > silentAfterMs && this.#trying === null) this.#failures = 0;
    // Three pings per deadline: one lost segment is retransmitted in time, and is no reason to redial.
    if (nowMs - line.pingedAtMs >= silentAfterMs / 3) {
      line.pingedAtMs = nowMs;
      line.ws.ping();
    }
  }

  /** Says goodbye. Resolves when no connection is left. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#redialTimer !== null) clearTimeout(this.#redialTimer);
    if (this.#trying !== null) this.#discard(this.#trying);
    const line = this.#open;
    if (line !== null) {
      line.over = true;
      this.#open = null;
      await closeGently(line.raw, line.ws, 1001, "this agent stops", CLOSE_GRACE_MS);
      this.#report(false, "closed by us");
    }
    await this.#replaced;
  }

  #dial(): void {
    if (this.#redialTimer !== null) clearTimeout(this.#redialTimer);
    this.#redialTimer = null;
    const nowMs = this.#options.clock.monotonicMs();
    const failure: { cause: unknown; misdirected: string | null } = { cause: null, misdirected: null };
    const { raw, ws, keyId } = this.#connect((who) => (failure.misdirected = who));
    const line: Line = { raw, ws, keyId, dialledAtMs: nowMs, openedAtMs: nowMs, heardAtMs: nowMs, pingedAtMs: nowMs, over: false };
    this.#trying = line;
    ws.on("open", () => (failure.misdirected === null ? this.#opened(line) : this.#failed(line, failure.misdirected)));
    ws.on("pong", () => (line.heardAtMs = this.#options.clock.monotonicMs()));
    ws.on("message", () => this.#failed(line, "it spoke where it should only listen"));
    ws.on("unexpected-response", (request, response) => {
      request.destroy();
      this.#failed(line, `it answered with HTTP status ${response.statusCode ?? 0}`);
    });
    ws.on("error", (error) => (failure.cause ??= error));
    ws.on("close", (code) => this.#failed(line, failure.misdirected ?? (failure.cause === null && code !== 1006 ? `it closed the connection (${code})` : explainDialFailure(failure.cause))));
  }

  #connect(onMisdirected: (detail: string) => void): { readonly raw: Socket; readonly ws: WebSocket; readonly keyId: string } {
    const { clusterId, nodeId, member, host, port } = this.#options;
    const keyId = this.#ring.dialWith;
    const psk = this.#ring.keys.get(keyId) ?? new Uint8Array(0);
    const raw = connectTcp({ host, port, noDelay: true });
    raw.on("lookup", (error, address) => {
      if (codeOf(error) === "" && address !== "") this.#options.onResolved(address);
    });
    const socket = connectTls({
      ...LINK_TLS,
      socket: raw,
      // There is no certificate to check: the cipher allows none, and both sides prove the key.
      checkServerIdentity: () => undefined,
      pskCallback: (hint) => {
        const identity = formatIdentity({ cluster: clusterId, node: nodeId, keyId });
        // The hint is covered by the handshake's MAC, so it is as good as the key: it says whom we have really reached.
        if (hint === `${clusterId}/${member}`) return { psk, identity };
        onMisdirected(`another node answers there: ${printable(hint ?? "one that gives no name")}`);
        // Another cluster may know who knocks: it refuses our identity and its operator sees it. A wrong node of our own
        // cluster would take us for a newer connection from here, so it learns nothing.
        return hint?.startsWith(`${clusterId}/`) === false ? { psk, identity } : null;
      },
    });
    const ws = new WebSocket(`wss://${member}${LINK_PATH}`, {
      createConnection: () => socket,
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: FRAME_MAX_BYTES,
      autoPong: false,
    });
    return { raw, ws, keyId };
  }

  #opened(line: Line): void {
    if (line.over) return;
    const before = this.#open;
    const nowMs = this.#options.clock.monotonicMs();
    line.openedAtMs = line.heardAtMs = line.pingedAtMs = nowMs;
    this.#trying = null;
    this.#open = line;
    this.#report(true, `connected to ${this.#where()} with key ${line.keyId}`);
    if (before === null) return;
    before.over = true;
    // Gone within the grace time, whatever the other side does.
    this.#replaced = closeGently(before.raw, before.ws, 1000, "replaced", CLOSE_GRACE_MS);
  }

  #failed(line: Line, why: string): void {
    if (line.over) return;
    const wasOpen = line === this.#open;
    this.#discard(line);
    if (this.#closed) return;
    this.#report(this.#open !== null, wasOpen ? `connection to ${this.#where()} lost: ${why}` : `can't connect to ${this.#where()}: ${why}`);
    if (this.#trying === null) this.#redialLater();
  }

  #discard(line: Line): void {
    line.over = true;
    if (line === this.#open) this.#open = null;
    if (line === this.#trying) this.#trying = null;
    abandon(line.raw, line.ws);
  }

  #redialLater(): void {
    const { redial, random } = this.#options;
    const ceilingMs = Math.min(redial.maxMs, redial.minMs * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    if (this.#redialTimer !== null) clearTimeout(this.#redialTimer);
    this.#redialTimer = setTimeout(() => this.#dial(), ceilingMs * (0.5 + random() / 2));
  }

  #where(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  #report(connected: boolean, detail: string): void {
    const report = `${connected} ${detail}`;
    if (report === this.#reported) return;
    this.#reported = report;
    this.#options.onChange(connected, detail);
  }
}
