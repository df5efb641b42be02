/**
 * nodectl fleet against moto: addresses, instances, metrics and Systems Manager as an AWS that we did not write answers. Moto takes a
 * command and runs nothing, so the test plays the node: it sees the command and moves the address, as the node's agents would.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CloudWatchClient, PutMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import { AllocateAddressCommand, AssociateAddressCommand, CreateTagsCommand, EC2Client, RunInstancesCommand, StopInstancesCommand } from "@aws-sdk/client-ec2";
import { CreateDocumentCommand, ListCommandsCommand, SSMClient } from "@aws-sdk/client-ssm";
import { AwsFleet } from "../../agent/adapters/aws-fleet.ts";
import { runCli } from "../../agent/cli/run.ts";
import { fleetRow } from "../../agent/core/fleet.ts";
import { switchCluster } from "../../agent/fleet/switch-cluster.ts";
import { motoSource } from "../support/aws/moto-source.ts";
import { waitUntil } from "../support/wait-until.ts";

const REGION = "eu-central-1";
const NAMESPACE = "Asterisk/Node";
const moto = motoSource();
const ENVIRONMENT = { AWS_ACCESS_KEY_ID: "operator", AWS_SECRET_ACCESS_KEY: "not-a-secret", AWS_EC2_METADATA_DISABLED: "true" };

interface Made {
  readonly allocationId: string;
  readonly nodes: readonly string[];
}

async function makeCluster(ec2: EC2Client, cluster: string): Promise<Made> {
  const { Instances: instances = [] } = await ec2.send(new RunInstancesCommand({ ImageId: "ami-12c6146b", MinCount: 2, MaxCount: 2, InstanceType: "t3.micro" }));
  const nodes = instances.map(({ InstanceId }) => InstanceId ?? "");
  for (const [index, id] of nodes.entries()) await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: "ClusterId", Value: cluster }, { Key: "NodeId", Value: index === 0 ? "node-a" : "node-b" }] }));
  const address = async (tags: Readonly<Record<string, string>>): Promise<string> => (await ec2.send(new AllocateAddressCommand({ Domain: "vpc", TagSpecifications: [{ ResourceType: "elastic-ip", Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }] }))).AllocationId ?? "";
  await address({ ClusterId: cluster, NodeId: "node-a" }); // A management address is none of the cluster's.
  const allocationId = await address({ ClusterId: cluster, "claimed-by": "node-a", "claimed-at": "2026-11-20T12:00:01.500Z", "claim-reason": "node-b is gone" });
  await ec2.send(new AssociateAddressCommand({ AllocationId: allocationId, InstanceId: nodes[0] ?? "", AllowReassociation: true }));
  return { allocationId, nodes };
}

describe("nodectl fleet against moto", { skip: moto.missing ?? false, timeout: 200_000 }, () => {
  let started: Awaited<ReturnType<typeof moto.start>>;
  let ec2: EC2Client;
  let ssm: SSMClient;
  let fleet: AwsFleet;
  let one: Made;
  let two: Made;
  before(async () => {
    started = await moto.start();
    Object.assign(process.env, ENVIRONMENT, { AWS_ENDPOINT_URL: started.url });
    await fetch(`${started.url}/moto-api/reset`, { method: "POST" });
    [ec2, ssm] = [new EC2Client({ region: REGION }), new SSMClient({ region: REGION })];
    [one, two] = [await makeCluster(ec2, "one"), await makeCluster(ec2, "two")];
    const watch = new CloudWatchClient({ region: REGION });
    const datum = (cluster: string, node: string, name: string, value: number): { MetricName: string; Dimensions: { Name: string; Value: string }[]; Timestamp: Date; Value: number } => ({ MetricName: name, Dimensions: [{ Name: "ClusterId", Value: cluster }, { Name: "NodeId", Value: node }], Timestamp: new Date(Date.now() - 60_000), Value: value });
    await watch.send(new PutMetricDataCommand({ Namespace: NAMESPACE, MetricData: ["one", "two"].flatMap((cluster) => ["node-a", "node-b"].flatMap((node) => [datum(cluster, node, "Serving", 1), datum(cluster, node, "ClaimReady", cluster === "two" && node === "node-b" ? 0 : 1)])) }));
    watch.destroy();
    for (const cluster of ["one", "two"]) await ssm.send(new CreateDocumentCommand({ Name: `asterisk-node-${cluster}-AskSwitchover`, DocumentType: "Command", Content: JSON.stringify({ schemaVersion: "2.2", description: "asks", parameters: { Drain: { type: "String" } }, mainSteps: [{ name: "x", action: "aws:runShellScript", inputs: { runCommand: ["true"] } }] }) }));
    fleet = new AwsFleet({ region: REGION, namespace: NAMESPACE, wallMs: () => Date.now() });
  });
  after(async () => {
    for (const client of [ec2, ssm]) client.destroy();
    fleet.close();
    await started.stop();
  });

  it("lists every cluster with its active, its standby, whether that is ready, and the last move", async () => {
    const rows = (await fleet.clusters(AbortSignal.timeout(30_000))).map(fleetRow);
    assert.deepEqual(rows.map(({ cluster, active, standby, notReady, lastMove }) => ({ cluster, active, standby, notReady, lastMove })), [
      { cluster: "one", active: "node-a", standby: "node-b", notReady: null, lastMove: "2026-11-20T12:00:01.500Z to node-a: node-b is gone" },
      { cluster: "two", active: "node-a", standby: "node-b", notReady: "its dry run of a claim fails", lastMove: "2026-11-20T12:00:01.500Z to node-a: node-b is gone" },
    ]);
    const lines: string[] = [];
    assert.equal(await runCli(["fleet", "status", "--region", REGION], { out: (line) => lines.push(line), err: (line) => lines.push(line), colour: false, width: 100, env: { AGENT_ENV_FILE: "/nonexistent" } }), 0);
    assert.match(lines.join("\n"), /^one +\S+ +node-a +node-b +yes /m);
    assert.match(lines.join("\n"), /^two: node-b could not take over: its dry run of a claim fails$/m);
  });

  it("switches one over through its own document, and believes EC2", async () => {
    const [facts] = await fleet.clusters(AbortSignal.timeout(30_000));
    assert.ok(facts !== undefined);
    let atMs = 0;
    const switching = switchCluster(fleet, facts, { drain: "90s", drainMs: 90_000, startStopped: false, lookEveryMs: 100, readyWithinMs: 1_000, movedWithinMs: 1_000_000, tell: () => undefined, nowMs: () => atMs, wait: async (ms) => { atMs += ms; await new Promise((resolve) => { setTimeout(resolve, 20); }); } });
    const command = await waitUntil("the command", async () => (await ssm.send(new ListCommandsCommand({}))).Commands?.find(({ DocumentName }) => DocumentName === "asterisk-node-one-AskSwitchover"), 30_000);
    // Moto counts in every instance of the account, whomever the command was for.
    assert.ok(command.InstanceIds?.includes(one.nodes[0] ?? ""));
    assert.deepEqual(command.Parameters, { Drain: ["90s"] });
    await ec2.send(new AssociateAddressCommand({ AllocationId: one.allocationId, InstanceId: one.nodes[1] ?? "", AllowReassociation: true }));
    assert.deepEqual(await switching, { ok: true, says: "The address is on node-b." });
  });

  it("refuses a standby that is not ready, and starts one that is stopped", async () => {
    const lines: string[] = [];
    const code = await runCli(["fleet", "switchover", "two", "--region", REGION, "--yes"], { out: (line) => lines.push(line), err: (line) => lines.push(line), colour: false, width: 100, env: { AGENT_ENV_FILE: "/nonexistent" } });
    assert.equal(code, 1);
    assert.match(lines.at(-1) ?? "", /^two: Refused: node-b: its dry run of a claim fails\.$/);
    await ec2.send(new StopInstancesCommand({ InstanceIds: [two.nodes[1] ?? ""] }));
    const stateOf = async (): Promise<string | undefined> => (await fleet.clusters(AbortSignal.timeout(30_000))).find(({ cluster }) => cluster === "two")?.nodes[1]?.state;
    await waitUntil("it to be stopped", async () => (await stateOf()) === "stopped", 30_000);
    await fleet.start(two.nodes[1] ?? "", AbortSignal.timeout(30_000));
    await waitUntil("it to run", async () => (await stateOf()) === "running", 30_000);
  });

  it("refuses wrong usage without asking AWS", async () => {
    const said: string[] = [];
    const terminal = { out: (line: string) => said.push(line), err: (line: string) => said.push(line), colour: false, width: 100, env: { AGENT_ENV_FILE: "/nonexistent" } };
    assert.equal(await runCli(["fleet", "switchover", "--region", REGION], terminal), 2);
    assert.equal(await runCli(["fleet", "switchover", "one", "--all", "--region", REGION], terminal), 2);
    assert.equal(await runCli(["fleet", "switchover", "--all", "--at-a-time", "0", "--region", REGION], terminal), 2);
    assert.equal(await runCli(["fleet", "status"], terminal), 2);
  });
});
