/** From EC2's shapes and AWS's errors to the agent's words: the edges that no emulator shows. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AwsTransportError } from "../../agent/adapters/aws-connection.ts";
import { cloudFailure } from "../../agent/adapters/aws-errors.ts";
import type { ClaimDetails } from "../../agent/core/moves.ts";
import { addressReading, claimTags, DETAILS_TAG, instanceState, MARK_TAG, tagValue } from "../../agent/adapters/ec2-translation.ts";
import { AgentError } from "../../agent/errors.ts";

const MEMBERS = { instances: new Map([["node-a", "i-a"], ["node-b", "i-b"]]), self: { node: "node-a", networkInterfaceId: "eni-a" } };
const address = (shown: object): ReturnType<typeof addressReading> => addressReading({ PublicIp: "198.51.100.7", ...shown }, MEMBERS);

describe("the holder of an address", () => {
  const cases: readonly [string, object, object][] = [
    ["a member's instance is that node", { AssociationId: "x", InstanceId: "i-b", NetworkInterfaceId: "eni-b" }, { kind: "node", node: "node-b" }],
    ["an unknown instance is a stranger", { AssociationId: "x", InstanceId: "i-z" }, { kind: "stranger", instanceId: "i-z" }],
    ["our own interface without an instance is us", { AssociationId: "x", NetworkInterfaceId: "eni-a" }, { kind: "node", node: "node-a" }],
    ["another interface without an instance is a stranger without an id", { AssociationId: "x", NetworkInterfaceId: "eni-z", InstanceId: "" }, { kind: "stranger", instanceId: null }],
    ["an association that names neither is a stranger, never nobody", { AssociationId: "x" }, { kind: "stranger", instanceId: null }],
    ["no association is nobody", {}, { kind: "nobody" }],
    ["empty elements are nobody", { AssociationId: "", InstanceId: "", NetworkInterfaceId: "" }, { kind: "nobody" }],
  ];
  for (const [what, shown, holder] of cases) it(what, () => assert.deepEqual(address(shown).holder, holder));

  it("is refused without a public address", () => assert.throws(() => addressReading({}, MEMBERS), AgentError));
});

describe("the alive mark", () => {
  const mark = (value: string): unknown => address({ Tags: [{ Key: "Name", Value: "x" }, { Key: MARK_TAG, Value: value }] }).mark;
  it("is read as it is written", () => assert.deepEqual(mark("node-b/42"), { node: "node-b", counter: 42 }));
  for (const value of ["", "node-b", "node-b/", "/1", "node-b/-1", "node-b/1.5", "node-b/1/2", "Node B/1", `node-b/${"9".repeat(16)}`]) it(`is none when the tag says ${JSON.stringify(value)}`, () => assert.equal(mark(value), null));
});

describe("tags", () => {
  it("hold only what EC2 takes, at most 256 characters", () => {
    assert.equal(tagValue("ok: a/b@c_d-e.f=g+h"), "ok: a/b@c_d-e.f=g+h");
    assert.equal(tagValue('  „quoted“ & <b>,\n(x) '), "-quoted- - -b----x-");
    assert.equal(tagValue("ü".repeat(300)).length, 256);
    assert.equal(claimTags({ claimedBy: "node-a", claimedAtWallMs: 0, reason: "", epoch: 1 }).length, 4);
  });
});

describe("the details of a claim", () => {
  const details: ClaimDetails = {
    cause: "quorum", cloud: "down", dropped: 37, stages: { suspicionMs: 1_002, decisionMs: 0, claimMs: null, confirmMs: 336 },
    verdicts: [{ observer: "node-b", verdict: "down", heartbeat: "down", sip: "unknown", eip: "up" }, { observer: "witness-1", verdict: "unknown", heartbeat: "up", sip: "down", eip: "unknown" }],
  };
  const tags = (given: ClaimDetails): ReturnType<typeof claimTags> => claimTags({ claimedBy: "node-b", claimedAtWallMs: 1_000, reason: "gone", epoch: 1, details: given });

  it("are read as they are written, in characters that EC2 takes", () => {
    const value = tags(details).find(({ Key }) => Key === DETAILS_TAG)?.Value ?? "";
    assert.equal(value, "quorum ec2:d ms:1002/0/-/336 dropped:37 node-b:ddxu witness-1:xudx");
    assert.equal(tagValue(value), value);
    assert.deepEqual(address({ Tags: tags(details) }).lastClaim, { claimedBy: "node-b", claimedAtWallMs: 1_000, reason: "gone", details });
  });

  it("fit into a tag with the longest names, whole or without the last observers", () => {
    const many = { ...details, verdicts: Array.from({ length: 8 }, (_unused, index) => ({ verdict: "down", heartbeat: "down", sip: "down", eip: "down", observer: `${index}${"n".repeat(31)}` })) } as const satisfies ClaimDetails;
    const value = tags(many).find(({ Key }) => Key === DETAILS_TAG)?.Value ?? "";
    assert.ok(value.length <= 256);
    const read = address({ Tags: tags(many) }).lastClaim?.details?.verdicts ?? [];
    assert.ok(read.length >= 4 && read.every(({ observer }) => observer.length === 32));
  });

  for (const value of ["", "quorum", "whim ec2:d ms:1/2/3/4 dropped:1", "quorum ec2:? ms:1/2/3/4 dropped:1", "quorum ec2:d ms:1/2/3 dropped:1", "quorum ec2:d ms:1/2/3/4 dropped:x", "quorum ec2:d ms:1/2/3/4 dropped:1 node-b:dd", `quorum ec2:d ms:1/2/3/${"9".repeat(13)} dropped:1`]) {
    it(`are none when the tag says ${JSON.stringify(value)}`, () => {
      const written = tags(details).map((tag) => (tag.Key === DETAILS_TAG ? { ...tag, Value: value } : tag));
      assert.deepEqual(address({ Tags: written }).lastClaim, { claimedBy: "node-b", claimedAtWallMs: 1_000, reason: "gone" });
    });
  }
});

describe("an instance's state", () => {
  const status = (state: string, own = "ok", system = "ok"): string => instanceState({ InstanceState: { Name: state }, InstanceStatus: { Status: own }, SystemStatus: { Status: system } });
  it("is EC2's word", () => {
    for (const state of ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"]) assert.equal(status(state), state);
  });
  it("is impaired when a check of the running instance or of its host fails", () => {
    assert.equal(status("running", "impaired"), "impaired");
    assert.equal(status("running", "ok", "impaired"), "impaired");
    assert.equal(status("stopping", "impaired"), "stopping");
  });
  it("is running while the checks have not been made yet", () => assert.equal(status("running", "initializing", "insufficient-data"), "running"));
  it("is refused when EC2 invents a new one", () => assert.throws(() => status("dreaming"), AgentError));
});

describe("failures", () => {
  const CLAIM = { name: "EC2 AssociateAddress", changes: true };
  const READ = { name: "EC2 DescribeAddresses", changes: false };
  const aws = (code: string, status?: number): Error => Object.assign(new Error("words"), { name: code, ...(status === undefined ? {} : { $metadata: { httpStatusCode: status } }) });
  const cases: readonly [string, Error, string, string][] = [
    ["a refused connection", new AwsTransportError("x", { sent: false, timedOut: false }), "AGENT_CLOUD_UNREACHABLE", "AGENT_CLOUD_UNREACHABLE"],
    ["a reset after the request had left", new AwsTransportError("x", { sent: true, timedOut: false }), "AGENT_CLOUD_TIMEOUT", "AGENT_CLOUD_TIMEOUT"],
    ["a throttled call, although it is a 503", aws("RequestLimitExceeded", 503), "AGENT_CLOUD_THROTTLED", "AGENT_CLOUD_THROTTLED"],
    ["a missing permission", aws("UnauthorizedOperation", 403), "AGENT_CLOUD_DENIED", "AGENT_CLOUD_DENIED"],
    ["expired credentials", aws("ExpiredToken", 400), "AGENT_CLOUD_DENIED", "AGENT_CLOUD_DENIED"],
    ["no credentials", aws("CredentialsProviderError"), "AGENT_CLOUD_DENIED", "AGENT_CLOUD_DENIED"],
    ["an address that is taken", aws("Resource.AlreadyAssociated", 400), "AGENT_CLAIM_REFUSED", "AGENT_CLAIM_REFUSED"],
    ["an internal error, which leaves a claim's outcome open", aws("InternalError", 500), "AGENT_CLOUD_TIMEOUT", "AGENT_CLOUD_FAILED"],
    ["an unknown error with a 5xx", aws("Unknown", 502), "AGENT_CLOUD_TIMEOUT", "AGENT_CLOUD_FAILED"],
    ["a success that can't be read", aws("SyntaxError", 200), "AGENT_CLOUD_TIMEOUT", "AGENT_CLOUD_FAILED"],
    ["an unknown id", aws("InvalidAllocationID.NotFound", 400), "AGENT_CLOUD_FAILED", "AGENT_CLOUD_FAILED"],
    ["a call that the SDK could not build", new TypeError("x"), "AGENT_CLOUD_FAILED", "AGENT_CLOUD_FAILED"],
  ];
  for (const [what, error, claimCode, readCode] of cases) {
    it(`${what}: ${claimCode} for a claim, ${readCode} for a read`, () => {
      assert.equal(cloudFailure(error, CLAIM).code, claimCode);
      assert.equal(cloudFailure(error, READ).code, readCode);
      assert.equal(cloudFailure(error, CLAIM).cause, error);
    });
  }

  it("keep their message to one short line", () => {
    const { message } = cloudFailure(Object.assign(new Error(`denied\n${"x".repeat(5000)}`), { name: "UnauthorizedOperation" }), CLAIM);
    assert.match(message, /^EC2 AssociateAddress: UnauthorizedOperation: denied x/);
    assert.ok(message.length <= 300 && !message.includes("\n"));
  });
});
