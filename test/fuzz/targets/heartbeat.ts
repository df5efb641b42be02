/** The heartbeat codec: mutated frames, as JSON and as text. */
import assert from "node:assert/strict";
import { z } from "zod";
import { decodeFrame, FRAME_MAX_BYTES, PROTOCOL_OLDEST, PROTOCOL_VERSION, type Frame, type Heartbeat, type OperationFrame, type RosterFrame } from "../../../agent/core/heartbeat.ts";
import { CLUSTER, heartbeatOf, operationOf, rosterOf } from "../../support/peer-frames.ts";
import { assertSameJson } from "../judge.ts";
import { betraysCanary, mutatedJsonText, type Json } from "../mutate.ts";
import { target } from "../target.ts";

const SENDER = "b";
/** A refusal's detail names a field; it goes to the log. */
const DETAIL_MAX = 100;

/** Good frames to begin with; peers' and witnesses', small and full. */
const FRAME_SEEDS = [
  heartbeatOf(SENDER, 7),
  heartbeatOf(SENDER, 8, { role: "standby", holds: false, echo: null, verdict: { about: "a", verdict: "down", heartbeat: "down", sip: "unknown", eip: "down" }, yield: "its Asterisk is down", pause: { revision: 3, setBy: "a", on: true, reason: "maintenance", remainingMs: 60_000 } }),
  heartbeatOf(SENDER, 1, { role: "witness", serving: "unknown", publicIp: null, asterisk: null }),
  heartbeatOf(SENDER, 9, { switchover: { id: "00000000000000d1", to: "a", phase: "yielding", says: "offered", reason: "new kernel" }, answer: "EC2 is read", ready: false }),
  operationOf(SENDER, 1),
  rosterOf(SENDER),
  rosterOf(SENDER, { snapshot: false, removed: ["1700000000.9"], added: Array.from({ length: 24 }, (_, call) => ({ id: `1700000000.${call}`, party: "someone", sinceWallMs: 1_700_000_000_000 })) }),
] as unknown as readonly Json[];

/** What every accepted frame is, whatever was sent. */
export function assertSoundFrame(frame: Frame, sender: string): void {
  assert.equal(frame.node, sender);
  assert.equal(frame.cluster, CLUSTER);
  assert.ok(frame.v >= PROTOCOL_OLDEST && frame.v <= PROTOCOL_VERSION + 1, "a version that this agent does not understand");
  assert.match(frame.incarnation, /^[0-9a-f]{16}$/);
  if (frame.kind === "heartbeat") assertSoundHeartbeat(frame);
  else if (frame.kind === "roster") assertSoundRoster(frame);
  else assertSoundOperation(frame);
}

/** As the schemas count: code points, of which a character beyond U+FFFF is one. */
function assertShort(text: string | null, most: number): void {
  assert.ok(Array.from(text ?? "").length <= most, `more than ${most} characters: ${JSON.stringify(text)}`);
}

function assertSoundHeartbeat(frame: Heartbeat): void {
  assert.ok(Number.isSafeInteger(frame.sequence) && frame.sequence >= 1, "a sequence that is no positive whole number");
  assert.ok(Number.isSafeInteger(frame.calls) && frame.calls >= 0, "a number of calls that is none");
  assert.ok(frame.echo === null || (Number.isFinite(frame.echo.heldMs) && frame.echo.heldMs >= 0 && Number.isSafeInteger(frame.echo.sequence)), "an echo that gives no round trip");
  assert.ok(frame.pause.remainingMs === null || (Number.isSafeInteger(frame.pause.remainingMs) && frame.pause.remainingMs >= 0), "a pause whose end is no number");
  for (const text of [frame.servingReason, frame.yield, frame.pause.reason, frame.answer, frame.switchover?.says ?? null]) assertShort(text, 200);
  for (const text of [frame.software, frame.asterisk, frame.configDigest, frame.pause.setBy]) assertShort(text, 32);
  assertShort(frame.publicIp, 45);
  for (const flag of [frame.holds, frame.pause.on]) assert.equal(typeof flag, "boolean");
}

function assertSoundOperation({ operation, request }: OperationFrame): void {
  assert.ok(Number.isSafeInteger(operation) && operation >= 1, "an order without a number");
  assert.match(request.id, /^[0-9a-f]{16}$/);
  assert.ok(Number.isSafeInteger(request.drainMs) && request.drainMs >= 0 && request.drainMs <= 86_400_000, "a drain without an end");
  assertShort(request.reason, 200);
  assert.equal(typeof request.dryRun, "boolean");
}

function assertSoundRoster(frame: RosterFrame): void {
  for (const number of [frame.generation, frame.part, frame.parts]) assert.ok(Number.isSafeInteger(number) && number >= 0, "a position in the roster that is none");
  assert.ok(frame.added.length <= 32 && frame.removed.length <= 48, "more calls than a frame may carry");
  for (const { id, party, sinceWallMs } of frame.added) {
    assertShort(id, 64);
    assertShort(party, 64);
    assert.ok(Number.isSafeInteger(sinceWallMs), "a call without a beginning");
  }
}

export const heartbeat = target({
  name: "heartbeat",
  says: "text of a frame, to the codec of the peer link",
  inputs: mutatedJsonText(FRAME_SEEDS),
  schema: z.string(),
  casesInSuite: 4_000,
  share: 300_000,
  open: () => ({
    feed(text) {
      const decoded = decodeFrame(text, CLUSTER, SENDER);
      if (!decoded.ok) {
        assert.ok(decoded.detail.length <= DETAIL_MAX && !betraysCanary(decoded.detail), `the refusal says: ${decoded.detail}`);
        return false;
      }
      assertSoundFrame(decoded.frame, SENDER);
      const again = JSON.stringify(decoded.frame);
      if (again.length > FRAME_MAX_BYTES) return true;
      const twice = decodeFrame(again, CLUSTER, SENDER);
      assert.ok(twice.ok, "what was accepted is refused when it is sent on");
      assertSameJson(twice.frame, decoded.frame, "what was accepted changes when it is sent on");
      return true;
    },
  }),
});
