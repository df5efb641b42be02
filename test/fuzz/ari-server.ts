/**
 * An ARI that is whole unless it is told otherwise: the description and the calls that ari-client makes can each be
 * answered with any text, and its event sockets say anything.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { describeResource, describeResources } from "../support/asterisk-stand-in/ari-description.ts";

/** What is asked, as far as answers can be replaced. */
export const ARI_PLACES = ["resources", "asterisk", "applications", "channels", "events", "filter", "subscribe", "originate", "hangup"] as const;
export type AriPlace = (typeof ARI_PLACES)[number];

/** Answers that replace the good ones. */
export type AriOverrides = Readonly<Partial<Record<AriPlace, { readonly status: number; readonly body: string }>>>;

export class FuzzAri {
  readonly #http = createServer((request, response) => void this.#answer(request, response));
  readonly #sockets = new WebSocketServer({ noServer: true });
  overrides: AriOverrides = {};

  constructor() {
    this.#http.on("upgrade", (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (client) => client.on("error", () => undefined));
    });
  }

  async listen(): Promise<void> {
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Says something on every event socket. */
  say(text: string): void {
    for (const client of this.#sockets.clients) client.send(text);
  }

  dropSockets(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  async close(): Promise<void> {
    this.dropSockets();
    const closed = once(this.#http, "close");
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await request.resume().toArray();
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const place = placeOf(request.method ?? "", pathname);
    const { status, body } = this.overrides[place ?? "hangup"] ?? this.#good(place, pathname, searchParams);
    if (!response.destroyed) response.writeHead(status, { "content-type": "application/json" }).end(status === 204 ? undefined : body);
  }

  #good(place: AriPlace | null, pathname: string, parameters: URLSearchParams): { readonly status: number; readonly body: string } {
    if (place === "resources") return { status: 200, body: JSON.stringify(describeResources(this.url)) };
    if (place === "originate") {
      const channel = { id: parameters.get("channelId") ?? "", name: "Local/answer@canary", state: "Up" };
      this.say(JSON.stringify({ type: "StasisStart", application: "node-agent-node-a", args: [], channel }));
      return { status: 200, body: JSON.stringify(channel) };
    }
    if (place === "filter" || place === "subscribe") return { status: 200, body: JSON.stringify({ name: "node-agent-node-a", channel_ids: [] }) };
    if (place === "hangup" || place === null) return { status: 204, body: "" };
    const page = describeResource(place, this.url);
    return page === null ? { status: 404, body: JSON.stringify({ message: `${pathname} not found` }) } : { status: 200, body: JSON.stringify(page) };
  }
}

function placeOf(method: string, pathname: string): AriPlace | null {
  const page = /^\/ari\/api-docs\/(\w+)\.json$/.exec(pathname)?.[1];
  if (page !== undefined) return ARI_PLACES.find((place) => place === page) ?? null;
  if (pathname.endsWith("/eventFilter")) return "filter";
  if (pathname.endsWith("/subscription")) return "subscribe";
  if (pathname === "/ari/channels" && method === "POST") return "originate";
  return pathname.startsWith("/ari/channels/") ? "hangup" : null;
}
