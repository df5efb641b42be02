/**
 * How a connection of the link ends: gently, or at once. At once means a reset, not a FIN: heartbeats that still wait in the
 * kernel would otherwise be delivered when the network heals, old by then and taken for fresh.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";

/** Drops a connection and whatever it still holds. */
export function abandon(raw: Socket, ws: WebSocket | null): void {
  // A socket that is still connecting has nothing to reset, and node would wait for it to connect first.
  if (raw.connecting) raw.destroy();
  else raw.resetAndDestroy();
  ws?.terminate();
}

/** Sends a WebSocket close and waits for the answer, but not for long. Resolves when the connection is gone. */
export function closeGently(raw: Socket, ws: WebSocket, code: number, reason: string, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (raw.destroyed) return resolve();
    const impatience = setTimeout(() => abandon(raw, ws), graceMs);
    raw.once("close", () => {
      clearTimeout(impatience);
      resolve();
    });
    ws.close(code, reason);
  });
}
