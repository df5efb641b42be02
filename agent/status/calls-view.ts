/** What the Stasis app of this machine says of its calls. The app is another program, so the shape is checked here anew; figures only, never a number. */
import { z } from "zod";

export const callsSchema = z.object({
  node: z.string(),
  role: z.enum(["active", "holding", "standby"]),
  database: z.boolean(),
  asterisk: z.boolean(),
  sink: z.string().nullable(),
  secret: z.string().nullable(),
  here: z.number(),
  figures: z.object({ queued: z.number(), dialling: z.number(), up: z.number(), lastHour: z.record(z.string(), z.number()) }).nullable(),
  waiting: z.object({ count: z.number(), oldestMs: z.number() }).nullable(),
  campaigns: z.array(z.object({ campaign: z.string(), running: z.number(), callsPerSecond: z.number(), concurrent: z.number() })),
});

export type CallsView = z.infer<typeof callsSchema>;

export const APP_ROLE_WORDS: Readonly<Record<CallsView["role"], string>> = { active: "makes and takes calls", holding: "calls go on, none is begun: the agent has been silent for too long", standby: "ready and quiet" };

/** What is wrong, a sentence each. */
export function troublesOf({ asterisk, database, secret, sink }: CallsView): readonly string[] {
  return [...(asterisk ? [] : ["no connection to Asterisk"]), ...(database ? [] : ["the database does not answer"]), ...(sink === null ? [] : [`events are not taken: ${sink}`]), ...(secret === null ? [] : [`the newest secret is not in use: ${secret}`])];
}
