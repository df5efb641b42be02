import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeFrameIntake } from "../../agent/adapters/link-intake.ts";
import { makeReplayGuard } from "../../agent/adapters/replay-guard.ts";
import { encodeFrame, FRAME_MAX_BYTES } from "../../agent/core/heartbeat.ts";
import { CLUSTER, heartbeatOf, operationOf, recorder, rosterOf } from "../support/peer-frames.ts";

const life = (number: number): string => number.toString(16).padStart(16, "0");

describe("replay guard", () => {
  it("wants sequences to grow within an incarnation; gaps are the network's business", () => {
    const guard = makeReplayGuard();
    assert.deepEqual([3, 4, 9, 9, 8, 10].map((sequence) => guard.accept(heartbeatOf("b", sequence))), [true, true, true, false, false, true]);
  });

  it("begins anew with a new incarnation, and never goes back to an old one", () => {
    const guard = makeReplayGuard();
    const beat = (incarnation: number, sequence: number): boolean => guard.accept(heartbeatOf("b", sequence, { incarnation: life(incarnation) }));
    assert.deepEqual([beat(1, 5), beat(2, 1), beat(1, 6), beat(2, 2), beat(3, 1), beat(2, 3), beat(1, 7), beat(3, 2)], [true, true, false, true, true, false, false, true]);
  });

  it("lets roster frames through unless their incarnation is over", () => {
    const guard = makeReplayGuard();
    assert.deepEqual([guard.accept(rosterOf("b", { incarnation: life(1) })), guard.accept(rosterOf("b", { incarnation: life(1) })), guard.accept(heartbeatOf("b", 1, { incarnation: life(2) })), guard.accept(rosterOf("b", { incarnation: life(1) }))], [true, true, true, false]);
  });

  it("carries an operator's order out once: each must have a higher number, and a former life has none to give", () => {
    const guard = makeReplayGuard();
    const order = (incarnation: number, operation: number): boolean => guard.accept(operationOf("b", operation, { incarnation: life(incarnation) }));
    assert.deepEqual([order(1, 1), order(1, 1), guard.accept(heartbeatOf("b", 1, { incarnation: life(1) })), order(1, 3), order(1, 2), order(2, 1), order(1, 4)], [true, false, true, true, false, true, false]);
  });

  it("remembers a bounded number of former lives, the latest of them", () => {
    const guard = makeReplayGuard();
    for (let incarnation = 1; incarnation <= 1000; incarnation += 1) assert.equal(guard.accept(heartbeatOf("b", 1, { incarnation: life(incarnation) })), true);
    for (let incarnation = 999; incarnation > 936; incarnation -= 1) assert.equal(guard.accept(heartbeatOf("b", 2, { incarnation: life(incarnation) })), false);
  });
});

describe("frame intake", () => {
  function makeIntake(): { readonly intake: ReturnType<typeof makeFrameIntake>; readonly seen: ReturnType<typeof recorder>["seen"]; readonly endBatch: () => void } {
    const { seen, handlers } = recorder();
    const deferred: (() => void)[] = [];
    const intake = makeFrameIntake(CLUSTER, handlers, (deliver) => deferred.push(deliver));
    return { intake, seen, endBatch: () => deferred.splice(0).forEach((deliver) => deliver()) };
  }
  const origin = (node: string): { node: string; claimed: string; address: string } => ({ node, claimed: `${CLUSTER}/${node}/k1`, address: "10.0.2.10" });

  it("hands on only the newest heartbeat of a batch, so that a yield that was taken back is not acted upon", () => {
    const { intake, seen, endBatch } = makeIntake();
    intake.receive(encodeFrame(heartbeatOf("b", 1, { yield: "its Asterisk does not answer" })), origin("b"));
    intake.receive(encodeFrame(heartbeatOf("c", 7)), origin("c"));
    intake.receive(encodeFrame(heartbeatOf("b", 2)), origin("b"));
    assert.equal(seen.heartbeats.length, 0);
    endBatch();
    assert.deepEqual(seen.heartbeats.map(({ from, heartbeat }) => [from, heartbeat.sequence, heartbeat.yield]), [["b", 2, null], ["c", 7, null]]);
    intake.receive(encodeFrame(heartbeatOf("b", 3)), origin("b"));
    endBatch();
    assert.equal(seen.heartbeats.at(-1)?.heartbeat.sequence, 3);
  });

  it("hands on an operator's order at once, and refuses it when it comes again", () => {
    const { intake, seen } = makeIntake();
    for (let times = 0; times < 2; times += 1) intake.receive(encodeFrame(operationOf("b", 1)), origin("b"));
    assert.deepEqual([seen.operations.map(({ from }) => from), seen.refusals.map(({ refusal }) => refusal)], [["b"], ["replayed"]]);
  });

  it("hands on every roster frame, in order", () => {
    const { intake, seen } = makeIntake();
    for (const part of [0, 1, 2]) intake.receive(encodeFrame(rosterOf("b", { part, parts: 3 })), origin("b"));
    assert.deepEqual(seen.rosters.map(({ frame }) => frame.part), [0, 1, 2]);
  });

  it("reports a refusal with what the sender claimed, and hands nothing on", () => {
    const { intake, seen, endBatch } = makeIntake();
    intake.receive("x".repeat(FRAME_MAX_BYTES + 1), origin("b"));
    intake.receive("{", origin("b"));
    intake.receive(encodeFrame(heartbeatOf("c", 1)), origin("b"));
    intake.receive(encodeFrame(heartbeatOf("b", 1)), origin("b"));
    intake.receive(encodeFrame(heartbeatOf("b", 1)), origin("b"));
    endBatch();
    assert.deepEqual(seen.refusals.map((entry) => entry.refusal), ["oversized", "malformed", "unknown-node", "replayed"]);
    assert.deepEqual(seen.refusals[0], { refusal: "oversized", claimed: `${CLUSTER}/b/k1`, address: "10.0.2.10" });
    assert.equal(seen.heartbeats.length, 1);
  });

  it("is silent once it was stopped, also about what was already waiting", () => {
    const { intake, seen, endBatch } = makeIntake();
    intake.receive(encodeFrame(heartbeatOf("b", 1)), origin("b"));
    intake.stop();
    intake.receive("{", origin("b"));
    endBatch();
    assert.deepEqual([seen.heartbeats, seen.refusals], [[], []]);
  });
});
