import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { callsText } from "../../agent/cli/calls.ts";
import { runCli } from "../../agent/cli/run.ts";
import type { CallsView } from "../../agent/status/calls-view.ts";
import { appMetrics, APP_METRICS } from "../../agent/stasis-app/core/app-metrics.ts";
import { EVENT_TYPES } from "../../agent/stasis-app/core/event.ts";
import { mayDial, roleOf } from "../../agent/stasis-app/core/role.ts";
import { RoleWatch } from "../../agent/stasis-app/role-watch.ts";
import { parseAppSecret } from "../../agent/stasis-app/secret.ts";
import { parseSettings, SETTING_NAMES } from "../../agent/stasis-app/settings.ts";

const LEAST = { CLUSTER_ID: "lab", NODE_ID: "node-a", SECRETS_FILE: "/secret", DATABASE_HOST: "db" };

describe("the Stasis app's settings", () => {
  it("need little, and have defaults for the rest", () => {
    const settings = parseSettings(LEAST);
    assert.deepEqual([settings.APP_LISTEN, settings.APP_STATUS_LISTEN, settings.STATUS_LISTEN], [{ host: "127.0.0.1", port: 8092 }, { host: "127.0.0.1", port: 8093 }, { host: "127.0.0.1", port: 8091 }]);
    assert.deepEqual([...settings.APP_TRUNK_LIMITS], [["*", { callsPerSecond: 10, concurrent: 100 }]]);
    assert.equal(settings.APP_SINK, "file");
  });

  it("read lists of trunks and topics", () => {
    const settings = parseSettings({ ...LEAST, AWS_REGION: "eu-central-1", APP_SINK: "sns", APP_TRUNK_LIMITS: "carrier=2.5/30, *=1/5", APP_SNS_TOPICS: "*=arn:aws:sns:eu-central-1:123456789012:calls,donation=arn:aws:sns:eu-central-1:123456789012:donations.fifo" });
    assert.deepEqual(settings.APP_TRUNK_LIMITS.get("carrier"), { callsPerSecond: 2.5, concurrent: 30 });
    assert.equal(settings.APP_SNS_TOPICS.get("donation"), "arn:aws:sns:eu-central-1:123456789012:donations.fifo");
  });

  it("are refused with every problem, by name", () => {
    const wrong = { NODE_ID: "", SECRETS_FILE: "/x", SECRET_ID: "y", DATABASE_HOST: "db", CLUSTER_ID: "lab", APP_LISTEN: "8092", APP_STATUS_LISTEN: "10.0.0.1:8093", APP_TRUNK_LIMITS: "carrier=fast", APP_LEASE_MS: "1", APP_SINKK: "file" };
    assert.throws(() => parseSettings(wrong), (error: Error) => {
      for (const name of ["NODE_ID: is missing", "APP_LISTEN: must be host:port", "APP_STATUS_LISTEN: must be on the loopback", 'APP_TRUNK_LIMITS: "carrier=fast"', "APP_LEASE_MS", "APP_SINKK: there is no such setting"]) assert.ok(error.message.includes(name), `${name} in\n${error.message}`);
      return true;
    });
    for (const [more, problem] of [[{ SECRET_ID: "x" }, /exactly one/], [{ APP_SINK: "sns" }, /APP_SNS_TOPICS/], [{ APP_SINK: "webhook" }, /APP_WEBHOOK_URL/], [{ APP_LEASE_MS: "5000", APP_ROLE_INTERVAL_MS: "5000" }, /APP_LEASE_MS: is 5000/]] as const) assert.throws(() => parseSettings({ ...LEAST, ...more }), problem);
    assert.ok(SETTING_NAMES.includes("APP_SNS_TOPICS"));
  });
});

describe("the README's section on the Stasis app", () => {
  const readme = readFileSync("README.md", "utf8");
  const section = readme.slice(readme.indexOf("\n## The Stasis app\n"), readme.indexOf("\n## Runbook\n"));

  it("names every setting, event type and metric, with its default", () => {
    const defaults = parseSettings(LEAST);
    for (const name of SETTING_NAMES) assert.ok(section.includes(`\`${name}\``), name);
    for (const name of [...Object.keys(EVENT_TYPES), ...Object.keys(APP_METRICS)]) assert.ok(section.includes(`\`${name}\``), name);
    for (const name of SETTING_NAMES.filter((each) => each.startsWith("APP_"))) {
      const value = defaults[name];
      if (typeof value === "string" || typeof value === "number") assert.ok(section.includes(`| \`${name}\` | \`${value}\` |`), name);
    }
  });
});

