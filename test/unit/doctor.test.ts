// What `nodectl doctor` finds, with other ports in place of the adapters: a healthy node is all ok, and one broken thing is one
// finding with its remedy.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { doctorText } from "../../agent/cli/doctor.ts";
import { examine } from "../../agent/doctor/examine.ts";
import { findingSchema, runChecks, type Finding } from "../../agent/doctor/finding.ts";
import type { AgentWord, AsteriskPort, DoctorWorld } from "../../agent/doctor/world.ts";
import { AgentError, type ErrorCode } from "../../agent/errors.ts";
import { parseSecret } from "../../agent/secret.ts";
import type { StatusView } from "../../agent/status/schema.ts";
import { statusView } from "../../agent/status/view.ts";
import { coldWitnessConfig, nodeConfig } from "../support/settings.ts";
import { settledPair } from "../support/small-world.ts";

const KEY = Buffer.alloc(32, 7).toString("base64");
const SECRET = parseSecret(JSON.stringify({ ari_password: "p", heartbeat_keys: { k1: KEY }, username: "u", password: "q" }), "node");
const GIB = 1_073_741_824;

const PAIR = settledPair();
const HEALTHY = statusView(PAIR.state("node-a"), PAIR.config("node-a"), { worstCase: [], refusals: {} });

/** What a running, healthy agent says; its names are those of the settings. */
function viewOf(changes: Partial<StatusView> = {}): StatusView {
  return { ...HEALTHY, cluster: "aicc-test", software: "1.2.3", ...changes };
}

const runs = (changes: Partial<StatusView> = {}): (() => Promise<AgentWord>) => () => Promise.resolve({ kind: "runs", view: viewOf(changes) });
const fails = (code: ErrorCode, message: string): (() => Promise<never>) => () => Promise.reject(new AgentError(code, message));

const ASTERISK: AsteriskPort = {
  ping: () => Promise.resolve(),
  version: () => Promise.resolve("22.11.0"),
  moduleState: () => Promise.resolve("Running"),
  stasisAppRegistered: () => Promise.resolve(true),
  control: () => Promise.resolve(),
  close: () => undefined,
};

const CLOUD: Awaited<ReturnType<NonNullable<DoctorWorld["cloud"]>>> = {
  readAddress: () => Promise.resolve({ holder: { kind: "node", node: "node-a" }, publicIp: "203.0.113.10", mark: null, lastClaim: null }),
  readInstance: () => Promise.resolve("running"),
  dryRunClaim: () => Promise.resolve(),
  dryRunMark: () => Promise.resolve(),
  dryRunStart: () => Promise.resolve(),
};

function worldWith(changes: Partial<DoctorWorld> = {}, settings: Readonly<Record<string, string>> = {}): DoctorWorld {
  return {
    config: nodeConfig({ STASIS_APPS: "ivr", AWS_LOCAL_ADDRESS: "10.0.1.30", ...settings }),
    software: "1.2.3",
    agent: runs(),
    secret: () => Promise.resolve({ secret: SECRET, version: "v1" }),
    imds: () => Promise.resolve({ instanceId: "i-0a", availabilityZone: "eu-central-1a", region: "eu-central-1", privateIp: "10.0.1.10", networkInterfaceId: "eni-0a" }),
    cloud: () => Promise.resolve(CLOUD),
    ec2: { url: "https://ec2.example", connect: () => Promise.resolve({ remoteAddress: "192.0.2.7" }), clockAheadMs: () => Promise.resolve(120) },
    prober: { sipOptions: () => Promise.resolve({ status: 200 }), tcpConnect: () => Promise.resolve() },
    knock: () => Promise.resolve(),
    asterisk: () => Promise.resolve(ASTERISK),
    state: { write: () => Promise.resolve(), freeBytes: () => Promise.resolve({ free: 8 * GIB, total: 20 * GIB }), history: () => Promise.resolve(3) },
    listen: () => Promise.resolve(),
    ...changes,
  };
}

/** Everything that is not ok, as `level check`. */
async function wrong(world: DoctorWorld): Promise<readonly string[]> {
  return (await found(world)).filter(({ level }) => level !== "ok").map(({ level, check }) => `${level} ${check}`);
}

async function found(world: DoctorWorld): Promise<readonly Finding[]> {
  const findings = await examine(world, "a test");
  for (const finding of findings) {
    findingSchema.strict().parse(finding);
    assert.equal(finding.remedy !== null, finding.level === "warning" || finding.level === "problem", `${finding.check} (${finding.level}): what is wrong has a remedy, and nothing else`);
  }
  return findings;
}

