/**
 * Knocks at a member's heartbeat port as we would dial it, and goes away once both sides have proven the key: no WebSocket is
 * opened, so a running agent's own connection is not replaced. For `nodectl doctor`.
 */
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import type { NodeId } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import { explainDialFailure, LINK_TLS } from "./link-tls.ts";
import { formatIdentity, printable } from "./psk.ts";

export interface Knock {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly member: NodeId;
  readonly host: string;
  readonly port: number;
  readonly keyId: string;
  readonly key: Uint8Array;
}

/**
 * Resolves when the member has accepted our identity and our key.
 * @throws AGENT_PROBE_TIMEOUT when nobody answers in time, AGENT_PROBE_REFUSED when nothing listens there or the way is closed, AGENT_PEER_REFUSED when who answers does not take our key or is somebody else
 */
export function knock({ clusterId, nodeId, member, host, port, keyId, key }: Knock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let reached = false;
    let misdirected: string | null = null;
    const raw = connectTcp({ host, port, noDelay: true });
    const end = (settle: () => void): void => {
      signal.removeEventListener("abort", late);
      raw.destroy();
      settle();
    };
    const late = (): void => { end(() => { reject(new AgentError("AGENT_PROBE_TIMEOUT", reached ? "it accepts connections and does not answer" : "no answer: packets to this port are dropped on the way, or the machine is gone")); }); };
    const fail = (error: unknown): void => { end(() => { reject(new AgentError(reached ? "AGENT_PEER_REFUSED" : "AGENT_PROBE_REFUSED", misdirected ?? explainDialFailure(error), error)); }); };
    raw.on("error", fail);
    // Only now: a TLS socket over one that never connects reports a bare end, sometimes before the raw one gives its reason.
    raw.once("connect", () => {
      reached = true;
      const socket = connectTls({
        ...LINK_TLS,
        socket: raw,
        // There is no certificate to check: the cipher allows none, and both sides prove the key.
        checkServerIdentity: () => undefined,
        pskCallback: (hint) => {
          if (hint === `${clusterId}/${member}`) return { psk: key, identity: formatIdentity({ cluster: clusterId, node: nodeId, keyId }) };
          misdirected = `another node answers there: ${printable(hint ?? "one that gives no name")}`;
          return null;
        },
      });
      socket.on("error", fail);
      socket.once("close", () => { fail(null); });
      socket.once("secureConnect", () => {
        socket.destroy();
        end(resolve);
      });
    });
    signal.addEventListener("abort", late, { once: true });
    if (signal.aborted) late();
  });
}
