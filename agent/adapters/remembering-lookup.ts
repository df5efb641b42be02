/**
 * Name resolution that remembers. The resolver is one more thing that can die together with the active node; the
 * addresses of a regional AWS endpoint that worked a minute ago are a far better answer than none. A fresh answer is
 * always asked for and preferred; the remembered one is used when the resolver fails or is slow.
 */
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

/** After this long (ms) without a fresh answer the remembered one is used. A healthy VPC resolver answers in a few milliseconds. */
const PATIENCE_MS = 250;

type Answer = readonly LookupAddress[];

/**
 * A lookup function for node's sockets.
 * @param resolve asks the resolver for all addresses of a name; replaced in tests
 */
export function rememberingLookup(resolve: (hostname: string, family: number, done: (error: NodeJS.ErrnoException | null, answer: Answer) => void) => void = askSystem): LookupFunction {
  const remembered = new Map<string, Answer>();
  return (hostname, options, callback) => {
    const family = options.family === "IPv6" || options.family === 6 ? 6 : options.family === "IPv4" || options.family === 4 ? 4 : 0;
    const key = `${family} ${hostname}`;
    const old = remembered.get(key);
    let answered = false;
    const answer = (addresses: Answer): void => {
      const first = addresses[0];
      if (answered || first === undefined) return;
      answered = true;
      if (options.all === true) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    };
    const patience = old === undefined ? undefined : setTimeout(() => answer(old), PATIENCE_MS);
    resolve(hostname, family, (error, addresses) => {
      clearTimeout(patience);
      if (error === null && addresses.length > 0) {
        remembered.set(key, addresses);
        answer(addresses);
      } else if (old !== undefined) answer(old);
      else callback(error ?? Object.assign(new Error(`${hostname} has no address`), { code: "ENOTFOUND" }), "", 0);
    });
  };
}

function askSystem(hostname: string, family: number, done: (error: NodeJS.ErrnoException | null, answer: Answer) => void): void {
  systemLookup(hostname, { all: true, family }, done);
}
