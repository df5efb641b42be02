// What a running agent does with a new secret: real files, and an Asterisk that is told of in lines.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { AgentError } from "../../agent/errors.ts";
import { FIRST, KEY, rotationWorld, secretOf } from "../support/rotation-world.ts";

const failsWith = (code: string) => (error: unknown): boolean => error instanceof AgentError && error.code === code;

describe("a new heartbeat key", () => {
  it("reaches the link, and nothing of Asterisk is touched", async (context) => {
    const { rotation, keys, asterisk, target, manifest } = await rotationWorld(context);
    const before = (await stat(join(target, "ari.conf"))).mtimeMs;
    await rotation.take(secretOf({ ...FIRST, heartbeat_keys: { k1: KEY, k2: randomBytes(32).toString("base64") }, heartbeat_key_current: "k1" }), "v2");
    assert.deepEqual([keys, asterisk.reloads], [["k1+k2 dial k1"], []]);
    assert.equal((await stat(join(target, "ari.conf"))).mtimeMs, before);
    assert.equal((await manifest())?.secretVersion, "v2");
  });

  it("reaches the link even when Asterisk's configuration can't be made, and only once", async (context) => {
    const { rotation, keys, file } = await rotationWorld(context);
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
    const { rotation, asterisk, file, manifest, events } = await rotationWorld(context);
    await rotation.take(secretOf({ ...FIRST, password: "db-two" }), "v2");
    assert.match(await file("res_odbc.conf"), /^password = db-two$/m);
    assert.deepEqual(asterisk.reloads, ["res_odbc.so"]);
    assert.deepEqual([(await manifest())?.secretVersion, (await manifest())?.reload], ["v2", []]);
    assert.deepEqual(events(), ["config-rendered"]);
  });

  it("is reloaded at the next attempt when the first one failed, also by another agent", async (context) => {
    const { rotation, asterisk, manifest } = await rotationWorld(context);
    asterisk.failing = "res_odbc.so";
    const secret = secretOf({ ...FIRST, password: "db-two" });
    await assert.rejects(rotation.take(secret, "v2"), failsWith("AGENT_ARI_FAILED"));
    assert.deepEqual((await manifest())?.reload, ["res_odbc.so"]);
    asterisk.failing = null;
    await rotation.catchUp(secret, "v2");
    assert.deepEqual([asterisk.reloads, (await manifest())?.reload], [["res_odbc.so"], []]);
  });

  it("needs no reload while Asterisk does not run", async (context) => {
    const { rotation, asterisk, file, manifest } = await rotationWorld(context);
    asterisk.runs = false;
    await rotation.take(secretOf({ ...FIRST, password: "db-two", ari_password: "ari-two" }), "v2");
    assert.match(await file("res_odbc.conf"), /db-two/);
    assert.deepEqual((await manifest())?.reload, []);
  });

  it("leaves alone what somebody changed by hand", async (context) => {
    const { rotation, target, file } = await rotationWorld(context);
    await writeFile(join(target, "rtp.conf"), "; mine\n");
    await rotation.take(secretOf({ ...FIRST, password: "db-two" }), "v2");
    assert.equal(await file("rtp.conf"), "; mine\n");
  });
});

