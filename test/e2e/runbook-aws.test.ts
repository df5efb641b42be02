/**
 * What README.md and RUNBOOK.md say to type for AWS, by the real AWS CLI. Blocks marked `aws` are carried out against moto, in the
 * order of the pages and in one shell; those marked `aws-parsed` are only parsed and validated by the CLI: no emulator knows them.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CloudWatchClient, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { AllocateAddressCommand, CreateTagsCommand, EC2Client, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { motoSource } from "../support/aws/moto-source.ts";
import { blocks, type Mark } from "../support/documented-commands.ts";
import { runAwsScript } from "../support/lab/aws-cli.ts";

const REGION = "eu-central-1";
const CLUSTER = "aicc-prod";
const moto = motoSource();
const credentials = { accessKeyId: "operator", secretAccessKey: "not-a-secret" };
/** `nodectl fleet` is run by fleet-moto.test.ts: the CLI's Debian root has no Node. */
const of = (mark: Mark): readonly string[] => blocks().filter((block) => block.mark === mark && !block.text.includes("nodectl ")).map(({ at, text }) => `echo "== ${at}" >&2\n${text}`);

/** What Terraform would have made, as far as the pages' commands look at it. */
async function makeCluster(url: string): Promise<readonly string[]> {
  await fetch(`${url}/moto-api/reset`, { method: "POST" });
  const ec2 = new EC2Client({ region: REGION, endpoint: url, credentials });
  const { Instances: instances = [] } = await ec2.send(new RunInstancesCommand({ ImageId: "ami-12c6146b", MinCount: 2, MaxCount: 2, InstanceType: "t3.micro" }));
  const ids = instances.map(({ InstanceId }) => InstanceId ?? "");
  for (const [index, id] of ids.entries()) await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "ClusterId", Value: CLUSTER }, { Key: "NodeId", Value: index === 0 ? "node-a" : "node-b" }] }));
  await ec2.send(new AllocateAddressCommand({ Domain: "vpc", TagSpecifications: [{ ResourceType: "elastic-ip", Tags: [{ Key: "ClusterId", Value: CLUSTER }] }] }));
  const secrets = new SecretsManagerClient({ region: REGION, endpoint: url, credentials });
  await secrets.send(new CreateSecretCommand({ Name: `asterisk-node-${CLUSTER}-x1`, SecretString: "{}", Tags: [{ Key: "Role", Value: "node" }] }));
  const watch = new CloudWatchClient({ region: REGION, endpoint: url, credentials });
  await watch.send(new PutMetricAlarmCommand({ AlarmName: `asterisk-node-${CLUSTER}-no-active`, MetricName: "EipHeld", Namespace: "Asterisk/Node", Statistic: "Maximum", Period: 60, EvaluationPeriods: 2, Threshold: 1, ComparisonOperator: "LessThanThreshold" }));
  for (const client of [ec2, secrets, watch]) client.destroy();
  return ids;
}

describe("what the pages say to type for AWS", { skip: moto.missing ?? false, timeout: 400_000 }, () => {
  let started: Awaited<ReturnType<typeof moto.start>>;
  before(async () => { started = await moto.start(); });
  after(async () => { await started.stop(); });

  it("is carried out by the AWS CLI against moto, and ends well", async () => {
    const [nodeA = "", nodeB = ""] = await makeCluster(started.url);
    const { stdout } = await runAwsScript(of("aws").join("\n"), started.url);
    assert.match(stdout, new RegExp(`^${CLUSTER}: ${nodeA} and ${nodeB} share eipalloc-\\S+ and read asterisk-node-${CLUSTER}-x1$`, "m"));
    assert.match(stdout, new RegExp(`^${nodeA}$`, "m"), "the address was moved by hand");
  });

  it("is at least accepted by the AWS CLI where no emulator knows it", async () => {
    const parsed = of("aws-parsed");
    assert.ok(parsed.length > 2);
    await runAwsScript(`export AWS_REGION=${REGION}; CLUSTER=${CLUSTER} NODE_A=i-0aaaaaaaaaaaaaaaa NODE_B=i-0bbbbbbbbbbbbbbbb SECRET=asterisk-node-${CLUSTER}-x1\n${parsed.join("\n")}`, null);
    await assert.rejects(runAwsScript("aws ec2 associate-address --no-such-option x", null), /[Uu]nknown options/, "the CLI does parse");
  });
});
