// The Stasis app's HTTP API over a real MariaDB, held against its own OpenAPI document: the document is valid (an independent validator),
// and every answer is one that it describes (an independent JSON Schema validator).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { Api } from "../../agent/stasis-app/api/api.ts";
import { endServer, serve } from "../../agent/stasis-app/api/http-face.ts";
import { openApiDocument } from "../../agent/stasis-app/api/openapi.ts";
import type { HealthBody } from "../../agent/stasis-app/api/schemas.ts";
import { parseCampaign } from "../../agent/stasis-app/core/campaign.ts";
import { CallQueue } from "../../agent/stasis-app/store/call-queue.ts";
import { Database } from "../../agent/stasis-app/store/database.ts";
import { DATABASE_NAME, startMariaDb, type LabMariaDb } from "../support/lab/mariadb.ts";
import { openLab, type Lab } from "../support/lab/network.ts";

const TOKEN = "a-token-of-the-contract-test";
const OLD_TOKEN = "the-token-before-it-of-the-test";
const sample = parseCampaign("autumn-appeal.json", readFileSync("agent/stasis-app/samples/autumn-appeal.json", "utf8"));
const document = openApiDocument("1.2.3") as { readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, object>> }>>>>; readonly components: { readonly schemas: Readonly<Record<string, object>> } };
const DIAL = { callId: "k1", phoneNumber: "+4930123456", campaignId: "autumn-appeal", contactId: "c-1", audio: "sound:hello" };

interface Reply {
  readonly status: number;
  readonly body: { readonly [name: string]: unknown };
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema({ $id: "api", components: document.components });

let lab: Lab;
let server: LabMariaDb;
let database: Database;
let face: Server;
let accepted = 0;
let health: HealthBody = { status: "ok", node: "node-a", role: "active", database: true, asterisk: true, sink: null };
const defects: unknown[] = [];

/** Asks, and holds the answer against the document. */
async function ask(method: string, path: string, options: { readonly body?: string | object; readonly token?: string | null } = {}): Promise<Reply> {
  const { token = TOKEN } = options;
  const body = options.body === undefined ? undefined : typeof options.body === "string" ? options.body : JSON.stringify(options.body);
  const reply = await new Promise<Reply>((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port: (face.address() as AddressInfo).port, method, path, headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }) } }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (chunk: string) => { text += chunk; }).on("end", () => resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(text) as Reply["body"] }));
    });
    asking.on("error", reject).end(body);
  });
  const template = (path.split("?")[0] ?? "").replace(/^\/calls\/.+/, "/calls/{callId}");
  const described = document.paths[template]?.[method.toLowerCase()];
  if (described === undefined) return reply;
  const response = described.responses[String(reply.status)] as { readonly content?: { readonly "application/json": { readonly schema: { readonly $ref?: string } } } } | undefined;
  assert.ok(response !== undefined, `${method} ${path} answered with ${reply.status}, which the document does not know`);
  const ref = response.content?.["application/json"].schema.$ref;
  if (ref !== undefined) assert.ok(ajv.validate({ $ref: `api${ref}` }, reply.body), `${method} ${path} ${reply.status}: ${ajv.errorsText()}`);
  return reply;
}

before(async () => {
  lab = await openLab();
  server = await startMariaDb(lab);
  await server.grantApp("app", "contract-test");
  database = new Database({ host: server.socket, port: 0, name: DATABASE_NAME, username: "app", password: "contract-test" });
  const api = new Api({ tokens: () => [OLD_TOKEN, TOKEN], version: "1.2.3", queue: new CallQueue(database, "node-a", "node-a:1"), campaigns: new Map([[sample.campaign, sample]]), health: () => Promise.resolve(health), onAccepted: () => { accepted += 1; }, onTrouble: () => undefined });
  face = await serve({ host: "127.0.0.1", port: 0 }, (question) => api.answer(question), (error) => void defects.push(error));
});

after(async () => {
  await endServer(face);
  await database.close();
  await lab.close();
});

beforeEach(async () => {
  accepted = 0;
  await server.sql("DELETE FROM app_calls; DELETE FROM app_do_not_call; DELETE FROM app_outbox");
});

