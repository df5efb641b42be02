// The Stasis app's calls where Asterisk is slow, or away for a moment: the real line (ari-client) to the stand-in, which has the faults, and the
// real book on a MariaDB. What is at stake each time: a number that is dialled twice, or somebody who hears silence.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { AriLink } from "../../agent/stasis-app/calls/ari-link.ts";
import { Runner } from "../../agent/stasis-app/calls/runner.ts";
import { parseCampaign } from "../../agent/stasis-app/core/campaign.ts";
import { CallBook } from "../../agent/stasis-app/store/call-book.ts";
import { CallQueue } from "../../agent/stasis-app/store/call-queue.ts";
import type { Database } from "../../agent/stasis-app/store/database.ts";
import { AsteriskStandIn } from "../support/asterisk-stand-in/asterisk-stand-in.ts";
import type { LabMariaDb } from "../support/lab/mariadb.ts";
import { openAppDatabase, type AppDatabase } from "../support/stasis-app/app-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const APP = "callcenter";
/** The line asks so many things of Asterisk at a time. */
const REQUESTS = 20;
const sample = parseCampaign("autumn-appeal.json", readFileSync("agent/stasis-app/samples/autumn-appeal.json", "utf8"));
const campaigns = new Map([[sample.campaign, sample]]);
const PATIENCE_MS = 10_000;

describe("the Stasis app's calls, when Asterisk is slow", { timeout: 120_000 }, () => {
  let app: AppDatabase;
  let server: LabMariaDb;
  let database: Database;
  let standIn: AsteriskStandIn;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let ari: AriLink;
  let runner: Runner;
  let queue: CallQueue;
  let stop: AbortController;
  let linesUp = 0;

  before(async () => {
    folder = await temporaryFolder();
    app = await openAppDatabase();
    ({ server, database } = app);
  });
  after(async () => {
    await app.close();
    await folder.remove();
  });
  beforeEach(async () => {
    await app.empty();
    standIn = new AsteriskStandIn({ nodeId: "node-a", username: "stasis", password: "stand-in-pass", controlSocketPath: join(folder.path, "asterisk.ctl") });
    await standIn.start();
    stop = new AbortController();
    linesUp = 0;
    const monotonicMs = (): number => performance.now();
    const nobody = (): void => undefined;
    ari = new AriLink({ access: { url: standIn.ariUrl, username: "stasis", password: "stand-in-pass" }, app: APP, monotonicMs, random: () => 0, onSignal: (signal) => runner.signal(signal), onUp: () => { linesUp += 1; }, onDown: nobody, onDenied: () => Promise.resolve() });
    queue = new CallQueue(database, "node-a", "node-a:1");
    runner = new Runner(ari, { campaigns, book: new CallBook(database, "node-a", "node-a:1", campaigns), monotonicMs, stop: stop.signal, isActive: () => Promise.resolve(true), onDropped: nobody, onTrouble: nobody });
    ari.start();
    await waitUntil("the line", () => linesUp === 1, PATIENCE_MS);
    await runner.lineUp();
  });
  afterEach(async () => {
    await runner.written();
    stop.abort();
    await ari.close();
    await standIn.stop();
  });

  /** Claims and dials so many calls. */
  async function dial(count: number, isOurs = (): boolean => true): Promise<void> {
    await queue.renewLease(60_000);
    for (let index = 0; index < count; index += 1) await queue.accept({ callId: `k${index}`, phoneNumber: `+4930${1_000_000 + index}`, campaignId: sample.campaign, contactId: null, audio: null });
    for (const row of await queue.claim(sample.campaign, count)) runner.dial(row, sample, isOurs);
  }
  const results = (): Promise<readonly string[]> => server.sql("SELECT COALESCE(result, 'open'), COUNT(*) FROM app_attempts GROUP BY result ORDER BY result");
  const dialled = (): number => standIn.requests(/^POST \/ari\/channels\?/);

  it("are not dialled any more when they were cut while they waited for their turn", async () => {
    standIn.setFault("hang", true);
    await dial(REQUESTS + 10);
    await waitUntil("as many as there may be at a time to be asked for", () => dialled() === REQUESTS, PATIENCE_MS);
    runner.cutAll();
    standIn.setFault("hang", false);
    await waitUntil("each to have been hung up", () => standIn.requests(/^DELETE \/ari\/channels\/out-/) >= REQUESTS + 10, PATIENCE_MS);
    assert.equal(dialled(), REQUESTS);
    await runner.written();
    assert.deepEqual(await results(), [`cut\t${REQUESTS + 10}`]);
  });

  it("are not dialled any more when the lease was over before their turn came", async () => {
    await dial(1, () => false);
    await runner.written();
    await waitUntil("it to be written down", async () => (await results()).join() === "cut\t1", PATIENCE_MS);
    assert.equal(dialled(), 0);
  });

  it("are not taken for lost because they are being dialled at the moment at which the line comes back", async () => {
    standIn.setFault("hang", true);
    const lineUp = runner.lineUp();
    await dial(1);
    await waitUntil("both requests to have arrived", () => dialled() === 1, PATIENCE_MS);
    standIn.setFault("hang", false);
    await lineUp;
    // The stand-in makes no calls: it refuses, which is what must be written down.
    await waitUntil("its end", async () => (await results()).join() !== "open\t1", PATIENCE_MS);
    assert.deepEqual(await results(), ["failed\t1"]);
  });

  it("are cut, not failed, when nobody knows whether they ring: the line went while Asterisk was asked", async () => {
    standIn.setFault("originateHangs", true);
    await dial(1);
    await waitUntil("it to be asked for", () => dialled() === 1, PATIENCE_MS);
    standIn.dropSockets();
    await waitUntil("its end", async () => (await results()).join() !== "open\t1", PATIENCE_MS);
    assert.deepEqual(await results(), ["cut\t1"]);
  });

  it("are hung up when they arrive and nobody knows them any more: nobody is left in silence", async () => {
    for (const [id, entrance] of [["out-late", "outbound"], ["leg-late-of-somebody", "agent"]] as const) {
      standIn.emit(APP, { type: "StasisStart", args: [entrance], channel: { id, name: "PJSIP/carrier-00000001", state: "Up", caller: { number: "" } } });
      await waitUntil(`${id} to be hung up`, () => standIn.requests(new RegExp(`^DELETE /ari/channels/${id}`)) > 0, PATIENCE_MS);
    }
    assert.equal(dialled(), 0);
  });
});