describe("the doctor", () => {
  it("tries on a witness that starts a stopped standby whether it may, and finds nothing wrong with one that is stopped", async () => {
    const starts: string[] = [];
    const cloud = { ...CLOUD, readInstance: (node: string) => Promise.resolve(node === "node-b" ? ("stopped" as const) : ("running" as const)), dryRunStart: (node: string) => { starts.push(node); return Promise.resolve(); } };
    const witness = { config: coldWitnessConfig({ AWS_LOCAL_ADDRESS: "10.0.3.30" }), imds: null, asterisk: null, agent: runs({ node: "witness-1", kind: "witness" }) };
    const levels = (await found(worldWith({ ...witness, cloud: () => Promise.resolve(cloud) }))).filter(({ check }) => check.startsWith("EC2"));
    assert.deepEqual(levels.map(({ level, check }) => `${level} ${check}`), ["ok EC2 DescribeAddresses", "ok EC2 StartInstances of node-a", "ok EC2 StartInstances of node-b", "ok EC2 DescribeInstanceStatus of node-a", "ok EC2 DescribeInstanceStatus of node-b"]);
    assert.deepEqual(starts.toSorted(), ["node-a", "node-b"]);
    const denied = await found(worldWith({ ...witness, cloud: () => Promise.resolve({ ...cloud, dryRunStart: fails("AGENT_CLOUD_DENIED", "UnauthorizedOperation") }) }));
    assert.match(denied.find(({ check }) => check === "EC2 StartInstances of node-b")?.remedy ?? "", /witness-cold-standby-policy\.json/);
  });

  it("is content with a healthy node", async () => {
    const findings = await found(worldWith());
    assert.deepEqual(findings.filter(({ level }) => level !== "ok"), []);
    assert.ok(findings.length >= 20, `${findings.length} findings`);
  });

  it("is content with a witness, of which it asks neither Asterisk nor EC2", async () => {
    const world = worldWith();
    const { config } = world;
    const view = viewOf();
    const witness = { ...world, config: { ...config, node: null, awsRegion: null, core: { ...config.core, kind: "witness" as const } }, imds: null, cloud: null, ec2: null, asterisk: null, agent: () => Promise.resolve({ kind: "runs" as const, view }) };
    assert.deepEqual(await wrong(witness), []);
  });

  const cases: readonly (readonly [what: string, changes: Partial<DoctorWorld>, expected: readonly string[]])[] = [
    ["no agent runs", { agent: () => Promise.resolve({ kind: "absent", why: "ENOENT" }) }, ["warning agent"]],
    ["the agent's socket is not for us", { agent: () => Promise.resolve({ kind: "forbidden", why: "EACCES" }) }, ["problem agent", "skipped listening ports"]],
    ["the agent that runs has other settings", { agent: runs({ node: "node-z" }) }, ["problem agent"]],
    ["the agent that runs is older", { agent: runs({ software: "1.2.2" }) }, ["warning agent"]],
    ["the agent can't write its state", { agent: runs({ conditions: [{ name: "state-unsaved", severity: "error", about: null, sentence: "No space." }] }) }, ["problem STATE_DIR"]],
    ["the state can't be written and no agent runs", { agent: () => Promise.resolve({ kind: "absent", why: "ENOENT" }), state: { ...worldWith().state, write: fails("AGENT_STATE_UNWRITABLE", "EACCES") } }, ["warning agent", "problem STATE_DIR"]],
    ["the history is damaged", { state: { ...worldWith().state, history: () => Promise.resolve("damaged") } }, ["warning STATE_DIR"]],
    ["the disk is nearly full", { state: { ...worldWith().state, freeBytes: () => Promise.resolve({ free: GIB / 5, total: 4 * GIB }) } }, ["warning disk"]],
    ["the disk is full", { state: { ...worldWith().state, freeBytes: () => Promise.resolve({ free: GIB / 100, total: 20 * GIB }) } }, ["problem disk"]],
    ["a port is taken while no agent runs", { agent: () => Promise.resolve({ kind: "absent", why: "ENOENT" }), listen: fails("AGENT_LISTEN_FAILED", "in use") }, ["warning agent", "problem listening ports"]],
    ["the secret can't be read", { secret: fails("AGENT_SECRET_UNREADABLE", "denied"), asterisk: fails("AGENT_SECRET_UNREADABLE", "denied") }, ["problem secret", "skipped heartbeats with node-b", "skipped ARI"]],
    ["the metadata service does not answer", { imds: fails("AGENT_CLOUD_UNREACHABLE", "no") }, ["problem instance metadata"]],
    ["this machine is another region's", { imds: () => Promise.resolve({ instanceId: "i-0a", availabilityZone: "eu-west-1a", region: "eu-west-1", privateIp: "10.0.1.10", networkInterfaceId: "eni-0a" }) }, ["problem instance metadata"]],
    ["this machine is listed as a peer", { imds: () => Promise.resolve({ instanceId: "i-0b", availabilityZone: "eu-central-1a", region: "eu-central-1", privateIp: "10.0.1.10", networkInterfaceId: "eni-0a" }) }, ["problem instance metadata"]],
    ["the node's own path to EC2 is cut", { ec2: { ...neverNull(worldWith().ec2), connect: (local) => (local === null ? Promise.resolve({ remoteAddress: "192.0.2.7" }) : fails("AGENT_CLOUD_UNREACHABLE", "no route")()) } }, ["problem path to EC2 without the Elastic IP"]],
    ["the clock is a little off", { ec2: { ...neverNull(worldWith().ec2), clockAheadMs: () => Promise.resolve(-7_000) } }, ["warning clock"]],
    ["the clock is far off", { ec2: { ...neverNull(worldWith().ec2), clockAheadMs: () => Promise.resolve(600_000) } }, ["problem clock"]],
    ["a claim is not permitted", { cloud: () => Promise.resolve({ ...CLOUD, dryRunClaim: fails("AGENT_CLOUD_DENIED", "UnauthorizedOperation") }) }, ["problem EC2 AssociateAddress"]],
    ["a mark is not permitted", { cloud: () => Promise.resolve({ ...CLOUD, dryRunMark: fails("AGENT_CLOUD_DENIED", "UnauthorizedOperation") }) }, ["problem EC2 CreateTags"]],
    ["EC2 does not answer at all", { cloud: () => Promise.resolve({ ...CLOUD, readAddress: fails("AGENT_CLOUD_TIMEOUT", "late"), dryRunClaim: fails("AGENT_CLOUD_TIMEOUT", "late") }) }, ["problem EC2 DescribeAddresses"]],
    ["a stranger has the address", { cloud: () => Promise.resolve({ ...CLOUD, readAddress: () => Promise.resolve({ holder: { kind: "stranger", instanceId: "i-0x" }, publicIp: "203.0.113.10", mark: null, lastClaim: null }) }) }, ["warning EC2 DescribeAddresses"]],
    ["the peer's instance is stopped", { cloud: () => Promise.resolve({ ...CLOUD, readInstance: () => Promise.resolve("stopped") }) }, ["warning EC2 DescribeInstanceStatus of node-b"]],
    ["the peer has another key", { knock: fails("AGENT_PEER_REFUSED", "it has another key under the same id") }, ["problem heartbeats with node-b"]],
    ["the peer's port is closed", { knock: fails("AGENT_PROBE_TIMEOUT", "no answer") }, ["problem heartbeats with node-b"]],
    ["the peer does not reach us", { agent: runs({ members: viewOf().members.map((member) => ({ ...member, hearing: "lost" as const })) }) }, ["problem heartbeats with node-b"]],
    ["the peer does not hear us", { agent: runs({ members: viewOf().members.map((member) => ({ ...member, says: member.says === null ? null : { ...member.says, hearsUs: "lost" as const } })) }) }, ["problem heartbeats with node-b"]],
    ["the peer is configured differently", { agent: runs({ members: viewOf().members.map((member) => ({ ...member, says: member.says === null ? null : { ...member.says, sameConfig: false } })) }) }, ["warning heartbeats with node-b"]],
    ["the peer's SIP port is closed", { prober: { ...worldWith().prober, sipOptions: ({ host }) => (host === "10.0.2.10" ? fails("AGENT_PROBE_TIMEOUT", "late")() : Promise.resolve({ status: 200 })) } }, ["problem SIP of node-b"]],
    ["a reference does not answer", { prober: { ...worldWith().prober, tcpConnect: (anyOf) => (anyOf.some((each) => each.endsWith(":53")) ? fails("AGENT_PROBE_TIMEOUT", "late")() : Promise.resolve()) } }, ["problem private reference"]],
    ["ARI refuses our password", { asterisk: () => Promise.resolve({ ...ASTERISK, ping: fails("AGENT_ARI_DENIED", "401") }) }, ["problem ARI"]],
    ["Asterisk is dead", { asterisk: () => Promise.resolve({ ...ASTERISK, ping: fails("AGENT_PROBE_REFUSED", "refused") }), prober: { ...worldWith().prober, sipOptions: ({ host }) => (host === "127.0.0.1" ? fails("AGENT_PROBE_REFUSED", "refused")() : Promise.resolve({ status: 200 })) } }, ["problem Asterisk"]],
    ["ARI is off in a running Asterisk", { asterisk: () => Promise.resolve({ ...ASTERISK, ping: fails("AGENT_PROBE_REFUSED", "refused") }) }, ["problem ARI"]],
    ["Asterisk is too old", { asterisk: () => Promise.resolve({ ...ASTERISK, version: () => Promise.resolve("22.9.0") }) }, ["warning Asterisk version"]],
    ["Asterisk's series is not looked after", { asterisk: () => Promise.resolve({ ...ASTERISK, version: () => Promise.resolve("21.12.2") }) }, ["warning Asterisk version"]],
    ["a module is missing", { asterisk: () => Promise.resolve({ ...ASTERISK, moduleState: (module) => Promise.resolve(module === "res_stasis.so" ? null : "Running") }) }, ["problem Asterisk modules"]],
    ["the drain's module is missing", { asterisk: () => Promise.resolve({ ...ASTERISK, moduleState: (module) => Promise.resolve(module === "res_pjsip_maintenance.so" ? "Not Running" : "Running") }) }, ["warning Asterisk modules"]],
    ["the control socket is not the agent's", { asterisk: () => Promise.resolve({ ...ASTERISK, control: fails("AGENT_PROBE_REFUSED", "ENOENT") }) }, ["problem Asterisk control socket"]],
    ["an application is not there", { asterisk: () => Promise.resolve({ ...ASTERISK, stasisAppRegistered: () => Promise.resolve(false) }) }, ["problem Stasis application ivr"]],
    ["our SIP answers 503", { prober: { ...worldWith().prober, sipOptions: ({ host }) => Promise.resolve({ status: host === "127.0.0.1" ? 503 : 200 }) } }, ["warning SIP over UDP"]],
  ];

  for (const [what, changes, expected] of cases) {
    it(`finds, when ${what}, exactly that`, async () => {
      assert.deepEqual([...(await wrong(worldWith(changes)))].toSorted(), [...expected].toSorted());
    });
  }

  it("warns of a way to EC2 that goes with the Elastic IP, and not of one inside the VPC", async () => {
    const world = worldWith();
    const config = { ...world.config, awsLocalAddress: null };
    assert.deepEqual(await wrong({ ...world, config }), ["warning path to EC2 without the Elastic IP"]);
    assert.deepEqual(await wrong({ ...world, config, ec2: { ...neverNull(world.ec2), connect: () => Promise.resolve({ remoteAddress: "10.0.9.4" }) } }), []);
  });

  it("asks the Elastic IP as well, when the peer holds it", async () => {
    const asked: string[] = [];
    const view = viewOf();
    const holds = { ...view, address: { ...view.address, holder: "node-b", here: false } };
    const world = worldWith({ agent: () => Promise.resolve({ kind: "runs", view: holds }), prober: { ...worldWith().prober, sipOptions: ({ host }) => { asked.push(host); return host === "203.0.113.10" ? fails("AGENT_PROBE_TIMEOUT", "late")() : Promise.resolve({ status: 200 }); } } });
    assert.deepEqual(await wrong(world), ["problem SIP of node-b"]);
    assert.ok(asked.includes("203.0.113.10"));
  });
});

