// A witness that starts a standby that is kept stopped: when it does, when it does not, and what it says of itself.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainText } from "../../agent/cli/explain.ts";
import { COLD_START_GATES, coldStandbySays, foldStart, initialColdStart } from "../../agent/core/cold-standby.ts";
import { conditions } from "../../agent/core/conditions.ts";
import { gateContext } from "../../agent/core/gates.ts";
import { explanationSchema } from "../../agent/status/explain-schema.ts";
import { explanationOf, MEASURES } from "../../agent/status/explain.ts";
import { memberRows } from "../../agent/status/cluster-rows.ts";
import { statusView } from "../../agent/status/view.ts";
import { coldWitnessConfig, COLD_SETTINGS, nodeConfig, problemsOf } from "../support/settings.ts";
import { pilotLight, WITNESS } from "../support/pilot-light.ts";
import { coreConfig, SmallWorld } from "../support/small-world.ts";

const says = (world: SmallWorld): string | null => coldStandbySays(gateContext(world.state(WITNESS), world.config(WITNESS)));
const found = (world: SmallWorld): readonly string[] => conditions(world.state(WITNESS), world.config(WITNESS)).map(({ name }) => name);

describe("a witness with COLD_STANDBY", () => {
  it("starts nothing while the active lives, and says what it would do", () => {
    const world = pilotLight();
    assert.deepEqual(world.started, []);
    assert.equal(says(world), "It would start a stopped standby if node-a were lost. node-b is stopped.");
  });

  it("starts the stopped standby once when the active is gone, and gives it time", () => {
    const world = pilotLight();
    world.kill("node-a");
    world.run(40_000);
    assert.deepEqual(world.started, ["node-b"]);
    assert.ok(found(world).includes("cold-start"));
    assert.match(says(world) ?? "", /waits for "start due"\. node-b was started \d+ s ago\. Another start at the earliest in/);
  });

  it("starts it again when it has not come after COLD_START_WAIT_MS and EC2 still calls it stopped", () => {
    const world = pilotLight();
    world.kill("node-a");
    world.run(90_000);
    assert.deepEqual(world.started, ["node-b", "node-b"]);
  });

  it("starts nothing while another standby takes calls: that one claims", () => {
    const world = new SmallWorld([coreConfig("node-a", { witnesses: [WITNESS] }), coreConfig("node-b", { witnesses: [WITNESS] }), coreConfig(WITNESS, { peers: ["node-a", "node-b"], coldStandby: true })]);
    world.run(20_000);
    world.kill("node-a");
    world.run(30_000);
    assert.equal(world.state("node-b").role, "active");
    assert.deepEqual(world.started, []);
  });

  it("starts nothing for a standby whose instance runs: only its agent is silent", () => {
    const world = pilotLight();
    world.instances.set("node-b", "running");
    world.kill("node-a");
    world.run(40_000);
    assert.deepEqual(world.started, []);
    assert.match(says(world) ?? "", /waits for "a standby is stopped"\. .*node-b is running\./);
  });

  it("starts nothing while EC2 can't be read", () => {
    const world = pilotLight();
    world.machine(WITNESS).cloud = { code: "AGENT_CLOUD_UNREACHABLE", message: "no route" };
    world.kill("node-a");
    world.run(40_000);
    assert.deepEqual(world.started, []);
    assert.ok(found(world).includes("ec2-unreadable"));
  });

  it("starts the standby when the active's Asterisk is down although its agent lives", () => {
    const world = pilotLight();
    world.machine("node-a").asterisk = false;
    world.run(40_000);
    assert.deepEqual(world.started, ["node-b"]);
  });

  it("tries a failed start again, slower each time, and says why", () => {
    const world = pilotLight();
    world.machine(WITNESS).start = { code: "AGENT_CLOUD_FAILED", message: "InsufficientInstanceCapacity" };
    world.kill("node-a");
    world.run(30_000);
    const { failures, started } = world.state(WITNESS).coldStart;
    assert.ok(failures >= 3 && failures <= 8, `${failures} tries`);
    assert.equal(started, null);
    assert.ok(found(world).includes("cold-start-failing"));
    world.machine(WITNESS).start = null;
    world.run(40_000);
    assert.deepEqual(world.started, ["node-b"]);
    assert.ok(!found(world).includes("cold-start-failing"));
  });

  it("begins a new row of failures in a new outage", () => {
    const failed = { node: "node-b", reason: "", outcome: { ok: false, failure: { code: "AGENT_CLOUD_FAILED", message: "" } } } as const;
    let coldStart = initialColdStart(0);
    for (const atMs of [1_000, 4_000, 12_000]) coldStart = foldStart(coldStart, failed, atMs, 0, 0);
    assert.equal(coldStart.failures, 3);
    assert.equal(foldStart(coldStart, failed, 90_000, 0, 80_000).failures, 1);
    assert.equal(foldStart(coldStart, failed, 90_000, 0, 0).failures, 4);
  });

  it("learns by a dry run that it may not start a standby, before it matters", () => {
    const world = pilotLight();
    world.machine(WITNESS).dryRunStart = { code: "AGENT_CLOUD_DENIED", message: "UnauthorizedOperation" };
    world.run(700_000);
    assert.deepEqual(found(world).filter((name) => name.startsWith("cold-")), ["cold-start-not-ready"]);
    world.machine(WITNESS).dryRunStart = null;
    world.run(120_000);
    assert.deepEqual(found(world).filter((name) => name.startsWith("cold-")), []);
  });

  it("explains every gate with its value and its limit", () => {
    const world = pilotLight();
    world.kill("node-a");
    world.run(2_000);
    const explanation = explanationOf(world.state(WITNESS), world.config(WITNESS));
    explanationSchema.strict().parse(explanation);
    assert.deepEqual(explanation.coldStart?.gates.map(({ name }) => name), COLD_START_GATES.map(({ name }) => name));
    for (const { name } of COLD_START_GATES) assert.ok(MEASURES[name] !== undefined, `${name} is not measured`);
    assert.match(explainText(explanation, 120).join("\n"), /start of a stopped standby: \d+ gate\(s\) closed/);
  });

  it("is shown on every member by its own word", () => {
    const world = pilotLight();
    const view = statusView(world.state("node-a"), world.config("node-a"), { worstCase: [], refusals: {} });
    assert.match(memberRows(view).find(({ id }) => id === WITNESS)?.why ?? "", /It would start a stopped standby if node-a were lost\. node-b is stopped\./);
  });
});

