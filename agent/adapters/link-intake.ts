/**
 * The way of a frame from the wire to the driver: decoded, judged, handed on. Heartbeats that arrive in one batch (the
 * network or this process was held up) are old but for the last: only the newest is handed on, so that a `yield` which has been
 * taken back meanwhile is never acted upon.
 */
import { decodeFrame, type Heartbeat } from "../core/heartbeat.ts";
import type { NodeId } from "../core/types.ts";
import type { PeerLinkHandlers } from "../ports.ts";
import { makeReplayGuard, type ReplayGuard } from "./replay-guard.ts";

/** Where a frame came from, as authenticated by the handshake. `claimed` and `address` are for reports only. */
export interface FrameOrigin {
  readonly node: NodeId;
  readonly claimed: string;
  readonly address: string;
}

/** One per link; remembers what each member has said last. */
export interface FrameIntake {
  /** Takes the text of a frame from an authenticated member. */
  receive(text: string, origin: FrameOrigin): void;
  /** Nothing is handed on any more. */
  stop(): void;
}

/** @param defer runs its argument when the batch that is being read is over (setImmediate on real sockets) */
export function makeFrameIntake(clusterId: string, handlers: PeerLinkHandlers, defer: (deliver: () => void) => void): FrameIntake {
  const guards = new Map<NodeId, ReplayGuard>();
  const newest = new Map<NodeId, Heartbeat>();
  let stopped = false;
  const deliver = (from: NodeId): void => {
    const heartbeat = newest.get(from);
    newest.delete(from);
    if (heartbeat !== undefined && !stopped) handlers.onHeartbeat(from, heartbeat);
  };
  return {
    receive(text, origin) {
      if (stopped) return;
      const decoded = decodeFrame(text, clusterId, origin.node);
      if (!decoded.ok) return handlers.onRefused(decoded.refusal, origin.claimed, origin.address);
      let guard = guards.get(origin.node);
      if (guard === undefined) guards.set(origin.node, (guard = makeReplayGuard()));
      if (!guard.accept(decoded.frame)) return handlers.onRefused("replayed", origin.claimed, origin.address);
      if (decoded.frame.kind === "roster") return handlers.onRoster(origin.node, decoded.frame);
      if (decoded.frame.kind === "operation") return handlers.onOperation(origin.node, decoded.frame);
      const scheduled = newest.has(origin.node);
      newest.set(origin.node, decoded.frame);
      if (!scheduled) defer(() => deliver(origin.node));
    },
    stop() {
      stopped = true;
    },
  };
}
