/**
 * The one way to AWS: an HTTP handler for the SDK's clients, in place of the SDK's own, because a claim needs two
 * things that the SDK's own can't give. First, its last-moment check must come after the connection is up and before
 * the first byte leaves: connecting takes time, and a process can be stopped meanwhile (promise S7). Second, when a
 * call fails, the caller must learn whether the request had left (outcome unknown) or not (certainly nothing done).
 * Keep-alive, short explicit deadlines, no retry; names that resolved once are remembered, because a dying resolver
 * must not be in the way of a claim. Replies are small and are read whole, under the same deadline.
 */
import * as http from "node:http";
import * as https from "node:https";
import { isIPv6, type LookupFunction, type Socket } from "node:net";
import { AgentError } from "../errors.ts";
import { rememberingLookup } from "./remembering-lookup.ts";

/** How long an idle connection is kept (ms): shorter than any server's patience, so that we never write into one that is being closed. */
const IDLE_MS = 5_000;

/** No reply that we ask for comes near this (bytes). */
const REPLY_MAX_BYTES = 1_048_576;

/** How the agent reaches AWS. */
export interface AwsConnectionOptions {
  /** Until TCP and TLS are up (ms). */
  readonly connectTimeoutMs: number;
  /** Until the whole reply is here, connecting included (ms). A backstop: the driver's own deadlines are shorter or equal. */
  readonly requestTimeoutMs: number;
  /** Knob AWS_LOCAL_ADDRESS: the source address to bind to; null leaves it to the routing table. */
  readonly localAddress: string | null;
  /** The clock by which `notAfterMs` is judged. */
  readonly monotonicMs: () => number;
  /** How names are resolved, and how long an idle connection is kept (ms); replaced in tests. */
  readonly lookup?: LookupFunction;
  readonly idleMs?: number;
}

/** What a client may pass along with one call; the SDK hands it through unchanged. */
export interface AwsCallOptions {
  readonly abortSignal: AbortSignal;
  /** The request is not sent once the monotonic clock has passed this. */
  readonly notAfterMs: number;
}

/** A call that brought no reply. `sent` tells whether AWS may have got, and done, what was asked. */
export class AwsTransportError extends Error {
  readonly sent: boolean;
  readonly timedOut: boolean;

  constructor(message: string, details: { readonly sent: boolean; readonly timedOut: boolean; readonly cause?: unknown }) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = "AwsTransportError";
    this.sent = details.sent;
    this.timedOut = details.timedOut;
  }
}

/** The parts of the SDK's request that matter on the wire. */
interface OutgoingRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Record<string, string | string[] | null>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

interface Reply {
  readonly response: { readonly statusCode: number; readonly reason: string; readonly headers: Record<string, string>; readonly body: Uint8Array };
}

/** Shared by all clients of one agent, so that one reset drops every pooled connection. */
export class AwsConnection {
  /** The SDK writes this into its own log lines. */
  readonly metadata = { handlerProtocol: "http/1.1" };
  readonly #options: AwsConnectionOptions;
  readonly #lookup: LookupFunction;
  /** Connections whose handshakes are over. */
  readonly #ready = new WeakSet<Socket>();
  #agents: { readonly "http:": http.Agent; readonly "https:": https.Agent };

  constructor(options: AwsConnectionOptions) {
    this.#options = options;
    this.#lookup = options.lookup ?? rememberingLookup();
    this.#agents = this.#newAgents();
  }

  /** Drops the idle connections at once and lets those in use end with their call; the next call opens a new one. */
  reset(): void {
    const old = this.#agents;
    this.#agents = this.#newAgents();
    for (const agent of [old["http:"], old["https:"]]) {
      agent.maxFreeSockets = 0;
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
    }
  }

  /** Ends everything, calls under way included. */
  close(): void {
    this.#agents["http:"].destroy();
    this.#agents["https:"].destroy();
  }

  /** The SDK's clients call this when they are destroyed. They share us, so it is no reason to end: close() is. */
  destroy(): void {
    // See above.
  }

  /** Part of the SDK's handler interface; our settings are fixed at construction. */
  updateHttpClientConfig(): void {
    // See above.
  }

  /** Part of the SDK's handler interface; nothing of ours is for it to change. */
  httpHandlerConfigs(): object {
    return {};
  }

