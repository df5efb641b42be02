/**
 * Probes over plain sockets. Each has a socket of its own, on a port of its own: a late answer to an older probe finds
 * nobody, the path is tried as a new caller would try it, and an abort closes all that the probe had opened.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { connect, isIP, type LookupFunction, type Socket } from "node:net";
import { AgentError } from "../errors.ts";
import type { Prober } from "../ports.ts";
import { rememberingLookup } from "./remembering-lookup.ts";
import { answersProbe, optionsProbe, parseSipResponse, SIP_RESPONSE_MAX_BYTES, SipStreamReader, writeOptions } from "./sip-message.ts";

export interface SocketProberOptions {
  /** Local address that probes of its family leave from, but those to this very machine; the system's choice when absent. */
  readonly localAddress?: string;
  /** What the User-Agent header says. */
  readonly userAgent?: string;
  /** Asks the resolver for the references' names; replaced in tests. */
  readonly resolve?: Resolve;
}

/**
 * An unanswered OPTIONS is sent again within its one transaction, as SIP over UDP asks of every client (RFC 3261, 17.1.2.2);
 * its T1 of 500 ms is for the whole Internet, we probe within a region. A request that was lost with a process that died
 * holding it then meets the closed port at once, instead of the probe's deadline.
 */
const RETRANSMIT_MS = 100;
const RETRANSMISSIONS_MAX = 3;

/** This very machine, however it is written. */
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/i;

type Target = Parameters<Prober["sipOptions"]>[0];
type Answer = readonly LookupAddress[];
type Resolve = (hostname: string, family: number, done: (error: NodeJS.ErrnoException | null, answer: Answer) => void) => void;

/** The socket prober. Holds nothing between probes but the references' last known addresses, so there is nothing to close. */
export class SocketProber implements Prober {
  readonly #localAddress: string | undefined;
  readonly #userAgent: string;
  readonly #lookup: LookupFunction;

  constructor(options: SocketProberOptions = {}) {
    this.#localAddress = options.localAddress;
    this.#userAgent = options.userAgent ?? "node-agent";
    this.#lookup = rememberingLookup(askOnce(options.resolve ?? ((hostname, family, done) => systemLookup(hostname, { all: true, family }, done))));
  }

  /** @throws AGENT_PROBE_REFUSED when nothing listens there, AGENT_PROBE_TIMEOUT for every other way of not being answered */
  async sipOptions(target: Target, signal: AbortSignal): Promise<{ readonly status: number }> {
    const name = `${target.transport} ${target.host}:${target.port}`;
    if (isIP(target.host) === 0) throw new AgentError("AGENT_PROBE_TIMEOUT", `SIP OPTIONS to ${name} was not sent: not an IP address`);
    if (signal.aborted) throw new AgentError("AGENT_PROBE_TIMEOUT", `SIP OPTIONS to ${name} was not sent in time`);
    return target.transport === "udp" ? this.#overUdp(target, name, signal) : this.#overTcp(target, name, signal);
  }

