/**
 * The TLS of the peer link: version 1.2, one cipher, pre-shared keys, no certificates. TLS 1.3 is left out on purpose: node
 * offers external pre-shared keys for 1.2 only. Session tickets are off and no session cache is kept, so that every
 * connection proves a key that is accepted now: a resumed session would outlive the key that it was made with.
 * Renegotiation is off: the identity of a connection is settled once.
 */
import { constants } from "node:crypto";
import type { SecureVersion } from "node:tls";

/** Forward secrecy, mutual authentication by the key, and fast without AES instructions. */
const LINK_CIPHER = "ECDHE-PSK-CHACHA20-POLY1305";

/** The one path on which the link is spoken; its number changes only if the handshake itself does. */
export const LINK_PATH = "/link/1";

/** How long a clean close may take before the connection is reset (ms): a few round trips within a region. */
export const CLOSE_GRACE_MS = 500;

const TLS_1_2: SecureVersion = "TLSv1.2";

/** What both sides set. */
export const LINK_TLS = {
  ciphers: LINK_CIPHER,
  minVersion: TLS_1_2,
  maxVersion: TLS_1_2,
  ecdhCurve: "X25519:P-256",
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
} as const;

/** The stable code of an error of node, ws or OpenSSL; empty when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/**
 * The code with which TLS failed. While something waits to be written, node hides OpenSSL's code behind EPROTO, and only the message
 * has its words: they are the same words.
 */
function tlsCodeOf(error: unknown): string {
  const code = codeOf(error);
  return code === "EPROTO" && error instanceof Error ? `ERR_SSL_${error.message.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}` : code;
}

/**
 * What a failed handshake on the accepting side means. null: the other side hung up or refused us, which it reports
 * itself (a bare connect-and-close is how a probe looks).
 * @param identified whether it had already named an acceptable identity, so that only its key can have been wrong
 */
export function refusalOfHandshake(error: unknown, identified: boolean): "wrong-key" | "malformed" | null {
  const code = tlsCodeOf(error);
  if (code.startsWith("ERR_SSL_") && code.includes("_ALERT_")) return null;
  if (!code.startsWith("ERR_SSL_")) return null;
  return identified && /BAD_RECORD_MAC|DIGEST_CHECK_FAILED|BAD_DECRYPT/.test(code) ? "wrong-key" : "malformed";
}

const DIAL_FAILURES: readonly (readonly [RegExp, string])[] = [
  [/ALERT_UNKNOWN_PSK_IDENTITY/, "it does not accept our identity: are the cluster, this node and the key's id known to it?"],
  [/BAD_RECORD_MAC|DECRYPT_ERROR|DIGEST_CHECK_FAILED/, "it has another key under the same id: do both nodes read the same version of the secret?"],
  [/HANDSHAKE_FAILURE|NO_SHARED_CIPHER|PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, "it does not speak our TLS: is this the heartbeat port?"],
  [/^ERR_SSL_/, "what answers there is not a heartbeat port"],
  [/^ECONNREFUSED$/, "nothing listens there"],
  [/^(ECONNRESET|EPIPE)$/, "it closed the connection"],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/, "there is no path to it"],
  [/^(ENOTFOUND|EAI_AGAIN|EAI_FAIL)$/, "its name does not resolve"],
];

/** Why our dial failed, as a clause for the operator. Never contains key material. */
export function explainDialFailure(error: unknown): string {
  const code = codeOf(error);
  if (code === "") return "the connection ended";
  const tlsCode = tlsCodeOf(error);
  const known = DIAL_FAILURES.find(([pattern]) => pattern.test(tlsCode));
  return `${known === undefined ? "the connection failed" : known[1]} (${code})`;
}
