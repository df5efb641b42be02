// How a call of the Stasis app has ended whose channel was gone when the line to Asterisk came back.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { AriLink } from "../../agent/stasis-app/calls/ari-link.ts";
import { LiveCall } from "../../agent/stasis-app/calls/live-call.ts";
import { parseCampaign } from "../../agent/stasis-app/core/campaign.ts";
import type { CallBook } from "../../agent/stasis-app/store/call-book.ts";
import type { CallRow } from "../../agent/stasis-app/store/call-row.ts";

const campaign = parseCampaign("autumn-appeal.json", readFileSync("agent/stasis-app/samples/autumn-appeal.json", "utf8"));
const DAY = new Date(0);
const ROW: CallRow = { callId: "in-1", direction: "in", campaignId: campaign.campaign, contactId: null, phoneNumber: "+49301000001", audio: null, state: "up", result: null, attempts: 1, failures: {}, notBefore: DAY, owner: "node-a:1", channelId: "in-1", menuNode: null, createdAt: DAY, endedAt: null };
const ignore = (): void => undefined;
/** Does whatever it is asked, and says nothing. */
const willing = new Proxy({}, { get: () => () => Promise.resolve(null) }) as unknown as AriLink;

/** An answered caller's call, and how its end is written down. */
function answered(): { readonly call: LiveCall; readonly ended: readonly unknown[][]; readonly written: () => Promise<void> } {
  const ended: unknown[][] = [];
  const book = new Proxy({}, { get: (_target, name) => (...words: unknown[]) => Promise.resolve(name === "ended" && ended.push(words)) }) as unknown as CallBook;
  const call = new LiveCall(ROW, campaign, "in-1", {
    ari: willing, book, monotonicMs: () => 0, stop: new AbortController().signal,
    name: ignore, forget: ignore, over: ignore, hangUp: ignore, booked: ignore, onTrouble: ignore, onReaction: ignore,
  });
  call.entered();
  return { call, ended, written: () => call.written() };
}

describe("a call whose channel is gone when the line comes back", () => {
  it("was cut when nobody had told that it would end", async () => {
    const { call, ended, written } = answered();
    call.vanished();
    await written();
    assert.deepEqual(ended, [["in-1", "cut", null]]);
  });

  it("has ended in order when this app had hung it up: the caller is not rung back", async () => {
    const { call, ended, written } = answered();
    call.end("answered");
    call.vanished();
    await written();
    assert.deepEqual(ended, [["in-1", "answered", 16]]);
  });

  it("has ended in order when the other side's hang-up was told before", async () => {
    const { call, ended, written } = answered();
    call.hungUp(0);
    call.vanished();
    await written();
    assert.deepEqual(ended, [["in-1", "answered", 16]]);
  });
});
