/**
 * One life of one ari-client: connect, hold one event socket, end. The library is used for what it does well and is given
 * no chance to do the rest: it never reconnects (its ten tries end after 43 s, and then it is deaf for good), it never
 * sees an event type that it doesn't know (it would throw into the event loop), and it is never waited for without an end.
 * When anything goes wrong the session is over, and ari-socket.ts builds the next one.
 */
import "./swagger-globals.ts";
import { setMaxListeners } from "node:events";
import { connect, type Client } from "ari-client";
import { AgentError } from "../errors.ts";
import { AriHttp, expectSuccess, statusError, type AriAccess } from "./ari-http.ts";
import { statusOf } from "./ari-transport.ts";

/** An event of ARI: what it has in common with all others. Everything else is checked where it is used. */
export interface AriEvent {
  readonly type: string;
  readonly channel?: { readonly id?: unknown };
}

export interface SessionOptions {
  readonly access: AriAccess;
  /** The ARI application whose event socket this is. */
  readonly app: string;
  /** A ping goes out this often (ms); two in a row without a pong end the session. */
  readonly pingIntervalMs: number;
  /** Called for every event of a known type, in order. */
  onEvent(event: AriEvent): void;
  /** Called once for every event type that is ignored: unknown to this Asterisk's own description, or malformed. */
  onIgnored(type: string): void;
}

/** The socket inside ari-client (a `ws` WebSocket), as far as it is touched here. */
interface LibrarySocket {
  /** 1 while it is open. */
  readonly readyState: number;
  ping(): void;
  terminate(): void;
  listeners(event: "message"): ((data: unknown, flags: unknown) => void)[];
  removeAllListeners(event: "message"): this;
  on(event: "open" | "close" | "pong", listener: () => void): this;
  on(event: "error", listener: (error: Error) => void): this;
  on(event: "message", listener: (data: unknown, flags: unknown) => void): this;
  prependListener(event: "close" | "error", listener: () => void): this;
}

/** What of ari-client's inside must be held. */
interface LibraryClient {
  on(event: "*", listener: (event: AriEvent) => unknown): this;
  _ws: LibrarySocket;
  /** While true, the library takes the end of its socket for intended and does not reconnect. */
  _wsClosed?: boolean;
  readonly _swagger: { readonly apis: { readonly events?: { readonly models: Readonly<Record<string, unknown>> } } };
}

/** Two pings in a row without a pong: one alone may only mean that we ourselves were late to read it. */
const PONGS_MISSED_MAX = 2;

/** An open event socket. Ends by itself, or by close(). */
export class AriClientSession {
  /** Resolves with the reason, once, when the socket is no more. */
  readonly ended: Promise<AgentError>;
  /** Fires at the same moment. */
  readonly over: AbortSignal;
  readonly #client: Client;
  readonly #socket: LibrarySocket;
  readonly #pinger: NodeJS.Timeout;
  readonly #over = new AbortController();
  #missed = 0;

