/**
 * Plain HTTP to ARI, for what must be quick and must tell HTTP's status: the pings, and everything that ari-client
 * sends (see ari-transport.ts). One kept connection per use, a bounded body, no redirects, no proxies. Nothing that
 * leaves this file carries the credentials.
 */
import { Agent, request, type IncomingMessage } from "node:http";
import { AgentError, type ErrorCode } from "../errors.ts";

/** The largest reply that is read (bytes). The description of all of ARI is about 300 kB in a dozen files. */
const REPLY_MAX_BYTES = 1024 * 1024;

/** An unused connection is closed after this long (ms): Asterisk closes it after 15 s, and must not be the first. */
const IDLE_MAX_MS = 8_000;

/** Where ARI is, and who we are to it. One object for all that talk to one Asterisk, so that they change passwords together. */
export interface AriAccess {
  /** `http://host:port`, without a path. */
  readonly url: string;
  readonly username: string;
  /** The one that ARI took last. */
  password: string;
  /**
   * While the password is being changed: the other one. Asterisk takes one of the two, and which one changes at a moment that
   * nobody outside it knows; a question that is refused with the first is asked with the second.
   */
  otherPassword?: string | null;
}

/** What ARI answered, whatever its status. */
export interface AriReply {
  readonly status: number;
  readonly statusText: string;
  readonly contentType: string;
  readonly text: string;
}

/** What to ask. `path` begins with `/ari/`. */
export interface AriQuestion {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** A small pool of connections to ARI. */
export class AriHttp {
  readonly #host: string;
  readonly #port: string;
  readonly #access: AriAccess;
  readonly #agent: Agent;

  /**
   * @param connectionsMax no more are open at once; further questions wait for one
   * @throws AGENT_CONFIG_INVALID when the address isn't plain http
   */
  constructor(access: AriAccess, connectionsMax: number) {
    const url = URL.canParse(access.url) ? new URL(access.url) : null;
    if (url?.protocol !== "http:") throw new AgentError("AGENT_CONFIG_INVALID", "ARI_URL must be http://host:port");
    this.#host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    this.#port = url.port === "" ? "80" : url.port;
    this.#access = access;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, timeout: IDLE_MAX_MS });
  }

  /**
   * Resolves with any HTTP status.
   * @throws AGENT_PROBE_REFUSED when nothing listens, AGENT_PROBE_TIMEOUT after an abort, AGENT_ARI_FAILED when the connection breaks or the reply is too large
   */
  async ask(question: AriQuestion, signal: AbortSignal): Promise<AriReply> {
    const { password, otherPassword = null } = this.#access;
    const reply = await this.#send(question, password, signal);
    if (reply.status !== 401 || otherPassword === null) return reply;
    const second = await this.#send(question, otherPassword, signal);
    if (second.status !== 401 && this.#access.otherPassword === otherPassword) Object.assign(this.#access, { password: otherPassword, otherPassword: password });
    return second;
  }

  #send(question: AriQuestion, password: string, signal: AbortSignal): Promise<AriReply> {
    const name = `ARI ${question.method} ${question.path}`;
    return new Promise((resolve, reject) => {
      const failed = (cause: NodeJS.ErrnoException): void => reject(translate(name, cause, signal, outgoing.reusedSocket));
      const outgoing = request({
        host: this.#host,
        port: this.#port,
        method: question.method,
        path: question.path,
        agent: this.#agent,
        signal,
        headers: {
          authorization: `Basic ${Buffer.from(`${this.#access.username}:${password}`).toString("base64")}`,
          accept: "application/json",
          ...(question.body === undefined ? { "content-length": "0" } : { "content-type": "application/json", "content-length": String(Buffer.byteLength(question.body)) }),
        },
      });
      outgoing.on("error", failed);
      outgoing.on("response", (incoming) => read(incoming, resolve, failed));
      // Nobody has asked for another protocol; without this node would end the connection and tell nobody, not even at the abort.
      outgoing.on("upgrade", (_incoming, socket) => {
        socket.destroy();
        failed(new Error("it switched to another protocol"));
      });
      outgoing.end(question.body);
    });
  }

  /** Drops all connections; what is under way fails. */
  close(): void {
    this.#agent.destroy();
  }
}

/** Turns a status that is no success into an error; the text is ARI's own, which names neither users nor numbers. */
export function expectSuccess(what: string, reply: Pick<AriReply, "status" | "text">): void {
  if (reply.status >= 200 && reply.status < 300) return;
  throw statusError(what, reply.status, reply.text);
}

/** The error for an HTTP status of ARI. */
export function statusError(what: string, status: number, text: string): AgentError {
  const code: ErrorCode = status === 401 || status === 403 ? "AGENT_ARI_DENIED" : "AGENT_ARI_FAILED";
  return new AgentError(code, `${what} was answered with ${status}: ${text.slice(0, 200)}`);
}

function read(incoming: IncomingMessage, resolve: (reply: AriReply) => void, failed: (cause: Error) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= REPLY_MAX_BYTES) chunks.push(chunk);
    else incoming.destroy(new Error(`the reply exceeds ${REPLY_MAX_BYTES} bytes`));
  });
  incoming.on("error", failed);
  incoming.on("end", () =>
    resolve({
      status: incoming.statusCode ?? 0,
      statusText: incoming.statusMessage ?? "",
      contentType: incoming.headers["content-type"] ?? "",
      text: Buffer.concat(chunks).toString("utf8"),
    }),
  );
}

function translate(name: string, cause: NodeJS.ErrnoException, signal: AbortSignal, reused: boolean): AgentError {
  if (signal.aborted) return new AgentError("AGENT_PROBE_TIMEOUT", `${name} was not answered in time`);
  if (cause.code === "ECONNREFUSED") return new AgentError("AGENT_PROBE_REFUSED", `${name} was refused: nothing listens there`, cause);
  // Asterisk resets new connections beyond its limit without a word. One that was in use breaks for other reasons: Asterisk has died, say.
  const hint = cause.code === "ECONNRESET" && !reused ? "; so Asterisk treats connections beyond sessionlimit in http.conf" : "";
  return new AgentError("AGENT_ARI_FAILED", `${name} failed (${cause.code ?? cause.message}${hint})`, cause);
}
