// A new secret under load, on the real pair: heartbeat keys in the three documented steps, ARI's password, the database's password, a
// carrier's password, and a secret that can't be used. Calls go on, heartbeats go on, nothing is claimed.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { monotonicMs } from "../support/lab/clock.ts";
import { labFetch } from "../support/lab/fetch.ts";
import type { NodeName } from "../support/lab/addresses.ts";
import type { Pair } from "../support/lab/pair.ts";
import { callerSaw, staysOn, withPair } from "../support/lab/pair-checks.ts";
import { carrierAt, startRegistrar } from "../support/lab/registrar.ts";
import { runSipp, type SippRun } from "../support/lab/sipp.ts";
import { waitUntil } from "../support/wait-until.ts";

/** In place of a Stasis app: a call to 200 is answered and stays until the caller ends it. */
const DIALPLAN = `[incoming]
exten => 200,1,Answer()
 same => n,Wait(120)
 same => n,Hangup()
`;
const KNOBS = { SECRET_INTERVAL_MS: "1000", LOG_LEVEL: "debug" };
const NODES: readonly NodeName[] = ["node-a", "node-b"];

interface LogLine {
  readonly event: string;
  readonly from?: string;
  readonly sequence?: number;
  readonly err?: { readonly code?: string };
  readonly modules?: readonly string[];
  readonly files?: readonly string[];
}

function linesOf(pair: Pair, name: NodeName): readonly LogLine[] {
  const text = pair.node(name).agent?.log() ?? "";
  return text.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}")).map((line) => JSON.parse(line) as LogLine);
}

const count = (pair: Pair, name: NodeName, event: string): number => linesOf(pair, name).filter((line) => line.event === event).length;

/** Puts a new secret in place and waits until both agents have it in use. */
async function rotate(pair: Pair, secret: object): Promise<void> {
  const before = NODES.map((name) => count(pair, name, "secret-rotated"));
  await pair.putSecret(secret);
  await waitUntil("both agents to use the new secret", () => NODES.every((name, index) => count(pair, name, "secret-rotated") > (before[index] ?? 0)), 60_000);
}

/** No heartbeat of a peer's is missing beyond one in a row. By number, not by time: a busy machine is no failure. */
function heartbeatsWentOn(pair: Pair): void {
  for (const name of NODES) {
    const sequences = linesOf(pair, name).filter((line) => line.event === "heartbeat-received").map((line) => line.sequence ?? 0);
    assert.ok(sequences.length > 40, `${name} heard ${sequences.length} heartbeats`);
    const missing = sequences.slice(1).map((sequence, index) => sequence - (sequences[index] ?? 0) - 1);
    assert.ok(missing.every((each) => each <= 1), `${name} missed ${Math.max(...missing)} heartbeats in a row`);
  }
}

/** Five calls a second through the Elastic IP, each of 3 s, for about so many seconds. */
function callLoad(pair: Pair, seconds: number): Promise<SippRun> {
  return runSipp(pair.lab, { service: "200", rate: 5, calls: 5 * seconds, timeoutMs: 300_000, args: ["-d", "3000"] });
}

