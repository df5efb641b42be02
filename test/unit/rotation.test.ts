// What a running agent does with a new secret: real files, and an Asterisk that is told of in lines.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { AriAccess } from "../../agent/adapters/ari-http.ts";
import { AgentError } from "../../agent/errors.ts";
import { openLog } from "../../agent/log.ts";
import type { SecretSource } from "../../agent/ports.ts";
import { commit, readManifest, type Manifest } from "../../agent/render/commit.ts";
import { changesOf } from "../../agent/render/plan.ts";
import { factsFor, holdTarget, openTemplates, renderFor } from "../../agent/render/render.ts";
import type { FactSource } from "../../agent/render/values.ts";
import { makeRotation, type Rotation } from "../../agent/rotation.ts";
import { watchSecret } from "../../agent/secret-watch.ts";
import { parseSecret, type Secret } from "../../agent/secret.ts";
import { nodeConfig } from "../support/settings.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const KEY = randomBytes(32).toString("base64");
const FIRST = { ari_password: "ari-one", heartbeat_keys: { k1: KEY }, username: "dbuser", password: "db-one" };
const secretOf = (fields: object): Secret => parseSecret(JSON.stringify(fields), "node");
const never = new AbortController().signal;

/** An Asterisk: which ARI password it takes, what it was asked to reload, and how it fails. */
class Asterisk {
  readonly reloads: string[] = [];
  accepts: string;
  /** Taken when res_ari.so is reloaded. */
  onDisk: string;
  runs = true;
  failing: string | null = null;

  constructor(password: string) {
    this.accepts = password;
    this.onDisk = password;
  }

  reload(module: string): Promise<boolean> {
    if (!this.runs) return Promise.reject(new AgentError("AGENT_PROBE_REFUSED", "nothing listens there"));
    if (this.failing === module) return Promise.reject(new AgentError("AGENT_ARI_FAILED", `the reload of ${module} was answered with 409`));
    this.reloads.push(module);
    if (module === "res_ari.so") this.accepts = this.onDisk;
    return Promise.resolve(true);
  }

  /** As AriHttp does it. */
  accepted(access: AriAccess): Promise<boolean> {
    if (!this.runs) return Promise.reject(new AgentError("AGENT_PROBE_REFUSED", "nothing listens there"));
    if (access.password === this.accepts) return Promise.resolve(true);
    if (access.otherPassword !== this.accepts) return Promise.resolve(false);
    Object.assign(access, { password: access.otherPassword, otherPassword: access.password });
    return Promise.resolve(true);
  }
}

interface World {
  readonly target: string;
  readonly asterisk: Asterisk;
  readonly access: AriAccess;
  readonly rotation: Rotation;
  readonly keys: string[];
  readonly log: () => string;
  readonly events: () => readonly string[];
  readonly manifest: () => Promise<Manifest | null>;
  readonly file: (name: string) => Promise<string>;
}

async function world(context: TestContext, options: { readonly rendered?: boolean; readonly facts?: FactSource; readonly settings?: Readonly<Record<string, string>> } = {}): Promise<World> {
  const temporary = await temporaryFolder();
  const { path: folder } = temporary;
  context.after(() => temporary.remove());
  const target = join(folder, "etc");
  await mkdir(target);
  const config = nodeConfig({ RENDER_TARGET: target, ELASTIC_IP: "198.51.100.7", LOCAL_NET: "10.0.0.0/16", INCOMING_APP: "app", DATABASE_HOST: "db.example.com", ...options.settings });
  const lines: string[] = [];
  const log = openLog({ level: "debug", clusterId: "c", nodeId: "node-a", clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: (line) => { lines.push(line); } } });
  const facts = options.facts ?? { elasticIp: () => Promise.reject(new Error("not asked")), localNet: () => Promise.reject(new Error("not asked")) };
  if (options.rendered !== false) {
    const { node, templates } = await openTemplates(config, null);
    await holdTarget(target, never, async (held) => {
      const files = renderFor(config, node, templates, secretOf(FIRST), await factsFor(node, templates, facts, never));
      await commit(target, changesOf(await held.plan(files), "v1"), held.disk);
    });
    await symlink("roles/active", join(target, "role"));
  }
  const asterisk = new Asterisk("ari-one");
  const access: AriAccess = { url: "http://127.0.0.1:8088", username: "agent", password: "ari-one", otherPassword: null };
  const keys: string[] = [];
  const { node } = config;
  assert.ok(node !== null);
  const rotation = makeRotation({
    config, log, setKeys: (all, dialWith) => { keys.push(`${[...all.keys()].join("+")} dial ${dialWith}`); },
    node: { node, access, facts, modules: { reload: (module) => asterisk.reload(module), accepted: () => asterisk.accepted(access), close: () => undefined } },
  });
  return {
    target, asterisk, access, rotation, keys,
    log: () => lines.join(""),
    events: () => lines.map((line) => (JSON.parse(line) as { readonly event: string }).event),
    manifest: () => readManifest(target),
    file: (name) => readFile(join(target, name), "utf8"),
  };
}

