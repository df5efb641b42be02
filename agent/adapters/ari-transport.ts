/**
 * The HTTP under ari-client. The library (through swagger-client) brings an HTTP client of its own, which never settles
 * when a connection fails, throws into the event loop when ARI answers 401 or 503 while it starts, has no limits, and
 * sends one process-wide set of credentials to every host. swagger-client exports the function that all of its HTTP goes
 * through; this file puts ours there, once, for good. ari-client itself is untouched.
 */
import { silenceSwagger } from "./swagger-globals.ts";
import swagger, { type SwaggerExchange, type SwaggerResponse } from "swagger-client";
import { AriHttp, type AriAccess, type AriReply } from "./ari-http.ts";

/**
 * An ARI call that hangs keeps one of Asterisk's threads and one of its HTTP sessions (`sessionlimit` in http.conf). So an unanswered one is not
 * cut off but kept, where its end can be seen, and with this many of them no more are sent.
 */
const UNANSWERED_MAX = 5;

/** After this long (ms) an unanswered call is given up for lost. */
const UNANSWERED_MAX_AGE_MS = 300_000;

/** ARI's description is a dozen files, asked for all at once; they are not calls and do not hang by themselves. */
const DESCRIPTION_PATH = "/ari/api-docs/";
const DESCRIPTION_CONNECTIONS = 4;
const DESCRIPTION_MAX_AGE_MS = 5_000;

/** By `host:port`: a process talks as one user to one Asterisk, so the newest transport to a place is the right one. */
const transports = new Map<string, AriTransport>();

/** Carries the calls of ari-client to one Asterisk, for as long as it is open. */
export class AriTransport {
  readonly #http: AriHttp;
  readonly #descriptionHttp: AriHttp;
  readonly #host: string;
  /** One per exchange that is unanswered; of calls, not more than the maximum. */
  readonly #unanswered = new Set<AbortController>();
  readonly #callsMax: number;
  #calls = 0;
  #closed = false;

  /** @param callsMax with so many calls unanswered no more are sent; an application that makes calls needs more than one that probes */
  constructor(access: AriAccess, callsMax = UNANSWERED_MAX) {
    install();
    this.#callsMax = callsMax;
    this.#http = new AriHttp(access, callsMax);
    this.#descriptionHttp = new AriHttp(access, DESCRIPTION_CONNECTIONS);
    this.#host = new URL(access.url).host;
    transports.set(this.#host, this);
  }

  /** Sends one exchange and calls exactly one of its two handlers, which see the status: as `status`, and as the first word of an error's `data`. */
  execute(exchange: SwaggerExchange): void {
    const { pathname, search } = new URL(exchange.url);
    const isCall = !pathname.startsWith(DESCRIPTION_PATH);
    if (this.#closed || (isCall && this.#calls >= this.#callsMax)) {
      const why = this.#closed ? "the adapter is closed" : `${this.#calls} earlier calls are still unanswered`;
      // Not at once: swagger-client expects its handlers to be called later.
      setImmediate(() => finish(exchange, failure(why)));
      return;
    }
    const stop = new AbortController();
    const age = setTimeout(() => stop.abort(), isCall ? UNANSWERED_MAX_AGE_MS : DESCRIPTION_MAX_AGE_MS).unref();
    this.#unanswered.add(stop);
    this.#calls += isCall ? 1 : 0;
    const answered = (response: SwaggerResponse): void => {
      clearTimeout(age);
      this.#unanswered.delete(stop);
      this.#calls -= isCall ? 1 : 0;
      finish(exchange, response);
    };
    const question = { method: exchange.method.toUpperCase(), path: pathname + search, ...(exchange.body === undefined ? {} : { body: exchange.body }) };
    (isCall ? this.#http : this.#descriptionHttp).ask(question, stop.signal).then(
      (reply) => answered(toSwagger(reply)),
      (error: unknown) => answered(failure(error instanceof Error ? error.message : String(error))),
    );
  }

  close(): void {
    this.#closed = true;
    for (const exchange of this.#unanswered) exchange.abort();
    this.#http.close();
    this.#descriptionHttp.close();
    if (transports.get(this.#host) === this) transports.delete(this.#host);
  }
}

/** The HTTP status that a rejection of ari-client carries thanks to us, 0 when there was no HTTP answer; null for any other error. */
export function statusOf(error: unknown): number | null {
  const status = error instanceof Error ? /^(\d{3}) /.exec(error.message)?.[1] : undefined;
  return status === undefined ? null : Number(status);
}

/** In place of the library's keeper of credentials, which gives the newest ones to every host: each transport brings its own. */
class NoAuthorization {
  apply(): boolean {
    return true;
  }
}

function install(): void {
  silenceSwagger();
  swagger.PasswordAuthorization = NoAuthorization;
  swagger.SwaggerHttp.prototype.execute = (exchange) => {
    const transport = transports.get(new URL(exchange.url).host);
    if (transport === undefined) setImmediate(() => finish(exchange, failure("the adapter is closed")));
    else transport.execute(exchange);
  };
}

function toSwagger(reply: AriReply): SwaggerResponse {
  const base = { status: reply.status, statusText: reply.statusText, headers: { "content-type": reply.contentType } };
  if (reply.status < 200 || reply.status >= 300) return { ...base, data: `${reply.status} ${reply.text}` };
  if (reply.text === "") return { ...base, data: "" };
  try {
    return { ...base, data: reply.text, obj: JSON.parse(reply.text) as unknown };
  } catch {
    return failure("the answer is not JSON");
  }
}

function failure(why: string): SwaggerResponse {
  return { status: 0, statusText: why, headers: {}, data: `000 ${why}` };
}

/** Calls the handler. swagger-client throws what it has just reported as failed; nothing of that may reach the event loop. */
function finish(exchange: SwaggerExchange, response: SwaggerResponse): void {
  const good = response.status >= 200 && response.status < 300;
  try {
    if (good) exchange.on.response(response);
    else exchange.on.error(response);
  } catch (error) {
    if (!good) return;
    // An answer that is JSON but not what the library expects: let it fail in its own way.
    try {
      exchange.on.error(failure(`the answer was not understood (${error instanceof Error ? error.message : String(error)})`));
    } catch {
      // Reported above all the same.
    }
  }
}
