// The Stasis app's queue, book and outbox against a real MariaDB: what must hold when two nodes use the same rows.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { readFileSync } from "node:fs";
import { AriLink } from "../../agent/stasis-app/calls/ari-link.ts";
import { Dialler } from "../../agent/stasis-app/calls/dialler.ts";
import { Runner } from "../../agent/stasis-app/calls/runner.ts";
import { parseCampaign, type Campaign } from "../../agent/stasis-app/core/campaign.ts";
import type { CallEvent } from "../../agent/stasis-app/core/event.ts";
import { CallBook } from "../../agent/stasis-app/store/call-book.ts";
import { CallQueue } from "../../agent/stasis-app/store/call-queue.ts";
import type { Database } from "../../agent/stasis-app/store/database.ts";
import { readFigures } from "../../agent/stasis-app/store/figures.ts";
import { Outbox } from "../../agent/stasis-app/store/outbox.ts";
import type { LabMariaDb } from "../support/lab/mariadb.ts";
import { openAppDatabase, type AppDatabase } from "../support/stasis-app/app-database.ts";
import { waitUntil } from "../support/wait-until.ts";

const sample = parseCampaign("autumn-appeal.json", readFileSync("agent/stasis-app/samples/autumn-appeal.json", "utf8"));
const campaigns: ReadonlyMap<string, Campaign> = new Map([["appeal", { ...sample, campaign: "appeal", retry: { ...sample.retry, busy: { tries: 2, waitSeconds: 0 } }, cut: { ...sample.cut, tries: 2, waitSeconds: 0 } }]]);
const LEASE_MS = 60_000;

/** One run of the app on a node. */
interface Run {
  readonly queue: CallQueue;
  readonly book: CallBook;
}

let app: AppDatabase;
let server: LabMariaDb;
let database: Database;
let outbox: Outbox;

function runOn(node: string, incarnation = "1"): Run {
  const owner = `${node}:${incarnation}`;
  return { queue: new CallQueue(database, node, owner), book: new CallBook(database, node, owner, campaigns) };
}

const request = (callId: string, phoneNumber = `+4930${callId.replace(/\D/g, "").padStart(7, "0")}`) => ({ callId, phoneNumber, campaignId: "appeal", contactId: "c1", audio: null });

async function claimOne(run: Run): Promise<string> {
  const [call] = await run.queue.claim("appeal", 1);
  assert.ok(call?.channelId, "a call is claimed");
  return call.channelId;
}

/** Takes events out as the sink would, until there are none. */
async function drain(): Promise<readonly CallEvent[]> {
  const events: CallEvent[] = [];
  for (;;) {
    const due = await outbox.due(100);
    if (due.length === 0) return events;
    events.push(...due.map(({ event }) => event));
    await outbox.sent(due.map(({ id }) => id));
  }
}

before(async () => {
  app = await openAppDatabase();
  ({ server, database } = app);
  outbox = new Outbox(database);
});

after(() => app.close());

beforeEach(() => app.empty());