const failsWith = (code: string) => (error: unknown): boolean => error instanceof AgentError && error.code === code;

describe("a new heartbeat key", () => {
  it("reaches the link, and nothing of Asterisk is touched", async (context) => {
    const { rotation, keys, asterisk, target, manifest } = await world(context);
    const before = (await stat(join(target, "ari.conf"))).mtimeMs;
    await rotation.take(secretOf({ ...FIRST, heartbeat_keys: { k1: KEY, k2: randomBytes(32).toString("base64") }, heartbeat_key_current: "k1" }), "v2");
    assert.deepEqual([keys, asterisk.reloads], [["k1+k2 dial k1"], []]);
    assert.equal((await stat(join(target, "ari.conf"))).mtimeMs, before);
    assert.equal((await manifest())?.secretVersion, "v2");
  });

  it("reaches the link even when Asterisk's configuration can't be made, and only once", async (context) => {
    const { rotation, keys, file } = await world(context);
    const before = await file("res_odbc.conf");
    const bad = secretOf({ ...FIRST, password: "bad;value", heartbeat_keys: { k2: randomBytes(32).toString("base64") } });
    await assert.rejects(rotation.take(bad, "v2"), failsWith("AGENT_RENDER_INVALID"));
    await assert.rejects(rotation.take(bad, "v2"), failsWith("AGENT_RENDER_INVALID"));
    assert.deepEqual(keys, ["k2 dial k2"]);
    assert.equal(await file("res_odbc.conf"), before);
  });
});

describe("a new database password", () => {
  it("changes one file and reloads one module", async (context) => {
    const { rotation, asterisk, file, manifest, events } = await world(context);
    await rotation.take(secretOf({ ...FIRST, password: "db-two" }), "v2");
    assert.match(await file("res_odbc.conf"), /^password = db-two$/m);
    assert.deepEqual(asterisk.reloads, ["res_odbc.so"]);
    assert.deepEqual([(await manifest())?.secretVersion, (await manifest())?.reload], ["v2", []]);
    assert.deepEqual(events(), ["config-rendered"]);
  });

  it("is reloaded at the next attempt when the first one failed, also by another agent", async (context) => {
    const { rotation, asterisk, manifest } = await world(context);
    asterisk.failing = "res_odbc.so";
    const secret = secretOf({ ...FIRST, password: "db-two" });
    await assert.rejects(rotation.take(secret, "v2"), failsWith("AGENT_ARI_FAILED"));
    assert.deepEqual((await manifest())?.reload, ["res_odbc.so"]);
    asterisk.failing = null;
    await rotation.catchUp(secret, "v2");
    assert.deepEqual([asterisk.reloads, (await manifest())?.reload], [["res_odbc.so"], []]);
  });

  it("needs no reload while Asterisk does not run", async (context) => {
    const { rotation, asterisk, file, manifest } = await world(context);
    asterisk.runs = false;
    await rotation.take(secretOf({ ...FIRST, password: "db-two", ari_password: "ari-two" }), "v2");
    assert.match(await file("res_odbc.conf"), /db-two/);
    assert.deepEqual((await manifest())?.reload, []);
  });

  it("leaves alone what somebody changed by hand", async (context) => {
    const { rotation, target, file } = await world(context);
    await writeFile(join(target, "rtp.conf"), "; mine\n");
    await rotation.take(secretOf({ ...FIRST, password: "db-two" }), "v2");
    assert.equal(await file("rtp.conf"), "; mine\n");
  });
});

