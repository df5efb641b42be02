// The Stasis app and its database over time, against a real MariaDB: connections that fall silent, and calls that grow old.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { CallQueue, type DialRequest } from "../../agent/stasis-app/store/call-queue.ts";
import { Database } from "../../agent/stasis-app/store/database.ts";
import { forgetEnded } from "../../agent/stasis-app/store/retention.ts";
import { openAppDatabase, type AppDatabase } from "../support/stasis-app/app-database.ts";
import { waitUntil } from "../support/wait-until.ts";

let app: AppDatabase;

const queueOn = (node: string): CallQueue => new CallQueue(app.database, node, `${node}:1`);
const request = (callId: string): DialRequest => ({ callId, phoneNumber: `+4930${callId.replace(/\D/g, "").padStart(7, "0")}`, campaignId: "appeal", contactId: "c1", audio: null });

before(async () => { app = await openAppDatabase(); });

after(() => app.close());

beforeEach(() => app.empty());

describe("a node that dies in the middle of a transaction", () => {
  it("does not keep its locks: the other one can touch the same calls within seconds", async () => {
    const queue = queueOn("node-b");
    await queue.accept(request("k1"));
    // A dead machine neither commits nor closes: to the server it is a client that says nothing more.
    const dead = new Database(app.access);
    let goodbye: () => void = () => undefined;
    const silence = new Promise<void>((resolve) => { goodbye = resolve; });
    const locked = new Promise<void>((resolve) => {
      dead.together(async (statements) => {
        await statements.rows("SELECT call_id FROM app_calls WHERE call_id = 'k1' FOR UPDATE");
        resolve();
        await silence;
      }).catch(() => undefined);
    });
    await locked;
    try {
      assert.equal(await waitUntil("the call to be taken out of the queue", () => queue.cancel("k1").catch(() => false), 30_000), true);
    } finally {
      goodbye();
      await dead.close();
    }
  });

  it("is nothing to a connection that is used again after a while", async () => {
    const queue = queueOn("node-a");
    await Promise.all(Array.from({ length: 12 }, (_, index) => queue.accept(request(`k${index}`))));
    const open = async (): Promise<number> => Number((await app.server.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app'"))[0]);
    await waitUntil("the connections that nobody needs to be closed", async () => (await open()) === 0, 20_000);
    assert.equal(await queue.accept(request("k1")), "same", "and nobody notices");
  });
});

describe("the retention of ended calls", () => {
  const days = (callId: string, age: number): string => `UPDATE app_calls SET created_at = NOW(3) - INTERVAL ${age} DAY WHERE call_id = '${callId}'`;

  it("forgets what is old and ended, with its attempts; not what waits, what is young, whose events wait, or who has opted out", async () => {
    const queue = queueOn("node-a");
    for (const id of ["k1", "k2", "k3", "k4"]) await queue.accept(request(id));
    for (const id of ["k1", "k2", "k3"]) await queue.cancel(id);
    await app.server.sql(`INSERT INTO app_attempts (channel_id, call_id, attempt, node, dialled_at) VALUES ('c1', 'k1', 1, 'node-a', NOW(3)), ('c2', 'k2', 1, 'node-a', NOW(3));
      INSERT INTO app_do_not_call (phone_number, since, origin) VALUES ('+49301', NOW(3) - INTERVAL 900 DAY, 'menu'); ${["k1", "k3", "k4"].map((id) => days(id, 91)).join("; ")}; ${days("k2", 89)}`);
    assert.equal(await forgetEnded(app.database, 90), 0, "the sink has not had their events");
    await app.server.sql("DELETE FROM app_outbox WHERE call_id <> 'k3'");
    assert.equal(await forgetEnded(app.database, 90), 1);
    assert.deepEqual(await app.server.sql("SELECT call_id FROM app_calls ORDER BY call_id"), ["k2", "k3", "k4"]);
    assert.deepEqual(await app.server.sql("SELECT call_id FROM app_attempts"), ["k2"]);
    assert.deepEqual(await app.server.sql("SELECT COUNT(*) FROM app_do_not_call"), ["1"]);
  });
});
