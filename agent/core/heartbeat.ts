/**
 * What members say to each other, and its one codec. A frame is a small JSON object. Whatever arrives is untrusted
 * until decode() has accepted it: unknown fields are ignored, so that version N understands N+1; a missing or
 * ill-formed field is a refusal, never a default, except for fields that a version N-1 did not have yet.
 */
import { z } from "zod";
import type { NodeId } from "./types.ts";

/** The version that this code speaks, and the oldest that it understands. */
export const PROTOCOL_VERSION = 1;
export const PROTOCOL_OLDEST = 1;

/** No frame is longer, in either direction (bytes of UTF-8). */
export const FRAME_MAX_BYTES = 4096;

const nodeId = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/);
const verdict = z.enum(["up", "down", "unknown"]);
const sentence = z.string().max(200);
const count = z.int().min(0);
const orderId = z.string().regex(/^[0-9a-f]{16}$/);

const heartbeatSchema = z.object({
  v: z.int().min(1),
  kind: z.literal("heartbeat"),
  cluster: z.string().min(1).max(64),
  node: nodeId,
  /** Different at every start of the sender. */
  incarnation: z.string().regex(/^[0-9a-f]{16}$/),
  /** Grows by one with every heartbeat of an incarnation. */
  sequence: z.int().min(1),
  role: z.enum(["starting", "standby", "claiming", "active", "witness"]),
  /** `unknown` until the sender has measured its Asterisk, and always on a witness. */
  serving: z.enum(["serving", "degraded", "down", "unknown"]),
  servingReason: sentence,
  /** Set when the active asks to be relieved: why. */
  yield: sentence.nullable(),
  /** The sender believes, from EC2, that it holds the address. */
  holds: z.boolean(),
  /** The address itself, so that a witness, which has no AWS, can probe it. */
  publicIp: z.string().max(45).nullable(),
  pause: z.object({ revision: count, setBy: z.string().max(32), on: z.boolean(), reason: sentence, remainingMs: count.nullable() }),
  /** Does the sender hear the receiver? An active marks itself alive for a peer that no longer does. */
  hearsYou: z.enum(["never", "heard", "late", "lost"]),
  /** The receiver's last heartbeat and how long the sender has held it: gives the round trip. */
  echo: z.object({ sequence: count, heldMs: z.number().min(0) }).nullable(),
  /** The sender's verdict as an observer. */
  verdict: z.object({ about: nodeId, verdict, heartbeat: verdict, sip: verdict, eip: verdict }).nullable(),
  /** The generation of the receiver's call roster that the sender holds; null when none. */
  rosterHeld: count.nullable().default(null),
  /** The sender refuses new calls on purpose (503), while calls in progress go on. */
  draining: z.boolean().default(false),
  /** The newest alive mark that EC2 has confirmed to the sender; null when none since its start. Told after it, so no later sign of life than this heartbeat. */
  mark: count.nullable().default(null),
  /** The sender made too many claims within the hour, and makes none until an operator has looked. */
  blocked: z.boolean().default(false),
  /** The sender's availability zone, for people; null where it does not know it. */
  zone: z.string().max(32).nullable().default(null),
  /** What the sender's last dry run of a claim said; null before the first, and on a witness. */
  ready: z.boolean().nullable().default(null),
  /** The last switchover that was asked of the sender as the active. In the phase `yielding` it offers the address to `to`. */
  switchover: z.object({ id: orderId, to: nodeId.nullable(), phase: z.enum(["draining", "yielding", "withdrawing", "done", "failed", "refused", "checked"]), says: sentence, reason: z.string().max(100) }).nullable().default(null),
  /** What the sender's claim waits for, while an active offers it the address. */
  answer: sentence.nullable().default(null),
  /** Of a witness that may start a stopped standby: what it makes of it. null on all others. */
  coldStart: sentence.nullable().default(null),
  software: z.string().max(32),
  asterisk: z.string().max(32).nullable(),
  configDigest: z.string().max(32),
  calls: count,
});

/** One sign of life, with all that a member needs to know of the sender. */
export type Heartbeat = z.infer<typeof heartbeatSchema>;