describe("a new ARI password", () => {
  it("is at hand before Asterisk takes it, and the old one until then", async (context) => {
    const { rotation, asterisk, access, file } = await world(context);
    asterisk.onDisk = "ari-two";
    const before = await file("ari.conf");
    const taken = rotation.take(secretOf({ ...FIRST, ari_password: "ari-two" }), "v2");
    assert.deepEqual([access.password, access.otherPassword], ["ari-one", "ari-two"]);
    await taken;
    assert.notEqual(await file("ari.conf"), before);
    assert.deepEqual(asterisk.reloads, ["res_ari.so"]);
    assert.deepEqual([access.password, access.otherPassword], ["ari-two", null]);
  });

  it("keeps the old one in use when the reload fails", async (context) => {
    const { rotation, asterisk, access } = await world(context);
    asterisk.failing = "res_ari.so";
    await assert.rejects(rotation.take(secretOf({ ...FIRST, ari_password: "ari-two" }), "v2"), failsWith("AGENT_ARI_FAILED"));
    assert.ok(await asterisk.accepted(access));
    assert.deepEqual([access.password, access.otherPassword], ["ari-one", "ari-two"]);
  });

  it("is not called taken while Asterisk takes the old one", async (context) => {
    const { rotation, access } = await world(context);
    // Its disk still has the old one: as a reload without effect.
    await assert.rejects(rotation.take(secretOf({ ...FIRST, ari_password: "ari-two" }), "v2"), failsWith("AGENT_ARI_DENIED"));
    assert.deepEqual([access.password, access.otherPassword], ["ari-one", "ari-two"]);
  });

  it("that came while the agent was away reaches Asterisk at its start, although nobody knows the old one any more", async (context) => {
    const { rotation, asterisk, access, manifest } = await world(context);
    asterisk.onDisk = "ari-two";
    access.password = "ari-two";
    await rotation.catchUp(secretOf({ ...FIRST, ari_password: "ari-two" }), "v2");
    assert.deepEqual([asterisk.accepts, (await manifest())?.secretVersion], ["ari-two", "v2"]);
  });

  it("that was rendered but never read is read at the agent's start", async (context) => {
    const { rotation, asterisk, access, events } = await world(context);
    Object.assign(asterisk, { accepts: "older" });
    assert.equal(access.password, "ari-one");
    await rotation.catchUp(secretOf(FIRST), "v1");
    assert.deepEqual([asterisk.reloads, events()], [["res_ari.so"], ["config-rendered"]]);
  });

  it("where somebody else keeps ari.conf is taken whenever they change it", async (context) => {
    const { rotation, asterisk, access } = await world(context, { rendered: false });
    await rotation.take(secretOf({ ...FIRST, ari_password: "ari-two" }), "v2");
    assert.deepEqual([asterisk.reloads, access.password, access.otherPassword], [[], "ari-one", "ari-two"]);
    asterisk.accepts = "ari-two";
    assert.ok(await asterisk.accepted(access));
    assert.equal(access.password, "ari-two");
  });
});

describe("the start of an agent", () => {
  it("touches nothing when the secret is the rendered one, and nothing in a folder that was never rendered", async (context) => {
    for (const rendered of [true, false]) {
      const { rotation, asterisk, target, events } = await world(context, { rendered });
      const before = rendered ? (await stat(join(target, ".render.json"))).mtimeMs : 0;
      await rotation.catchUp(secretOf(FIRST), rendered ? "v1" : "v7");
      assert.deepEqual([asterisk.reloads, events()], [[], []]);
      if (rendered) assert.equal((await stat(join(target, ".render.json"))).mtimeMs, before);
    }
  });

  it("goes on when the configuration can't be rendered, and says why, without the value", async (context) => {
    const { rotation, log, events } = await world(context);
    assert.equal((await rotation.catchUp(secretOf({ ...FIRST, password: "bad;value" }), "v2"))?.code, "AGENT_RENDER_INVALID");
    assert.deepEqual(events(), ["config-not-rendered"]);
    assert.match(log(), /res_odbc\.conf, line \d+: \{\{password\}\}/);
    assert.ok(!log().includes("bad;value"));
  });
});

