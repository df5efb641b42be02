// Single calls of the Stasis app on a real Asterisk, with real signalling and real keys (RFC 4733): callers in a menu and with an agent,
// every way in which a called number can fail, and calls that outlast a restart of the app while the place for events is away.
import assert from "node:assert/strict";
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { CallEvent } from "../../agent/stasis-app/core/event.ts";
import { ADDRESS } from "../support/lab/addresses.ts";
import { labProgram } from "../support/lab/programs.ts";
import { openPair, type Pair } from "../support/lab/pair.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { startCallees, type Callees } from "../support/stasis-app/callee.ts";
import { APP_SECRET, CARRIER_FILES, LabApp, prepareApps, SHORT, TOKEN } from "../support/stasis-app/lab-app.ts";
import { callIn, refusedCall, type CallerManners } from "../support/stasis-app/menu-caller.ts";
import { waitUntil } from "../support/wait-until.ts";

/** The last digit says how a phone behaves: see callee.ts. */
const PATIENT_AGENT = "+49309990000";
const BRIEF_AGENT = "+49309990005";
const BUSY_AGENT = "+49309990007";
const HOLD_MS = 9_000;
const ENTRANCE = "4955500";

const transferTo = (to: object): object => ({ type: "transfer", media: [SHORT], to, after: "after-agent", busy: "agent-busy", failed: "agent-failed" });
const tell = (event: string): object => ({ type: "event", event, next: "bye" });
const CAMPAIGN = {
  campaign: "lab", trunk: "carrier", ringSeconds: 5, maxCallSeconds: 120, inbound: [ENTRANCE],
  pacing: { callsPerSecond: 5, concurrent: 50 },
  retry: { busy: { tries: 2, waitSeconds: 1 }, noAnswer: { tries: 1 }, failed: { tries: 3, waitSeconds: 0 } },
  menu: {
    start: "ask",
    nodes: {
      ask: { type: "gather", media: [SHORT], firstDigitMs: 60_000, choices: { 1: "donate", 2: "long", 3: "patient", 4: "code", 5: "brief", 7: "busy", 0: "again" }, exhausted: "gave-up" },
      again: { type: "repeat", of: "ask" },
      donate: tell("donation"),
      long: { type: "play", media: Array(20).fill(SHORT), next: "heard" },
      heard: tell("heard"),
      patient: transferTo({ number: PATIENT_AGENT }),
      brief: transferTo({ endpoint: `PJSIP/${BRIEF_AGENT}@carrier` }),
      busy: transferTo({ number: BUSY_AGENT }),
      code: { type: "gather", maxDigits: 4, into: "code", next: "coded", firstDigitMs: 1_500, interDigitMs: 1_500, tries: 2, exhausted: "gave-up" },
      coded: tell("code"),
      "after-agent": tell("after-agent"),
      "agent-busy": tell("agent-busy"),
      "agent-failed": tell("agent-failed"),
      "gave-up": tell("gave-up"),
      bye: { type: "goodbye", media: [SHORT] },
    },
  },
};

const typesOf = (events: readonly CallEvent[]): readonly string[] => events.map(({ type }) => type);

