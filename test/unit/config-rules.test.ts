import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESETS } from "../../agent/config-presets.ts";
import { comparisonNeeds, comparisonProblem, COMPARISONS, RELATIONS, type Comparison } from "../../agent/config-rules.ts";
import { knobRow, type KnobName, type KnobValues } from "../../agent/knobs.ts";
import { nodeConfig, problemsOf } from "../support/settings.ts";

/** The values of the defaults, numbers only, with some changed. */
function numbers(changes: Readonly<Record<string, number>>): KnobValues {
  return new Proxy({}, { get: (_, name: string) => changes[name] ?? knobRow(name as KnobName).default }) as KnobValues;
}

function boundOf(rule: Comparison, values: KnobValues): number {
  return rule.times * values[rule.right] + (rule.plus === undefined ? 0 : values[rule.plus]);
}

const BROKEN: readonly { readonly what: string; readonly changes: Readonly<Record<string, string | undefined>>; readonly says: RegExp }[] = [
  { what: "a node among its own peers", changes: { PEERS: "node-a=10.0.2.10:8090", PEER_INSTANCES: "node-a=i-0b" }, says: /^PEERS must not name this member itself \(node-a\)/ },
  { what: "a node among its own witnesses", changes: { WITNESSES: "node-a=10.0.3.10:8090" }, says: /^WITNESSES must not name this member itself/ },
  { what: "a peer that is a witness, too", changes: { WITNESSES: "node-b=10.0.3.10:8090" }, says: /^WITNESSES must not name a peer: node-b/ },
  { what: "one address for two members", changes: { WITNESSES: "w1=10.0.2.10:8090" }, says: /one address to several members: 10\.0\.2\.10:8090/ },
  { what: "five nodes", changes: { PEERS: "b=10.0.0.1:1,c=10.0.0.2:1,d=10.0.0.3:1,e=10.0.0.4:1" }, says: /^PEERS makes a cluster of 5 nodes; it must be two to four/ },
  { what: "instances that are not the peers'", changes: { PEER_INSTANCES: "node-c=i-0c" }, says: /it lacks node-b and names node-c/ },
  { what: "a peer on our own instance", changes: { INSTANCE_ID: "i-0b" }, says: /one instance to several nodes: i-0b/ },
  { what: "two places for the secret", changes: { SECRETS_FILE: "/etc/secret.json" }, says: /SECRET_ID and SECRETS_FILE: both are set/ },
  { what: "no place for the secret", changes: { SECRET_ID: undefined }, says: /SECRET_ID and SECRETS_FILE: neither is set/ },
  { what: "no region", changes: { AWS_REGION: undefined }, says: /^AWS_REGION is missing/ },
  { what: "a private address without its interface", changes: { CLAIM_PRIVATE_ADDRESS: "10.0.1.20" }, says: /without CLAIM_INTERFACE_ID/ },
  { what: "the agent's own application", changes: { STASIS_APPS: "aicc,node-agent-node-a" }, says: /STASIS_APPS must not name node-agent-node-a/ },
  { what: "one port for two listeners", changes: { STATUS_LISTEN: "127.0.0.1:8090" }, says: /both want port 8090/ },
  { what: "probes that speak too late", changes: { PROBE_DOWN_AFTER: "8" }, says: /PROBE_DOWN_AFTER - 1\) × SUSPECT_PROBE_INTERVAL_MS=200 is 2400 and must be at most/ },
];

/** With the other knobs at their defaults: the last value that is accepted, and the first that is not. */
const LIMITS: readonly (readonly [name: string, accepted: number, refused: number])[] = [
  ["TICK_INTERVAL_MS", 125, 126],
  ["PEER_LATE_AFTER_MS", 500, 499],
  ["PEER_LOST_AFTER_MS", 1_200, 1_199],
  ["SELF_DOUBT_AFTER_MS", 1_000, 1_001],
  ["SELF_DOUBT_AFTER_MS", 100, 99],
  ["COLD_LOST_AFTER_MS", 6_000, 5_999],
  ["WITNESS_ABSENT_AFTER_MS", 3_000, 2_999],
  ["PROBE_TIMEOUT_MS", 700, 1_000],
  ["CANARY_TIMEOUT_MS", 9_999, 10_000],
  ["STASIS_DOWN_AFTER_MS", 4_000, 3_999],
  ["CLAIM_CONFIRM_WITHIN_MS", 4_000, 3_999],
  ["CLAIM_RETRY_MIN_MS", 5_000, 5_001],
  ["MARK_VISIBLE_AFTER_MS", 700, 699],
  ["MARK_VISIBLE_AFTER_MS", 3_000, 3_001],
  ["MARK_INTERVAL_MS", 5_000, 5_001],
  ["YIELD_AFTER_MS", 1_499, 1_500],
];

