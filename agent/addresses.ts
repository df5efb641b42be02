/** Network addresses as people write them in knobs, and the few questions that the agent asks about them. */
import { isIP, isIPv6 } from "node:net";

/** A host and a TCP or UDP port. `host` has no brackets, also where it is an IPv6 address. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A name or an address, no port: letters, digits, dots and dashes, at most 253 long as in DNS. */
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/** `host:port`, or `[IPv6]:port`; null when it is neither or the port is not 1 to 65535. */
export function parseHostPort(text: string): HostPort | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port < 1 || port > 65_535) return null;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : null;
  return plain !== undefined && isHostName(plain) ? { host: plain, port } : null;
}

/** The text that parseHostPort reads. */
export function formatHostPort(address: HostPort): string {
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** An IPv4 address, or a name whose last label is not a number: 10.0.0.256 is neither. */
function isHostName(text: string): boolean {
  if (isIP(text) === 4) return true;
  return HOST_NAME.test(text) && !/(?:^|\.)\d+$/.test(text);
}

/** Only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return isIP(host) === 4 ? host.startsWith("127.") : host === "::1" || host === "localhost";
}

/** Stands for every address of the machine: one can listen there, but not send there. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
