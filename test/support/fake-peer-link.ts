/** The peer link in memory: dials, redials and refuses as the real one does. Identities, keys, codec and replay detection are the production code. */
import { makeFrameIntake, type FrameIntake } from "../../agent/adapters/link-intake.ts";
import { acceptsKey, formatIdentity, judgeIdentity, type KeyRing, makeKeyRing } from "../../agent/adapters/psk.ts";
import { encodeFrame, type Frame } from "../../agent/core/heartbeat.ts";
import type { NodeId } from "../../agent/core/types.ts";
import type { PeerLink, PeerLinkHandlers } from "../../agent/ports.ts";
import type { Connection, FakeEnd, FakePeerNetwork } from "./fake-peer-network.ts";

export interface FakeLinkOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly members: ReadonlySet<NodeId>;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly dialWith: string;
  /** false: it dials, but whoever dials its name reaches another. For impostors. */
  readonly reachable?: boolean;
}

/** One-way trips before the first frame can leave: TCP, TLS 1.2, WebSocket. */
const HANDSHAKE_TRIPS = 8;

interface Dial {
  open: Connection | null;
  failures: number;
  /** Only the last dial that was scheduled counts. */
  attempt: number;
  reported: string;
}

/** One node's end of the network; it takes the name over from an older one. */
export class FakeLink implements PeerLink, FakeEnd {
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

  admit(caller: FakeEnd, keyId: string, key: Uint8Array): string | null {
    const { clusterId, members } = this.#options;
    const verdict = judgeIdentity(caller.identity(keyId), clusterId, members, this.#ring);
    const refusal = !verdict.ok ? verdict.refusal : acceptsKey(this.#ring, keyId, key) ? null : "wrong-key";
    if (refusal === null) return null;
    this.#handlers?.onRefused(refusal, verdict.claimed, caller.id);
    return verdict.ok ? "it has another key under the same id" : "it does not accept our identity";
  }

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