describe("the Stasis app's calls", { timeout: 300_000 }, () => {
  let pair: Pair;
  let app: LabApp;
  let callees: Callees;
  let campaigns = "";
  let token = TOKEN;

  before(async () => {
    pair = await openPair({ database: true, asteriskFiles: CARRIER_FILES, knobs: { STASIS_APPS: "callcenter", STASIS_DOWN_AFTER_MS: "30000", SECRET_INTERVAL_MS: "1000" } });
    for (const name of pair.nodes.keys()) await pair.startAgent(name);
    campaigns = await prepareApps(pair, CAMPAIGN);
    app = new LabApp(pair, "node-a");
    // It finds a new secret only by being refused.
    await app.start(campaigns, { SECRET_INTERVAL_MS: "3600000" });
    await waitUntil("the app to be active", async () => (await app.status()).role === "active", 30_000);
    callees = await startCallees(pair.lab, HOLD_MS);
  });
  after(async () => {
    process.stderr.write(`--- the app\n${(app.process?.log() ?? "").split("\n").slice(-15).join("\n")}\n`);
    await pair.close();
  });

  /** Without those that were delivered again. */
  const eventsOf = async (callId: string): Promise<readonly CallEvent[]> => (await app.events()).filter((event, at, all) => event.callId === callId && all.findIndex(({ id }) => id === event.id) === at);
  const ended = (callId: string, times = 1): Promise<readonly CallEvent[]> =>
    waitUntil(`${callId} to have ended`, async () => {
      const events = await eventsOf(callId);
      return typesOf(events).filter((type) => type === "ended").length >= times && events;
    }, 30_000);

  /** One caller's call, and what was told of it. */
  async function inbound(manners: CallerManners): Promise<readonly CallEvent[]> {
    const before = new Set((await app.events()).map(({ callId }) => callId));
    const { ok, log } = await callIn(pair.lab, ENTRANCE, manners);
    assert.ok(ok, `${log}\n${JSON.stringify((await app.events()).filter(({ callId }) => !before.has(callId)))}`);
    const { callId } = await waitUntil("the caller's call to be told of", async () => (await app.events()).find((event) => event.direction === "in" && !before.has(event.callId)), 10_000);
    return ended(callId);
  }

  it("lets a caller talk to an agent, whose phone is hung up when the caller hangs up", async () => {
    const events = await inbound({ keys: [[1_000, "3"]], hangUpAfterMs: 3_000 });
    assert.deepEqual(typesOf(events), ["started", "answered", "digit", "transferred", "ended"]);
    assert.deepEqual([events.at(-1)?.data["result"], events.at(-1)?.data["cause"]], ["answered", 16]);
    assert.ok(Number(events.at(-1)?.data["talkSeconds"]) >= 3);
    await waitUntil("the agent's phone to hear that it is over", async () => (await callees.count("BYE", PATIENT_AGENT)) === 1, 10_000);
  });

  it("takes a caller back into the menu when the agent has hung up, or is busy", async () => {
    assert.deepEqual(typesOf(await inbound({ keys: [[1_000, "5"]], hangUpAfterMs: null })), ["started", "answered", "digit", "transferred", "after-agent", "ended"]);
    assert.deepEqual(typesOf(await inbound({ keys: [[1_000, "7"]], hangUpAfterMs: null })), ["started", "answered", "digit", "agent-busy", "ended"]);
  });

  it("leaves a caller with the agent when it is killed and started again, and takes up where an agent has left meanwhile", async () => {
    const before = await app.events();
    const fresh = async (): Promise<readonly CallEvent[]> => (await app.events()).slice(before.length);
    const transferred = (times: number): Promise<unknown> => waitUntil("the agent to talk", async () => typesOf(await fresh()).filter((type) => type === "transferred").length === times, 15_000);
    const rung = await callees.count("INVITE", PATIENT_AGENT);
    const calls = [callIn(pair.lab, ENTRANCE, { keys: [[1_000, "3"]], hangUpAfterMs: 9_000 })];
    await transferred(1);
    // This one's agent hangs up after a second, when the app is not there.
    calls.push(callIn(pair.lab, ENTRANCE, { keys: [[1_000, "5"]], hangUpAfterMs: null }));
    await transferred(2);
    app.process?.kill("SIGKILL");
    await app.process?.exited;
    await app.start(campaigns, { SECRET_INTERVAL_MS: "3600000" });
    for (const { ok, log } of await Promise.all(calls)) assert.ok(ok, log);
    const ids = [...new Set((await fresh()).map(({ callId }) => callId))];
    const stories = await Promise.all(ids.map(async (callId) => typesOf(await ended(callId))));
    assert.deepEqual(stories, [["started", "answered", "digit", "transferred", "ended"], ["started", "answered", "digit", "transferred", "after-agent", "ended"]], "nobody is called again, and nothing told twice");
    // One for the call, one by which Asterisk says who the other one is.
    assert.ok((await callees.count("INVITE", PATIENT_AGENT)) - rung <= 1);
    await waitUntil("the agent's phone to hear that it is over", async () => (await callees.count("BYE", PATIENT_AGENT)) === 2, 10_000);
  });

  it("goes on with a prompt whose end it was not told, and with an agent who has left, when its line to Asterisk was away", async () => {
    const before = await app.events();
    const fresh = async (): Promise<readonly CallEvent[]> => (await app.events()).slice(before.length);
    const calls = ["5", "2"].map((key) => callIn(pair.lab, ENTRANCE, { keys: [[1_000, key]], hangUpAfterMs: null }));
    await waitUntil("the agent to talk, and both keys", async () => {
      const types = typesOf(await fresh());
      return types.includes("transferred") && types.filter((type) => type === "digit").length === 2;
    }, 15_000);
    const events = `ws://127.0.0.1:8088/ari/events?app=callcenter&api_key=stasis:${pair.secret.ari_password}`;
    await pair.lab.run("node-a", process.execPath, [await labProgram("support/stasis-app/line-thief-main.ts"), events, "4000"]);
    for (const { ok, log } of await Promise.all(calls)) assert.ok(ok, log);
    const ids = [...new Set((await fresh()).map(({ callId }) => callId))];
    const stories = await Promise.all(ids.map(async (callId) => typesOf(await ended(callId))));
    assert.deepEqual(stories.toSorted((a, b) => a.length - b.length), [["started", "answered", "digit", "heard", "ended"], ["started", "answered", "digit", "transferred", "after-agent", "ended"]]);
    // The thief's end made Asterisk forget the application, although the app's own socket is open: that must not last.
    await waitUntil("callers to be let in again", async () => (await callIn(pair.lab, ENTRANCE, { keys: [[500, "1"]], hangUpAfterMs: null })).ok, 20_000);
  });

  it("gathers several keys, ends the input after a silence, and gives up after the tries", async () => {
    const coded = await inbound({ keys: [[1_000, "0"], [1_000, "4"], [800, "8"], [800, "2"]], hangUpAfterMs: null });
    assert.equal(coded.at(-1)?.data["cause"], 16, "also where we hang up");
    assert.deepEqual(typesOf(coded), ["started", "answered", "digit", "digit", "digit", "digit", "code", "ended"]);
    assert.deepEqual(coded.find(({ type }) => type === "code")?.data, { code: "82" });
    assert.deepEqual(typesOf(await inbound({ keys: [[1_000, "4"]], hangUpAfterMs: null })), ["started", "answered", "digit", "gave-up", "ended"]);
    const wrong = await inbound({ keys: [[1_000, "9"], [1_000, "9"], [1_000, "9"]], hangUpAfterMs: null });
    assert.deepEqual(typesOf(wrong), ["started", "answered", "digit", "digit", "digit", "gave-up", "ended"]);
  });

  it("refuses a caller of a number that has no menu, in a way that lets a carrier try elsewhere", async () => {
    const { ok, log } = await refusedCall(pair.lab, "4955501", 503);
    assert.ok(ok, log);
  });

  it("refuses a caller who reaches the standby, by the dialplan where the app is away, and by the app where it is quiet", async () => {
    const told = (await app.events()).length;
    const standby = `${ADDRESS["node-b"]}:5060`;
    const away = await refusedCall(pair.lab, ENTRANCE, 503, standby);
    assert.ok(away.ok, away.log);
    const spare = new LabApp(pair, "node-b");
    await spare.start(campaigns, { SECRET_INTERVAL_MS: "3600000" });
    const quiet = await refusedCall(pair.lab, ENTRANCE, 503, standby);
    assert.ok(quiet.ok, quiet.log);
    assert.deepEqual([(await spare.status()).role, (await spare.status()).here, (await spare.events()).length, (await app.events()).length], ["standby", 0, 0, told]);
    assert.match(await pair.node("node-b").asterisk.cli("core show channels count"), /\b0 active channels/);
    await spare.process?.end();
  });

  it("tells busy, no answer, failed and answered apart, and tries again as the campaign says", async () => {
    const call = (callId: string, digit: number): object => ({ callId, phoneNumber: `+4930100002${digit}`, campaignId: "lab" });
    assert.deepEqual(await app.dial([call("busy", 7), call("away", 8), call("gone", 6), call("good", 1)]), [202, 202, 202, 202]);
    const story = async (callId: string, times: number): Promise<readonly unknown[]> => (await ended(callId, times)).filter(({ type }) => type === "ended").map(({ data }) => [data["result"], data["cause"], data["next"]]);
    assert.deepEqual(await story("busy", 2), [["busy", 17, "again"], ["busy", 17, "end"]]);
    assert.deepEqual(await story("away", 1), [["no-answer", 19, "end"]]);
    assert.deepEqual(await story("gone", 3), [["failed", 34, "again"], ["failed", 34, "again"], ["failed", 34, "end"]]);
    assert.deepEqual(await story("good", 1), [["answered", 16, "end"]]);
    for (const [digit, times] of [[7, 2], [8, 1], [6, 3], [1, 1]] as const) assert.equal(await callees.count("INVITE", `+4930100002${digit}`), times, String(digit));
    const shown = await app.ask("GET", "/calls/busy");
    assert.deepEqual([shown.status, (shown.body as { result: string }).result], [200, "busy"]);
  });

  it("is shown by nodectl calls, in figures and without a number", async () => {
    const { stdout } = await pair.lab.run("node-a", process.execPath, ["--no-warnings", join(REPOSITORY, "dist/nodectl.js"), "calls"]);
    assert.match(stdout, /^node-a: active, makes and takes calls$/m);
    assert.match(stdout, /^last hour: .*answered \d+/m);
    assert.match(stdout, /^campaign lab: \d+ of 50 calls at once, 5 a second at most$/m);
    assert.doesNotMatch(stdout, /\+?49\d{5}/);
  });

  it("hangs up a call that is cancelled", async () => {
    await app.dial([{ callId: "unwanted", phoneNumber: "+49301000031", campaignId: "lab" }]);
    await waitUntil("the call to be up", async () => typesOf(await eventsOf("unwanted")).includes("answered"), 10_000);
    assert.equal((await app.ask("DELETE", "/calls/unwanted")).status, 202);
    assert.deepEqual((await ended("unwanted")).at(-1)?.data["result"], "cancelled");
    await waitUntil("the phone to hear it", async () => (await callees.count("BYE", "+49301000031")) === 1, 10_000);
  });

  it("goes on through a new secret: no call is lost, none is tried twice, the old token is no longer taken", async () => {
    const calls = Array.from({ length: 30 }, (_, index) => ({ callId: `rotated-${index}`, phoneNumber: `+49301001${String(index).padStart(2, "0")}5`, campaignId: "lab" }));
    assert.deepEqual(await app.dial(calls), Array(30).fill(202));
    const next = { app_database: { username: APP_SECRET.app_database.username, password: "another-password" }, app_token: "another-token-of-the-app", app_webhook_key: TOKEN, ari_password: "another-ari-password" };
    await pair.database?.sql("ALTER USER 'callapp'@'%' IDENTIFIED BY 'another-password'");
    await pair.putSecret({ ...pair.secret, ...next });
    token = next.app_token;
    await waitUntil("the app to use it", () => (app.process?.log() ?? "").includes('"event":"secret-rotated"'), 30_000);
    assert.equal((await app.ask("GET", "/calls")).status, 401);
    // Every connection from before is gone: the new password must do.
    await pair.database?.sql("KILL USER callapp");
    for (const { callId } of calls) assert.deepEqual((await ended(callId)).map(({ type, attempt }) => [type, attempt]), [["accepted", 0], ["started", 1], ["answered", 1], ["ended", 1]], callId);
    assert.deepEqual(await app.dial([{ callId: "after", phoneNumber: "+49301001995", campaignId: "lab" }], token), [202]);
    await ended("after");
  });

  it("keeps a call through a restart of the app, and its events while their sink is away", async () => {
    // A folder in the file's place: nothing can be written there.
    const file = app.eventsFile;
    app.eventsFile = `${file}.away`;
    await mkdir(app.eventsFile);
    await app.process?.end();
    await app.start(campaigns);
    await waitUntil("the app to be active", async () => (await app.status()).role === "active", 30_000);
    assert.deepEqual(await app.dial([{ callId: "kept", phoneNumber: "+49301000011", campaignId: "lab" }], token), [202]);
    const stateIs = (state: string): Promise<unknown> => waitUntil(`the call to be ${state}`, async () => ((await app.ask("GET", "/calls/kept", token)).body as { state: string }).state === state, 20_000);
    await stateIs("up");
    await app.process?.end();
    await app.start(campaigns);
    await stateIs("ended");
    const { sink, waiting } = await app.status();
    assert.match(sink ?? "", /EISDIR/);
    assert.equal(waiting?.count, 6);
    assert.deepEqual(await eventsOf("kept").catch(() => []), []);
    await rmdir(app.eventsFile);
    assert.deepEqual(typesOf(await ended("kept")), ["accepted", "started", "answered", "digit", "donation", "ended"], "the same attempt, in the menu where it was");
    assert.equal(await callees.count("INVITE", "+49301000011"), 1);
  });
});
