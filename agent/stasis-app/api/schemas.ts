/** What the HTTP API takes and gives: one set of schemas, by which requests are checked and from which the OpenAPI document is made. */
import { z } from "zod";
import { e164 } from "../core/campaign-schema.ts";
import { campaignName } from "../core/menu-schema.ts";
import { RESULTS } from "../core/retry.ts";
import { CALL_STATES } from "../store/call-row.ts";

const word = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, "must be letters, digits, dots, dashes, underscores and colons");
/** Asterisk ids are made of it, with something before it. */
export const callId = word.max(48).meta({ description: "The client's own name for the call. The same one twice is one call." });
const instant = z.iso.datetime();

export const dialRequest = z.strictObject({
  callId,
  phoneNumber: e164.meta({ description: "E.164, such as +4930123456" }),
  campaignId: campaignName,
  contactId: word.max(64).optional(),
  audio: z.string().max(255).regex(/^(?:sound|recording):[^\s,]+$/, "must be sound: or recording: and a name").optional().meta({ description: "What $audio stands for in the campaign's menu" }),
});

export const call = z.object({
  callId: z.string(),
  direction: z.enum(["out", "in"]),
  campaignId: z.string(),
  contactId: z.string().nullable(),
  phoneNumber: z.string(),
  state: z.enum(CALL_STATES),
  result: z.enum(RESULTS).nullable().meta({ description: "How the last attempt ended" }),
  attempts: z.int().min(0),
  notBefore: instant,
  createdAt: instant,
  endedAt: instant.nullable(),
});

export const accepted = z.object({ callId: z.string(), status: z.enum(["accepted", "already-accepted"]) });
export const callList = z.object({ calls: z.array(call), next: z.string().nullable().meta({ description: "Give it as `after` for the next page; null at the end" }) });
export const health = z.object({
  status: z.enum(["ok", "degraded"]),
  node: z.string(),
  role: z.enum(["active", "holding", "standby"]),
  database: z.boolean(),
  asterisk: z.boolean(),
  sink: z.string().nullable().meta({ description: "What is wrong with the place where events go; null when it takes them" }),
});
export const problem = z.object({ error: z.string(), message: z.string(), fields: z.array(z.object({ field: z.string(), problem: z.string() })).optional() });

export const listQuery = z.strictObject({
  state: z.enum(CALL_STATES).optional(),
  campaignId: campaignName.optional(),
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

export type DialBody = z.infer<typeof dialRequest>;
export type CallBody = z.infer<typeof call>;
export type HealthBody = z.infer<typeof health>;
