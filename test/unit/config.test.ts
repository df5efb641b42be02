import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "../../agent/config.ts";
import { decodeFrame } from "../../agent/core/heartbeat.ts";
import { AgentError } from "../../agent/errors.ts";
import { KNOB_NAMES, KNOBS, knobRow } from "../../agent/knobs.ts";
import { NODE_SETTINGS, nodeConfig, problemsOf, WITNESS_SETTINGS, without } from "../support/settings.ts";

const only = (changes: Readonly<Record<string, string | undefined>>): string => {
  const problems = problemsOf(() => nodeConfig(changes));
  assert.equal(problems.length, 1, `one problem was expected:\n${problems.join("\n")}`);
  return problems[0] ?? "";
};

describe("loading the configuration", () => {
  it("needs only what can't have a default", () => {
    const config = nodeConfig();
    assert.equal(config.core.kind, "node");
    assert.equal(config.core.software, "1.2.3");
    assert.deepEqual(config.core.peers, ["node-b"]);
    assert.deepEqual(config.listen, { host: "0.0.0.0", port: 8090 });
    assert.deepEqual(config.referencePrivate, ["169.254.169.253:53"]);
    assert.deepEqual(config.referencePublic, ["ec2.eu-central-1.amazonaws.com:443"]);
    assert.deepEqual(config.secret, { kind: "secretsManager", secretId: "aicc-test/asterisk" });
    assert.equal(config.node?.ariApplication, "node-agent-node-a");
  });

  it("gives every number of the core groups to the core, under the knob's name", () => {
    const { core } = nodeConfig({ PEER_LOST_AFTER_MS: "2500", CLAIMS_PER_HOUR: "9" });
    assert.equal(core.peerLostAfterMs, 2_500);
    assert.equal(core.claimsPerHour, 9);
    assert.equal(core.tickIntervalMs, KNOBS.TICK_INTERVAL_MS.default);
    for (const value of Object.values(core)) assert.notEqual(value, undefined);
  });

  it("sorts members by name, whatever the order in the list", () => {
    const config = nodeConfig({ NODE_ID: "node-b", PEERS: "node-c=10.0.3.10:8090, node-a=10.0.1.10:8090", PEER_INSTANCES: "node-a=i-0a,node-c=i-0c", WITNESSES: "w2=10.0.5.1:8090,w1=10.0.4.1:8090" });
    assert.deepEqual(config.core.peers, ["node-a", "node-c"]);
    assert.deepEqual(config.core.witnesses, ["w1", "w2"]);
    assert.deepEqual(config.members.get("w2"), { host: "10.0.5.1", port: 8_090 });
  });

  it("lets the environment win over the file", () => {
    const config = loadConfig({ file: { ...NODE_SETTINGS, HOLD_DOWN_MS: "10000" }, process: { HOLD_DOWN_MS: "20000" } }, "1.2.3");
    assert.equal(config.core.holdDownMs, 20_000);
  });

  it("tells all problems at once, each in a line of its own", () => {
    const problems = problemsOf(() => loadConfig({ file: { ...NODE_SETTINGS, HOLD_DOWN_MS: "soon", CLUSTER_ID: "", PEER: "x" }, process: {}, fileProblems: ["line 7 is odd"] }, "1"));
    assert.equal(problems.length, 4);
    for (const about of ["HOLD_DOWN_MS", "CLUSTER_ID", "PEER ", "line 7"]) assert.ok(problems.some((problem) => problem.startsWith(about)), about);
  });

  it("throws an AgentError with the code for the configuration", () => {
    assert.throws(() => loadConfig({ file: {}, process: {} }, "1"), (error) => error instanceof AgentError && error.code === "AGENT_CONFIG_INVALID");
  });

  it("says of each missing knob what it is and how a line with it looks", () => {
    const problems = problemsOf(() => loadConfig({ file: {}, process: {} }, "1"));
    const required = KNOB_NAMES.filter((name) => knobRow(name).default === undefined);
    for (const name of required) assert.ok(problems.some((problem) => problem.startsWith(`${name} is missing. Add a line such as ${name}=${knobRow(name).example ?? "nothing"}`)), name);
  });

  it("takes an empty text for an error, not for zero or for the default", () => {
    assert.match(only({ HOLD_DOWN_MS: "" }), /^HOLD_DOWN_MS: is set but empty/);
    assert.match(only({ LOG_LEVEL: " " }), /^LOG_LEVEL: is set but empty/);
  });

  it("takes an empty list for an empty list where a list may be empty", () => {
    assert.deepEqual(nodeConfig({ WITNESSES: "", STASIS_APPS: "" }).core.witnesses, []);
    assert.match(only({ REFERENCE_PUBLIC: "" }), /^REFERENCE_PUBLIC: is set but empty/);
  });

  it("accepts each number at both ends of its range and refuses it one beyond", () => {
    for (const name of KNOB_NAMES) {
      const { kind, min, max } = knobRow(name);
      if (min === undefined || max === undefined || !["duration", "count", "size", "port"].includes(kind)) continue;
      const ownProblem = (value: number): boolean => problemsOf(() => nodeConfig({ [name]: String(value) })).some((problem) => problem.startsWith(`${name}: `));
      assert.ok(!ownProblem(min) && !ownProblem(max), `${name} must accept ${min} and ${max}`);
      assert.ok(ownProblem(max + 1) && (min === 0 || ownProblem(min - 1)), `${name} must refuse what is beyond`);
    }
  });

  it("refuses numbers that are not plain whole numbers, and translates a unit", () => {
    for (const text of ["-1", "1.5", "1e3", "0x10", "1_000", "NaN", "ten"]) assert.match(only({ HOLD_DOWN_MS: text }), /is not a whole number of milliseconds from 0 to 3600000/);
    assert.match(only({ HOLD_DOWN_MS: "30s" }), /in milliseconds that is 30000/);
    assert.match(only({ HOLD_DOWN_MS: "2 min" }), /in milliseconds that is 120000/);
  });

  it("never repeats what might be a secret in the wrong place", () => {
    const key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
    const secrets = [key, "http://agent:s3cret@127.0.0.1:8088", '{"ari_password":"s3cret"}', "pass@word!"];
    for (const name of ["ARI_URL", "ARI_USERNAME", "NODE_ID", "PEERS", "LISTEN", "HOLD_DOWN_MS", "STASIS_APPS", "SECRETS_FILE", "TIMING"]) {
      for (const secret of secrets) {
        const message = problemsOf(() => nodeConfig({ [name]: secret })).join("\n");
        for (const part of ["s3cret", "q83vEjRW", "pass@"]) assert.ok(!message.includes(part), `${name}: ${message}`);
      }
    }
  });

  it("does not repeat what follows a lost line break, and says what happened", () => {
    for (const value of ["HEARTBEAT_KEYS=s3cretWord", "1000HEARTBEAT_KEYS = s3cretWord", "x ARI_PASSWORD=s3cretWord"]) {
      const problem = only({ SECRET_INTERVAL_MS: value });
      assert.doesNotMatch(problem, /s3cret/);
      assert.match(problem, /^SECRET_INTERVAL_MS: its value .* is a line break missing\?/);
    }
    const list = only({ PEERS: "node-b=10.0.2.10:8090ARI_PASSWORD=abc,s3cretWord" });
    assert.doesNotMatch(list, /s3cret|abc/);
    assert.match(list, /^PEERS: its value .* is a line break missing\?/);
  });

  it("asks for IP addresses where a name would have to be resolved in an outage", () => {
    assert.match(only({ PEERS: "node-b=node-b.internal:8090" }), /^PEERS: .*IP addresses/);
    assert.deepEqual(nodeConfig({ PEERS: "node-b=[fd00::2]:8090" }).members.get("node-b"), { host: "fd00::2", port: 8_090 });
  });

  it("refuses addresses that can't be meant", () => {
    assert.match(only({ LISTEN: "10.0.0.256:8090" }), /^LISTEN: /);
    assert.match(only({ LISTEN: "localhost:8090" }), /^LISTEN: /);
    assert.match(only({ STATUS_LISTEN: "localhost:8091" }), /^STATUS_LISTEN: /);
    assert.match(only({ LISTEN: "0.0.0.0:0" }), /^LISTEN: /);
    assert.match(only({ SIP_ADDRESS: "0.0.0.0:5060" }), /^SIP_ADDRESS: /);
    assert.match(only({ STATUS_LISTEN: "10.0.1.10:8091" }), /^STATUS_LISTEN: .*loopback/);
    assert.match(only({ REFERENCE_PUBLIC: "10.0.0.300:443" }), /^REFERENCE_PUBLIC: /);
    assert.match(only({ ARI_URL: "https://127.0.0.1:8089" }), /^ARI_URL: /);
    assert.match(only({ ARI_URL: "http://127.0.0.1:8088/ari" }), /^ARI_URL: /);
    assert.match(only({ AWS_LOCAL_ADDRESS: "0.0.0.0" }), /^AWS_LOCAL_ADDRESS: /);
  });

  it("names every bad and every doubled entry of a list", () => {
    const problem = only({ STASIS_APPS: "aicc,,aicc,b c" });
    for (const part of ["an entry is empty", '"aicc" comes twice', '"b c" is not one of them']) assert.ok(problem.includes(part), problem);
  });

  it("names nodes exactly as the heartbeat's codec does", () => {
    const accepted = (id: string): boolean => !problemsOf(() => nodeConfig({ NODE_ID: id })).some((problem) => problem.startsWith("NODE_ID"));
    // The codec first looks at other fields, so its answer is read from whether it complains of this one.
    const codec = (id: string): boolean => {
      const decoded = decodeFrame(JSON.stringify({ v: 1, kind: "heartbeat", cluster: "c", node: id }), "c", id);
      return !decoded.ok && decoded.detail !== "field node";
    };
    for (const id of ["a", "node-a", "0", "a--b", "x".repeat(32), "x".repeat(33), "-a", "a-", "Node-A", "a.b", "a b", "ä"]) assert.equal(accepted(id), codec(id), id);
  });
});

