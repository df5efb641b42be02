/**
 * The accepting side. A connection passes four gates, each dearer than the one before: the address (no cryptography), the
 * identity, the key, the WebSocket upgrade; all within one deadline, whatever trickles in meanwhile. What has passed belongs
 * to a known member, and only frames come from it.
 */
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { FRAME_MAX_BYTES } from "../core/heartbeat.ts";
import type { NodeId } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { Clock, Refusal } from "../ports.ts";
import { type AcceptGuard, type LinkLimits, makeTokenBucket, normalAddress, type TokenBucket } from "./link-guard.ts";
import type { FrameIntake } from "./link-intake.ts";
import { abandon, closeGently } from "./link-socket.ts";
import { CLOSE_GRACE_MS, codeOf, LINK_PATH, LINK_TLS, refusalOfHandshake } from "./link-tls.ts";
import { acceptsKey, judgeIdentity, type KeyRing, type PskIdentity } from "./psk.ts";

/** The kernel's queue of connections that we have not accepted yet: small, so that a flood can't keep us accepting. */
const BACKLOG = 64;

/** How long a connection that was replaced by a newer one may still deliver what is under way (ms). */
const LINGER_MS = 1000;

export interface ListenerOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly memberIds: ReadonlySet<NodeId>;
  readonly listen: { readonly host: string; readonly port: number };
  readonly ring: KeyRing;
  readonly handshakeTimeoutMs: number;
  readonly silentAfterMs: number;
  readonly limits: LinkLimits;
  readonly clock: Clock;
  readonly guard: AcceptGuard;
  readonly intake: FrameIntake;
  readonly onRefused: (refusal: Refusal, claimed: string | null, remoteAddress: string) => void;
  /** A member has connected to us. */
  readonly onArrived: (member: NodeId) => void;
}

interface Inbound {
  readonly raw: Socket;
  readonly address: string;
  identity: PskIdentity | null;
  key: Uint8Array;
  claimed: string | null;
  ws: WebSocket | null;
  /** When it was accepted, or a complete frame or ping was last received. */
  heardAtMs: number;
  /** When it must go, because it was replaced or its key was removed. */
  leavesAtMs: number;
  /** Refused for good: reported once, and nothing more is taken from it. */
  refused: boolean;
}

