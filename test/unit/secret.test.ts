import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { describe, it } from "node:test";
import { makeKeyRing } from "../../agent/adapters/psk.ts";
import { AgentError } from "../../agent/errors.ts";
import { parseSecret } from "../../agent/secret.ts";
import { problemsOf } from "../support/settings.ts";

const key = (): string => randomBytes(32).toString("base64");
const GOOD = { ari_password: "ari s3cret; ü", heartbeat_keys: { "2026-01": key() }, username: "asterisk", password: "db s3cret" };
const problems = (secret: unknown, kind: "node" | "witness" = "node"): readonly string[] => problemsOf(() => parseSecret(JSON.stringify(secret), kind));
const only = (changes: Readonly<Record<string, unknown>>): string => {
  const found = problems({ ...GOOD, ...changes });
  assert.equal(found.length, 1, found.join("\n"));
  return found[0] ?? "";
};

describe("reading the secret", () => {
  it("gives a node its passwords and its keys", () => {
    const bytes = randomBytes(32);
    const secret = parseSecret(JSON.stringify({ ...GOOD, heartbeat_keys: { k1: bytes.toString("base64") } }), "node");
    assert.deepEqual(secret.heartbeatKeys, new Map([["k1", Uint8Array.from(bytes)]]));
    assert.equal(secret.dialWith, "k1");
    assert.deepEqual(secret.node, { ariPassword: GOOD.ari_password, stasisPassword: GOOD.ari_password, database: { username: "asterisk", password: "db s3cret" }, trunks: [] });
  });

  it("asks a witness for nothing but keys, and gives it nothing else", () => {
    assert.equal(parseSecret(JSON.stringify({ heartbeat_keys: GOOD.heartbeat_keys }), "witness").node, null);
    assert.equal(parseSecret(JSON.stringify(GOOD), "witness").node, null);
  });

  it("leaves other fields alone", () => {
    assert.deepEqual(problems({ ...GOOD, dbInstanceIdentifier: 7, engine: "mysql", host: null }), []);
  });

  it("gives the Stasis app a password of its own where there is one", () => {
    assert.equal(parseSecret(JSON.stringify({ ...GOOD, stasis_password: "app s3cret" }), "node").node?.stasisPassword, "app s3cret");
    assert.match(only({ stasis_password: "" }), /^stasis_password: is empty/);
    assert.equal(parseSecret(JSON.stringify({ ...GOOD, stasis_password: null }), "node").node?.stasisPassword, GOOD.ari_password);
  });

  it("tells all missing fields at once, by name", () => {
    assert.deepEqual(problems({}).map((problem) => problem.split(":")[0]), ["heartbeat_keys", "ari_password", "username", "password"]);
  });

  it("has no default for an empty, absent or ill-typed field", () => {
    for (const field of ["ari_password", "username", "password"]) {
      assert.match(only({ [field]: "" }), new RegExp(`^${field}: is empty`));
      assert.match(only({ [field]: null }), new RegExp(`^${field}: missing`));
      assert.match(only({ [field]: 12345 }), new RegExp(`^${field}: must be a text`));
    }
  });

  it("refuses texts that would break out of their line in a configuration file", () => {
    for (const text of ["a\nb", "a\rb", "a\0b", "a\u2028b", "x".repeat(513)]) assert.match(only({ ari_password: text }), /^ari_password: must be a text without control characters/);
  });

  it("takes base64 of exactly 32 bytes for a key, and nothing that merely decodes", () => {
    const bytes = randomBytes(32);
    const wrong = [randomBytes(31).toString("base64"), randomBytes(33).toString("base64"), bytes.toString("hex"), bytes.toString("base64").replace("=", ""), ` ${bytes.toString("base64")}`, Buffer.alloc(32, 0xfb).toString("base64url"), `${"A".repeat(42)}B=`, 7, null, ""];
    for (const text of wrong) assert.match(only({ heartbeat_keys: { k1: text } }), /^heartbeat_keys\.k1: must be base64 of exactly 32 bytes/);
    for (let trial = 0; trial < 50; trial += 1) assert.deepEqual(problems({ ...GOOD, heartbeat_keys: { k: key() } }), []);
  });

  it("takes one key to four, each under an id that the peer link takes", () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, key()]));
    assert.match(only({ heartbeat_keys: {} }), /must have 1 to 4 keys and has 0/);
    assert.match(only({ heartbeat_keys: many(5) }), /must have 1 to 4 keys and has 5/);
    assert.match(only({ heartbeat_keys: [key()] }), /^heartbeat_keys: must be an object/);
    const { heartbeatKeys, dialWith } = parseSecret(JSON.stringify({ ...GOOD, heartbeat_keys: { ...many(3), ["x".repeat(32)]: key() } }), "node");
    assert.equal(makeKeyRing(heartbeatKeys, dialWith).keys.size, 4);
  });

  it("does not repeat an id that may be a key in the wrong place", () => {
    const misplaced = key();
    assert.match(only({ heartbeat_keys: { [misplaced]: "k1" } }), /^heartbeat_keys: the id of key 1 must be/);
    assert.ok(!only({ heartbeat_keys: { [misplaced]: "k1" } }).includes(misplaced.slice(0, 8)));
  });

  it("refuses one key under two ids", () => {
    const twice = key();
    assert.match(only({ heartbeat_keys: { a: twice, b: twice } }), /the same key under two ids/);
  });

  it("survives field names that JavaScript knows", () => {
    assert.match(problemsOf(() => parseSecret('{"__proto__":{"ari_password":"x","username":"x","password":"x"},"heartbeat_keys":{}}', "node")).join(), /ari_password: missing/);
    const inherited = parseSecret(`{"heartbeat_keys":{"__proto__":"${key()}"}}`, "witness");
    assert.deepEqual([...inherited.heartbeatKeys.keys()], ["__proto__"]);
  });

  it("reads trunks by name, and tells which one is wrong where", () => {
    const read = { name: "carrier", server: "sip.carrier.example:5060", username: "u", password: "p" };
    const trunk = { ...read, from_domain: "x" };
    assert.deepEqual(parseSecret(JSON.stringify({ ...GOOD, trunks: [trunk] }), "node").node?.trunks, [read]);
    assert.match(only({ trunks: {} }), /^trunks: must be a list/);
    assert.match(only({ trunks: [trunk, { ...trunk, name: "b", server: "a;b" }] }), /^trunks\[1\]\.server: must be host or host:port/);
    assert.match(only({ trunks: [trunk, trunk] }), /^trunks: must not have two of one name/);
  });
});

