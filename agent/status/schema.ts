/**
 * What /status says, as one schema: the agent builds this shape and nodectl reads it with the same codec. Ages and
 * durations are milliseconds at the moment of the answer, instants are ISO 8601 in UTC. No secret, no telephone number.
 */
import { z } from "zod";

const verdict = z.enum(["up", "down", "unknown"]);
const failure = z.object({ code: z.string(), message: z.string() });
const ms = z.number();
const gate = z.object({ name: z.string(), passes: z.boolean(), sentence: z.string() });

const probe = z.object({ name: z.string(), ok: z.boolean(), okAgeMs: ms.nullable(), latencyMs: ms.nullable(), misses: z.number(), failure: z.string().nullable() });

const member = z.object({
  id: z.string(),
  kind: z.enum(["node", "witness"]),
  hearing: z.enum(["never", "heard", "late", "lost"]),
  ageMs: ms.nullable(),
  rttMs: ms.nullable(),
  /** Of how many of its calls this node has the names: were it to die now, these would be in the ledger. */
  callsKnown: z.number().default(0),
  /** The member's own last word; null before the first. */
  says: z
    .object({
      role: z.string(),
      serving: z.string(),
      servingReason: z.string(),
      yield: z.string().nullable(),
      holds: z.boolean(),
      hearsUs: z.enum(["never", "heard", "late", "lost"]),
      software: z.string(),
      asterisk: z.string().nullable(),
      calls: z.number(),
      sameConfig: z.boolean(),
      zone: z.string().nullable(),
      draining: z.boolean(),
      blocked: z.boolean(),
      /** Of a witness that may start a stopped standby: what it makes of it. */
      coldStart: z.string().nullable().default(null),
      /** What it, as an observer, sees of the active. */
      verdict: z.object({ about: z.string(), verdict, heartbeat: verdict, sip: verdict, eip: verdict }).nullable(),
    })
    .nullable(),
});

const channel = z.object({ name: z.enum(["heartbeat", "sip", "eip"]), verdict, okAgeMs: ms.nullable(), misses: z.number().nullable(), proven: z.boolean() });
const reference = z.object({ side: z.enum(["private", "public"]), answers: z.boolean().nullable(), askedAgeMs: ms.nullable() });

const votes = z.object({
  target: z.string(),
  suspectedForMs: ms.nullable(),
  own: z.object({ verdict, channels: z.array(channel) }),
  witnesses: z.array(z.object({ observer: z.string(), verdict, heartbeat: verdict.nullable(), sip: verdict.nullable(), eip: verdict.nullable(), ageMs: ms.nullable(), counted: z.boolean() })),
  cloud: z.object({ verdict, reason: z.string() }),
  downs: z.number(),
  observers: z.number(),
  majority: z.boolean(),
  references: z.array(reference),
});

export const statusSchema = z.object({
  node: z.string(),
  cluster: z.string(),
  kind: z.enum(["node", "witness"]),
  software: z.string(),
  asterisk: z.string().nullable(),
  zone: z.string().nullable(),
  /** Why this node refuses new calls on purpose; null when it takes them. */
  draining: z.string().nullable(),
  incarnation: z.string(),
  at: z.string(),
  upMs: ms,
  role: z.enum(["starting", "standby", "claiming", "active", "witness"]),
  since: z.string(),
  roleForMs: ms,
  reason: z.string(),
  waitsFor: z.string(),
  /** null on a witness. */
  health: z
    .object({
      serving: z.enum(["serving", "degraded", "down", "unknown"]),
      reason: z.string(),
      forMs: ms,
      ariSocketOpen: z.boolean(),
      calls: z.number(),
      channels: z.number(),
      contactsReachable: z.number(),
      contactsUnreachable: z.number(),
      alertedQueues: z.number(),
      yielding: z.string().nullable(),
      probes: z.array(probe),
    })
    .nullable(),
  address: z.object({
    publicIp: z.string().nullable(),
    holder: z.string(),
    here: z.boolean(),
    forMs: ms,
    /** What one read has shown against the belief; null normally. */
    candidate: z.string().nullable(),
    /** Age of the last answer of EC2; null before the first, after a doubt, and on a witness. */
    readAgeMs: ms.nullable(),
    failures: z.number(),
    failure: failure.nullable(),
  }),
  members: z.array(member),
  /** null while there is nobody to watch. */
  votes: votes.nullable(),
  claim: z.object({ cause: z.enum(["quorum", "consent", "vacant", "switchover", "takeover"]), reason: z.string(), phase: z.string(), forMs: ms, contraryReads: z.number(), failure: failure.nullable() }).nullable(),
  /** What must hold before a claim of each cause; null unless this node is a standby. */
  gates: z.object({ consent: z.array(gate), quorum: z.array(gate), vacant: z.array(gate) }).nullable(),
  policy: z.object({
    pause: z.object({ reason: z.string(), setBy: z.string(), leftMs: ms.nullable() }).nullable(),
    blocked: z.boolean(),
    holdDownLeftMs: ms,
    claimsLastHour: z.number(),
    claimsPerHour: z.number(),
    retryInMs: ms,
  }),
  ready: z.object({ claim: z.boolean().nullable(), failure: failure.nullable(), mark: z.boolean().nullable() }),
  transitions: z.array(z.object({ at: z.string(), from: z.string(), to: z.string(), row: z.string(), reason: z.string() })),
  moves: z.array(z.object({ at: z.string(), from: z.string(), to: z.string(), reason: z.string() })),
  conditions: z.array(z.object({ name: z.string(), severity: z.enum(["warn", "error"]), about: z.string().nullable(), sentence: z.string() })),
  worstCase: z.array(z.object({ what: z.string(), ms, how: z.string() })),
  /** Refused connections and frames on the heartbeat port since the start, by kind. */
  refusals: z.record(z.string(), z.number()),
});

/** The answer of /status. */
export type StatusView = z.infer<typeof statusSchema>;
