import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeFrame, encodeFrame, FRAME_MAX_BYTES, type RosterFrame } from "../../agent/core/heartbeat.ts";
import { LINK_LIMITS } from "../../agent/adapters/link-guard.ts";
import { EMPTY_ROSTER, foldEnded, foldListing, foldRosterFrame, framesFor, generationHeld, listingIntervalMs, publish, ROSTER_MAX, type Call, type OwnRoster, type PeerRoster } from "../../agent/core/roster.ts";
import { clusterFrom, perform } from "../simulation/commands.ts";

const identity = { cluster: "lab", node: "node-a", incarnation: "00000000000000a1" };
const call = (id: number): Call => ({ id: `1700000000.${id}`, party: `+4930${id}`, sinceWallMs: 1_700_000_000_000 + id });
const listed = (ids: readonly number[], from: OwnRoster = EMPTY_ROSTER): OwnRoster => publish(foldListing(from, ids.map(call), 5, 0));
const held = (roster: PeerRoster | undefined): readonly string[] => [...(roster?.calls.keys() ?? [])].toSorted();

/** Everything through the codec, as on the wire. */
function receive(roster: PeerRoster | undefined, frames: readonly RosterFrame[]): PeerRoster | undefined {
  return frames.reduce<PeerRoster | undefined>((known, frame) => {
    const decoded = decodeFrame(encodeFrame(frame), "lab", "node-a");
    assert.ok(decoded.ok && decoded.frame.kind === "roster");
    return foldRosterFrame(known, decoded.frame);
  }, roster);
}

describe("the call roster", () => {
  it("reaches a peer that knows nothing as a snapshot, and then as deltas", () => {
    const first = listed([1, 2, 3]);
    const snapshot = framesFor(first, null, identity);
    let peer = receive(undefined, snapshot);
    assert.ok(snapshot.every((frame) => frame.snapshot));
    assert.deepEqual(held(peer), [1, 2, 3].map((id) => call(id).id));
    const second = publish(foldEnded(foldListing(first, [1, 2, 3, 4].map(call), 5, 0), call(2).id));
    const delta = framesFor(second, generationHeld(peer, identity.incarnation), identity);
    assert.deepEqual(delta.map((frame) => [frame.snapshot, frame.added.length, frame.removed.length]), [[false, 0, 1], [false, 1, 0]]);
    peer = receive(peer, delta);
    assert.deepEqual(held(peer), [1, 3, 4].map((id) => call(id).id));
    assert.deepEqual(framesFor(second, generationHeld(peer, identity.incarnation), identity), []);
  });

  it("heals after lost frames with a snapshot, whatever was lost", () => {
    fc.assert(fc.property(fc.array(fc.record({ calls: fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { maxLength: 120 }), lost: fc.array(fc.nat(8)) }), { maxLength: 12 }), (rounds) => {
      let own = EMPTY_ROSTER;
      let peer: PeerRoster | undefined;
      for (const { calls, lost } of rounds) {
        own = publish(foldListing(own, calls.map(call), 5, 0));
        const frames = framesFor(own, generationHeld(peer, identity.incarnation), identity);
        peer = receive(peer, frames.filter((frame) => !lost.includes(frame.part)));
      }
      peer = receive(peer, framesFor(own, generationHeld(peer, identity.incarnation), identity));
      if (own.generation > 0) assert.deepEqual(held(peer), [...own.published.keys()].toSorted());
    }), { numRuns: 200 });
  });

  it("makes one generation of many calls that end between two heartbeats", () => {
    const many = listed([1, 2, 3, 4, 5]);
    const ended = publish([1, 2, 3].reduce((roster, id) => foldEnded(roster, call(id).id), many));
    assert.equal(ended.generation, many.generation + 1);
    assert.equal(publish(foldListing(ended, [4, 5].map(call), 5, 0)).generation, ended.generation, "the same calls again are no news");
  });

  it("forgets a peer's calls of an earlier life, and drops deltas that do not fit", () => {
    const peer = receive(undefined, framesFor(listed([1, 2]), null, identity));
    const reborn = foldRosterFrame(peer, { v: 1, kind: "roster", cluster: "lab", node: "node-a", incarnation: "00000000000000b2", generation: 7, part: 0, parts: 1, snapshot: false, added: [], removed: [] });
    assert.deepEqual([reborn.generation, held(reborn)], [0, []]);
    assert.equal(generationHeld(peer, "00000000000000b2"), null);
  });

  it("fits its frames into the bound of the link, with the longest ids and parties", () => {
    const long = Array.from({ length: 100 }, (_, index) => ({ id: `${index}`.padEnd(64, "x"), party: "😀".repeat(32), sinceWallMs: Number.MAX_SAFE_INTEGER }));
    const frames = framesFor(publish(foldListing(EMPTY_ROSTER, long, 5, 0)), null, identity);
    for (const frame of frames) assert.ok(Buffer.byteLength(encodeFrame(frame)) <= FRAME_MAX_BYTES);
    assert.equal(frames.reduce((sum, frame) => sum + frame.added.length, 0), 100);
  });

  it("lists more rarely when a listing takes long: one percent of a core at the most", () => {
    assert.equal(listingIntervalMs({ ...EMPTY_ROSTER, listingMs: 3 }, { rosterIntervalMs: 2000 }), 2000);
    assert.equal(listingIntervalMs({ ...EMPTY_ROSTER, listingMs: 74 }, { rosterIntervalMs: 2000 }), 7400);
  });

  it("holds a bounded number of calls, the oldest first", () => {
    const roster = listed(Array.from({ length: ROSTER_MAX + 10 }, (_, id) => id));
    assert.equal(roster.calls.size, ROSTER_MAX);
    assert.ok(roster.calls.has(call(0).id) && !roster.calls.has(call(ROSTER_MAX + 5).id));
  });

  it("travels as deltas from a busy node, in far fewer frames than the link lets through", () => {
    const cluster = clusterFrom("cluster nodes=2 holder=node-a");
    // An acknowledgement takes longer than until the next heartbeat, as it does wherever the two agents' heartbeats fall badly.
    for (const sentence of ["start everything", "run 30 s", "delay by 140 ms between node-a and node-b", "node-a carries 1000 calls", "run 10 s"]) perform(cluster, sentence);
    const frames: RosterFrame[] = [];
    cluster.onStep((member, _before, _event, { actions }) => { if (member === "node-a") for (const action of actions) if (action.type === "sendRoster") frames.push(...action.frames); });
    const seconds = 20;
    // Every fifth of a second somebody hangs up: there is news at every heartbeat.
    for (let left = 999; left >= 1_000 - seconds * 5; left -= 1) for (const sentence of [`node-a carries ${left} calls`, "run 200 ms"]) perform(cluster, sentence);
    assert.ok(frames.length > seconds, "it tells what it knows");
    assert.deepEqual(frames.filter(({ snapshot }) => snapshot).length, 0, "the peer has the generation before");
    assert.ok(frames.length / seconds < LINK_LIMITS.framesPerSecond / 4);
    perform(cluster, "run 5 s");
    assert.deepEqual([...(cluster.member("node-b").state?.peerRosters["node-a"]?.calls.keys() ?? [])].toSorted(), cluster.member("node-a").calls.map(({ id }) => id).toSorted());
  });
});
