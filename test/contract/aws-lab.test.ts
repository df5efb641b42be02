/** The embedded AWS as other processes and the SDK's credential chain see it, and Ec2Cloud's habits on the wire. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { AwsCredentials } from "../../agent/adapters/aws-credentials.ts";
import { Ec2Cloud } from "../../agent/adapters/ec2-cloud.ts";
import { Imds } from "../../agent/adapters/imds.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { startEmbeddedAws, type EmbeddedAws } from "../support/aws/aws-server.ts";
import type { AwsWorldSpec } from "../support/aws/aws-lab.ts";
import { remoteAwsLab } from "../support/aws/control-http.ts";
import type { ImdsServer } from "../support/aws/imds-server.ts";
import { rejectsWith } from "../support/rejects-with.ts";

const never = new AbortController().signal;
const SPEC: AwsWorldSpec = {
  region: "eu-central-1",
  instances: [
    { id: "i-a", availabilityZone: "eu-central-1a", interfaces: [{ id: "eni-a", privateIps: ["10.0.1.10"] }] },
    { id: "i-b", availabilityZone: "eu-central-1b", interfaces: [{ id: "eni-b", privateIps: ["10.0.2.10"] }] },
  ],
  addresses: [{ allocationId: "eipalloc-1", publicIp: "198.51.100.7", heldBy: "i-b" }],
};

function aCloud(node: string, credentials?: AwsCredentials): { cloud: Ec2Cloud; close(): void } {
  const access = awsAccess(node);
  const cloud = new Ec2Cloud({ ...access, ...(credentials === undefined ? {} : { credentials }), allocationId: "eipalloc-1", instances: new Map([["node-a", "i-a"], ["node-b", "i-b"]]), self: node, target: { kind: "instance", instanceId: node === "node-a" ? "i-a" : "i-b" } });
  return {
    cloud,
    close: () => {
      cloud.close();
      access.connection.close();
    },
  };
}

describe("Ec2Cloud on the wire", () => {
  let aws: EmbeddedAws;
  let restore: () => void;
  let made: ReturnType<typeof aCloud>;
  beforeEach(async () => {
    aws = await startEmbeddedAws(SPEC);
    restore = pointSdkTo(aws.url);
    made = aCloud("node-a");
  });
  afterEach(async () => {
    made.close();
    restore();
    await aws.close();
  });

  it("always sends AllowReassociation, and one request for each call", async () => {
    for (const allowReassociation of [true, false]) {
      aws.lab.reset();
      await made.cloud.claim({ allowReassociation, notAfterMs: performance.now() + 20_000 }, never).catch(() => undefined);
      assert.deepEqual(aws.lab.calls().map(({ action, parameters }) => [action, parameters["AllowReassociation"], parameters["DryRun"]]), [["AssociateAddress", String(allowReassociation), "false"]]);
    }
  });

  it("does not retry what failed", async () => {
    for (const outcome of ["throttle", "error-500", "error-503", "refuse"] as const) {
      aws.lab.reset();
      aws.lab.addFault({ outcome });
      await assert.rejects(made.cloud.readAddress(never));
      assert.equal(aws.lab.calls().length, 1, outcome);
    }
  });

  it("finds its connection open after warming up, and opens another after a reset", async () => {
    await made.cloud.warm(never);
    await made.cloud.dryRunClaim(never);
    made.cloud.resetConnections();
    await made.cloud.readAddress(never);
    const [warm, used, renewed] = aws.lab.calls().map((call) => call.fromPort);
    assert.equal(used, warm);
    assert.notEqual(renewed, used);
  });

  it("does not send a claim that waited too long for credentials", async () => {
    let nowMs = 0;
    const credentials = new AwsCredentials("eu-central-1", () => 0, () => {
      nowMs = 60_000; // The process was stopped meanwhile.
      return Promise.resolve({ accessKeyId: "node-a", secretAccessKey: "not-a-secret" });
    });
    const access = awsAccess("node-a", { monotonicMs: () => nowMs });
    const cloud = new Ec2Cloud({ ...access, credentials, allocationId: "eipalloc-1", instances: new Map(), self: "node-a", target: { kind: "instance", instanceId: "i-a" } });
    await rejectsWith("AGENT_CLAIM_STALE", cloud.claim({ allowReassociation: true, notAfterMs: 1000 }, never));
    assert.deepEqual(aws.lab.calls(), []);
    access.connection.close();
  });

  it("settles at the deadline while credentials hang, and sends nothing when they come at last", async () => {
    let give = (): void => undefined;
    const credentials = new AwsCredentials("eu-central-1", () => 0, () => new Promise((resolve) => (give = () => resolve({ accessKeyId: "node-a", secretAccessKey: "not-a-secret" }))));
    const hanging = aCloud("node-a", credentials);
    const controller = new AbortController();
    const claim = hanging.cloud.claim({ allowReassociation: true, notAfterMs: performance.now() + 20_000 }, controller.signal);
    setImmediate(() => controller.abort());
    await rejectsWith("AGENT_CLOUD_TIMEOUT", claim);
    give();
    await hanging.cloud.readAddress(never);
    assert.deepEqual(aws.lab.calls().map((call) => call.action), ["DescribeAddresses"]);
    hanging.close();
  });
});

describe("Imds", () => {
  let aws: EmbeddedAws;
  let server: ImdsServer;
  const environment = (): Record<string, string> => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url });
  beforeEach(async () => {
    aws = await startEmbeddedAws(SPEC);
    server = await aws.imds("i-a", "AKIDFORNODEA");
  });
  afterEach(() => aws.close());

  it("reads the instance's facts with one token", async () => {
    const imds = new Imds({ monotonicMs: () => performance.now(), environment: environment() });
    const facts = { instanceId: "i-a", availabilityZone: "eu-central-1a", region: "eu-central-1", privateIp: "10.0.1.10", networkInterfaceId: "eni-a" };
    assert.deepEqual(await imds.readNodeFacts(never), facts);
    assert.deepEqual(await imds.readNodeFacts(never), facts);
    assert.equal(server.tokensIssued(), 1);
  });

  it("gets another token when the service has forgotten the first, or its time is over", async () => {
    let nowMs = 0;
    const imds = new Imds({ monotonicMs: () => nowMs, environment: environment() });
    await imds.read("instance-id", never);
    server.forgetTokens();
    assert.equal(await imds.read("instance-id", never), "i-a");
    nowMs = 6 * 3_600_000;
    await imds.read("instance-id", never);
    assert.equal(server.tokensIssued(), 3);
  });

  it("says that there is no such entry, that nobody is there, and that the deadline passed", async () => {
    const imds = new Imds({ monotonicMs: () => 0, environment: environment() });
    await rejectsWith("AGENT_CLOUD_FAILED", imds.read("public-ipv4", never));
    await rejectsWith("AGENT_CLOUD_TIMEOUT", imds.read("instance-id", AbortSignal.abort()));
    await server.close();
    await rejectsWith("AGENT_CLOUD_UNREACHABLE", new Imds({ monotonicMs: () => 0, environment: environment() }).read("instance-id", never));
  });

  it("serves the role's credentials to the SDK's own chain, and they sign", async () => {
    const hidden = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_EC2_METADATA_SERVICE_ENDPOINT"].map((name) => [name, process.env[name]] as const);
    for (const [name] of hidden) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, environment(), { AWS_SHARED_CREDENTIALS_FILE: "/nonexistent", AWS_CONFIG_FILE: "/nonexistent" });
    const restore = pointSdkTo(aws.url);
    const made = aCloud("node-a", new AwsCredentials("eu-central-1", () => Date.now()));
    try {
      await made.cloud.warm(never);
      assert.deepEqual(aws.lab.calls().map((call) => call.caller), ["AKIDFORNODEA"]);
    } finally {
      made.close();
      restore();
      for (const [name, value] of hidden) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    }
  });
});

describe("the embedded AWS in another process", () => {
  let child: ReturnType<typeof spawn>;
  let ready: { readonly url: string; readonly imds: Readonly<Record<string, string>> };
  before(async () => {
    child = spawn(process.execPath, ["--import", "tsx", new URL("../support/aws/aws-main.ts", import.meta.url).pathname, "--world", "-", "--imds", "i-a=AKIDFORNODEA@127.0.0.1:0"], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin?.end(JSON.stringify(SPEC));
    assert.ok(child.stdout !== null);
    for await (const line of createInterface({ input: child.stdout })) {
      ready = JSON.parse(line) as typeof ready;
      break;
    }
  });
  after(async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
  });
  beforeEach(() => remoteAwsLab(ready.url).reset());

  it("does what it is told over HTTP, and tells who called what", async () => {
    const remote = remoteAwsLab(ready.url);
    const restore = pointSdkTo(ready.url);
    const made = aCloud("node-a");
    try {
      await remote.addFault({ caller: "node-a", action: "AssociateAddress", times: 1, outcome: "throttle" });
      const claim = (): Promise<void> => made.cloud.claim({ allowReassociation: true, notAfterMs: performance.now() + 20_000 }, never);
      await rejectsWith("AGENT_CLOUD_THROTTLED", claim());
      const moved = remote.waitForMove(0, 20_000);
      await claim();
      assert.deepEqual((await moved).map((move) => [move.publicIp, move.from?.privateIp, move.to?.privateIp]), [["198.51.100.7", "10.0.2.10", "10.0.1.10"]]);
      assert.equal((await remote.locate("eipalloc-1"))?.instanceId, "i-a");
      assert.deepEqual((await remote.calls()).map((call) => [call.caller, call.action]), [["node-a", "AssociateAddress"], ["node-a", "AssociateAddress"]]);
    } finally {
      made.close();
      restore();
    }
  });

  it("delays the packets behind a move when it is told to", async () => {
    const remote = remoteAwsLab(ready.url);
    await remote.setDataPlaneDelay(50);
    await remote.placeAddress("eipalloc-1", { instanceId: "i-a" });
    assert.equal((await remote.locate("eipalloc-1"))?.instanceId, "i-a");
    assert.equal((await remote.waitForMove(0, 20_000)).length, 1);
  });

  it("refuses what it does not know", async () => {
    await assert.rejects(fetch(`${ready.url}/_control/nothing`, { method: "POST", body: "[]" }).then(async (response) => assert.ok(response.ok, await response.text())), /no such control method/);
    await assert.rejects(remoteAwsLab(ready.url).placeAddress("eipalloc-9", null), /does not exist/);
  });
});