describe("nodectl calls", () => {
  const view: CallsView = { node: "node-a", role: "active", database: true, asterisk: true, sink: null, secret: null, here: 2, figures: { queued: 3, dialling: 1, up: 1, lastHour: { answered: 4, busy: 1 } }, waiting: { count: 0, oldestMs: 0 }, campaigns: [{ campaign: "appeal", running: 2, callsPerSecond: 5, concurrent: 50 }] };

  it("tells how many calls are where", () => {
    assert.deepEqual(callsText(view), ["node-a: active, makes and takes calls", "calls: 3 queued, 1 being dialled, 1 up (2 on this node)", "last hour: answered 4, busy 1", "events: all delivered", "campaign appeal: 2 of 50 calls at once, 5 a second at most"]);
  });

  it("says whom nobody has found, and where that one runs", async () => {
    const said: string[] = [];
    const code = await runCli(["calls", "--url", "http://127.0.0.1:9"], { out: (line) => void said.push(line), err: (line) => void said.push(line), colour: false, width: 80, env: {} });
    assert.equal(code, 1);
    assert.match(said.join("\n"), /^No Stasis app answers at http:\/\/127\.0\.0\.1:9 .*stasis-app\.env/);
  });

  it("tells what is wrong first", () => {
    const lines = callsText({ ...view, role: "standby", database: false, asterisk: false, sink: "webhook away", secret: "app_token: must be a text", figures: null, waiting: { count: 7, oldestMs: 90_000 } });
    assert.deepEqual(lines.slice(1, 5), ["trouble: no connection to Asterisk", "trouble: the database does not answer", "trouble: events are not taken: webhook away", "trouble: the newest secret is not in use: app_token: must be a text"]);
    assert.match(lines[5] ?? "", /^events: 7 wait, the oldest for /);
  });
});

describe("the secret, as the Stasis app reads it", () => {
  const good = { ari_password: "agent-password", app_database: { username: "callapp", password: "db-password" }, app_token: "t".repeat(32), others: 1 };

  it("falls back to the agent's password for ARI only", () => {
    assert.equal(parseAppSecret(JSON.stringify(good)).ariPassword, "agent-password");
    assert.equal(parseAppSecret(JSON.stringify({ ...good, stasis_password: "own" })).ariPassword, "own");
  });

  it("may hold several tokens while clients change from one to the other", () => {
    assert.deepEqual(parseAppSecret(JSON.stringify(good)).tokens, [good.app_token]);
    assert.deepEqual(parseAppSecret(JSON.stringify({ ...good, app_token: [good.app_token, "u".repeat(32)] })).tokens, [good.app_token, "u".repeat(32)]);
  });

  it("is refused by field, never by value", () => {
    for (const [text, field] of [["secret-text", "whole"], [JSON.stringify({ ...good, app_token: "short-token" }), "app_token"], [JSON.stringify({ ...good, app_token: [good.app_token, "short-token"] }), "app_token"], [JSON.stringify({ ...good, app_database: { username: "callapp" } }), "app_database.password"]] as const) {
      assert.throws(() => parseAppSecret(text), (error: Error) => error.message.includes(field) && !/secret-text|short-token|callapp/.test(error.message));
    }
  });
});

describe("the app's role", () => {
  const word = { role: "active", draining: false };

  it("is the agent's, and outlasts an agent that restarts, but begins nothing for long without it", () => {
    assert.equal(roleOf({ word: null, atMs: 0 }, 0, 100), "standby");
    assert.equal(roleOf({ word, atMs: 0 }, 100, 100), "active");
    assert.equal(roleOf({ word, atMs: 0 }, 101, 100), "holding");
    assert.equal(mayDial({ word, atMs: 0 }, 101, 100), false);
    for (const role of ["standby", "claiming", "starting", "witness"]) assert.equal(roleOf({ word: { ...word, role }, atMs: 0 }, 0, 100), "standby");
  });

  it("begins no calls on a node that drains", () => {
    assert.equal(mayDial({ word, atMs: 0 }, 0, 100), true);
    assert.equal(mayDial({ word: { ...word, draining: true }, atMs: 0 }, 0, 100), false);
  });

  it("is read from the agent's status, and told when it changes", async () => {
    let body = JSON.stringify({ role: "standby", draining: null });
    const server: Server = createServer((_incoming, outgoing) => outgoing.end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const told: string[] = [];
    const watch = new RoleWatch({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, intervalMs: 10_000, graceMs: 1_000, monotonicMs: () => 0, onRole: (role, before) => void told.push(`${before}->${role}`) });
    assert.equal(await watch.ask(), "standby");
    body = JSON.stringify({ role: "active", draining: "maintenance" });
    assert.equal(await watch.ask(), "active");
    assert.equal(watch.mayDial, false);
    body = "nonsense";
    assert.equal(await watch.ask(), "active", "what can't be read changes nothing");
    body = JSON.stringify({ role: "standby" });
    await watch.ask();
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await watch.ask(), "standby", "nor does silence");
    assert.deepEqual(told, ["standby->active", "active->standby"]);
    await watch.close();
  });
});

describe("the app's metrics", () => {
  it("are those of the list; a rate is sent only where something has ended", () => {
    const values = appMetrics({ queued: 3, dialling: 2, up: 1, lastHour: { answered: 3, busy: 1 } }, { count: 7, oldestMs: 1_500 }, 4);
    assert.deepEqual(values, { CallsQueued: 3, CallsDialling: 2, CallsInMenu: 1, AnsweredRate: 0.75, EventsWaiting: 7, EventsOldest: 1_500, AppMetricsDropped: 4 });
    assert.deepEqual(Object.keys(values), Object.keys(APP_METRICS));
    assert.ok(!("AnsweredRate" in appMetrics({ queued: 0, dialling: 0, up: 0, lastHour: {} }, { count: 0, oldestMs: 0 }, 0)));
  });
});