describe("the configuration of a witness", () => {
  const witness = (changes: Readonly<Record<string, string>> = {}) => loadConfig({ file: { ...WITNESS_SETTINGS, ...changes }, process: {} }, "1.2.3");

  it("needs nothing of EC2 and Asterisk", () => {
    const config = witness();
    assert.equal(config.core.kind, "witness");
    assert.equal(config.node, null);
    assert.equal(config.awsRegion, null);
    assert.deepEqual(config.core.peers, ["node-a", "node-b"]);
    assert.deepEqual(config.core.witnesses, []);
  });

  it("ignores what only a node uses, so that one file can be copied", () => {
    const config = witness({ WITNESSES: "witness-1=10.0.3.10:8090", PEER_INSTANCES: "nonsense", MARK_VISIBLE_AFTER_MS: "1" });
    assert.deepEqual(config.core.witnesses, []);
  });

  it("must be given references where there is no region to derive them from", () => {
    const settings = without(WITNESS_SETTINGS, "REFERENCE_PUBLIC");
    assert.match(problemsOf(() => loadConfig({ file: settings, process: {} }, "1")).join(), /REFERENCE_PRIVATE and REFERENCE_PUBLIC must both be set/);
    assert.deepEqual(problemsOf(() => loadConfig({ file: { ...settings, AWS_REGION: "eu-central-1" }, process: {} }, "1")), []);
  });
});