  /** @throws AGENT_PROBE_REFUSED when all refused, AGENT_PROBE_TIMEOUT when none connected for any other reason */
  async tcpConnect(anyOf: readonly string[], signal: AbortSignal): Promise<void> {
    const sockets: Socket[] = [];
    const name = `a TCP connection to ${anyOf.join(" or ")}`;
    try {
      await settle<null>(name, signal, (resolve, reject) => {
        const failures: NodeJS.ErrnoException[] = [];
        const fail = (error: NodeJS.ErrnoException): void => {
          failures.push(error);
          if (failures.length === anyOf.length) reject(failures.find((failure) => failure.code !== "ECONNREFUSED") ?? error);
        };
        if (anyOf.length === 0) reject(new Error("there is nothing to connect to"));
        for (const entry of anyOf) {
          const address = parseHostPort(entry);
          if (address === null) {
            fail(new Error(`${entry} is not host:port`));
            continue;
          }
          const from = this.#from(address.host);
          // A name may have addresses of both families; only those of the local address's own can be reached from it.
          const family = from.localAddress === undefined ? {} : { family: isIP(from.localAddress) };
          const socket = connect({ ...address, ...from, ...family, lookup: this.#lookup });
          sockets.push(socket.once("connect", () => resolve(null)).once("error", fail));
        }
      });
    } finally {
      for (const socket of sockets) discard(socket);
    }
  }

  async #overUdp(target: Target, name: string, signal: AbortSignal): Promise<{ readonly status: number }> {
    const socket = createSocket(isIP(target.host) === 6 ? "udp6" : "udp4");
    let closed = false;
    let retransmitting: NodeJS.Timeout | undefined;
    try {
      return await settle(`SIP OPTIONS to ${name}`, signal, (resolve, reject) => {
        socket.on("error", reject);
        const ask = (): void => {
          // Connected, so that an ICMP "port unreachable" becomes ECONNREFUSED at once and strangers' datagrams never arrive.
          socket.connect(target.port, target.host, (error?: Error) => {
            if (error !== undefined) {
              reject(error);
              return;
            }
            if (closed) return;
            const local = socket.address();
            const probe = optionsProbe({ ...target, localHost: local.address, localPort: local.port, userAgent: this.#userAgent }, randomBytes(12).toString("hex"));
            socket.on("message", (datagram) => {
              if (datagram.length > SIP_RESPONSE_MAX_BYTES) return;
              const response = parseSipResponse(datagram.toString("latin1"));
              if (response !== null && answersProbe(response, probe)) resolve({ status: response.status });
            });
            const request = writeOptions(probe);
            let sent = 0;
            const send = (): void => {
              sent += 1;
              if (sent > RETRANSMISSIONS_MAX) clearInterval(retransmitting);
              socket.send(request, (failure) => {
                if (failure !== null) reject(failure);
              });
            };
            send();
            retransmitting = setInterval(send, RETRANSMIT_MS);
          });
        };
        const { localAddress } = this.#from(target.host);
        if (localAddress === undefined) ask();
        else socket.bind({ address: localAddress, port: 0, exclusive: true }, ask);
      });
    } finally {
      closed = true;
      clearInterval(retransmitting);
      socket.removeAllListeners("message").close();
    }
  }

  async #overTcp(target: Target, name: string, signal: AbortSignal): Promise<{ readonly status: number }> {
    const socket = connect({ host: target.host, port: target.port, ...this.#from(target.host), noDelay: true });
    try {
      return await settle(`SIP OPTIONS to ${name}`, signal, (resolve, reject) => {
        socket.once("error", reject);
        socket.once("close", () => reject(new Error("the connection was closed before an answer came")));
        socket.once("connect", () => {
          const probe = optionsProbe({ ...target, localHost: socket.localAddress ?? "0.0.0.0", localPort: socket.localPort ?? 0, userAgent: this.#userAgent }, randomBytes(12).toString("hex"));
          const reader = new SipStreamReader();
          socket.on("data", (chunk) => {
            const answer = reader.push(chunk).find((response) => answersProbe(response, probe));
            if (answer !== undefined) resolve({ status: answer.status });
          });
          socket.write(writeOptions(probe), "latin1");
        });
      });
    } finally {
      discard(socket);
    }
  }

  /** The local binding: none for a target of the other family, and none for a loopback target, which no other address is to reach. */
  #from(host: string): { readonly localAddress?: string } {
    const local = this.#localAddress;
    if (local === undefined || (LOOPBACK.test(host) && !LOOPBACK.test(local))) return {};
    return isIP(host) !== 0 && isIP(host) !== isIP(local) ? {} : { localAddress: local };
  }
}

/** Runs a probe until it settles or the signal fires, and translates what went wrong. */
function settle<T>(what: string, signal: AbortSignal, start: (resolve: (value: T) => void, reject: (cause: NodeJS.ErrnoException) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(new AgentError("AGENT_PROBE_TIMEOUT", `${what} was not answered in time`));
    if (signal.aborted) {
      aborted();
      return;
    }
    signal.addEventListener("abort", aborted, { once: true });
    const done = (): void => signal.removeEventListener("abort", aborted);
    start(
      (value) => {
        done();
        resolve(value);
      },
      (cause) => {
        done();
        // Only a refusal is proof that nobody is there; no route, no permission or no name say something about our side.
        const refused = cause.code === "ECONNREFUSED";
        reject(new AgentError(refused ? "AGENT_PROBE_REFUSED" : "AGENT_PROBE_TIMEOUT", `${what} ${refused ? "was refused" : `got no answer (${cause.code ?? cause.message})`}`, cause));
      },
    );
  });
}

/** Closes at once, and keeps a listener for the error that may still be on its way. */
function discard(socket: Socket): void {
  socket.removeAllListeners().on("error", () => undefined).destroy();
}

/** `host:port` or `[address]:port`. */
function parseHostPort(entry: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(entry);
  const port = Number(match?.[3]);
  return match === null || port < 1 || port > 65535 ? null : { host: match[1] ?? match[2] ?? "", port };
}

/** Never asks twice at once for a name: a resolver that hangs would fill the few threads that also serve the disk. */
function askOnce(resolve: Resolve): Resolve {
  const waiting = new Map<string, ((error: NodeJS.ErrnoException | null, answer: Answer) => void)[]>();
  return (hostname, family, done) => {
    const key = `${family} ${hostname}`;
    const others = waiting.get(key);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    const all = [done];
    waiting.set(key, all);
    resolve(hostname, family, (error, answer) => {
      waiting.delete(key);
      for (const each of all) each(error, answer);
    });
  };
}
