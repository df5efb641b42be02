/**
 * The page's live part: server-sent events at /events. A listener is first sent every part of the page, then those that have
 * changed. Parts are drawn once for all listeners, only while there are any, twice a second and at once when something that
 * matters has changed. A listener that does not read is dropped: it comes back by itself.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

/** Pages of operators; more are asked to come later. */
export const LISTENERS_MAX = 8;
const DRAW_EVERY_MS = 500;
/** After a change that matters: what comes with it in the same moment is drawn with it. */
const NUDGED_AFTER_MS = 20;
/** A stream on which nothing happens says so: the page takes longer silence for a dead connection. */
const BEAT_EVERY_MS = 2_000;
/** Not yet read by a listener: several whole pages. */
const BACKLOG_MAX_BYTES = 512 * 1024;
const RETRY_SECONDS = 5;

export interface FeedOptions {
  /** The present parts of the page by their element's id, as HTML. */
  readonly draw: () => Readonly<Record<string, string>>;
  /** The version of the page's script and style. */
  readonly assets: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The page could not be drawn: told once a failure; the listeners are let go. */
  readonly onDefect: (error: unknown) => void;
}

/** Serves from the first open() to close(). */
export class Feed {
  readonly #options: FeedOptions;
  readonly #listeners = new Set<ServerResponse>();
  #sent: Readonly<Record<string, string>> = {};
  #timer: NodeJS.Timeout | null = null;
  #dueAtMs = 0;
  #beatAtMs = 0;
  #closed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Takes a listener in, or refuses it. The caller has checked method and host. */
  open(request: IncomingMessage, response: ServerResponse): void {
    // Another site's page can't read the stream, but it could take the places of those who may.
    const site = request.headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin") return this.#refuse(response, 403, "Only the page itself listens here.\n");
    if (this.#closed || this.#listeners.size >= LISTENERS_MAX) return this.#refuse(response, 503, `${LISTENERS_MAX} pages are being kept up to date already; reload this one by hand.\n`);
    // Those who listen already and the new one continue from the same drawing.
    if (!this.#update()) return this.#refuse(response, 500, "The page could not be drawn; the agent's log says why.\n");
    request.socket.setTimeout(0);
    request.socket.setNoDelay(true);
    response.writeHead(200, { ...this.#options.headers, "content-type": "text/event-stream; charset=utf-8", connection: "close" });
    response.on("close", () => { this.#forget(response); }).on("error", () => { this.#forget(response); });
    this.#listeners.add(response);
    this.#send(response, event("page", { assets: this.#options.assets, parts: this.#sent }));
    if (this.#timer === null) this.#schedule(DRAW_EVERY_MS);
  }

  /** Something that matters has changed. Costs nothing while nobody looks. */
  nudge(): void {
    if (this.#listeners.size > 0 && this.#dueAtMs - performance.now() > NUDGED_AFTER_MS) this.#schedule(NUDGED_AFTER_MS);
  }

  /** Lets every listener go. */
  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  #refuse(response: ServerResponse, status: 403 | 500 | 503, body: string): void {
    response.writeHead(status, { ...this.#options.headers, "content-type": "text/plain; charset=utf-8", connection: "close", ...(status === 503 ? { "retry-after": String(RETRY_SECONDS) } : {}) });
    response.end(body);
  }

  /** Draws, tells the listeners what has changed, and plans the next time. False when the page can't be drawn. */
  #update(): boolean {
    try {
      const parts = this.#options.draw();
      const changed = Object.fromEntries(Object.entries(parts).filter(([id, text]) => this.#sent[id] !== text));
      this.#sent = parts;
      if (Object.keys(changed).length > 0) this.#broadcast(event("page", { assets: this.#options.assets, parts: changed }));
      else if (performance.now() - this.#beatAtMs >= BEAT_EVERY_MS) this.#broadcast(event("beat", {}));
    } catch (error) {
      this.#options.onDefect(error);
      this.#letGo();
      return false;
    }
    if (this.#listeners.size > 0) this.#schedule(DRAW_EVERY_MS);
    return true;
  }

  #broadcast(text: string): void {
    this.#beatAtMs = performance.now();
    for (const listener of this.#listeners) this.#send(listener, text);
  }

  #send(listener: ServerResponse, text: string): void {
    if (listener.writableLength > BACKLOG_MAX_BYTES) listener.destroy();
    else listener.write(text);
  }

  #schedule(afterMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dueAtMs = performance.now() + afterMs;
    this.#timer = setTimeout(() => { this.#update(); }, afterMs);
    this.#timer.unref();
  }

  #forget(listener: ServerResponse): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sent = {};
  }

  #letGo(): void {
    for (const listener of this.#listeners) {
      listener.destroy();
      this.#forget(listener);
    }
  }
}

/** JSON has no line breaks of its own, so one line carries it. */
function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