describe("which key is dialled with", () => {
  const keys = { "2026-02": key(), "2026-01": key() };
  const dialWith = (secret: object): string => parseSecret(JSON.stringify(secret), "witness").dialWith;

  it("is the first by id, so that a key that was just added is not used yet", () => {
    assert.equal(dialWith({ heartbeat_keys: keys }), "2026-01");
  });

  it("is the one that the secret names", () => {
    assert.equal(dialWith({ heartbeat_keys: keys, heartbeat_key_current: "2026-02" }), "2026-02");
  });

  it("must exist, and its name is not repeated when it does not", () => {
    for (const current of ["2026-03", "", 7, null]) assert.match(problems({ ...GOOD, heartbeat_keys: keys, heartbeat_key_current: current }).join(), /^heartbeat_key_current: must be the id of a usable key in heartbeat_keys/);
  });

  it("is known to whoever is one step behind or ahead, in every step of a rotation", () => {
    const { "2026-01": old, "2026-02": fresh } = keys;
    const steps = [
      { heartbeat_keys: { "2026-01": old } },
      { heartbeat_keys: keys, heartbeat_key_current: "2026-01" },
      { heartbeat_keys: keys, heartbeat_key_current: "2026-02" },
      { heartbeat_keys: { "2026-02": fresh }, heartbeat_key_current: "2026-02" },
      { heartbeat_keys: { "2026-02": fresh } },
    ].map((step) => parseSecret(JSON.stringify(step), "witness"));
    for (const [index, step] of steps.entries()) {
      for (const neighbour of [steps[index - 1], steps[index + 1]]) if (neighbour !== undefined) assert.ok(neighbour.heartbeatKeys.has(step.dialWith), `step ${index}`);
    }
  });
});

describe("errors about the secret", () => {
  it("never hold a value, nor does what is printed along with them", () => {
    const texts = ['{"ari_password": s3cret-value}', '"s3cret-value"', "s3cret-value", '{"ari_password":"s3cret-value"', JSON.stringify({ ...GOOD, ari_password: "s3cret-value\n", username: ["s3cret-value"], heartbeat_keys: { k: "s3cret-value", "s3cret value": "s3cret-value" }, trunks: ["s3cret-value"], heartbeat_key_current: "s3cret-value" })];
    for (const text of texts) {
      assert.throws(() => parseSecret(text, "node"), (error) => {
        assert.ok(error instanceof AgentError && error.code === "AGENT_SECRET_INVALID");
        assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes("s3cret"), error.message);
        return true;
      });
    }
  });

  it("say that the whole is no JSON object", () => {
    for (const text of ["", "[]", "null", "7", "{"]) assert.deepEqual(problemsOf(() => parseSecret(text, "node")), ["the whole: must be one JSON object, { … }"]);
  });
});
