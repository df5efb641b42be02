/** The API's description in OpenAPI 3.1, made from the schemas that check requests: it can't say anything else than what is done. */
import { z } from "zod";
import { accepted, call, callList, dialRequest, health, listQuery, problem } from "./schemas.ts";

type Json = Readonly<Record<string, unknown>>;

const SCHEMAS = { DialRequest: dialRequest, Accepted: accepted, Call: call, CallList: callList, Health: health, Problem: problem };

const ref = (name: keyof typeof SCHEMAS): Json => ({ content: { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } } });
const answer = (description: string, name?: keyof typeof SCHEMAS): Json => ({ description, ...(name === undefined ? {} : ref(name)) });

const DENIED = { 401: answer("No bearer token, or a wrong one.", "Problem"), 500: answer("A defect.", "Problem"), 503: answer("The database is away. Nothing was accepted; ask again.", "Problem") };
const callIdParameter = { name: "callId", in: "path", required: true, schema: { type: "string" } };

function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  return Object.fromEntries(Object.entries(z.toJSONSchema(schema, { io, reused: "inline" })).filter(([name]) => name !== "$schema"));
}

function queryParameters(): readonly Json[] {
  const { properties = {} } = jsonSchema(listQuery, "input") as { readonly properties?: Readonly<Record<string, Json>> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", required: false, schema }));
}

/** The document. */
export function openApiDocument(version: string): Json {
  return {
    openapi: "3.1.0",
    info: { title: "Stasis app", version, description: "Calls out for campaigns. Any node takes requests; the active one makes the calls." },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    paths: {
      "/dial": {
        post: {
          operationId: "dial", summary: "Accepts a call to be made.", requestBody: { required: true, ...ref("DialRequest") },
          responses: { 202: answer("Accepted: it will be made, whatever happens to this node.", "Accepted"), 400: answer("The request is wrong.", "Problem"), 403: answer("The number must not be called.", "Problem"), 409: answer("Another call has this callId.", "Problem"), 413: answer("The request is too long.", "Problem"), ...DENIED },
        },
      },
      "/calls": {
        get: { operationId: "listCalls", summary: "Lists calls in the order of their callIds.", parameters: queryParameters(), responses: { 200: answer("A page of calls.", "CallList"), 400: answer("The query is wrong.", "Problem"), ...DENIED } },
      },
      "/calls/{callId}": {
        parameters: [callIdParameter],
        get: { operationId: "getCall", summary: "One call.", responses: { 200: answer("The call.", "Call"), 404: answer("There is no such call.", "Problem"), ...DENIED } },
        delete: { operationId: "cancelCall", summary: "Takes a call out of the queue, or hangs it up.", responses: { 202: answer("It ends; a call that has ended stays as it is.", "Call"), 404: answer("There is no such call.", "Problem"), ...DENIED } },
      },
      "/health": {
        get: { operationId: "health", summary: "Whether the app works. Needs no token.", security: [], responses: { 200: answer("It works.", "Health"), 503: answer("It does not.", "Health") } },
      },
      "/openapi.json": {
        get: { operationId: "describe", summary: "This document. Needs no token.", security: [], responses: { 200: { description: "The document.", content: { "application/json": { schema: { type: "object" } } } } } },
      },
    },
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchema(schema, name === "DialRequest" ? "input" : "output")])),
    },
  };
}
