/** What /explain says, as one schema: the agent builds this shape and nodectl reads it with the same codec. */
import { z } from "zod";

const verdict = z.enum(["up", "down", "unknown"]);
const cause = z.enum(["consent", "quorum", "vacant", "switchover", "takeover"]);

const gates = z.array(z.object({ name: z.string(), passes: z.boolean(), value: z.string(), limit: z.string(), sentence: z.string() }));

export const explanationSchema = z.object({
  node: z.string(),
  cluster: z.string(),
  at: z.string(),
  role: z.enum(["starting", "standby", "claiming", "active", "witness"]),
  holder: z.string(),
  /** null: it would not. */
  wouldClaim: cause.nullable(),
  sentence: z.string(),
  /** Empty on a witness. */
  causes: z.array(z.object({ cause, passes: z.boolean(), gates })),
  /** What must hold before this witness starts a stopped standby (COLD_STANDBY); null on every other member. */
  coldStart: z.object({ passes: z.boolean(), gates }).nullable().default(null),
  /** Empty while there is nobody to watch. */
  observers: z.array(z.object({ observer: z.string(), verdict, counted: z.boolean(), ageMs: z.number().nullable(), channels: z.array(z.object({ name: z.enum(["heartbeat", "sip", "eip"]), verdict, value: z.string(), limit: z.string() })) })),
  cloud: z.object({ verdict, reason: z.string() }),
  references: z.array(z.object({ side: z.enum(["private", "public"]), answers: z.boolean().nullable(), askedAgeMs: z.number().nullable() })),
});

/** The answer of /explain. */
export type Explanation = z.infer<typeof explanationSchema>;
