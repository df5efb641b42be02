/** The way of the call roster: ARI's list of channels, our frames, the peer's copy. Callers choose part of what is in it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { callsOf } from "../../../agent/adapters/ari-calls.ts";
import { decodeFrame, encodeFrame } from "../../../agent/core/heartbeat.ts";
import { EMPTY_ROSTER, foldListing, foldRosterFrame, framesFor, publish, type OwnRoster, type PeerRoster } from "../../../agent/core/roster.ts";
import { CLUSTER, FIRST_LIFE } from "../../support/peer-frames.ts";
import { assertSameJson, valueOrRefused } from "../judge.ts";
import { CANARY, mutatedJsonText, oddJson, type Json } from "../mutate.ts";
import { target } from "../target.ts";
import { assertSoundFrame } from "./heartbeat.ts";

const SELF = "a";
const identity = { cluster: CLUSTER, node: SELF, incarnation: FIRST_LIFE };
const channel = (number: number, party: string): Json => ({ id: `1700000000.${number}`, name: `PJSIP/phone-${number}`, state: "Up", creationtime: "2026-11-20T10:00:00.000+0000", caller: { name: "x", number: party }, connected: { name: "", number: "" }, language: "en" });

/** What a caller may put into the From header. */
const party = fc.oneof(fc.constantFrom("+4930123456", "", "\ud83d\ude00".repeat(40), "\u0000".repeat(70), "\\".repeat(64), '"'.repeat(64), "\ud800".repeat(64), "é".repeat(100), CANARY), fc.string({ unit: "binary", maxLength: 80 }));
const listing = fc.oneof(
  fc.array(party, { maxLength: 60 }).map((parties) => JSON.stringify(parties.map((each, index) => channel(index, each)))),
  mutatedJsonText([[channel(1, "+4930123456"), channel(2, "102")], []]),
  fc.array(fc.tuple(party, oddJson), { maxLength: 30 }).map((all) => JSON.stringify(all.map(([each, odd], index) => ({ ...(channel(index, each) as Record<string, Json>), id: typeof odd === "string" ? odd : `id-${index}` })))),
);

/** Sends what the peer lacks; returns what it has then. */
function send(own: OwnRoster, peer: PeerRoster | undefined, peerHas: number | null): PeerRoster | undefined {
  let copy = peer;
  for (const frame of framesFor(own, peerHas, identity)) {
    const decoded = decodeFrame(encodeFrame(frame), CLUSTER, SELF);
    assert.ok(decoded.ok, `the peer refuses our roster: ${decoded.ok ? "" : decoded.detail}`);
    assertSoundFrame(decoded.frame, SELF);
    assert.ok(decoded.frame.kind === "roster", "a frame that is no roster");
    copy = foldRosterFrame(copy, decoded.frame);
  }
  return copy;
}

export const roster = target({
  name: "roster",
  says: "ARI's lists of channels, through our roster and its frames to the peer's copy",
  inputs: fc.array(listing, { minLength: 1, maxLength: 3 }),
  schema: z.array(z.string()),
  casesInSuite: 600,
  share: 40_000,
  open: () => ({
    feed(listings) {
      let own = EMPTY_ROSTER;
      let peer: PeerRoster | undefined;
      let accepted = false;
      for (const text of listings) {
        const calls = valueOrRefused(() => callsOf(text), { codes: ["AGENT_ARI_FAILED"], secret: true });
        if (calls === null) continue;
        accepted = true;
        own = publish(foldListing(own, calls.value, 1, 0));
        peer = send(own, peer, peer?.generation ?? null);
        if (own.generation === 0) continue;
        assertSameJson([...(peer?.calls.keys() ?? [])].toSorted(), [...own.published.keys()].toSorted(), "the peer's copy names other calls");
      }
      return accepted;
    },
  }),
});