  private constructor(client: Client, socket: LibrarySocket, options: SessionOptions) {
    this.#client = client;
    this.#socket = socket;
    const over = this.#over.signal;
    // One for every call under way, which are many where calls are made.
    setMaxListeners(0, over);
    this.over = over;
    this.ended = new Promise((resolve) => over.addEventListener("abort", () => resolve(over.reason as AgentError), { once: true }));
    socket.on("pong", () => {
      this.#missed = 0;
    });
    socket.on("close", () => this.#finish(new AgentError("AGENT_ARI_FAILED", "Asterisk closed the ARI event socket")));
    this.#pinger = setInterval(() => this.#ping(), options.pingIntervalMs);
  }

  /**
   * Connects and opens the socket.
   * @throws AGENT_PROBE_REFUSED, AGENT_ARI_DENIED, AGENT_ARI_FAILED, or AGENT_PROBE_TIMEOUT after an abort
   */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<AriClientSession> {
    await checkFirst(options.access, signal);
    const { url, username, password } = options.access;
    const client = await unlessAborted("loading ARI's description", signal, connect(new URL(url).origin, username, password));
    checkDescription(client);
    const socket = takeSocket(client, options);
    try {
      await unlessAborted(
        "opening the ARI event socket",
        signal,
        new Promise<void>((resolve, reject) => {
          socket.on("open", resolve);
          socket.on("error", reject);
          socket.on("close", () => reject(new Error("closed before it was open")));
        }),
      );
    } catch (error) {
      socket.terminate();
      throw error;
    }
    return new AriClientSession(client, socket, options);
  }

  /** Makes one ARI call; `what` names it in errors. Settles at the abort at the latest, and when the session ends. */
  call<T>(what: string, signal: AbortSignal, run: (client: Client) => PromiseLike<T>): Promise<T> {
    if (this.over.aborted) return Promise.reject(this.over.reason as AgentError);
    return unlessAborted(what, signal, run(this.#client), this.over);
  }

  isOver(): boolean {
    return this.over.aborted;
  }

  /** Ends the session for that reason. */
  close(why = "the ARI event socket was closed by us"): void {
    this.#finish(new AgentError("AGENT_ARI_FAILED", why));
  }

  #ping(): void {
    // Half closed: the library would throw at a ping, and wait half a minute for the other half.
    if (this.#socket.readyState !== 1) this.#finish(new AgentError("AGENT_ARI_FAILED", "Asterisk is closing the ARI event socket"));
    else if (this.#missed >= PONGS_MISSED_MAX) this.#finish(new AgentError("AGENT_ARI_FAILED", "the ARI event socket is silent: no pong"));
    else {
      this.#missed += 1;
      this.#socket.ping();
    }
  }

  /** terminate(), not close(): a silent peer would never answer a closing handshake. */
  #finish(reason: AgentError): void {
    clearInterval(this.#pinger);
    this.#socket.terminate();
    this.#over.abort(reason);
  }
}

/**
 * Asks for ARI's description in our own way first. ari-client would wait for ever for an Asterisk that accepts and does
 * not answer, and its error for a wrong password doesn't say so.
 */
async function checkFirst(access: AriAccess, signal: AbortSignal): Promise<void> {
  const http = new AriHttp(access, 1);
  try {
    const reply = await http.ask({ method: "GET", path: "/ari/api-docs/resources.json" }, signal);
    expectSuccess("ARI's description", reply);
  } finally {
    http.close();
  }
}

/** What the agent calls; the library makes these from ARI's description. */
const OPERATIONS = [["applications", "filter"], ["applications", "subscribe"], ["channels", "originate"], ["channels", "hangup"]] as const;

/** A session on half a description (Asterisk was starting, say) would stay half useful for as long as it lives. */
function checkDescription(client: Client): void {
  const made = client as unknown as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  const missing = OPERATIONS.filter(([resource, operation]) => typeof made[resource]?.[operation] !== "function").map((path) => path.join("."));
  if (eventModels(client)["StasisStart"] === undefined) missing.push("events.StasisStart");
  if (missing.length > 0) throw new AgentError("AGENT_ARI_FAILED", `ARI's description of itself lacks ${missing.join(", ")}`);
}

/** The event types that this Asterisk describes. */
function eventModels(client: Client): Readonly<Record<string, unknown>> {
  return (client as unknown as LibraryClient)._swagger.apis.events?.models ?? {};
}

/** Starts the library's socket and takes over what it would do wrong. Nothing can arrive in between: all of it is synchronous. */
function takeSocket(client: Client, options: SessionOptions): LibrarySocket {
  const inside = client as unknown as LibraryClient;
  // Its promise settles only where the library reconnects, which it doesn't; the socket itself tells us.
  client.start(options.app).catch(() => undefined);
  const socket = inside._ws;
  const giveUp = (): void => {
    inside._wsClosed = true;
  };
  socket.prependListener("error", giveUp).prependListener("close", giveUp);
  // A later error (a reset, say) is followed by "close", which ends the session.
  socket.on("error", () => undefined);
  guardMessages(inside, new Set(Object.keys(eventModels(client))), options);
  return socket;
}

function guardMessages(client: LibraryClient, known: ReadonlySet<string>, options: SessionOptions): void {
  const socket = client._ws;
  const ignored = new Set<string>();
  const library = socket.listeners("message");
  const ignore = (type: string): void => {
    if (ignored.size >= 100 || ignored.has(type)) return;
    ignored.add(type);
    options.onIgnored(type);
  };
  const dispatched: AriEvent[] = [];
  client.on("*", (event) => dispatched.push(event));
  socket.removeAllListeners("message").on("message", (data, flags) => {
    const type = eventType(data);
    if (known.has(type)) callLibrary(library, data, flags);
    const event = dispatched.pop();
    // Unknown, or the library could make nothing of it.
    if (event === undefined) ignore(type);
    else options.onEvent(event);
  });
}

/** The library makes objects of an event's parts and throws when one lacks its id; such an event is not dispatched. */
function callLibrary(listeners: readonly ((data: unknown, flags: unknown) => void)[], data: unknown, flags: unknown): void {
  try {
    for (const listener of listeners) listener(data, flags);
  } catch {
    // The caller sees that nothing was dispatched.
  }
}

function eventType(data: unknown): string {
  try {
    const event = JSON.parse(String(data)) as { type?: unknown } | null;
    return typeof event?.type === "string" ? event.type.slice(0, 64) : "(no type)";
  } catch {
    return "(not JSON)";
  }
}

/** Waits for the work or the abort, whichever is first, and translates the library's errors. */
async function unlessAborted<T>(what: string, signal: AbortSignal, work: PromiseLike<T>, over?: AbortSignal): Promise<T> {
  let late = (): void => undefined;
  let ended = (): void => undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    late = () => reject(new AgentError("AGENT_PROBE_TIMEOUT", `${what} was not answered in time`));
    ended = () => reject(over?.reason as AgentError);
    if (signal.aborted) late();
    // Not AbortSignal.any(): `over` lives for months, and its list of followers would grow with every call.
    signal.addEventListener("abort", late, { once: true });
    over?.addEventListener("abort", ended, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw translate(what, error);
  } finally {
    signal.removeEventListener("abort", late);
    over?.removeEventListener("abort", ended);
  }
}

/** The library's error without the library's error: its text may hold the socket's address, and that the password. */
function translate(what: string, error: unknown): AgentError {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll(/(api_key=)[^\s&"']+/g, "$1…");
  const status = statusOf(error) ?? Number(/^Unexpected server response: (\d{3})/.exec(text)?.[1] ?? 0);
  if (status > 0) return statusError(what, status, text);
  const code = (error as NodeJS.ErrnoException | null)?.code === "ECONNREFUSED" ? "AGENT_PROBE_REFUSED" : "AGENT_ARI_FAILED";
  return new AgentError(code, `${what} failed: ${text.replace(/^000 /, "").slice(0, 200)}`);
}
