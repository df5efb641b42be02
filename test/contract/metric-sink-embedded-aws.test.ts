/** CloudWatchMetrics keeps the contract against the embedded AWS. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CloudWatchMetrics } from "../../agent/adapters/cloudwatch-metrics.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { startEmbeddedAws, type EmbeddedAws } from "../support/aws/aws-server.ts";
import { describeMetricSinkContract, STORED_UNDER, type MetricSinkWorld } from "./metric-sink-contract.ts";

async function makeWorld(): Promise<MetricSinkWorld & { readonly aws: EmbeddedAws }> {
  const aws = await startEmbeddedAws({ region: "eu-central-1", instances: [], addresses: [] });
  const restore = pointSdkTo(aws.url);
  const access = awsAccess("node-a");
  const sink = new CloudWatchMetrics({ ...access, ...STORED_UNDER });
  return {
    aws,
    sink,
    readBack: (names) =>
      Promise.resolve(
        aws.lab
          .metrics()
          .filter((one) => one.namespace === STORED_UNDER.namespace && one.dimensions["ClusterId"] === STORED_UNDER.cluster && one.dimensions["NodeId"] === STORED_UNDER.node && names.includes(one.name))
          .map(({ name, atWallMs, unit, set }) => ({ name, atWallMs, unit, set })),
      ),
    fault: (rule) => Promise.resolve(aws.lab.addFault(rule)),
    close: async () => {
      sink.close();
      restore();
      access.connection.close();
      await aws.close();
    },
  };
}

describeMetricSinkContract("CloudWatchMetrics, embedded AWS", makeWorld);

describe("CloudWatchMetrics", () => {
  it("makes one call for many minutes, whatever their number", async () => {
    const world = await makeWorld();
    try {
      const minutes = Array.from({ length: 33 }, (_unused, index) => ({ atWallMs: Date.now() - index * 60_000, sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 } } }));
      await world.sink.publish(minutes, new AbortController().signal);
      assert.deepEqual(world.aws.lab.calls().map((call) => call.action), ["PutMetricData"]);
    } finally {
      await world.close();
    }
  });
});