describe("a new ARI password", () => {
  it("is at hand before Asterisk takes it, and the old one until then", async (context) => {
    const { rotation, asterisk, access, file } = await rotationWorld(context);
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
    const { rotation, asterisk, access } = await rotationWorld(context);
    asterisk.failing = "res_ari.so";
    await assert.rejects(rotation.take(secretOf({ ...FIRST, ari_password: "ari-two" }), "v2"), failsWith("AGENT_ARI_FAILED"));
    assert.ok(await asterisk.accepted(access));
    assert.deepEqual([access.password, access.otherPassword], ["ari-one", "ari-two"]);
  });

  it("is not called taken while Asterisk takes the old one", async (context) => {
    const { rotation, access } = await rotationWorld(context);
    // Its disk still has the old one: as a reload without effect.
    await assert.rejects(rotation.take(secretOf({ ...FIRST, ari_password: "ari-two" }), "v2"), failsWith("AGENT_ARI_DENIED"));
    assert.deepEqual([access.password, access.otherPassword], ["ari-one", "ari-two"]);
  });

  it("that came while the agent was away reaches Asterisk at its start, although nobody knows the old one any more", async (context) => {
    const { rotation, asterisk, access, manifest } = await rotationWorld(context);
    asterisk.onDisk = "ari-two";
    access.password = "ari-two";
    await rotation.catchUp(secretOf({ ...FIRST, ari_password: "ari-two" }), "v2");
    assert.deepEqual([asterisk.accepts, (await manifest())?.secretVersion], ["ari-two", "v2"]);
  });

  it("that was rendered but never read is read at the agent's start", async (context) => {
    const { rotation, asterisk, access, events } = await rotationWorld(context);
    Object.assign(asterisk, { accepts: "older" });
    assert.equal(access.password, "ari-one");
    await rotation.catchUp(secretOf(FIRST), "v1");
    assert.deepEqual([asterisk.reloads, events()], [["res_ari.so"], ["config-rendered"]]);
  });

  it("where somebody else keeps ari.conf is taken whenever they change it", async (context) => {
    const { rotation, asterisk, access } = await rotationWorld(context, { rendered: false });
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
      const { rotation, asterisk, target, events } = await rotationWorld(context, { rendered });
      const before = rendered ? (await stat(join(target, ".render.json"))).mtimeMs : 0;
      await rotation.catchUp(secretOf(FIRST), rendered ? "v1" : "v7");
      assert.deepEqual([asterisk.reloads, events()], [[], []]);
      if (rendered) assert.equal((await stat(join(target, ".render.json"))).mtimeMs, before);
    }
  });

  it("goes on when the configuration can't be rendered, and says why, without the value", async (context) => {
    const { rotation, log, events } = await rotationWorld(context);
    assert.equal((await rotation.catchUp(secretOf({ ...FIRST, password: "bad;value" }), "v2"))?.code, "AGENT_RENDER_INVALID");
    assert.deepEqual(events(), ["config-not-rendered"]);
    assert.match(log(), /res_odbc\.conf, line \d+: \{\{password\}\}/);
    assert.ok(!log().includes("bad;value"));
  });
});

describe("facts that no knob gives", () => {
  it("are asked for, and a silence leaves everything as it was", async (context) => {
    const answers = { elasticIp: (): Promise<string> => Promise.resolve("203.0.113.9"), localNet: () => Promise.resolve("10.0.0.0/16,100.64.0.0/16") };
    const here = await rotationWorld(context, { facts: answers, settings: { ELASTIC_IP: undefined as unknown as string, LOCAL_NET: undefined as unknown as string } });
    assert.match(await here.file("pjsip.conf"), /^external_media_address = 203\.0\.113\.9$/m);
    assert.match(await here.file("pjsip.conf"), /^local_net = 10\.0\.0\.0\/16,100\.64\.0\.0\/16$/m);
    answers.elasticIp = () => Promise.reject(new AgentError("AGENT_CLOUD_TIMEOUT", "EC2 DescribeAddresses: the deadline passed"));
    await assert.rejects(here.rotation.take(secretOf({ ...FIRST, password: "db-two" }), "v2"), failsWith("AGENT_CLOUD_TIMEOUT"));
    assert.match(await here.file("res_odbc.conf"), /db-one/);
  });

  it("that make no sense are refused", async (context) => {
    const facts = { elasticIp: () => Promise.resolve(""), localNet: () => Promise.resolve("10.0.0.0/16") };
    await assert.rejects(rotationWorld(context, { facts, settings: { ELASTIC_IP: undefined as unknown as string } }), failsWith("AGENT_CLOUD_FAILED"));
  });
});
