/**
 * What proves to a webhook that an event is ours and fresh: an HMAC with a key that both sides know, over the instant of sending and
 * the body. A receiver computes the same, compares in constant time, and refuses instants that are minutes old.
 */
import { createHmac } from "node:crypto";

export const SIGNATURE_HEADER = "x-signature";

/** `t=SECONDS,v1=HEX`: HMAC-SHA-256 of `SECONDS.BODY`. */
export function signatureOf(key: string, body: string, atSeconds: number): string {
  return `t=${atSeconds},v1=${createHmac("sha256", key).update(`${atSeconds}.${body}`).digest("hex")}`;
}
