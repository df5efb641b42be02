/**
 * Who may speak on the peer link, and with which key. An identity is `CLUSTER_ID/NODE_ID/KEY_ID`; it travels in clear
 * and is no secret, only the key is. Keys are compared by OpenSSL, inside the handshake's MAC, in constant time: nothing
 * here ever compares a presented key, so there is no timing to leak. Several keys are accepted while a rotation is under way.
 */
import { timingSafeEqual } from "node:crypto";
import type { NodeId } from "../core/types.ts";
import { AgentError } from "../errors.ts";
import type { Refusal } from "../ports.ts";

/** Bytes of a key: 256 bits from a random source, so that it can't be guessed from a recorded handshake. */
export const KEY_BYTES = 32;

/** A key's name: short, printable, without the separator of identities. */
const KEY_ID = /^[A-Za-z0-9._-]{1,32}$/;

/** OpenSSL takes identities of up to 128 bytes in every version that Node 20 and later are built with. */
const IDENTITY_MAX = 128;

/** The three parts of an identity. */
export interface PskIdentity {
  readonly cluster: string;
  readonly node: NodeId;
  readonly keyId: string;
}

/** The keys that are accepted, and the id of the one that we dial with. Immutable; a copy of what it was made from. */
export interface KeyRing {
  readonly keys: ReadonlyMap<string, Uint8Array>;
  readonly dialWith: string;
}

/** What an identity that was presented to us is worth. `claimed` is safe to log: bounded and printable, still untrusted. */
export type IdentityVerdict = { readonly ok: true; readonly identity: PskIdentity; readonly key: Uint8Array; readonly claimed: string } | { readonly ok: false; readonly refusal: Refusal & ("malformed" | "other-cluster" | "unknown-node" | "wrong-key"); readonly claimed: string };

/** The text of an identity, as it is presented in the handshake. */
export function formatIdentity(identity: PskIdentity): string {
  return `${identity.cluster}/${identity.node}/${identity.keyId}`;
}

/** The parts of an identity; null when the text is not one. */
export function parseIdentity(text: string): PskIdentity | null {
  if (text.length > IDENTITY_MAX) return null;
  const [cluster, node, keyId, ...rest] = text.split("/");
  if (cluster === undefined || node === undefined || keyId === undefined || rest.length > 0) return null;
  return cluster === "" || node === "" || !KEY_ID.test(keyId) ? null : { cluster, node, keyId };
}

/** Checks and copies the keys. Throws AGENT_SECRET_INVALID, which names a key's id at most. */
export function makeKeyRing(keys: ReadonlyMap<string, Uint8Array>, dialWith: string): KeyRing {
  const copy = new Map<string, Uint8Array>();
  for (const [id, key] of keys) {
    if (!KEY_ID.test(id)) throw new AgentError("AGENT_SECRET_INVALID", "heartbeat_keys has a key id that is not 1 to 32 letters, digits, dots, dashes or underscores");
    if (key.length !== KEY_BYTES) throw new AgentError("AGENT_SECRET_INVALID", `heartbeat_keys: the key ${id} has ${key.length} bytes and must have ${KEY_BYTES}`);
    copy.set(id, Uint8Array.from(key));
  }
  if (!copy.has(dialWith)) throw new AgentError("AGENT_SECRET_INVALID", `heartbeat_keys has no key ${KEY_ID.test(dialWith) ? dialWith : "of the wanted name"} to dial with`);
  return { keys: copy, dialWith };
}

/** True when the ring still accepts this very key, not merely another one under the same id. */
export function acceptsKey(ring: KeyRing, keyId: string, key: Uint8Array): boolean {
  const known = ring.keys.get(keyId);
  return known !== undefined && timingSafeEqual(known, key);
}

/**
 * Judges an identity presented by someone who dialled us: our cluster, a member other than ourselves, an accepted key id.
 * That the other side also has the key is proven by the rest of the handshake.
 */
export function judgeIdentity(text: string, clusterId: string, members: ReadonlySet<NodeId>, ring: KeyRing): IdentityVerdict {
  const claimed = printable(text);
  const identity = parseIdentity(text);
  if (identity === null) return { ok: false, refusal: "malformed", claimed };
  if (identity.cluster !== clusterId) return { ok: false, refusal: "other-cluster", claimed };
  if (!members.has(identity.node)) return { ok: false, refusal: "unknown-node", claimed };
  const key = ring.keys.get(identity.keyId);
  return key === undefined ? { ok: false, refusal: "wrong-key", claimed } : { ok: true, identity, key, claimed };
}

/** What an unauthenticated stranger wrote must not break a log line or a terminal. */
export function printable(text: string): string {
  return text.slice(0, IDENTITY_MAX).replace(/[^\x20-\x7e]/g, "?");
}
