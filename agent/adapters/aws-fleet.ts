/** The FleetPort over EC2, CloudWatch and Systems Manager, with the credentials and the region of whoever runs nodectl. */
import { CloudWatchClient, GetMetricDataCommand, type MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { DescribeAddressesCommand, DescribeInstancesCommand, EC2Client, StartInstancesCommand, type Address, type Instance } from "@aws-sdk/client-ec2";
import { GetCommandInvocationCommand, SendCommandCommand, SSMClient } from "@aws-sdk/client-ssm";
import { AgentError } from "../errors.ts";
import type { CommandState, FleetCluster, FleetNode, NodeMetrics } from "../core/fleet.ts";
import type { FleetPort } from "../ports.ts";
import { awsCodeOf, callAws } from "./aws-errors.ts";

/** Metrics older than this say nothing of now (ms): agents send once a minute, CloudWatch shows it a little later. */
const METRICS_WITHIN_MS = 300_000;
/** GetMetricData's own limit. */
const QUERIES_MAX = 500;
/** Systems Manager knows a command a moment after it has taken it. */
const NOT_YET = "InvocationDoesNotExist";
const UNDER_WAY = new Set(["Pending", "InProgress", "Delayed", "Cancelling"]);

const WATCHED = [["serving", "Serving", "Average"], ["claimReady", "ClaimReady", "Maximum"], ["eipHeld", "EipHeld", "Maximum"]] as const satisfies readonly (readonly [keyof NodeMetrics, string, string])[];

interface Tagged {
  readonly Tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;
}
const tagOf = ({ Tags }: Tagged, key: string): string | null => Tags?.find(({ Key }) => Key === key)?.Value ?? null;

export class AwsFleet implements FleetPort {
  readonly #ec2: EC2Client;
  readonly #watch: CloudWatchClient;
  readonly #ssm: SSMClient;
  readonly #namespace: string;
  readonly #wallMs: () => number;

  constructor(options: { readonly region: string; readonly namespace: string; readonly wallMs: () => number }) {
    const { region } = options;
    this.#ec2 = new EC2Client({ region });
    this.#watch = new CloudWatchClient({ region });
    this.#ssm = new SSMClient({ region });
    this.#namespace = options.namespace;
    this.#wallMs = options.wallMs;
  }

  async clusters(signal: AbortSignal): Promise<readonly FleetCluster[]> {
    const filters = [{ Name: "tag-key", Values: ["ClusterId"] }];
    const { Addresses: addresses = [] } = await callAws({ name: "EC2 DescribeAddresses", changes: false }, signal, () => this.#ec2.send(new DescribeAddressesCommand({ Filters: filters }), { abortSignal: signal }));
    const instances = (await this.#instances(signal)).filter((instance) => tagOf(instance, "NodeId") !== null && tagOf(instance, "Role") !== "witness");
    const metrics = await this.#metrics(instances, signal);
    // Management addresses carry the tag, too; the cluster's own is the one that no node owns by name.
    return addresses.filter((address) => tagOf(address, "NodeId") === null).map((address) => clusterOf(address, instances, metrics)).toSorted((a, b) => (a.cluster < b.cluster ? -1 : 1));
  }

  async holder(allocationId: string, signal: AbortSignal): Promise<string | null> {
    const reply = await callAws({ name: "EC2 DescribeAddresses", changes: false }, signal, () => this.#ec2.send(new DescribeAddressesCommand({ AllocationIds: [allocationId] }), { abortSignal: signal }));
    const id = reply.Addresses?.[0]?.InstanceId;
    return id === undefined || id === "" ? null : id;
  }

  async askSwitchover(cluster: string, instanceId: string, drain: string, signal: AbortSignal): Promise<string> {
    const call = { name: "SSM SendCommand", changes: true };
    const reply = await callAws(call, signal, () => this.#ssm.send(new SendCommandCommand({ DocumentName: `asterisk-node-${cluster}-AskSwitchover`, InstanceIds: [instanceId], Parameters: { Drain: [drain] } }), { abortSignal: signal }));
    const id = reply.Command?.CommandId;
    if (id === undefined) throw new AgentError("AGENT_CLOUD_FAILED", `${call.name}: the answer has no command`);
    return id;
  }

  async commandState(commandId: string, instanceId: string, signal: AbortSignal): Promise<CommandState> {
    return callAws({ name: "SSM GetCommandInvocation", changes: false }, signal, async () => {
      try {
        const { Status: status = "Pending", StandardOutputContent: out = "", StandardErrorContent: err = "" } = await this.#ssm.send(new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId }), { abortSignal: signal });
        return { ended: !UNDER_WAY.has(status), ok: status === "Success", says: err.trim() === "" || status === "Success" ? out : err };
      } catch (error) {
        if (awsCodeOf(error) === NOT_YET) return { ended: false, ok: false, says: "" };
        throw error;
      }
    });
  }

  async start(instanceId: string, signal: AbortSignal): Promise<void> {
    await callAws({ name: "EC2 StartInstances", changes: true }, signal, () => this.#ec2.send(new StartInstancesCommand({ InstanceIds: [instanceId] }), { abortSignal: signal }));
  }

  close(): void {
    for (const client of [this.#ec2, this.#watch, this.#ssm]) client.destroy();
  }

  async #instances(signal: AbortSignal): Promise<readonly Instance[]> {
    const found: Instance[] = [];
    let next: string | undefined;
    do {
      const page = next;
      const reply = await callAws({ name: "EC2 DescribeInstances", changes: false }, signal, () => this.#ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: "tag-key", Values: ["ClusterId"] }], ...(page === undefined ? {} : { NextToken: page }) }), { abortSignal: signal }));
      found.push(...(reply.Reservations ?? []).flatMap(({ Instances = [] }) => Instances));
      next = reply.NextToken;
    } while (next !== undefined && next !== "");
    return found.filter(({ State }) => State?.Name !== "terminated");
  }

  /** By instance id. A node that sent nothing has nulls. */
  async #metrics(instances: readonly Instance[], signal: AbortSignal): Promise<ReadonlyMap<string, NodeMetrics>> {
    const asked = instances.flatMap((instance, index) => WATCHED.map(([key, name, stat]) => ({ key, instance: instance.InstanceId ?? "", query: this.#query(`m${index}_${name.toLowerCase()}`, name, stat, instance) })));
    const values = new Map<string, number>();
    for (let from = 0; from < asked.length; from += QUERIES_MAX) {
      const queries = asked.slice(from, from + QUERIES_MAX).map(({ query }) => query);
      const reply = await callAws({ name: "CloudWatch GetMetricData", changes: false }, signal, () => this.#watch.send(new GetMetricDataCommand({ StartTime: new Date(this.#wallMs() - METRICS_WITHIN_MS), EndTime: new Date(this.#wallMs() + 60_000), ScanBy: "TimestampDescending", MetricDataQueries: queries }), { abortSignal: signal }));
      for (const { Id, Values } of reply.MetricDataResults ?? []) if (Id !== undefined && Values?.[0] !== undefined) values.set(Id, Values[0]);
    }
    const valueOf = (instance: string, key: keyof NodeMetrics): number | null => values.get(asked.find((one) => one.instance === instance && one.key === key)?.query.Id ?? "") ?? null;
    return new Map(instances.map(({ InstanceId: id = "" }) => [id, { serving: valueOf(id, "serving"), claimReady: valueOf(id, "claimReady"), eipHeld: valueOf(id, "eipHeld") }]));
  }

  #query(id: string, metric: string, stat: string, instance: Instance): MetricDataQuery {
    const dimensions = [{ Name: "ClusterId", Value: tagOf(instance, "ClusterId") ?? "" }, { Name: "NodeId", Value: tagOf(instance, "NodeId") ?? "" }];
    return { Id: id, MetricStat: { Metric: { Namespace: this.#namespace, MetricName: metric, Dimensions: dimensions }, Period: 60, Stat: stat }, ReturnData: true };
  }
}

function clusterOf(address: Address, instances: readonly Instance[], metrics: ReadonlyMap<string, NodeMetrics>): FleetCluster {
  const cluster = tagOf(address, "ClusterId") ?? "";
  const [by, at, reason] = [tagOf(address, "claimed-by"), tagOf(address, "claimed-at"), tagOf(address, "claim-reason")];
  const nodes = instances.filter((instance) => tagOf(instance, "ClusterId") === cluster).map((instance): FleetNode => {
    const id = instance.InstanceId ?? "";
    return { node: tagOf(instance, "NodeId") ?? "", instanceId: id, state: instance.State?.Name ?? "unknown", zone: instance.Placement?.AvailabilityZone ?? "", metrics: metrics.get(id) ?? { serving: null, claimReady: null, eipHeld: null } };
  });
  return {
    cluster,
    allocationId: address.AllocationId ?? "",
    publicIp: address.PublicIp ?? "",
    holder: address.InstanceId === undefined || address.InstanceId === "" ? null : address.InstanceId,
    lastMove: by === null || at === null ? null : { at, to: by, reason: reason ?? "" },
    nodes: nodes.toSorted((a, b) => (a.node < b.node ? -1 : 1)),
  };
}