describe("checks", () => {
  it("run side by side, and one that does not end or breaks is a finding of its own", async () => {
    let resolve: (findings: readonly Finding[]) => void = () => undefined;
    const promise = new Promise<readonly Finding[]>((settle) => { resolve = settle; });
    const findings = await runChecks([
      { name: "endless", withinMs: 20, run: () => new Promise(() => undefined) },
      { name: "waits for the next", withinMs: 10_000, run: () => promise },
      { name: "lets it go on", withinMs: 10_000, run: () => { resolve([]); return Promise.resolve([]); } },
      { name: "breaks", withinMs: 10_000, run: () => Promise.reject(new TypeError("x is not a function")) },
    ]);
    assert.deepEqual(findings.map(({ check, level }) => [check, level]), [["endless", "problem"], ["breaks", "problem"]]);
    assert.match(findings[1]?.found ?? "", /nobody foresaw: x is not a function/);
  });
});

describe("the doctor's text", () => {
  it("fits 80 columns and tells remedies where there is something wrong", async () => {
    const lines = doctorText(await found(worldWith({ knock: fails("AGENT_PEER_REFUSED", "it has another key under the same id: do both nodes read the same version of the secret?") })), 80);
    assert.deepEqual(lines.filter((line) => line.length > 80), []);
    assert.match(lines.join("\n"), /^PROBLEM {2}heartbeats with node-b\n {10}node-b at 10\.0\.2\.10:8090: it has another key[\s\S]*?\n {10}-> Do both read/m);
    assert.match(lines.at(-1) ?? "", /^\d+ ok, 0 warning\(s\), 1 problem\(s\), 0 skipped\.$/);
  });
});

function neverNull<T>(value: T | null): T {
  assert.ok(value !== null);
  return value;
}
