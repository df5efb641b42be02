/**
 * The node policy enforced by moto: signatures are checked, and every action is held against the policy of its caller. The
 * agent's calls pass, other calls don't. Resources and conditions moto does not know: see moto-users.ts.
 */
import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { after, before, describe, it } from "node:test";
import { CloudWatchClient, DeleteAlarmsCommand, DescribeAlarmsCommand, GetMetricStatisticsCommand, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { AllocateAddressCommand, DeleteTagsCommand, DescribeInstancesCommand, DisassociateAddressCommand, EC2Client, ReleaseAddressCommand, RunInstancesCommand, StopInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateSecretCommand, DeleteSecretCommand, ListSecretsCommand, PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { AwsConnection } from "../../agent/adapters/aws-connection.ts";
import { AwsCredentials } from "../../agent/adapters/aws-credentials.ts";
import { CloudWatchMetrics } from "../../agent/adapters/cloudwatch-metrics.ts";
import { Ec2Cloud } from "../../agent/adapters/ec2-cloud.ts";
import { SecretsManagerSecrets } from "../../agent/adapters/secrets-manager-secrets.ts";
import { pointSdkTo, type AwsAccess } from "../support/aws/clients.ts";
import { motoSource } from "../support/aws/moto-source.ts";
import { makeMotoWorld, type MotoWorld } from "../support/aws/moto-world.ts";
import { enforce, makeUser, widened, type AccessKey } from "../support/iam/moto-users.ts";
import { policyOf } from "../support/iam/policies.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { describeCloudContract } from "./cloud-contract.ts";
import { type CloudCapability, type CloudWorld, type ClusterNode } from "./cloud-stand.ts";

const REGION = "eu-central-1";
const LACKS: Partial<Record<CloudCapability, string>> = {
  faults: "moto neither throttles nor loses replies",
  "impaired-instances": "moto's status checks always pass",
  starting: "a node may not start another: only a witness with COLD_STANDBY may",
  "final-termination": "the same",
  unreachable: "one moto serves the whole suite",
  "stale-reads": "moto is consistent at once",
};
const moto = motoSource();
const never = new AbortController().signal;

function accessOf(key: AccessKey): AwsAccess {
  return {
    region: REGION,
    connection: new AwsConnection({ connectTimeoutMs: 10_000, requestTimeoutMs: 30_000, localAddress: null, monotonicMs: () => performance.now() }),
    credentials: new AwsCredentials(REGION, () => Date.now(), () => Promise.resolve(key)),
  };
}

/** Moto refuses CloudWatch's JSON calls in XML, which the SDK can't read: then the status tells. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const status = "$response" in error && typeof error.$response === "object" && error.$response !== null && "statusCode" in error.$response ? error.$response.statusCode : null;
  return /^(?:AccessDenied(?:Exception)?|UnauthorizedOperation)$/.test(error.name) || (error instanceof SyntaxError && status === 403);
}

interface GuardedWorld {
  readonly world: MotoWorld;
  readonly keys: Readonly<Record<ClusterNode, AccessKey>>;
  /** The operator's hand: moto looks away meanwhile. */
  readonly unguarded: <T>(work: () => Promise<T>) => Promise<T>;
}

async function guardedWorld(url: string): Promise<GuardedWorld> {
  await enforce(url, false);
  const world = await makeMotoWorld(url);
  const keys = { "node-a": await makeUser(url, "node-a", widened(policyOf("node-policy"))), "node-b": await makeUser(url, "node-b", widened(policyOf("node-policy"))) };
  await enforce(url, true);
  const unguarded = async <T>(work: () => Promise<T>): Promise<T> => {
    await enforce(url, false);
    return work().finally(() => enforce(url, true));
  };
  return { world, keys, unguarded };
}

async function cloudWorld(url: string): Promise<CloudWorld> {
  const { world, keys, unguarded } = await guardedWorld(url);
  const closers = [() => world.close()];
  return {
    cloud: (node) => {
      const access = accessOf(keys[node]);
      const cloud = new Ec2Cloud({ ...access, allocationId: world.allocationId, instances: world.instances, self: node, target: { kind: "instance", instanceId: world.instances.get(node) ?? "" } });
      closers.push(() => cloud.close(), () => access.connection.close());
      return cloud;
    },
    nowMs: () => performance.now(),
    place: (holder) => unguarded(() => world.place(holder)),
    setInstance: (node, state) => unguarded(() => world.setInstance(node, state)),
    fault: () => Promise.reject(new Error("moto has no faults")),
    setReachable: () => Promise.reject(new Error("one moto serves the whole suite")),
    tags: () => unguarded(() => world.tags()),
    close: async () => {
      for (const close of closers) close();
      await enforce(url, false);
    },
  };
}

describe("with moto enforcing IAM", { skip: moto.missing ?? false }, () => {
  let server: Awaited<ReturnType<typeof moto.start>>;
  let restore = (): void => undefined;
  before(async () => {
    server = await moto.start();
    restore = pointSdkTo(server.url);
  });
  after(async () => {
    await enforce(server.url, false);
    restore();
    await server.stop();
  });

  describeCloudContract("Ec2Cloud under the node policy, moto", () => cloudWorld(server.url), LACKS);

  describe("a node", () => {
    it("publishes metrics and reads the secret", async () => {
      const { world, keys, unguarded } = await guardedWorld(server.url);
      const operator = new SecretsManagerClient({ region: REGION, credentials: { accessKeyId: "operator", secretAccessKey: "not-a-secret" } });
      await unguarded(() => operator.send(new CreateSecretCommand({ Name: "pair", SecretString: "{}" })));
      const access = accessOf(keys["node-a"]);
      const sink = new CloudWatchMetrics({ ...access, namespace: "Asterisk/Node", cluster: "demo", node: "node-a" });
      await sink.publish([{ atWallMs: Date.now(), sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }], never);
      const source = new SecretsManagerSecrets({ ...access, secretId: "pair" });
      assert.equal((await source.fetch(never)).text, "{}");
      for (const one of [sink, source, world, access.connection]) one.close();
      operator.destroy();
    });

    it("is refused every other call", async () => {
      const { world, keys } = await guardedWorld(server.url);
      const common = { region: REGION, credentials: keys["node-a"], maxAttempts: 1 };
      const [ec2, cloudWatch, secrets] = [new EC2Client(common), new CloudWatchClient(common), new SecretsManagerClient(common)];
      const peer = world.instances.get("node-b") ?? "";
      const AllocationId = world.allocationId;
      const now = new Date();
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        DisassociateAddress: () => ec2.send(new DisassociateAddressCommand({ AssociationId: "eipassoc-1" })),
        ReleaseAddress: () => ec2.send(new ReleaseAddressCommand({ AllocationId })),
        AllocateAddress: () => ec2.send(new AllocateAddressCommand({ Domain: "vpc" })),
        DeleteTags: () => ec2.send(new DeleteTagsCommand({ Resources: [AllocationId], Tags: [{ Key: "claimed-by" }] })),
        DescribeInstances: () => ec2.send(new DescribeInstancesCommand({})),
        StopInstances: () => ec2.send(new StopInstancesCommand({ InstanceIds: [peer] })),
        TerminateInstances: () => ec2.send(new TerminateInstancesCommand({ InstanceIds: [peer] })),
        RunInstances: () => ec2.send(new RunInstancesCommand({ ImageId: "ami-12c6146b", MinCount: 1, MaxCount: 1 })),
        DescribeAlarms: () => cloudWatch.send(new DescribeAlarmsCommand({})),
        GetMetricStatistics: () => cloudWatch.send(new GetMetricStatisticsCommand({ Namespace: "Asterisk/Node", MetricName: "Serving", StartTime: now, EndTime: now, Period: 60, Statistics: ["Sum"] })),
        PutMetricAlarm: () => cloudWatch.send(new PutMetricAlarmCommand({ AlarmName: "x", ComparisonOperator: "LessThanThreshold", EvaluationPeriods: 1, Namespace: "n", MetricName: "m", Period: 60, Statistic: "Sum", Threshold: 1 })),
        DeleteAlarms: () => cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: ["x"] })),
        PutSecretValue: () => secrets.send(new PutSecretValueCommand({ SecretId: "pair", SecretString: "x" })),
        ListSecrets: () => secrets.send(new ListSecretsCommand({})),
        DeleteSecret: () => secrets.send(new DeleteSecretCommand({ SecretId: "pair" })),
      };
      for (const [name, call] of Object.entries(calls)) {
        const refused = await call().then(() => false, isRefusal);
        assert.equal(refused, true, name);
      }
      for (const client of [ec2, cloudWatch, secrets]) client.destroy();
      world.close();
    });

    it("is refused everything with a wrong key", async () => {
      const { world, keys } = await guardedWorld(server.url);
      const access = accessOf({ ...keys["node-a"], secretAccessKey: "another" });
      const cloud = new Ec2Cloud({ ...access, allocationId: world.allocationId, instances: world.instances, self: "node-a", target: { kind: "instance", instanceId: world.instances.get("node-a") ?? "" } });
      await rejectsWith("AGENT_CLOUD_DENIED", cloud.readAddress(never));
      for (const one of [cloud, access.connection, world]) one.close();
    });
  });
});
