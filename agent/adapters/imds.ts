/**
 * What the instance knows of itself, from its metadata service, version 2 only. Asked at boot; never asked who holds
 * the Elastic IP, because it shows that late (promise S1).
 */
import { request as httpRequest } from "node:http";
import { AgentError } from "../errors.ts";

/** How long a session token is asked for (s), and how long before its end it is replaced. */
const TOKEN_TTL_S = 21_600;
const TOKEN_RENEW_BEFORE_MS = 60_000;

/** The metadata service is on the same host: an answer takes a millisecond or does not come. */
const REQUEST_TIMEOUT_MS = 1_000;
const REPLY_MAX_BYTES = 65_536;

/** The shapes of what is read. */
const WORD = /^[\x21-\x7e]{1,256}$/;
const MAC = /^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$/;
const INSTANCE_ID = /^i-[0-9a-z]{1,32}$/;

const DEFAULT_ENDPOINT = "http://169.254.169.254";

/** Facts of this instance. */
export interface NodeFacts {
  readonly instanceId: string;
  readonly availabilityZone: string;
  readonly region: string;
  /** The primary private address. */
  readonly privateIp: string;
  /** The primary interface. */
  readonly networkInterfaceId: string;
}

/** Reads instance metadata. Holds nothing to close. */
export class Imds {
  readonly #endpoint: URL;
  readonly #monotonicMs: () => number;
  #token: { readonly text: string; readonly untilMs: number } | null = null;

  /** @param environment for AWS_EC2_METADATA_SERVICE_ENDPOINT, the SDK's own variable */
  constructor(options: { readonly monotonicMs: () => number; readonly environment: Readonly<Record<string, string | undefined>> }) {
    this.#endpoint = new URL(options.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? DEFAULT_ENDPOINT);
    this.#monotonicMs = options.monotonicMs;
  }

  /** Rejects with AGENT_CLOUD_TIMEOUT, AGENT_CLOUD_UNREACHABLE (not on EC2?) or AGENT_CLOUD_FAILED. */
  async readNodeFacts(signal: AbortSignal): Promise<NodeFacts> {
    const read = async (path: string, shape = WORD): Promise<string> => fits(await this.read(path, signal), shape, path);
    const mac = await read("mac", MAC);
    const [instanceId, availabilityZone, region, privateIp, networkInterfaceId] = await Promise.all([
      read("instance-id", INSTANCE_ID),
      read("placement/availability-zone"),
      read("placement/region"),
      read("local-ipv4"),
      read(`network/interfaces/macs/${mac}/interface-id`),
    ]);
    return { instanceId, availabilityZone, region, privateIp, networkInterfaceId };
  }

  /** One entry of `/latest/meta-data/`. A token that the service no longer accepts is replaced once. */
  async read(path: string, signal: AbortSignal): Promise<string> {
    const first = await this.#get(path, signal);
    if (first.status !== 401) return settle(first, path);
    this.#token = null;
    return settle(await this.#get(path, signal), path);
  }

  async #get(path: string, signal: AbortSignal): Promise<Answer> {
    const token = await this.#freshToken(signal);
    return this.#send("GET", `/latest/meta-data/${path}`, { "x-aws-ec2-metadata-token": token }, signal);
  }

  async #freshToken(signal: AbortSignal): Promise<string> {
    const held = this.#token;
    if (held !== null && this.#monotonicMs() < held.untilMs) return held.text;
    const askedAtMs = this.#monotonicMs();
    const answer = await this.#send("PUT", "/latest/api/token", { "x-aws-ec2-metadata-token-ttl-seconds": String(TOKEN_TTL_S) }, signal);
    const text = fits(settle(answer, "token"), WORD, "token");
    this.#token = { text, untilMs: askedAtMs + TOKEN_TTL_S * 1000 - TOKEN_RENEW_BEFORE_MS };
    return text;
  }

  #send(method: string, path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let connected = false;
      const fail = (error: Error, timedOut: boolean): void => {
        clearTimeout(deadline);
        signal.removeEventListener("abort", onDeadline);
        outgoing.destroy();
        reject(new AgentError(timedOut || connected ? "AGENT_CLOUD_TIMEOUT" : "AGENT_CLOUD_UNREACHABLE", `instance metadata ${path}: ${error.message}`, error));
      };
      const onDeadline = (): void => fail(new Error("the deadline passed"), true);
      // Made before anything that would have to be undone: it throws at once when it is given what HTTP can't carry.
      const outgoing = httpRequest(new URL(path, this.#endpoint), { method, headers }, (incoming) => {
        connected = true;
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > REPLY_MAX_BYTES) fail(new Error("the answer is too long"), false);
        });
        incoming.on("error", (error) => fail(error, false));
        incoming.on("end", () => {
          clearTimeout(deadline);
          signal.removeEventListener("abort", onDeadline);
          resolve({ status: incoming.statusCode ?? 0, text });
        });
      });
      const deadline = setTimeout(onDeadline, REQUEST_TIMEOUT_MS);
      outgoing.on("error", (error) => fail(error, false));
      // Without this node would end such a connection and tell nobody.
      outgoing.on("upgrade", (_incoming, socket) => {
        socket.destroy();
        connected = true;
        fail(new Error("it switched to another protocol"), false);
      });
      signal.addEventListener("abort", onDeadline, { once: true });
      if (signal.aborted) onDeadline();
      else outgoing.end();
    });
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function settle(answer: Answer, path: string): string {
  if (answer.status === 200) return answer.text.trim();
  throw new AgentError("AGENT_CLOUD_FAILED", `instance metadata ${path}: HTTP ${answer.status}`);
}

/** What goes on into requests, names and log lines must be what it is taken for. */
function fits(text: string, shape: RegExp, path: string): string {
  if (shape.test(text)) return text;
  throw new AgentError("AGENT_CLOUD_FAILED", `instance metadata ${path}: the answer is not what it should be`);
}