async function ariStatus(pair: Pair, name: NodeName, password: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(`agent:${password}`).toString("base64")}`;
  return (await labFetch(pair.lab, name, "http://127.0.0.1:8088/ari/asterisk/ping", { headers: { authorization } })).status;
}

describe("a new secret", { timeout: 600_000 }, () => {
  it("changes the heartbeat key in three steps under load: no heartbeat missed beyond one, no call dropped, no claim", async () => {
    await withPair({ knobs: KNOBS, asteriskFiles: { "extensions_local.conf": DIALPLAN } }, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      const calls = await callLoad(pair, 25);
      const k2 = randomBytes(32).toString("base64");
      const { k1 } = pair.secret.heartbeat_keys;
      await rotate(pair, { ...pair.secret, heartbeat_keys: { k1, k2 }, heartbeat_key_current: "k1" });
      await rotate(pair, { ...pair.secret, heartbeat_keys: { k1, k2 }, heartbeat_key_current: "k2" });
      await rotate(pair, { ...pair.secret, heartbeat_keys: { k2 } });
      const { ok, log } = await calls.finished;
      assert.ok(ok, `a call was dropped: ${log}`);
      heartbeatsWentOn(pair);
      await staysOn(pair, "node-a", 2_000);
      callerSaw(pair, atMs, 1_500);
      assert.equal(linesOf(pair, "node-a").filter((line) => line.event === "config-rendered").length, 0, "Asterisk was not bothered");
      // Who reads the secret now knows k2 only: both sides really take it.
      await pair.node("node-b").agent?.end(10_000);
      await pair.startAgent("node-b");
      await pair.steady("node-a");
    });
  });

  it("changes ARI's password without a gap, also while an agent is away, and one that can't be used changes nothing", async () => {
    await withPair({ knobs: KNOBS, asteriskFiles: { "extensions_local.conf": DIALPLAN } }, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      const calls = await callLoad(pair, 25);
      const old = pair.secret.ari_password;
      const next = randomBytes(12).toString("hex");
      await rotate(pair, { ...pair.secret, ari_password: next });
      for (const name of NODES) {
        assert.deepEqual([await ariStatus(pair, name, old), await ariStatus(pair, name, next)], [401, 200], name);
        const rendered = linesOf(pair, name).filter((line) => line.event === "config-rendered");
        assert.deepEqual(rendered.map(({ files, modules }) => ({ files, modules })), [{ files: ["ari.conf"], modules: ["res_ari.so"] }]);
        assert.deepEqual(linesOf(pair, name).filter((line) => line.err?.code === "AGENT_ARI_DENIED"), [], `${name} was refused`);
        const { health } = await pair.status(name);
        assert.deepEqual([health?.serving, health?.ariSocketOpen], ["serving", true]);
      }

      await pair.putSecret({ ...pair.secret, ari_password: next, trunks: [{ name: "x", server: "sip.example.com", username: "u", password: "bad;one" }] });
      await waitUntil("both agents to refuse it", () => NODES.every((name) => count(pair, name, "config-not-rendered") === 1), 30_000);
      for (const name of NODES) {
        assert.equal(await ariStatus(pair, name, next), 200);
        const told = await waitUntil(`${name} to say so`, async () => (await pair.status(name)).conditions.find((each) => each.name === "secret-not-applied"), 10_000);
        assert.match(told.sentence, /AGENT_RENDER_INVALID: [\s\S]*pjsip_trunk_auths\.conf/);
        assert.ok(!told.sentence.includes("bad;one"));
      }

      await pair.node("node-b").agent?.end(10_000);
      const third = randomBytes(12).toString("hex");
      await pair.putSecret({ ...pair.secret, ari_password: third });
      await waitUntil("node-a to take it", async () => (await ariStatus(pair, "node-a", third)) === 200, 30_000);
      assert.equal(await ariStatus(pair, "node-b", next), 200, "nobody has told node-b's Asterisk yet");
      await pair.startAgent("node-b");
      await pair.steady("node-a");
      assert.equal(await ariStatus(pair, "node-b", third), 200);
      assert.deepEqual((await pair.status("node-a")).conditions.filter((each) => each.name === "secret-not-applied"), []);

      const { ok, log } = await calls.finished;
      assert.ok(ok, `a call was dropped: ${log}`);
      await staysOn(pair, "node-a", 1_000);
      callerSaw(pair, atMs, 1_500);
      for (const name of NODES) for (const secret of [old, next, third, "bad;one"]) assert.ok(!(pair.node(name).agent?.log() ?? "").includes(secret), `a password is in the log of ${name}`);
    });
  });

  it("changes a carrier's password, which the next refresh of its registration uses, and nothing else is touched", async () => {
    await withPair({ knobs: KNOBS, trunks: [carrierAt()], asteriskFiles: { "extensions_local.conf": DIALPLAN } }, async (pair) => {
      const next = randomBytes(12).toString("hex");
      // Granted 15 s, Asterisk comes back every five.
      const provider = await startRegistrar(pair.lab, { otherPasswords: [next], longestSeconds: 15 });
      await pair.steady("node-a");
      await waitUntil("the registration", () => provider.registrations.length > 0, 30_000);
      const atMs = monotonicMs();
      const calls = await callLoad(pair, 25);
      await rotate(pair, { ...pair.secret, trunks: [{ ...carrierAt(), password: next }] });
      const changed = await waitUntil("a REGISTER with the new password", () => provider.registrations.find((each) => each.password === 1), 60_000);
      assert.deepEqual([...new Set(provider.registrations.map((each) => `${each.server} ${each.expires > 0} ${each.bindings.join()}`))], ["node-agent node-a true node-agent node-a"], "the binding was never away, and no standby has registered");
      assert.ok(provider.registrations.every((each) => (each.atMs >= changed.atMs) === (each.password === 1)), "the old password is not used again");
      for (const [name, modules] of [["node-a", ["res_pjsip.so"]], ["node-b", []]] as const) {
        const rendered = linesOf(pair, name).filter((line) => line.event === "config-rendered");
        assert.deepEqual(rendered.map((line) => ({ files: line.files, modules: line.modules })), [{ files: ["roles/active/pjsip_trunk_auths.conf"], modules }], name);
        assert.ok(!(pair.node(name).agent?.log() ?? "").includes(next), `the password is in the log of ${name}`);
      }
      assert.match(await pair.node("node-a").asterisk.cli("pjsip show endpoint carrier"), /OutAuth: +carrier\/lab-account/);
      const { ok, log } = await calls.finished;
      assert.ok(ok, `a call was dropped: ${log}`);
      await staysOn(pair, "node-a", 1_000);
      callerSaw(pair, atMs, 1_500);
    });
  });

  it("changes the database's password, which Asterisk takes up by itself, with calls in progress", async () => {
    await withPair({ database: true, knobs: KNOBS, asteriskFiles: { "extensions_local.conf": DIALPLAN } }, async (pair) => {
      await pair.steady("node-a");
      const { database } = pair;
      assert.ok(database !== null);
      const atMs = monotonicMs();
      const calls = await callLoad(pair, 30);
      const next = randomBytes(12).toString("hex");
      await database.sql(`ALTER USER '${database.username}'@'%' IDENTIFIED BY '${next}'; KILL USER '${database.username}';`);
      await waitUntil("the nodes to miss their database", async () => (await pair.status("node-a")).health?.serving === "degraded", 60_000);
      await rotate(pair, { ...pair.secret, password: next });
      await pair.steady("node-a");
      for (const name of NODES) {
        const rendered = linesOf(pair, name).filter((line) => line.event === "config-rendered");
        assert.deepEqual(rendered.map(({ files, modules }) => ({ files, modules })), [{ files: ["res_odbc.conf"], modules: ["res_odbc.so"] }]);
      }
      const { ok, log } = await calls.finished;
      assert.ok(ok, `a call was dropped: ${log}`);
      await staysOn(pair, "node-a", 1_000);
      callerSaw(pair, atMs, 1_500);
    });
  });
});
