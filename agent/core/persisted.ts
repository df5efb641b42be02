/** What must survive a restart of the agent (promise N2). Wall time, because monotonic time does not survive one. */
import { z } from "zod";

const wallMs = z.number().int().min(0);

export const persistedSchema = z.object({
  version: z.literal(1),
  savedAtWallMs: wallMs,
  pause: z.object({ revision: z.int().min(0), setBy: z.string(), on: z.boolean(), reason: z.string(), untilWallMs: wallMs.nullable() }),
  blocked: z.boolean(),
  holdDownUntilWallMs: wallMs,
  claimsAtWallMs: z.array(wallMs).max(1000),
  moves: z.array(z.object({ atWallMs: wallMs, from: z.string(), to: z.string(), reason: z.string() })).max(1000),
});

/** The record that the store keeps, read and written by this one schema. */
export type PersistedState = z.infer<typeof persistedSchema>;
