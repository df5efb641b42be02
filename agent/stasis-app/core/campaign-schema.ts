/** What a campaign's file holds: whom it calls through, how fast, what becomes of calls that fail, and its menu. */
import { z } from "zod";
import { campaignName, menuSchema } from "./menu-schema.ts";

export const e164 = z.string().regex(/^\+[1-9]\d{5,14}$/, "must be a number in E.164, such as +4930123456");

/** How many attempts may end that way before the call is given up, and how long the next one waits. */
const rule = (tries: number, waitSeconds: number) =>
  z.strictObject({ tries: z.int().min(1).max(20).default(tries), waitSeconds: z.int().min(0).max(86_400).default(waitSeconds) }).prefault({});

export const campaignSchema = z.strictObject({
  campaign: campaignName,
  /** The PJSIP endpoint through which numbers are called. */
  trunk: campaignName,
  callerId: e164.optional(),
  ringSeconds: z.int().min(5).max(120).default(30),
  /** No call lasts longer. */
  maxCallSeconds: z.int().min(10).max(14_400).default(900),
  pacing: z.strictObject({ callsPerSecond: z.number().min(0.1).max(100).default(2), concurrent: z.int().min(1).max(1_000).default(20) }).prefault({}),
  retry: z.strictObject({ busy: rule(3, 300), noAnswer: rule(2, 1_800), failed: rule(3, 60) }).prefault({}),
  /** What becomes of calls that a failover or a crash has cut: a called one is called again, a caller is rung back, or it is left. */
  cut: z
    .strictObject({
      outbound: z.enum(["retry", "leave"]).default("retry"),
      inbound: z.enum(["ring-back", "leave"]).default("ring-back"),
      tries: z.int().min(1).max(20).default(2),
      waitSeconds: z.int().min(0).max(3_600).default(5),
    })
    .prefault({}),
  /** Called numbers, as the carrier sends them, whose callers get this menu; `*` stands for any. */
  inbound: z.array(z.string().regex(/^(?:\+?\d{1,15}|\*)$/, "must be digits, with a + or without, or *")).default([]),
  menu: menuSchema,
});

export type CampaignFile = z.infer<typeof campaignSchema>;