describe("a witness without COLD_STANDBY", () => {
  it("asks EC2 nothing and starts nothing", () => {
    const world = pilotLight({ coldStandby: false });
    const asked = world.requests(WITNESS);
    world.kill("node-a");
    world.run(40_000);
    assert.deepEqual(world.started, []);
    assert.deepEqual(asked.filter(({ kind }) => /Address|Instance|dryRun|start/.test(kind)), []);
    assert.equal(says(world), null);
  });
});

describe("the settings of COLD_STANDBY", () => {
  it("give a witness the address, all nodes' instances, and the other witnesses", () => {
    const { core, coldStandby, node } = coldWitnessConfig({ WITNESSES: "witness-2=10.0.4.10:8090" });
    assert.deepEqual([core.coldStandby, core.witnesses, node], [true, ["witness-2"], null]);
    assert.deepEqual(coldStandby, { eipAllocationId: "eipalloc-0a", peerInstances: new Map([["node-a", "i-0a"], ["node-b", "i-0b"]]) });
  });

  it("are refused where something is missing, each with its name", () => {
    for (const name of ["AWS_REGION", "EIP_ALLOCATION_ID", "PEER_INSTANCES"]) assert.match(problemsOf(() => coldWitnessConfig({ [name]: undefined })).join("\n"), new RegExp(`^${name} is missing`), name);
    assert.match(problemsOf(() => coldWitnessConfig({ PEER_INSTANCES: "node-a=i-0a" })).join("\n"), /lacks node-b/);
  });

  it("are refused on a node, and ignored by a plain witness", () => {
    assert.match(problemsOf(() => nodeConfig({ COLD_STANDBY: "true" })).join("\n"), /COLD_STANDBY is for a witness/);
    const { core, coldStandby } = coldWitnessConfig({ ...COLD_SETTINGS, COLD_STANDBY: "false", WITNESSES: "witness-2=10.0.4.10:8090" });
    assert.deepEqual([core.coldStandby, core.witnesses, coldStandby], [false, [], null]);
  });
});