describe("facts that no knob gives", () => {
  it("are asked for, and a silence leaves everything as it was", async (context) => {
    const answers = { elasticIp: (): Promise<string> => Promise.resolve("203.0.113.9"), localNet: () => Promise.resolve("10.0.0.0/16,100.64.0.0/16") };
    const here = await world(context, { facts: answers, settings: { ELASTIC_IP: undefined as unknown as string, LOCAL_NET: undefined as unknown as string } });
    assert.match(await here.file("pjsip.conf"), /^external_media_address = 203\.0\.113\.9$/m);
    assert.match(await here.file("pjsip.conf"), /^local_net = 10\.0\.0\.0\/16,100\.64\.0\.0\/16$/m);
    answers.elasticIp = () => Promise.reject(new AgentError("AGENT_CLOUD_TIMEOUT", "EC2 DescribeAddresses: the deadline passed"));
    await assert.rejects(here.rotation.take(secretOf({ ...FIRST, password: "db-two" }), "v2"), failsWith("AGENT_CLOUD_TIMEOUT"));
    assert.match(await here.file("res_odbc.conf"), /db-one/);
  });

  it("that make no sense are refused", async (context) => {
    const facts = { elasticIp: () => Promise.resolve(""), localNet: () => Promise.resolve("10.0.0.0/16") };
    await assert.rejects(world(context, { facts, settings: { ELASTIC_IP: undefined as unknown as string } }), failsWith("AGENT_CLOUD_FAILED"));
  });
});

describe("watching for a new version", () => {
  it("hands it on until it is taken, tells a failure once, and survives a defect", async () => {
    let version = "v1";
    const source: SecretSource = { fetch: () => Promise.resolve({ text: JSON.stringify(FIRST), version }) };
    const lines: { readonly event: string; readonly level: string }[] = [];
    const log = openLog({ level: "debug", clusterId: "c", nodeId: "n", clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: (line) => { lines.push(JSON.parse(line) as { event: string; level: string }); } } });
    const handed: string[] = [];
    const tried: (string | null)[] = [];
    let outcome: () => Promise<void> = () => Promise.reject(new AgentError("AGENT_RENDER_INVALID", "no"));
    const onNew = (_secret: Secret, next: string): Promise<void> => {
      handed.push(next);
      return outcome();
    };
    const stop = watchSecret({ source, kind: "node", deadlineMs: 1_000, log }, { inUse: "v1", intervalMs: 5, onNew, onTried: (failure) => { tried.push(failure?.code ?? null); } });
    try {
      version = "v2";
      await waitUntil("three attempts", () => handed.length >= 3, 5_000);
      assert.deepEqual(lines.map(({ event, level }) => `${level} ${event}`), ["error config-not-rendered"]);
      assert.deepEqual([...new Set(tried)], ["AGENT_RENDER_INVALID"]);
      outcome = () => Promise.reject(new TypeError("a defect"));
      await waitUntil("the defect told", () => lines.some(({ event }) => event === "defect-found"), 5_000);
      outcome = () => Promise.resolve();
      await waitUntil("it taken", () => lines.at(-1)?.event === "secret-rotated", 5_000);
      assert.equal(tried.at(-1), null, "the newest is in use");
      const count = handed.length;
      version = "v3";
      await waitUntil("the next one", () => handed.at(-1) === "v3", 5_000);
      assert.equal(handed.length, count + 1);
    } finally {
      stop();
    }
  });

  it("tells of a version that makes no sense until it is corrected, not of one that can't be read, and hands on what a start has missed", async () => {
    let text = JSON.stringify(FIRST);
    let readable = true;
    const source: SecretSource = { fetch: () => (readable ? Promise.resolve({ text, version: "v1" }) : Promise.reject(new AgentError("AGENT_SECRET_UNREADABLE", "away"))) };
    const events: string[] = [];
    const log = openLog({ level: "debug", clusterId: "c", nodeId: "n", clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: (line) => { events.push((JSON.parse(line) as { event: string }).event); } } });
    const tried: (string | null)[] = [];
    const handed: string[] = [];
    const onNew = (_secret: Secret, version: string): Promise<void> => {
      handed.push(version);
      return Promise.resolve();
    };
    const stop = watchSecret({ source, kind: "node", deadlineMs: 1_000, log }, { inUse: null, intervalMs: 5, onNew, onTried: (failure) => { tried.push(failure?.code ?? null); } });
    try {
      await waitUntil("the start's version", () => handed.length === 1, 5_000);
      assert.deepEqual([[...handed], [...tried]], [["v1"], [null]]);
      readable = false;
      await waitUntil("the silence told", () => events.at(-1) === "secret-unreadable", 5_000);
      assert.deepEqual([...tried], [null]);
      readable = true;
      text = "{}";
      await waitUntil("the nonsense told", () => tried.includes("AGENT_SECRET_INVALID"), 5_000);
      text = JSON.stringify(FIRST);
      await waitUntil("its end told", () => [...tried].pop() === null, 5_000);
      assert.deepEqual(handed, ["v1"], "it is the one in use");
    } finally {
      stop();
    }
  });
});