const rosterSchema = z.object({
  v: z.int().min(1),
  kind: z.literal("roster"),
  cluster: z.string().min(1).max(64),
  node: nodeId,
  incarnation: z.string().regex(/^[0-9a-f]{16}$/),
  /** A snapshot's generation; deltas refer to the generation that they extend. */
  generation: count,
  /** Position of this frame in its snapshot or delta, from 0. */
  part: count,
  parts: z.int().min(1).max(4096),
  snapshot: z.boolean(),
  added: z.array(z.object({ id: z.string().max(64), party: z.string().max(64), sinceWallMs: count })).max(32),
  removed: z.array(z.string().max(64)).max(48),
});

/** A piece of the live call roster. Carries numbers: goes to the peer and to the ledger, nowhere else. */
export type RosterFrame = z.infer<typeof rosterSchema>;

const DAY_MS = 86_400_000;

const operationSchema = z.object({
  v: z.int().min(1),
  kind: z.literal("operation"),
  cluster: z.string().min(1).max(64),
  node: nodeId,
  incarnation: z.string().regex(/^[0-9a-f]{16}$/),
  /** Grows by one with every order of an incarnation: an old one is not carried out again. */
  operation: z.int().min(1),
  request: z.object({ id: orderId, to: nodeId.nullable(), drainMs: z.int().min(0).max(DAY_MS), reason: sentence, dryRun: z.boolean() }),
});

/** An operator's order, passed on to the node that it is for. */
export type OperationFrame = z.infer<typeof operationSchema>;

/** Everything that travels on the link. */
export type Frame = Heartbeat | RosterFrame | OperationFrame;

/** What decoding found. */
export type Decoded = { readonly ok: true; readonly frame: Frame } | { readonly ok: false; readonly refusal: "malformed" | "version" | "other-cluster" | "unknown-node" | "oversized"; readonly detail: string };

const headSchema = z.object({ v: z.int().min(1), kind: z.string().max(32), cluster: z.string().max(64), node: z.string().max(64) });

/** The text of a frame. Throws a RangeError when it would exceed FRAME_MAX_BYTES, which only a defect can cause. */
export function encodeFrame(frame: Frame): string {
  const text = JSON.stringify(frame);
  // Four bytes is the most that UTF-8 needs for a code unit pair; the exact count is only taken when it could matter.
  if (text.length > FRAME_MAX_BYTES / 4 && new TextEncoder().encode(text).length > FRAME_MAX_BYTES) throw new RangeError(`a ${frame.kind} frame of ${text.length} characters exceeds ${FRAME_MAX_BYTES} bytes`);
  return text;
}

/**
 * Accepts or refuses what came over the link from the member that authenticated as `sender` in `cluster`.
 * Refusals name the field at most, never its content.
 */
export function decodeFrame(text: string, cluster: string, sender: NodeId): Decoded {
  if (text.length > FRAME_MAX_BYTES) return { ok: false, refusal: "oversized", detail: `${text.length} characters` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, refusal: "malformed", detail: "not JSON" };
  }
  const head = headSchema.safeParse(value);
  if (!head.success) return { ok: false, refusal: "malformed", detail: fieldOf(head.error) };
  if (head.data.v < PROTOCOL_OLDEST || head.data.v > PROTOCOL_VERSION + 1) return { ok: false, refusal: "version", detail: `speaks version ${head.data.v}, this agent ${PROTOCOL_OLDEST} to ${PROTOCOL_VERSION + 1}` };
  if (head.data.cluster !== cluster) return { ok: false, refusal: "other-cluster", detail: "the frame names another cluster" };
  if (head.data.node !== sender) return { ok: false, refusal: "unknown-node", detail: "the frame names another node than the connection" };
  const schema = head.data.kind === "roster" ? rosterSchema : head.data.kind === "operation" ? operationSchema : heartbeatSchema;
  const parsed = schema.safeParse(value);
  if (!parsed.success) return { ok: false, refusal: "malformed", detail: fieldOf(parsed.error) };
  return { ok: true, frame: parsed.data };
}

function fieldOf(error: z.ZodError): string {
  const path = error.issues[0]?.path.join(".") ?? "";
  return path === "" ? "not an object" : `field ${path}`;
}
