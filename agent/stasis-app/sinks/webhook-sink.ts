/** Events as signed POST requests to an HTTP server of the operator's. 2xx: taken. 4xx: this one is refused. Anything else: later. */
import { request as httpRequest, Agent as HttpAgent, type IncomingMessage } from "node:http";
import { request as httpsRequest, Agent as HttpsAgent } from "node:https";
import type { CallEvent } from "../core/event.ts";
import { SIGNATURE_HEADER, signatureOf } from "./signature.ts";
import { SinkFailure, type EventSink } from "./sink.ts";

const CONNECTIONS = 20;
/** Answers of the kind 4xx that are about the moment and not about the event. */
const LATER = new Set([401, 403, 404, 408, 425, 429]);

export class WebhookSink implements EventSink {
  readonly name: string;
  readonly #url: URL;
  readonly #key: () => string;
  readonly #wallMs: () => number;
  readonly #agent: HttpAgent;

  /** @param key what the receiver checks signatures with, as it is at that moment */
  constructor(url: string, key: () => string, wallMs: () => number) {
    this.#url = new URL(url);
    this.#key = key;
    this.#wallMs = wallMs;
    this.name = `webhook ${this.#url.origin}`;
    const options = { keepAlive: true, maxSockets: CONNECTIONS };
    this.#agent = this.#url.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  async deliver(event: CallEvent, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify(event);
    const status = await this.#post(body, event, signal);
    if (status >= 200 && status < 300) return;
    throw new SinkFailure(status >= 400 && status < 500 && !LATER.has(status) ? "refused" : "away", `${this.name} answered with ${status}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(body: string, event: CallEvent, signal: AbortSignal): Promise<number> {
    const send = this.#url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(new SinkFailure("away", `${this.name}: ${error.message}`, error));
      const outgoing = send(this.#url, {
        method: "POST",
        agent: this.#agent,
        signal,
        headers: {
          "content-type": "application/json",
          "content-length": String(Buffer.byteLength(body)),
          "x-event-id": event.id,
          "x-event-type": event.type,
          [SIGNATURE_HEADER]: signatureOf(this.#key(), body, Math.floor(this.#wallMs() / 1000)),
        },
      });
      outgoing.on("error", failed);
      outgoing.on("response", (incoming: IncomingMessage) => {
        incoming.on("error", failed).resume();
        incoming.on("end", () => resolve(incoming.statusCode ?? 0));
      });
      outgoing.end(body);
    });
  }
}