describe("rules between knobs", () => {
  for (const [name, accepted, refused] of LIMITS) {
    it(`accept ${name}=${accepted} among defaults, and refuse ${refused}`, () => {
      assert.deepEqual(problemsOf(() => nodeConfig({ [name]: String(accepted) })), []);
      assert.ok(problemsOf(() => nodeConfig({ [name]: String(refused) })).some((problem) => problem.includes(`${name}=${refused}`)));
    });
  }

  for (const [name, preset] of Object.entries(PRESETS)) {
    it(`hold for the preset ${name}`, () => assert.deepEqual(problemsOf(() => nodeConfig({ TIMING: name })), [], Object.keys(preset).join()));
  }

  for (const rule of COMPARISONS) {
    it(`say when ${rule.left} is not ${rule.is} the bound set by ${rule.right}, and hold at the bound itself`, () => {
      const values = numbers({});
      const bound = boundOf(rule, values);
      const good = rule.is === "less than" ? bound - 1 : bound;
      const bad = rule.is === "at least" ? bound - 1 : good + 1;
      const told = (left: number): string | null => comparisonProblem(rule, { values: numbers({ [rule.left]: left }), origin: () => "set" });
      assert.equal(told(good), null);
      const problem = told(bad) ?? "";
      assert.ok(problem.startsWith(`${rule.left}=${bad} (set) must be ${rule.is} `) && problem.includes(rule.why), problem);
    });
  }

  it("name the values, where they come from, and what to turn", () => {
    const problems = problemsOf(() => nodeConfig({ HEARTBEAT_INTERVAL_MS: "1000", TIMING: "cautious" }));
    assert.equal(problems[0], "PEER_LATE_AFTER_MS=1800 (TIMING=cautious) must be at least 2 × HEARTBEAT_INTERVAL_MS = 2000, with HEARTBEAT_INTERVAL_MS=1000 (set): one lost heartbeat must not begin a suspicion. Either raise PEER_LATE_AFTER_MS or lower HEARTBEAT_INTERVAL_MS.");
  });

  for (const { what, changes, says } of BROKEN) {
    it(`refuse ${what}`, () => {
      const problems = problemsOf(() => nodeConfig(changes));
      assert.ok(problems.some((problem) => says.test(problem)), problems.join("\n"));
    });
  }

  it("allow two ports of one host, and another host's port", () => {
    assert.deepEqual(problemsOf(() => nodeConfig({ WITNESSES: "w1=10.0.2.10:8092", LISTEN: "10.0.1.10:8091" })), []);
  });

  it("read no knob but those that they need, so that a bad value elsewhere can't disturb them", () => {
    const values = { ...numbersAndShapes() };
    for (const rule of RELATIONS) {
      const read = new Set<string>();
      rule.broken(new Proxy(values, { get: (target, name: string) => (read.add(name), Reflect.get(target, name) as unknown) }));
      assert.deepEqual([...read].filter((name) => !rule.needs.some((need) => need === name)), [], rule.why);
    }
  });

  it("are not asked while one of their knobs is unreadable", () => {
    assert.deepEqual(problemsOf(() => nodeConfig({ HEARTBEAT_INTERVAL_MS: "often" })).filter((problem) => problem.includes("must be at least 2 ×")), []);
  });

  it("touch every detection knob of the presets", () => {
    const asked = new Set([...COMPARISONS.flatMap(comparisonNeeds), ...RELATIONS.flatMap((rule) => rule.needs)]);
    const unasked = Object.keys(PRESETS.cautious).filter((name) => !asked.has(name as KnobName));
    assert.deepEqual(unasked, ["HOLD_DOWN_MS", "VACANT_GRACE_MS"], "limits on claims need no neighbour");
  });
});

/** Something of the right shape for every knob that a relation reads. */
function numbersAndShapes(): KnobValues {
  const { members, listen, statusListen } = nodeConfig();
  const lists = { PEERS: members, WITNESSES: new Map(), PEER_INSTANCES: new Map([["node-b", "i-0b"]]), STASIS_APPS: [], LISTEN: listen, STATUS_LISTEN: statusListen };
  const texts = { ROLE: "witness", COLD_STANDBY: false, NODE_ID: "node-a", AWS_REGION: null, SECRET_ID: null, SECRETS_FILE: null, REFERENCE_PRIVATE: null, REFERENCE_PUBLIC: null, CLAIM_INTERFACE_ID: null, CLAIM_PRIVATE_ADDRESS: "10.0.0.1", INSTANCE_ID: "i-0a" };
  const counts = { PEER_LATE_AFTER_MS: 600, PROBE_TIMEOUT_MS: 400, PROBE_DOWN_AFTER: 3, SUSPECT_PROBE_INTERVAL_MS: 200, PEER_LOST_AFTER_MS: 1_500 };
  return { ...lists, ...texts, ...counts } as unknown as KnobValues;
}
