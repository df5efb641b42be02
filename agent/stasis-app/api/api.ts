/** The HTTP API: what a request means. Every node takes requests, because accepting is writing to the database that both share. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { z } from "zod";
import type { Campaign } from "../core/campaign.ts";
import type { CallQueue } from "../store/call-queue.ts";
import type { CallRow } from "../store/call-row.ts";
import type { Answer, Question } from "./http-face.ts";
import { openApiDocument } from "./openapi.ts";
import { callId, dialRequest, listQuery, type CallBody, type HealthBody } from "./schemas.ts";

export interface ApiOptions {
  /** Each of them is taken. */
  readonly tokens: () => readonly string[];
  readonly version: string;
  readonly queue: Pick<CallQueue, "accept" | "get" | "list" | "cancel">;
  readonly campaigns: ReadonlyMap<string, Campaign>;
  readonly health: () => Promise<HealthBody>;
  /** A call was accepted. */
  readonly onAccepted: () => void;
  /** The database, as a rule. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

const NOT_FOUND: Answer = { status: 404, body: { error: "not-found", message: "There is no such call." } };

export class Api {
  readonly #options: ApiOptions;
  readonly #document: unknown;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#document = openApiDocument(options.version);
  }

  async answer(question: Question): Promise<Answer> {
    const { method, path } = question;
    if (method === "GET" && path === "/openapi.json") return { status: 200, body: this.#document };
    if (method === "GET" && path === "/health") {
      const body = await this.#options.health();
      return { status: body.status === "ok" ? 200 : 503, body };
    }
    if (!this.#isAllowed(question.authorization)) return { status: 401, body: { error: "denied", message: "Send the token: Authorization: Bearer TOKEN." } };
    try {
      return await this.#known(question);
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      this.#options.onTrouble("a request could not be answered", error);
      return { status: 503, body: { error: "database-away", message: "The database does not answer. Nothing was changed; ask again." } };
    }
  }

  async #known(question: Question): Promise<Answer> {
    const { method, path } = question;
    const id = /^\/calls\/([^/]+)$/.exec(path)?.[1];
    if (method === "POST" && path === "/dial") return this.#dial(await question.text());
    if (method === "GET" && path === "/calls") return this.#list(question.query);
    if (id !== undefined && (method === "GET" || method === "DELETE")) return this.#one(method, decoded(id));
    return { status: 404, body: { error: "not-found", message: `There is no ${method.slice(0, 10)} here. See /openapi.json.` } };
  }

  async #dial(text: string): Promise<Answer> {
    const parsed = dialRequest.safeParse(jsonOf(text));
    if (!parsed.success) return wrong(parsed.error);
    const { contactId = null, audio = null, ...body } = parsed.data;
    if (!this.#options.campaigns.has(body.campaignId)) return { status: 400, body: { error: "wrong-request", message: "The request can't be used.", fields: [{ field: "campaignId", problem: `there is no campaign "${body.campaignId}"; there are ${[...this.#options.campaigns.keys()].join(", ")}` }] } };
    switch (await this.#options.queue.accept({ ...body, contactId, audio })) {
      case "accepted":
        this.#options.onAccepted();
        return { status: 202, body: { callId: body.callId, status: "accepted" } };
      case "same":
        return { status: 202, body: { callId: body.callId, status: "already-accepted" } };
      case "different":
        return { status: 409, body: { error: "other-call", message: "This callId was given to a call with another content." } };
      case "do-not-call":
        return { status: 403, body: { error: "do-not-call", message: "This number must not be called." } };
    }
  }

  async #list(query: URLSearchParams): Promise<Answer> {
    const parsed = listQuery.safeParse(Object.fromEntries(query));
    if (!parsed.success) return wrong(parsed.error);
    const { state = null, campaignId = null, after = null, limit } = parsed.data;
    const calls = await this.#options.queue.list({ state, campaignId, after, limit });
    return { status: 200, body: { calls: calls.map(bodyOf), next: calls.length < limit ? null : (calls.at(-1)?.callId ?? null) } };
  }

  async #one(method: "GET" | "DELETE", id: string): Promise<Answer> {
    // Callers' calls have longer names than clients may give.
    if (id.length > 64 || !callId.safeParse(id.slice(0, 48)).success) return NOT_FOUND;
    if (method === "DELETE" && !(await this.#options.queue.cancel(id))) return NOT_FOUND;
    const found = await this.#options.queue.get(id);
    return found === null ? NOT_FOUND : { status: method === "GET" ? 200 : 202, body: bodyOf(found) };
  }

  /** Digests are compared, so that neither the length nor the first wrong letter shows in the time. */
  #isAllowed(authorization: string): boolean {
    const given = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1];
    return given !== undefined && this.#options.tokens().filter((token) => timingSafeEqual(digest(given), digest(token))).length > 0;
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function bodyOf(row: CallRow): CallBody {
  const { notBefore, createdAt, endedAt } = row;
  return {
    callId: row.callId, direction: row.direction, campaignId: row.campaignId, contactId: row.contactId, phoneNumber: row.phoneNumber, state: row.state, result: row.result, attempts: row.attempts,
    notBefore: notBefore.toISOString(), createdAt: createdAt.toISOString(), endedAt: endedAt?.toISOString() ?? null,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wrong(error: z.ZodError): Answer {
  const fields = error.issues.map((issue) => ({ field: issue.code === "unrecognized_keys" ? issue.keys.join(", ") : issue.path.join(".") || "(whole)", problem: issue.message }));
  return { status: 400, body: { error: "wrong-request", message: "The request can't be used.", fields } };
}

/** Errors of the server carry a state, those of the connection a code. */
function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && ("sqlState" in error || ("code" in error && typeof error.code === "string"));
}