describe("the digest of the settings that must be equal", () => {
  const digest = (changes: Readonly<Record<string, string>>): string => nodeConfig(changes).core.configDigest;
  const other = { NODE_ID: "node-b", PEERS: "node-a=10.0.1.10:8090", PEER_INSTANCES: "node-a=i-0a" };

  it("is equal on two nodes that are configured alike, though each lists the other", () => {
    assert.equal(digest({}), digest(other));
    assert.equal(digest({ STASIS_APPS: "a,b" }), digest({ ...other, STASIS_APPS: "b, a" }));
  });

  it("changes with every knob that must be equal, and with no other", () => {
    const changed: Readonly<Record<string, string>> = { CLUSTER_ID: "else", EIP_ALLOCATION_ID: "eipalloc-0b", SIP_TCP: "true", PEER_SIP_PORT: "5070", EIP_SIP_PORT: "5070", STASIS_APPS: "x", METRICS_NAMESPACE: "X", CLAIMS_PER_HOUR: "7", PROBE_DOWN_AFTER: "2" };
    for (const name of KNOB_NAMES) {
      const row = knobRow(name);
      const value = changed[name] ?? (typeof row.default === "number" ? String(row.default + 1) : null);
      // Whoever is no neighbour of a rule can be turned by one; the others are turned in the rules' own test.
      if (value === null || problemsOf(() => nodeConfig({ [name]: value })).length > 0) continue;
      assert.equal(digest({ [name]: value }) !== digest({}), row.same === true, name);
    }
  });

  it("changes with the membership", () => {
    assert.notEqual(digest({ WITNESSES: "w1=10.0.3.10:8090" }), digest({}));
  });

  it("begins with what a witness of the same cluster has", () => {
    const { configDigest } = loadConfig({ file: WITNESS_SETTINGS, process: {} }, "1").core;
    assert.ok(digest({}).startsWith(configDigest));
    assert.ok(!digest({ HEARTBEAT_INTERVAL_MS: "200" }).startsWith(configDigest));
    assert.ok(digest({}).length <= 32, "the heartbeat carries at most 32 characters");
  });
});
