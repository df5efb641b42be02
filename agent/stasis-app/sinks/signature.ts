/**
 * What proves to a webhook that an event is ours and fresh: an HMAC with a key that both sides know, over the instant of sending and
 * the body. A receiver computes the same, compares in constant time, and refuses instants that are minutes old.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export const SIGNATURE_HEADER = "x-signature";

/** `t=SECONDS,v1=HEX`: HMAC-SHA-256 of `SECONDS.BODY`. */
export function signatureOf(key: string, body: string, atSeconds: number): string {
  return `t=${atSeconds},v1=${createHmac("sha256", key).update(`${atSeconds}.${body}`).digest("hex")}`;
}

/** What a receiver does; here for tests and as the description's other half. */
export function isSigned(key: string, body: string, header: string, nowSeconds: number, maxAgeSeconds = 300): boolean {
  const at = Number(/^t=(\d{1,12}),v1=[0-9a-f]{64}$/.exec(header)?.[1] ?? Number.NaN);
  if (!(Math.abs(nowSeconds - at) <= maxAgeSeconds)) return false;
  return timingSafeEqual(Buffer.from(signatureOf(key, body, at)), Buffer.from(header));
}