  /** Sends one request. Rejects with AwsTransportError, or with AGENT_CLAIM_STALE when `notAfterMs` has passed. */
  handle(request: OutgoingRequest, options: { readonly abortSignal?: unknown; readonly notAfterMs?: number } = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const body = request.body;
      const signal = options.abortSignal instanceof AbortSignal ? options.abortSignal : null;
      if (signal?.aborted === true) throw new AwsTransportError("given up before it was sent", { sent: false, timedOut: true });
      if (body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array)) throw new TypeError("only whole bodies are sent to AWS");
      let sent = false;
      let settled = false;
      const outgoing = this.#open(request);
      const settle = (act: () => void): void => {
        if (settled) return;
        settled = true;
        clearTimeout(connecting);
        clearTimeout(replying);
        signal?.removeEventListener("abort", onAbort);
        act();
      };
      const fail = (message: string, timedOut: boolean, cause?: unknown): void =>
        settle(() => {
          outgoing.destroy();
          reject(new AwsTransportError(message, { sent, timedOut, cause }));
        });
      const onAbort = (): void => fail("the deadline passed", true, signal?.reason);
      const connecting = setTimeout(() => fail(`no connection within ${this.#options.connectTimeoutMs} ms`, true), this.#options.connectTimeoutMs);
      const replying = setTimeout(() => fail(`no reply within ${this.#options.requestTimeoutMs} ms`, true), this.#options.requestTimeoutMs);

      outgoing.on("error", (error) => fail(describe(error), false, error));
      // Without this node would end such a connection and tell nobody.
      outgoing.once("upgrade", (_incoming, socket) => {
        socket.destroy();
        fail("the reply switches to another protocol", false);
      });
      outgoing.once("response", (incoming) => {
        readWhole(incoming).then(
          (bytes) => settle(() => resolve({ response: { statusCode: incoming.statusCode ?? 0, reason: incoming.statusMessage ?? "", headers: flatten(incoming.headers), body: bytes } })),
          (error: unknown) => fail("the reply broke off", false, error),
        );
      });
      const send = (): void => {
        clearTimeout(connecting);
        if (settled) return;
        if (options.notAfterMs !== undefined && this.#options.monotonicMs() > options.notAfterMs) {
          settle(() => {
            outgoing.destroy();
            reject(new AgentError("AGENT_CLAIM_STALE", "the request was decided too long ago and was not sent"));
          });
          return;
        }
        sent = true;
        outgoing.end(body);
      };
      outgoing.once("socket", (socket: Socket) => this.#whenReady(socket, request.protocol, send));
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  #newAgents(): { readonly "http:": http.Agent; readonly "https:": https.Agent } {
    const { localAddress } = this.#options;
    // An address of one family can't be the source of a connection of the other.
    const bound = localAddress === null ? {} : { localAddress, family: isIPv6(localAddress) ? 6 : 4 };
    const options = { keepAlive: true, timeout: this.#options.idleMs ?? IDLE_MS, lookup: this.#lookup, ...bound };
    return { "http:": new http.Agent(options), "https:": new https.Agent(options) };
  }

  /** Opens the request without sending anything: node:http writes the head together with the first of the body. */
  #open(request: OutgoingRequest): http.ClientRequest {
    const secure = request.protocol === "https:";
    const target = {
      method: request.method,
      host: request.hostname.replace(/^\[(.*)\]$/, "$1"),
      path: request.path + queryText(request.query ?? {}),
      headers: request.headers,
      ...(request.port === undefined ? {} : { port: request.port }),
    };
    return secure ? https.request({ ...target, agent: this.#agents["https:"] }) : http.request({ ...target, agent: this.#agents["http:"] });
  }

  #whenReady(socket: Socket, protocol: string, act: () => void): void {
    if (this.#ready.has(socket)) {
      act();
      return;
    }
    socket.once(protocol === "https:" ? "secureConnect" : "connect", () => {
      this.#ready.add(socket);
      act();
    });
  }
}

async function readWhole(incoming: http.IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > REPLY_MAX_BYTES) throw new RangeError(`a reply of more than ${REPLY_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function flatten(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]));
}

function queryText(query: Record<string, string | string[] | null>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (Array.isArray(value) ? value : [value ?? ""]).map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`));
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** Node's own words and code; several failed attempts (one per address of a name) arrive as one AggregateError without words. */
function describe(error: Error): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return first instanceof Error ? first.message : error.message;
}
