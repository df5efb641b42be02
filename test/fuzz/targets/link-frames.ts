/** The way of frames from the wire to the driver: whole conversations of two members, mutated, doubled, out of order. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { makeFrameIntake } from "../../../agent/adapters/link-intake.ts";
import type { Heartbeat } from "../../../agent/core/heartbeat.ts";
import { CLUSTER, heartbeatOf, rosterOf } from "../../support/peer-frames.ts";
import { mutatedJsonText } from "../mutate.ts";
import { target } from "../target.ts";
import { assertSoundFrame } from "./heartbeat.ts";

const MEMBERS = ["b", "c"] as const;
const LIVES = ["00000000000000a1", "00000000000000b2", "00000000000000c3"] as const;

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ from: fc.constantFrom(...MEMBERS), life: fc.constantFrom(...LIVES), sequence: fc.integer({ min: 1, max: 12 }) }).map(({ from, life, sequence }) => ({ from, text: JSON.stringify(heartbeatOf(from, sequence, { incarnation: life })), deliver: false })) },
  { weight: 1, arbitrary: fc.record({ from: fc.constantFrom(...MEMBERS), life: fc.constantFrom(...LIVES) }).map(({ from, life }) => ({ from, text: JSON.stringify(rosterOf(from, { incarnation: life })), deliver: false })) },
  { weight: 2, arbitrary: fc.record({ from: fc.constantFrom(...MEMBERS), text: mutatedJsonText([heartbeatOf("b", 5), heartbeatOf("c", 5)], 2), deliver: fc.constant(false) }) },
  { weight: 3, arbitrary: fc.record({ from: fc.constantFrom(...MEMBERS), text: fc.constant(""), deliver: fc.constant(true) }) },
);

/** A later heartbeat within a life has a higher number, and a life that was superseded is over. */
function assertInOrder(heard: readonly Heartbeat[]): void {
  const over = new Set<string>();
  for (const [index, heartbeat] of heard.entries()) {
    const before = heard[index - 1];
    if (before !== undefined && before.incarnation !== heartbeat.incarnation) over.add(before.incarnation);
    assert.ok(!over.has(heartbeat.incarnation), "a former life spoke again");
    if (before?.incarnation === heartbeat.incarnation) assert.ok(heartbeat.sequence > before.sequence, "an old heartbeat was handed on");
  }
}

export const linkFrames = target({
  name: "link-frames",
  says: "conversations of two members, to the intake of the peer link with its guard against replays",
  inputs: fc.array(step, { maxLength: 40 }),
  schema: z.array(z.object({ from: z.enum(MEMBERS), text: z.string(), deliver: z.boolean() })),
  casesInSuite: 600,
  share: 40_000,
  open: () => ({
    feed(steps) {
      const heard = new Map<string, Heartbeat[]>();
      const waiting: (() => void)[] = [];
      const deliver = (): void => waiting.splice(0).forEach((each) => each());
      const handlers = {
        onHeartbeat: (from: string, heartbeat: Heartbeat) => {
          assertSoundFrame(heartbeat, from);
          heard.set(from, [...(heard.get(from) ?? []), heartbeat]);
        },
        onRoster: (from: string, frame: Parameters<typeof assertSoundFrame>[0]) => assertSoundFrame(frame, from),
        onOperation: (from: string, frame: Parameters<typeof assertSoundFrame>[0]) => assertSoundFrame(frame, from),
        onRefused: () => undefined,
        onConnection: () => undefined,
      };
      const intake = makeFrameIntake(CLUSTER, handlers, (work) => waiting.push(work));
      for (const { from, text, deliver: now } of steps) {
        if (now) deliver();
        else intake.receive(text, { node: from, claimed: from, address: "127.0.0.1" });
        assert.ok(waiting.length <= MEMBERS.length, "more waits than one heartbeat a member");
      }
      deliver();
      for (const each of heard.values()) assertInOrder(each);
      return heard.size > 0;
    },
  }),
});
