// An hour without the sink: a real MariaDB with the real outbox, the real sender and the real webhook, whose server does not listen, then
// answers 503, then does not listen again. Only the sender's pauses are simulated: each takes no time and moves the clock. The app is
// restarted in the middle, and calls go on all the while.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { parseCampaign } from "../../agent/stasis-app/core/campaign.ts";
import type { CallEvent } from "../../agent/stasis-app/core/event.ts";
import { EventSender } from "../../agent/stasis-app/sinks/sender.ts";
import { WebhookSink } from "../../agent/stasis-app/sinks/webhook-sink.ts";
import { CallBook } from "../../agent/stasis-app/store/call-book.ts";
import { CallQueue } from "../../agent/stasis-app/store/call-queue.ts";
import type { Database } from "../../agent/stasis-app/store/database.ts";
import { Outbox } from "../../agent/stasis-app/store/outbox.ts";
import { openAppDatabase, type AppDatabase } from "../support/stasis-app/app-database.ts";
import { Receiver } from "../support/stasis-app/receiver.ts";
import { waitUntil } from "../support/wait-until.ts";

const HOUR_MS = 3_600_000;
const CALLS = 60;
const sample = parseCampaign("autumn-appeal.json", readFileSync("agent/stasis-app/samples/autumn-appeal.json", "utf8"));
const STORY = ["accepted", "started", "answered", "digit", "ended"];

describe("an hour without the sink", () => {
  let app: AppDatabase;
  let database: Database;
  before(async () => {
    app = await openAppDatabase();
    ({ database } = app);
  });
  after(() => app.close());

  /** One call from its acceptance to its end, with all its events. */
  async function makeCall(index: number): Promise<void> {
    const queue = new CallQueue(database, "node-a", "node-a:1");
    const book = new CallBook(database, "node-a", "node-a:1", new Map([[sample.campaign, sample]]));
    await queue.renewLease(60_000);
    await queue.accept({ callId: `call-${index}`, phoneNumber: `+4930${1_000_000 + index}`, campaignId: sample.campaign, contactId: null, audio: null });
    const [call] = await queue.claim(sample.campaign, 1);
    assert.ok(call?.channelId);
    await book.answered(call.channelId);
    await book.tell(call.channelId, "digit", { digit: "1" });
    await book.ended(call.channelId, "answered", 16);
  }

  it("loses nothing, keeps each call's order, asks now and then and not all the time, through a restart in the middle", async () => {
    const receiver = new Receiver();
    await receiver.open();
    await receiver.close();
    let nowMs = 0;
    let made = 0;
    let tries = 0;
    let random = 0;
    const stages: { readonly atMs: number; readonly run: () => Promise<void> | void }[] = [
      { atMs: HOUR_MS / 4, run: async () => { receiver.status = 503; await receiver.open(); } },
      { atMs: HOUR_MS / 2, run: () => { restartDue = true; } },
      { atMs: (3 * HOUR_MS) / 4, run: () => receiver.close() },
      { atMs: HOUR_MS, run: async () => { receiver.status = 204; await receiver.open(); } },
    ];
    let restartDue = false;
    const pause = async (ms: number): Promise<void> => {
      nowMs += ms;
      while (nowMs >= (stages[0]?.atMs ?? Infinity)) await stages.shift()?.run();
      if (made < CALLS) await makeCall(made++);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const startSender = (): EventSender => {
      const sink = new WebhookSink(`http://127.0.0.1:${receiver.port}/events`, () => "key-of-the-webhook", () => Date.now());
      const counted = { name: sink.name, close: () => { sink.close(); }, deliver: (event: CallEvent, signal: AbortSignal) => { tries += nowMs < HOUR_MS ? 1 : 0; return sink.deliver(event, signal); } };
      const sender = new EventSender({ outbox: new Outbox(database), sink: counted, random: () => (random = (random + 0.37) % 1), mayRun: () => true, onTrouble: () => undefined, wait: pause });
      sender.start();
      return sender;
    };

    let sender = startSender();
    await waitUntil("half an hour", () => restartDue, 60_000);
    await sender.close();
    sender = startSender();
    const outbox = new Outbox(database);
    await waitUntil("the hour to be over and all to be delivered", async () => nowMs >= HOUR_MS && made === CALLS && (await outbox.waiting()).count === 0, 60_000);
    await sender.close();
    await receiver.close();

    const arrived = receiver.bodies.map((body) => JSON.parse(body) as CallEvent);
    for (let index = 0; index < CALLS; index += 1) {
      const events = arrived.filter(({ callId }) => callId === `call-${index}`);
      const first = events.filter((event, at) => events.findIndex(({ id }) => id === event.id) === at);
      assert.deepEqual(first.map(({ type }) => type), STORY, `call-${index}`);
      assert.deepEqual(first.map(({ number }) => number), [1, 2, 3, 4, 5]);
    }
    assert.ok(tries > 60 && tries < 600, `the sink was asked ${tries} times in the hour`);
  });
});
