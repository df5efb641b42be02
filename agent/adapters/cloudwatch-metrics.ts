/** The MetricSink port over CloudWatch: one PutMetricData for all the minutes given, each with its own timestamp. */
import { CloudWatchClient, PutMetricDataCommand, type MetricDatum } from "@aws-sdk/client-cloudwatch";
import { METRICS, type MetricMinute, type MetricName, type MetricUnit, type StatisticSet } from "../core/metrics.ts";
import { AgentError } from "../errors.ts";
import type { AwsConnection } from "./aws-connection.ts";
import type { AwsCredentials } from "./aws-credentials.ts";
import { callAws } from "./aws-errors.ts";
import type { MetricSink } from "../ports.ts";
import { PUT_METRICS_MAX } from "./put-metric-limits.ts";

/**
 * PutMetricData counts as a read here: sending a minute twice does no harm that the core would have to know of, and a
 * minute whose outcome is unknown is simply sent again.
 */
const PUT = { name: "CloudWatch PutMetricData", changes: false };

/** Statistic sets are a minute wide, so the standard resolution is the true one (s). */
const RESOLUTION_S = 60;

/** Of the agent's metrics; or of another program's, which then says what their units are. */
export class CloudWatchMetrics<Name extends string = MetricName> implements MetricSink<Name> {
  readonly #client: CloudWatchClient;
  readonly #units: Readonly<Record<string, { readonly unit: MetricUnit }>>;
  readonly #namespace: string;
  readonly #dimensions: { readonly Name: string; readonly Value: string }[];

  constructor(options: { readonly region: string; readonly namespace: string; readonly cluster: string; readonly node: string; readonly connection: AwsConnection; readonly credentials: AwsCredentials; readonly units?: Readonly<Record<Name, { readonly unit: MetricUnit }>> }) {
    this.#units = options.units ?? METRICS;
    this.#namespace = options.namespace;
    this.#dimensions = [
      { Name: "ClusterId", Value: options.cluster },
      { Name: "NodeId", Value: options.node },
    ];
    this.#client = new CloudWatchClient({ region: options.region, maxAttempts: 1, requestHandler: options.connection, credentials: options.credentials.provide });
  }

  async publish(minutes: readonly MetricMinute<Name>[], signal: AbortSignal): Promise<void> {
    const data = minutes.flatMap((minute) => this.#dataOf(minute));
    if (data.length === 0) return; // CloudWatch refuses an empty list, and nothing to publish is published.
    if (data.length > PUT_METRICS_MAX) throw new AgentError("AGENT_CLOUD_FAILED", `${PUT.name}: ${data.length} metrics do not fit into one call`);
    await callAws(PUT, signal, () => this.#client.send(new PutMetricDataCommand({ Namespace: this.#namespace, MetricData: data }), { abortSignal: signal }));
  }

  close(): void {
    this.#client.destroy();
  }

  #dataOf(minute: MetricMinute<Name>): MetricDatum[] {
    const sets = Object.entries(minute.sets) as [Name, StatisticSet][];
    return sets.map(([name, set]) => ({
      MetricName: name,
      Dimensions: this.#dimensions,
      Timestamp: new Date(minute.atWallMs),
      StatisticValues: { SampleCount: set.count, Sum: set.sum, Minimum: set.min, Maximum: set.max },
      Unit: this.#units[name]?.unit,
      StorageResolution: RESOLUTION_S,
    }));
  }
}
