/**
 * The status page's server: plain node:http on a loopback address, GET only. Whoever is on this machine may read it;
 * browsers elsewhere may not, even by way of a name that resolves to 127.0.0.1, hence the check of the Host header.
 * It reads the state and changes nothing.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { CoreConfig } from "../core/settings.ts";
import type { State } from "../core/state.ts";
import { AgentError } from "../errors.ts";
import { explanationOf } from "./explain.ts";
import { healthOf } from "./health.ts";
import type { PrometheusMetrics } from "./prometheus.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { statusText } from "./text.ts";
import { type StatusExtra, statusView } from "./view.ts";

export interface StatusServerOptions {
  /** A loopback address; port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly config: CoreConfig;
  readonly clock: { monotonicMs(): number };
  /** The driver's present state. */
  readonly state: () => State;
  readonly extra: () => StatusExtra;
  readonly prometheus: Pick<PrometheusMetrics, "text" | "contentType">;
  /** More pages under their path, GET as well. */
  readonly routes?: Readonly<Record<string, Route>>;
  /** What does not end by itself, under its path, GET as well. It writes its own answer, with SECURITY_HEADERS. */
  readonly streams?: Readonly<Record<string, Stream>>;
  /** A page could not be made: a defect, answered with 500, that must not stop the agent. */
  readonly onDefect: (error: unknown) => void;
}

/** An answer of the server. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export type Route = () => Answer | Promise<Answer>;
export type Stream = (request: IncomingMessage, response: ServerResponse) => void;

/** An answer is made at most this often, however many ask. */
const CACHE_MS = 100;
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8 * 1024;
/** For the head of a request, and for an idle socket: everybody is on this machine. */
const REQUEST_TIMEOUT_MS = 3_000;

/** To listen on: an address itself, because a name may resolve to anything. In a Host header the name is as good. */
const LOOPBACK_ADDRESS = /^(?:127(?:\.\d{1,3}){3}|::1)$/;
const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

/** Serves from start() to close(). */
export class StatusServer {
  readonly #options: StatusServerOptions;
  readonly #server: Server;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #streams: ReadonlyMap<string, Stream>;
  readonly #cache = new Map<string, { readonly madeAtMs: number; readonly answer: Promise<Answer> }>();

  constructor(options: StatusServerOptions) {
    this.#options = options;
    this.#routes = new Map(Object.entries({ ...pages(options), ...options.routes }));
    this.#streams = new Map(Object.entries(options.streams ?? {}));
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, keepAlive: false, connectionsCheckingInterval: 1_000 }, (request, response) => {
      void this.#handle(request, response);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(REQUEST_TIMEOUT_MS, (socket) => socket.destroy());
  }

  /** Listens. Rejects with AGENT_CONFIG_INVALID when the address is not loopback, AGENT_LISTEN_FAILED when it can't be had. */
  async start(): Promise<{ readonly host: string; readonly port: number }> {
    const { host, port } = this.#options.listen;
    if (!LOOPBACK_ADDRESS.test(host)) throw new AgentError("AGENT_CONFIG_INVALID", `STATUS_LISTEN=${host}:${port} is not a loopback address`);
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(new AgentError("AGENT_LISTEN_FAILED", `STATUS_LISTEN=${host}:${port} can't be had: ${error.message}`, error));
      };
      this.#server.once("error", fail);
      this.#server.listen(port, host, () => {
        this.#server.off("error", fail);
        // Later errors are those of accept(): too many open files. The next connection tries again.
        this.#server.on("error", this.#options.onDefect);
        resolve();
      });
    });
    const address = this.#server.address() as AddressInfo;
    return { host: address.address, port: address.port };
  }

  /** Stops listening and drops open connections; settles when none is left. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stream = this.#refusal(request) === null ? this.#streams.get(pathOf(request)) : undefined;
    if (stream !== undefined) {
      stream(request, response);
      return;
    }
    const answer = await this.#answer(request);
    response.writeHead(answer.status, { ...SECURITY_HEADERS, "content-type": answer.type, "content-length": Buffer.byteLength(answer.body), connection: "close", ...(answer.status === 405 ? { allow: "GET" } : {}) });
    response.end(answer.body);
    request.resume();
  }

  #answer(request: IncomingMessage): Answer | Promise<Answer> {
    const refusal = this.#refusal(request);
    if (refusal !== null) return refusal;
    const path = pathOf(request);
    const route = this.#routes.get(path);
    if (route === undefined) return { status: 404, type: TEXT, body: `No such page. There are: ${[...this.#routes.keys(), ...this.#streams.keys()].join(" ")}\n` };
    return this.#cached(path, route);
  }

  #refusal({ headers, method }: IncomingMessage): Answer | null {
    if (!this.#isForUs(headers.host)) return { status: 421, type: TEXT, body: "This server answers to its loopback address only.\n" };
    return method === "GET" ? null : { status: 405, type: TEXT, body: "GET only.\n" };
  }

  /** Any port is right: an operator may come through an SSH tunnel from another one. */
  #isForUs(host: string | undefined): boolean {
    const name = /^(?:\[(?<six>[^\]]+)\]|(?<name>[^:]+))(?::\d{1,5})?$/.exec(host ?? "")?.groups;
    const asked = (name?.["six"] ?? name?.["name"] ?? "").toLowerCase();
    return asked === "localhost" || LOOPBACK_ADDRESS.test(asked);
  }

  #cached(path: string, route: Route): Promise<Answer> {
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#cache.get(path);
    if (known !== undefined && nowMs - known.madeAtMs < CACHE_MS) return known.answer;
    const answer = this.#made(route);
    this.#cache.set(path, { madeAtMs: nowMs, answer });
    return answer;
  }

  async #made(route: Route): Promise<Answer> {
    try {
      return await route();
    } catch (error) {
      this.#options.onDefect(error);
      return { status: 500, type: TEXT, body: "This page could not be made; the agent's log says why.\n" };
    }
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

function pages({ config, clock, state, extra, prometheus }: StatusServerOptions): Readonly<Record<string, Route>> {
  const text: Route = () => ({ status: 200, type: TEXT, body: `${statusText(statusView(state(), config, extra())).join("\n")}\n` });
  return {
    "/": text,
    "/text": text,
    "/health": () => {
      const { ok, reason } = healthOf(state(), config, clock.monotonicMs());
      return { status: ok ? 200 : 503, type: JSON_TYPE, body: `${JSON.stringify({ ok, node: config.nodeId, role: state().role, reason })}\n` };
    },
    "/status": () => ({ status: 200, type: JSON_TYPE, body: `${JSON.stringify(statusView(state(), config, extra()))}\n` }),
    "/metrics": async () => ({ status: 200, type: prometheus.contentType, body: await prometheus.text(state()) }),
    "/explain": () => ({ status: 200, type: JSON_TYPE, body: `${JSON.stringify(explanationOf(state(), config))}\n` }),
  };
}