/** Holds the port and every connection that was made to it. */
export class LinkListener {
  readonly #options: ListenerOptions;
  readonly #gate: TcpServer;
  readonly #tls: TlsServer;
  readonly #http: HttpServer;
  readonly #upgrader: WebSocketServer;
  readonly #inbound = new Map<string, Inbound>();
  readonly #bySocket = new WeakMap<Duplex, Inbound>();
  readonly #current = new Map<NodeId, Inbound>();
  readonly #buckets = new Map<NodeId, TokenBucket>();
  #ring: KeyRing;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#ring = options.ring;
    this.#gate = createTcpServer({ noDelay: true }, (raw) => this.#accept(raw));
    this.#gate.maxConnections = options.limits.maxConnections;
    this.#gate.on("drop", (dropped) => options.onRefused("flood", null, normalAddress(dropped?.remoteAddress ?? "unknown")));
    // The sweep enforces the deadline of the whole handshake; node's own one for TLS is twice as long, in reserve.
    this.#tls = createTlsServer({ ...LINK_TLS, handshakeTimeout: 2 * options.handshakeTimeoutMs, pskIdentityHint: `${options.clusterId}/${options.nodeId}`, pskCallback: (socket, identity) => this.#identify(socket, identity) });
    this.#tls.on("tlsClientError", (error, socket) => this.#handshakeFailed(error, socket));
    this.#tls.on("secureConnection", (socket) => this.#secured(socket));
    // Neither this server nor the TLS one listens, so node's HTTP timeouts would never run: the sweep's deadline covers this part, too.
    this.#http = createHttpServer({ maxHeaderSize: 4096 }, (request) => this.#refuseHttp(request.socket));
    this.#http.on("clientError", (_error, socket) => this.#refuseHttp(socket));
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#upgrader = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: FRAME_MAX_BYTES, maxFragments: 8, maxBufferedChunks: 64 });
    this.#upgrader.on("wsClientError", (_error, socket) => this.#refuseHttp(socket));
  }

  /** Resolves with the port, which matters where 0 was asked for. Rejects when the address can't be had. */
  listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      const refuse = (error: Error): void => reject(new AgentError("AGENT_LISTEN_FAILED", `the heartbeat port can't listen on ${host}:${port} (${codeOf(error)}): is another agent running, and is LISTEN an address of this node?`, error));
      this.#gate.once("error", refuse);
      this.#gate.listen({ host, port, backlog: BACKLOG }, () => {
        this.#gate.off("error", refuse);
        // From now on this means that a connection could not be accepted (no descriptors left): that caller is lost, we are not.
        this.#gate.on("error", () => this.#options.onRefused("flood", null, "unknown"));
        const bound = this.#gate.address();
        resolve(bound !== null && typeof bound === "object" ? bound.port : port);
      });
    });
  }

  /** Connections made with a key that is gone may go on for a while: their owners redial with another. */
  setRing(ring: KeyRing): void {
    this.#ring = ring;
    const leavesAtMs = this.#options.clock.monotonicMs() + this.#options.limits.removedKeyGraceMs;
    for (const inbound of this.#inbound.values()) {
      if (inbound.identity === null) continue;
      const superseded = inbound.ws !== null && this.#current.get(inbound.identity.node) !== inbound;
      if (acceptsKey(ring, inbound.identity.keyId, inbound.key)) inbound.leavesAtMs = superseded ? inbound.leavesAtMs : Infinity;
      else inbound.leavesAtMs = Math.min(inbound.leavesAtMs, leavesAtMs);
    }
  }

  /** Enforces the deadlines; `lateByMs` is our own lateness and is not held against anybody. */
  sweep(nowMs: number, lateByMs: number): void {
    for (const inbound of this.#inbound.values()) {
      inbound.heardAtMs = Math.min(nowMs, inbound.heardAtMs + lateByMs);
      const overdue = nowMs - inbound.heardAtMs > (inbound.ws === null ? this.#options.handshakeTimeoutMs : this.#options.silentAfterMs);
      // One that connects and says nothing is a probe; one that begins and doesn't come to an end is not.
      if (inbound.ws === null && overdue && inbound.raw.bytesRead > 0) this.#refuse(inbound, "malformed");
      else if (overdue || nowMs >= inbound.leavesAtMs) this.#drop(inbound);
    }
  }

  /** Says goodbye to the members, drops everybody else. Resolves when the port is free and no connection is left. */
  async close(): Promise<void> {
    const freed = new Promise<void>((resolve) => this.#gate.close(() => resolve()));
    for (const inbound of this.#inbound.values()) {
      // `freed` waits for these, too; each is gone within the grace time.
      if (inbound.ws !== null) void closeGently(inbound.raw, inbound.ws, 1001, "this agent stops", CLOSE_GRACE_MS);
      else this.#drop(inbound);
    }
    await freed;
  }

  #accept(raw: Socket): void {
    const { guard, clock, onRefused } = this.#options;
    // It may be gone already; then there is nobody to judge.
    if (raw.remoteAddress === undefined) return void raw.destroy();
    const address = normalAddress(raw.remoteAddress);
    const nowMs = clock.monotonicMs();
    const refusal = guard.admit(address, nowMs);
    if (refusal !== null) {
      raw.resetAndDestroy();
      return onRefused(refusal, null, address);
    }
    const inbound: Inbound = { raw, address, identity: null, key: new Uint8Array(0), claimed: null, ws: null, heardAtMs: nowMs, leavesAtMs: Infinity, refused: false };
    const id = idOf(raw);
    this.#inbound.set(id, inbound);
    raw.once("close", () => {
      this.#inbound.delete(id);
      if (inbound.ws === null) guard.settle(address);
      if (inbound.identity !== null && this.#current.get(inbound.identity.node) === inbound) this.#current.delete(inbound.identity.node);
    });
    this.#tls.emit("connection", raw);
  }

  #identify(socket: TLSSocket, text: string): Uint8Array | null {
    const inbound = this.#inbound.get(idOf(socket));
    if (inbound?.claimed !== null) return null;
    this.#bySocket.set(socket, inbound);
    const verdict = judgeIdentity(text, this.#options.clusterId, this.#options.memberIds, this.#ring);
    inbound.claimed = verdict.claimed;
    if (!verdict.ok) {
      // Reported here; the alert that tells the other side is OpenSSL's answer to null.
      inbound.refused = true;
      this.#options.onRefused(verdict.refusal, verdict.claimed, inbound.address);
      return null;
    }
    inbound.identity = verdict.identity;
    inbound.key = verdict.key;
    return verdict.key;
  }

  #handshakeFailed(error: Error, socket: TLSSocket): void {
    const inbound = this.#bySocket.get(socket) ?? this.#inbound.get(idOf(socket));
    if (inbound === undefined || inbound.refused) return;
    const refusal = refusalOfHandshake(error, inbound.identity !== null);
    // Not dropped here: node is closing it, after the alert that tells the other side why.
    inbound.refused = true;
    if (refusal !== null) this.#options.onRefused(refusal, inbound.claimed, inbound.address);
  }

  #secured(socket: TLSSocket): void {
    const inbound = this.#bySocket.get(socket);
    if (inbound?.identity == null || inbound.refused || socket.isSessionReused()) return void socket.destroy();
    this.#http.emit("connection", socket);
  }

  #refuseHttp(socket: Duplex): void {
    const inbound = this.#bySocket.get(socket);
    if (inbound !== undefined) this.#refuse(inbound, "malformed");
    else socket.destroy();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const inbound = this.#bySocket.get(socket);
    // The keys may have changed since this handshake began.
    if (inbound?.identity == null || !acceptsKey(this.#ring, inbound.identity.keyId, inbound.key) || request.url !== LINK_PATH) return this.#refuseHttp(socket);
    const node = inbound.identity.node;
    this.#upgrader.handleUpgrade(request, socket, head, (ws) => this.#adopt(inbound, node, ws));
  }

  #adopt(inbound: Inbound, node: NodeId, ws: WebSocket): void {
    const { clock, guard, intake, limits, onArrived } = this.#options;
    const nowMs = clock.monotonicMs();
    const before = this.#current.get(node);
    // What the member said last on the older connection may still be under way; its next frame comes on this one.
    if (before !== undefined) before.leavesAtMs = Math.min(before.leavesAtMs, nowMs + LINGER_MS);
    this.#dropAllOf(node, before);
    guard.settle(inbound.address);
    inbound.ws = ws;
    inbound.heardAtMs = nowMs;
    this.#current.set(node, inbound);
    let bucket = this.#buckets.get(node);
    // Kept per member, not per connection: redialling does not fill it.
    if (bucket === undefined) this.#buckets.set(node, (bucket = makeTokenBucket(limits.framesBurst, limits.framesPerSecond, nowMs)));
    const heard = (): boolean => {
      if (inbound.refused) return false;
      inbound.heardAtMs = clock.monotonicMs();
      if (bucket.take(inbound.heardAtMs)) return true;
      this.#refuse(inbound, "flood");
      return false;
    };
    const origin = { node, claimed: inbound.claimed ?? node, address: inbound.address };
    ws.on("message", (data, isBinary) => {
      if (!heard()) return;
      if (isBinary || !Buffer.isBuffer(data)) return this.#options.onRefused("malformed", inbound.claimed, inbound.address);
      if (this.#current.get(node) === inbound) this.#dropAllOf(node, inbound);
      intake.receive(data.toString("utf8"), origin);
    });
    ws.on("ping", heard);
    ws.on("pong", heard);
    ws.on("error", (error) => {
      // Anything else is a broken connection, which is no refusal: the heartbeats' absence says it.
      if (codeOf(error).startsWith("WS_ERR_")) this.#refuse(inbound, codeOf(error) === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? "oversized" : "malformed");
    });
    onArrived(node);
  }

  /** Drops the open connections of a member but for one. */
  #dropAllOf(node: NodeId, but: Inbound | undefined): void {
    for (const other of this.#inbound.values()) if (other !== but && other.ws !== null && other.identity?.node === node) this.#drop(other);
  }

  #refuse(inbound: Inbound, refusal: Refusal): void {
    if (!inbound.refused) this.#options.onRefused(refusal, inbound.claimed, inbound.address);
    inbound.refused = true;
    this.#drop(inbound);
  }

  #drop(inbound: Inbound): void {
    abandon(inbound.raw, inbound.ws);
  }
}

/** The remote end of a live connection, unique among them; the same for a socket and the TLS that wraps it. */
function idOf(socket: Socket): string {
  return `${socket.remoteAddress ?? "gone"} ${socket.remotePort ?? 0}`;
}
