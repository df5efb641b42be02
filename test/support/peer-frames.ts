/** Frames for the tests of the peer link, complete and valid unless a test says otherwise. */
import type { Heartbeat, OperationFrame, RosterFrame } from "../../agent/core/heartbeat.ts";
import type { NodeId } from "../../agent/core/types.ts";
import type { PeerLinkHandlers, Refusal } from "../../agent/ports.ts";

export const CLUSTER = "lab";
export const FIRST_LIFE = "00000000000000a1";
export const SECOND_LIFE = "00000000000000b2";

/** A heartbeat of `node`; fields can be replaced, also by such as no valid one has. */
export function heartbeatOf(node: NodeId, sequence: number, replaced: Partial<Heartbeat> = {}): Heartbeat {
  return {
    v: 1, kind: "heartbeat", cluster: CLUSTER, node, incarnation: FIRST_LIFE, sequence, role: "active", serving: "serving", servingReason: "every probe is answered",
    yield: null, holds: true, publicIp: "192.0.2.10", pause: { revision: 0, setBy: node, on: false, reason: "", remainingMs: null }, hearsYou: "heard",
    echo: { sequence, heldMs: 12.5 }, verdict: null, software: "0.1.0", asterisk: "22.10.1", configDigest: "0123456789abcdef", calls: 7, rosterHeld: null, draining: false, mark: null, blocked: false, zone: null, ready: true, switchover: null, answer: null, coldStart: null, ...replaced,
  };
}

/** One piece of a roster with one call. */
export function rosterOf(node: NodeId, replaced: Partial<RosterFrame> = {}): RosterFrame {
  return { v: 1, kind: "roster", cluster: CLUSTER, node, incarnation: FIRST_LIFE, generation: 1, part: 0, parts: 1, snapshot: true, added: [{ id: "1700000000.1", party: "someone", sinceWallMs: 1 }], removed: [], ...replaced };
}

/** An operator's order for a switchover. */
export function operationOf(node: NodeId, operation: number, replaced: Partial<OperationFrame> = {}): OperationFrame {
  return { v: 1, kind: "operation", cluster: CLUSTER, node, incarnation: FIRST_LIFE, operation, request: { id: "00000000000000d1", to: "c", drainMs: 600_000, reason: "new kernel", dryRun: false }, ...replaced };
}

/** Everything that a link has told its driver. */
export interface Seen {
  readonly heartbeats: { readonly from: NodeId; readonly heartbeat: Heartbeat }[];
  readonly rosters: { readonly from: NodeId; readonly frame: RosterFrame }[];
  readonly operations: { readonly from: NodeId; readonly frame: OperationFrame }[];
  readonly refusals: { readonly refusal: Refusal; readonly claimed: string | null; readonly address: string }[];
  readonly connections: { readonly to: NodeId; readonly connected: boolean; readonly detail: string }[];
}

/** Handlers that only write down. */
export function recorder(): { readonly seen: Seen; readonly handlers: PeerLinkHandlers } {
  const seen: Seen = { heartbeats: [], rosters: [], operations: [], refusals: [], connections: [] };
  return {
    seen,
    handlers: {
      onHeartbeat: (from, heartbeat) => void seen.heartbeats.push({ from, heartbeat }),
      onRoster: (from, frame) => void seen.rosters.push({ from, frame }),
      onOperation: (from, frame) => void seen.operations.push({ from, frame }),
      onRefused: (refusal, claimed, address) => void seen.refusals.push({ refusal, claimed, address }),
      onConnection: (to, connected, detail) => void seen.connections.push({ to, connected, detail }),
    },
  };
}

/** A key that is the same byte 32 times. */
export function keyOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}