describe("the queue", () => {
  it("takes the same callId as one call, and another call under it not at all", async () => {
    const { queue } = runOn("node-a");
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => queue.accept(request("k1")))).then((all) => all.toSorted()), ["accepted", "same", "same"]);
    assert.equal(await queue.accept(request("k1", "+49309999999")), "different");
    assert.deepEqual((await drain()).map(({ type, number }) => [type, number]), [["accepted", 1]]);
  });

  it("refuses numbers that must not be called, also those that are put on the list while they wait", async () => {
    const { queue, book } = runOn("node-a");
    await queue.renewLease(LEASE_MS);
    await queue.accept(request("k1"));
    const channelId = await claimOne({ queue, book });
    await queue.accept({ ...request("k2"), phoneNumber: request("k1").phoneNumber });
    assert.equal(await book.optOut(channelId), true);
    assert.equal(await queue.accept({ ...request("k3"), phoneNumber: request("k1").phoneNumber }), "do-not-call");
    assert.deepEqual(await queue.claim("appeal", 10), []);
    assert.equal((await queue.get("k2"))?.result, "do-not-call");
    assert.equal(await queue.get("k3"), null);
  });

  it("does not call a number that has opted out as a caller, in whatever shape the carrier has sent it", async () => {
    const { queue, book } = runOn("node-a");
    await queue.renewLease(LEASE_MS);
    for (const [index, shape] of ["4930111", "004930112", "+4930113"].entries()) {
      const channelId = `node-a-1.${index}`;
      await book.cameIn({ channelId, campaignId: "appeal", phoneNumber: `${shape}0000` });
      await book.optOut(channelId);
      assert.equal(await queue.accept(request(`k${index}`, `+493011${index + 1}0000`)), "do-not-call", shape);
      await book.answered(channelId);
      await book.ended(channelId, "cut", null);
    }
    assert.deepEqual(await queue.claim("appeal", 10), [], "nor are they rung back");
    assert.equal((await queue.get("back-in-node-a-1.0"))?.result, "do-not-call");
  });

  it("gives every call to one of two nodes that claim at the same time", async () => {
    const [a, b] = [runOn("node-a"), runOn("node-b")];
    for (const { queue } of [a, b]) await queue.renewLease(LEASE_MS);
    for (let index = 0; index < 60; index += 1) await a.queue.accept(request(`k${index}`));
    const claimed = (await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? a : b).queue.claim("appeal", 5)))).flat();
    assert.equal(claimed.length, 60);
    assert.equal(new Set(claimed.map(({ callId }) => callId)).size, 60);
    assert.deepEqual(await server.sql("SELECT COUNT(*), COUNT(DISTINCT call_id) FROM app_attempts"), ["60\t60"]);
  });

  it("gives nothing to a run without a lease", async () => {
    const { queue } = runOn("node-a");
    await queue.accept(request("k1"));
    assert.deepEqual(await queue.claim("appeal", 1), []);
    await queue.renewLease(1_000);
    assert.deepEqual(await queue.claim("appeal", 1), [], "a lease that is nearly over is none");
    await queue.renewLease(LEASE_MS);
    assert.equal((await queue.claim("appeal", 1)).length, 1);
  });

  it("lets a waiting call be cancelled at once, and one under way by its owner", async () => {
    const run = runOn("node-a");
    await run.queue.renewLease(LEASE_MS);
    await run.queue.accept(request("k1"));
    assert.equal(await runOn("node-b").queue.cancel("k1"), true);
    assert.equal((await run.queue.get("k1"))?.state, "ended");
    await run.queue.accept(request("k2"));
    const channelId = await claimOne(run);
    await runOn("node-b").queue.cancel("k2");
    assert.deepEqual(await run.queue.toHangUp(), [channelId]);
    await run.book.ended(channelId, "busy", 17);
    assert.equal((await run.queue.get("k2"))?.state, "ended", "a cancelled call is not tried again");
    assert.equal(await run.queue.cancel("nobody"), false);
  });

  it("lists calls page by page", async () => {
    const { queue } = runOn("node-a");
    for (const id of ["k1", "k2", "k3"]) await queue.accept(request(id));
    const page = async (after: string | null) => (await queue.list({ state: "queued", campaignId: null, after, limit: 2 })).map(({ callId }) => callId);
    assert.deepEqual([await page(null), await page("k2")], [["k1", "k2"], ["k3"]]);
    assert.deepEqual(await readFigures(database), { queued: 3, dialling: 0, up: 0, lastHour: {} });
  });
});

describe("the book", () => {
  it("tries again as the campaign says, and then ends", async () => {
    const run = runOn("node-a");
    await run.queue.renewLease(LEASE_MS);
    await run.queue.accept(request("k1"));
    await run.book.ended(await claimOne(run), "busy", 17);
    assert.equal((await run.queue.get("k1"))?.state, "queued");
    await run.book.ended(await claimOne(run), "busy", 17);
    const call = await run.queue.get("k1");
    assert.deepEqual([call?.state, call?.result, call?.attempts, call?.failures], ["ended", "busy", 2, { busy: 2 }]);
    const events = await drain();
    assert.deepEqual(events.map(({ type, number, attempt }) => [type, number, attempt]), [["accepted", 1, 0], ["started", 2, 1], ["ended", 3, 1], ["started", 4, 2], ["ended", 5, 2]]);
    assert.deepEqual(events.filter(({ type }) => type === "ended").map(({ data }) => data["next"]), ["again", "end"]);
  });

  it("gives a dead node's calls to the new active, and the dead one's last words change nothing", async () => {
    const [old, young] = [runOn("node-a"), runOn("node-b")];
    await old.queue.renewLease(LEASE_MS);
    await old.queue.accept(request("k1"));
    const channelId = await claimOne(old);
    await old.book.answered(channelId);
    assert.equal(await young.book.cutOrphans(null), 0, "its lease lasts");
    assert.equal(await young.book.cutOrphans("node-a"), 1, "its address is lost");
    assert.equal(await old.book.ended(channelId, "answered", 16), false);
    assert.deepEqual(await old.queue.claim("appeal", 5), [], "nor does it claim any more");
    await young.queue.renewLease(LEASE_MS);
    const second = await claimOne(young);
    assert.notEqual(second, channelId);
    assert.equal(await young.book.ended(second, "answered", 16), true);
    assert.deepEqual((await drain()).map(({ type, node, data }) => [type, node, data["result"] ?? null]), [["accepted", "node-a", null], ["started", "node-a", null], ["answered", "node-a", null], ["ended", "node-b", "cut"], ["started", "node-b", null], ["ended", "node-b", "answered"]]);
  });

  it("takes calls whose owner's lease is over, once, whoever asks", async () => {
    const old = runOn("node-a");
    await old.queue.renewLease(LEASE_MS);
    for (const id of ["k1", "k2", "k3"]) await old.queue.accept(request(id));
    await old.queue.claim("appeal", 3);
    await server.sql("UPDATE app_owners SET lease_until = NOW(3) - INTERVAL 1 SECOND");
    const cut = await Promise.all([runOn("node-b"), runOn("node-c")].map(({ book }) => book.cutOrphans(null)));
    assert.equal((cut[0] ?? 0) + (cut[1] ?? 0), 3);
    assert.equal((await readFigures(database)).queued, 3);
  });

  it("rings a caller back who was cut off, once", async () => {
    const [old, young] = [runOn("node-a"), runOn("node-b")];
    await old.queue.renewLease(LEASE_MS);
    for (const time of ["first", "again"]) assert.equal((await old.book.cameIn({ channelId: "node-a-1.1", campaignId: "appeal", phoneNumber: "+49301234567" }))?.attempts, 1, time);
    await old.book.answered("node-a-1.1");
    await young.book.cutOrphans("node-a");
    await young.book.cutOrphans("node-a");
    const back = await young.queue.get("back-in-node-a-1.1");
    assert.deepEqual([back?.state, back?.phoneNumber], ["queued", "+49301234567"]);
    assert.equal((await young.queue.get("in-node-a-1.1"))?.result, "cut");
  });

  it("hands an app that starts again what its last run has left behind", async () => {
    const old = runOn("node-a", "1");
    await old.queue.renewLease(LEASE_MS);
    await old.queue.accept(request("k1"));
    const channelId = await claimOne(old);
    await old.book.isAt(channelId, "choose");
    const next = runOn("node-a", "2");
    assert.deepEqual((await next.book.leftBehind()).map((call) => [call.channelId, call.menuNode]), [[channelId, "choose"]]);
    await next.book.adopt(channelId);
    assert.deepEqual(await next.book.leftBehind(), []);
    assert.equal(await next.book.cutOrphans(null), 0, "what is ours is no orphan");
  });
});

