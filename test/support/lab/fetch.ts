// HTTP requests from inside a place, each with a connection of its own, as from a program that is started there to ask one thing.
import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import type { Place } from "./addresses.ts";
import { connectFrom } from "./door.ts";
import type { Lab } from "./network.ts";

export interface LabRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds until the request is given up; the default is 5000. */
  readonly timeoutMs?: number;
}

export interface LabResponse {
  readonly status: number;
  readonly body: string;
}

/** Makes one HTTP request from a place. Rejects when there is no answer in time. */
export async function labFetch(lab: Lab, place: Place, url: string, request: LabRequest = {}): Promise<LabResponse> {
  const { timeoutMs = 5000, body, ...init } = request;
  const signal = AbortSignal.timeout(timeoutMs);
  const { hostname, port } = new URL(url);
  const reach = await connectFrom(lab, place, { host: hostname, port: Number(port || 80), timeoutMs });
  if (reach.outcome !== "connected") throw new Error(`${url} from ${place}: the connection was ${reach.outcome === "refused" ? "refused" : "not answered"}`);
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { ...init, signal, createConnection: () => reach.socket }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
    });
    asked.on("error", (cause) => reject(new Error(`${url} from ${place}: no answer`, { cause })));
    asked.end(body);
  });
}
