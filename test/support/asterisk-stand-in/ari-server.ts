/** The stand-in's HTTP side: enough of ARI for the real ari-client, over HTTP and WebSocket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { AriApplications, EventSink } from "./ari-applications.ts";
import { describeResource, describeResources } from "./ari-description.ts";
import type { FaultBoard } from "./faults.ts";

export interface AriServerOptions {
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly version: string;
  readonly systemName: string;
}

interface Reply {
  readonly status: number;
  readonly body?: object;
}

const NOT_FOUND = (what: string): Reply => ({ status: 404, body: { message: `${what} not found` } });

/** One life of the HTTP server: from listening to the crash. */
export class AriServer {
  readonly #options: AriServerOptions;
  readonly #apps: AriApplications;
  readonly #faults: FaultBoard;
  readonly #http: Server;
  // Pongs are ours to give or to withhold.
  readonly #sockets = new WebSocketServer({ noServer: true, autoPong: false });
  readonly #connections = new Set<Socket>();
  readonly #requests: string[] = [];
  /** By page of the description: how many more good answers it gives, and what it answers then. */
  readonly #brokenPages = new Map<string, { good: number; readonly reply: Reply }>();

  constructor(options: AriServerOptions, apps: AriApplications, faults: FaultBoard) {
    this.#options = options;
    this.#apps = apps;
    this.#faults = faults;
    this.#http = createServer({ keepAliveTimeout: 15_000 }, (request, response) => {
      this.#requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
      this.#faults.whenAwake(() => void this.#answer(request, response));
    });
    this.#http.on("upgrade", (request, socket, head: Buffer) => this.#faults.whenAwake(() => this.#upgrade(request, socket, head)));
    this.#http.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => this.#http.once("error", reject).listen(this.#options.port, this.#options.host, resolve));
    return (this.#http.address() as AddressInfo).port;
  }

  /** As a crash: every connection is reset. */
  async close(): Promise<void> {
    for (const socket of this.#connections) socket.resetAndDestroy();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** `METHOD /path` of every request that has arrived, answered or not. */
  get requests(): readonly string[] {
    return this.#requests;
  }

  /** Lets a page of the description (`resources`, `channels` …) fail with 503, or be empty, after some good answers. */
  breakPage(name: string, how: "unavailable" | "empty", good: number): void {
    this.#brokenPages.set(name, { good, reply: how === "empty" ? { status: 200, body: {} } : { status: 503, body: { message: "Not now" } } });
  }

  mendPages(): void {
    this.#brokenPages.clear();
  }

  /** Sends text on every event socket, whatever it is. */
  sendRaw(text: string): void {
    for (const socket of this.#sockets.clients) socket.send(text);
  }

  /** Every event socket ends; the server goes on. */
  dropSockets(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  #authorised(request: IncomingMessage, url: URL): boolean {
    const { username, password } = this.#options;
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    return request.headers.authorization === basic || url.searchParams.get("api_key") === `${username}:${password}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.#baseUrl());
    const body = await readBody(request);
    // Should the caller have hung up meanwhile: what it asked for is done all the same, as Asterisk does it.
    const reply = this.#authorised(request, url) ? this.#route(request.method ?? "GET", url, body) : { status: 401, body: { message: "Authentication required" } };
    // null: never answered.
    if (reply === null) return;
    const text = reply.body === undefined ? "" : JSON.stringify(reply.body);
    response.writeHead(reply.status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
  }

  #route(method: string, url: URL, body: string): Reply | null {
    const [root, resource, ...rest] = url.pathname.split("/").slice(1).map(decodeURIComponent);
    if (root !== "ari") return NOT_FOUND("Resource");
    if (resource === "api-docs") return this.#describe(rest[0] ?? "");
    if (resource === "asterisk") return this.#asterisk(rest[0] ?? "");
    if (resource === "applications") return this.#application(method, rest, url, body);
    if (resource === "channels") return this.#channel(method, rest, url);
    return NOT_FOUND("Resource");
  }

  #describe(file: string): Reply {
    const name = file.replace(/\.json$/, "");
    const broken = this.#brokenPages.get(name);
    if (broken !== undefined && broken.good <= 0) return broken.reply;
    if (broken !== undefined) broken.good -= 1;
    const body = name === "resources" ? describeResources(this.#baseUrl()) : describeResource(name, this.#baseUrl());
    return body === null ? NOT_FOUND("Description") : { status: 200, body };
  }

  #asterisk(what: string): Reply {
    if (what === "ping") return { status: 200, body: { ping: "pong", timestamp: new Date().toISOString(), asterisk_id: "stand-in" } };
    if (what === "info") return { status: 200, body: { system: { version: this.#options.version }, config: { name: this.#options.systemName } } };
    return NOT_FOUND("Resource");
  }

  #application(method: string, [name, what]: readonly string[], url: URL, body: string): Reply | null {
    if (this.#faults.has("applicationsHang")) return null;
    if (name === undefined) return { status: 200, body: this.#apps.list() };
    let found = true;
    if (method === "PUT" && what === "eventFilter") {
      const { allowed } = JSON.parse(body) as { allowed?: { type: string }[] };
      found = this.#apps.filter(name, (allowed ?? []).map(({ type }) => type));
    } else if (method === "POST" && what === "subscription") {
      found = this.#apps.subscribe(name, url.searchParams.get("eventSource") ?? "");
    }
    const app = found ? this.#apps.get(name) : null;
    return app === null ? NOT_FOUND("Application") : { status: 200, body: app };
  }

  #channel(method: string, [id]: readonly string[], url: URL): Reply | null {
    if (method === "GET") return { status: 200, body: this.#apps.channels() };
    if (method === "DELETE") return this.#apps.removeChannel(id ?? "") ? { status: 204 } : NOT_FOUND("Channel");
    if (this.#faults.has("originateHangs")) return null;
    const parameters = url.searchParams;
    // The dialplan of asterisk-config/extensions.conf, in two lines.
    if (parameters.get("endpoint") !== "Local/answer@canary" || parameters.get("context") !== "canary" || parameters.get("extension") !== "enter") return { status: 500, body: { message: "Allocation failed" } };
    const channel = this.#apps.addChannel(parameters.get("channelId") ?? "", `node-agent-${this.#options.systemName}`, this.#faults.has("canaryFails"));
    return { status: 200, body: channel };
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? "/", this.#baseUrl());
    if (url.pathname !== "/ari/events" || !this.#authorised(request, url)) {
      socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#attach(client, (url.searchParams.get("app") ?? "").split(",")));
  }

  #attach(client: WebSocket, names: readonly string[]): void {
    const unlessSilent = (work: () => void): void =>
      this.#faults.whenAwake(() => {
        if (!this.#faults.has("silentSockets") && client.readyState === client.OPEN) work();
      });
    const sink: EventSink = { send: (event) => unlessSilent(() => client.send(JSON.stringify(event))) };
    for (const name of names) this.#apps.attach(name, sink);
    client.on("error", () => undefined);
    client.on("ping", (data) => unlessSilent(() => client.pong(data)));
    client.on("close", () => {
      for (const name of names) this.#apps.detach(name, sink);
    });
  }

  #baseUrl(): string {
    const { port } = this.#http.address() as AddressInfo;
    return `http://${this.#options.host}:${port}`;
  }
}

/** What has arrived of the body, also when the caller has hung up before its end. */
function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return new Promise((resolve) => request.on("error", () => undefined).once("close", () => resolve(text)).once("end", () => resolve(text)));
}