describe("the dialler", () => {
  it("gives back a call that the database says is ours and of which we never heard", async () => {
    const run = runOn("node-a");
    await run.queue.renewLease(LEASE_MS);
    for (const id of ["k1", "k2"]) await run.queue.accept(request(id));
    // The answer to the claim was lost on the way.
    await run.queue.claim("appeal", 1);
    await server.sql("UPDATE app_attempts SET dialled_at = NOW(3) - INTERVAL 20 SECOND");
    await run.queue.claim("appeal", 1);
    const stop = new AbortController();
    const nobody = (): void => undefined;
    const ari = new AriLink({ access: { url: "http://127.0.0.1:9", username: "u", password: "p" }, app: "a", monotonicMs: () => performance.now(), random: () => 0, onSignal: nobody, onUp: nobody, onDown: nobody, onDenied: () => Promise.resolve() });
    const runner = new Runner(ari, { campaigns, book: run.book, monotonicMs: () => performance.now(), stop: stop.signal, isActive: () => Promise.resolve(true), onDropped: nobody, onTrouble: nobody });
    const dialler = new Dialler({ campaigns, trunkLimits: new Map(), queue: run.queue, book: run.book, runner, leaseMs: LEASE_MS, monotonicMs: () => performance.now(), isActive: () => true, mayDial: () => false, onTrouble: nobody, onCut: nobody });
    dialler.start();
    try {
      const call = await waitUntil("it to be queued again", async () => {
        const found = await run.queue.get("k1");
        return found?.state === "queued" && found;
      }, 10_000);
      assert.deepEqual(call.failures, { failed: 1 });
      assert.equal((await run.queue.get("k2"))?.state, "dialling", "one that is young may still be on its way to us");
    } finally {
      await dialler.close();
      stop.abort();
      await ari.close();
    }
  });
});

describe("the outbox", () => {
  it("lets the next event of a call follow only when the one before it is away", async () => {
    const run = runOn("node-a");
    await run.queue.renewLease(LEASE_MS);
    await run.queue.accept(request("k1"));
    await run.queue.accept(request("k2"));
    await claimOne(run);
    const due = await outbox.due(100);
    assert.deepEqual(due.map(({ event }) => [event.callId, event.type]), [["k1", "accepted"], ["k2", "accepted"]]);
    await outbox.failed(due[0]?.id ?? 0, 60_000);
    await outbox.sent([due[1]?.id ?? 0]);
    assert.deepEqual(await outbox.due(100), [], "k1 waits, with all that follows");
    assert.equal((await outbox.waiting()).count, 2);
    await server.sql("UPDATE app_outbox SET next_at = NOW(3)");
    assert.deepEqual((await drain()).map(({ type }) => type), ["accepted", "started"]);
    assert.equal((await outbox.waiting()).count, 0);
  });
});
