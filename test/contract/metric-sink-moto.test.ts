/** CloudWatchMetrics keeps the contract against moto, read back through CloudWatch's own statistics. */
import { after, before, describe } from "node:test";
import { CloudWatchClient, GetMetricStatisticsCommand } from "@aws-sdk/client-cloudwatch";
import { CloudWatchMetrics } from "../../agent/adapters/cloudwatch-metrics.ts";
import { METRICS, METRIC_NAMES } from "../../agent/core/metrics.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { motoSource } from "../support/aws/moto-source.ts";
import { describeMetricSinkContract, STORED_UNDER, type ReadBack } from "./metric-sink-contract.ts";

const moto = motoSource();

describe("with moto", { skip: moto.missing ?? false }, () => {
  let server: Awaited<ReturnType<typeof moto.start>>;
  let restore = (): void => undefined;
  before(async () => {
    server = await moto.start();
    restore = pointSdkTo(server.url);
  });
  after(async () => {
    restore();
    await server.stop();
  });

  describeMetricSinkContract(
    "CloudWatchMetrics, moto",
    async () => {
      await fetch(`${server.url}/moto-api/reset`, { method: "POST" });
      const access = awsAccess("node-a");
      const sink = new CloudWatchMetrics({ ...access, ...STORED_UNDER });
      const reader = new CloudWatchClient({ region: access.region, credentials: { accessKeyId: "operator", secretAccessKey: "not-a-secret" } });
      return {
        sink,
        readBack: async (names) => {
          const all: ReadBack[] = [];
          for (const name of METRIC_NAMES.filter((one) => names.includes(one))) {
            const reply = await reader.send(
              new GetMetricStatisticsCommand({
                Namespace: STORED_UNDER.namespace,
                MetricName: name,
                Dimensions: [
                  { Name: "ClusterId", Value: STORED_UNDER.cluster },
                  { Name: "NodeId", Value: STORED_UNDER.node },
                ],
                StartTime: new Date(Date.now() - 86_400_000),
                EndTime: new Date(),
                Period: 60,
                Statistics: ["SampleCount", "Sum", "Minimum", "Maximum"],
                Unit: METRICS[name].unit,
              }),
            );
            for (const point of reply.Datapoints ?? []) all.push({ name, atWallMs: point.Timestamp?.getTime() ?? 0, unit: point.Unit ?? "", set: { min: point.Minimum ?? NaN, max: point.Maximum ?? NaN, sum: point.Sum ?? NaN, count: point.SampleCount ?? NaN } });
          }
          return all;
        },
        fault: () => Promise.reject(new Error("moto has no faults")),
        close: () => {
          sink.close();
          reader.destroy();
          access.connection.close();
          return Promise.resolve();
        },
      };
    },
    { faults: "moto neither throttles nor loses replies", "checks-timestamps": "moto stores a measurement of any age" },
  );
});