describe("the Stasis app's API", () => {
  it("is described by a valid OpenAPI document, which it serves without a token", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, "3.1");
    assert.deepEqual((await ask("GET", "/openapi.json", { token: null })).body, JSON.parse(JSON.stringify(document)));
  });

  it("accepts a call once, whatever happens to the answer", async () => {
    assert.deepEqual(await ask("POST", "/dial", { body: DIAL }), { status: 202, body: { callId: "k1", status: "accepted" } });
    assert.deepEqual(await ask("POST", "/dial", { body: DIAL }), { status: 202, body: { callId: "k1", status: "already-accepted" } });
    assert.equal((await ask("POST", "/dial", { body: { ...DIAL, phoneNumber: "+4930999999" } })).status, 409);
    assert.equal(accepted, 1);
  });

  it("refuses numbers that must not be called", async () => {
    await server.sql("INSERT INTO app_do_not_call VALUES ('+4930123456', NOW(3), 'test')");
    assert.equal((await ask("POST", "/dial", { body: DIAL })).body["error"], "do-not-call");
  });

  it("names every wrong field, and never repeats what was sent", async () => {
    const wrong = await ask("POST", "/dial", { body: { ...DIAL, callId: "a b", phoneNumber: "030 123456", extra: 1 } });
    assert.equal(wrong.status, 400);
    assert.deepEqual((wrong.body["fields"] as readonly { readonly field: string }[]).map(({ field }) => field).toSorted(), ["callId", "extra", "phoneNumber"]);
    assert.ok(!JSON.stringify(wrong.body).includes("030 123456"));
    assert.match(JSON.stringify((await ask("POST", "/dial", { body: { ...DIAL, campaignId: "other" } })).body), /there is no campaign \\"other\\"; there are autumn-appeal/);
    for (const body of ["", "{", "[]", "null"]) assert.equal((await ask("POST", "/dial", { body })).status, 400, body);
    assert.equal((await ask("POST", "/dial", { body: JSON.stringify({ ...DIAL, audio: "x".repeat(100_000) }) })).status, 413);
    assert.equal((await ask("GET", "/calls?limit=0")).status, 400);
  });

  it("lists calls page by page, shows one, and cancels it", async () => {
    for (const callId of ["k1", "k2", "k3"]) await ask("POST", "/dial", { body: { ...DIAL, callId } });
    const first = await ask("GET", "/calls?state=queued&limit=2");
    assert.deepEqual([(first.body["calls"] as unknown[]).length, first.body["next"]], [2, "k2"]);
    const second = await ask("GET", "/calls?state=queued&limit=2&after=k2&campaignId=autumn-appeal");
    assert.deepEqual([(second.body["calls"] as unknown[]).length, second.body["next"]], [1, null]);
    assert.equal((await ask("GET", "/calls/k1")).body["phoneNumber"], DIAL.phoneNumber);
    const cancelled = await ask("DELETE", "/calls/k1");
    assert.deepEqual([cancelled.status, cancelled.body["state"], cancelled.body["result"]], [202, "ended", "cancelled"]);
    for (const [method, path] of [["GET", "/calls/none"], ["DELETE", "/calls/none"], ["GET", "/calls/%ff"], ["GET", `/calls/${"x".repeat(80)}`]] as const) assert.equal((await ask(method, path)).status, 404, path);
  });

  it("lets nobody in without the token", async () => {
    for (const token of [null, "", "wrong", `${TOKEN}x`]) {
      for (const [method, path] of [["POST", "/dial"], ["GET", "/calls"], ["GET", "/calls/k1"], ["DELETE", "/calls/k1"], ["GET", "/other"]] as const) assert.equal((await ask(method, path, { token, ...(method === "POST" ? { body: DIAL } : {}) })).status, 401);
    }
    assert.equal(accepted, 0);
  });

  it("takes the token before it as well while clients change", async () => {
    assert.equal((await ask("GET", "/calls", { token: OLD_TOKEN })).status, 200);
  });

  it("tells its health to anybody, with 503 when it can't work", async () => {
    assert.equal((await ask("GET", "/health", { token: null })).status, 200);
    health = { ...health, status: "degraded", asterisk: false };
    assert.equal((await ask("GET", "/health", { token: null })).status, 503);
  });

  it("answers 503 while the database is away, and accepts nothing then", async () => {
    await server.end();
    assert.equal((await ask("POST", "/dial", { body: { ...DIAL, callId: "away" } })).body["error"], "database-away");
    await server.start();
    assert.equal((await ask("POST", "/dial", { body: { ...DIAL, callId: "away" } })).status, 202);
    assert.deepEqual(defects, []);
  });
});
