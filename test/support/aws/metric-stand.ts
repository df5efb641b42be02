// CloudWatch that can be away and a folder on a real disk, with the real adapter between: what an outage of metrics is tried on.
import type { CloudWatchMetrics } from "../../../agent/adapters/cloudwatch-metrics.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { startEmbeddedAws, type EmbeddedAws } from "./aws-server.ts";
import { awsAccess, pointSdkTo } from "./clients.ts";

/** Sets it up, runs, and takes it away again. @param open makes the adapter, which is closed afterwards */
export async function withMetricStand<M extends string>(open: (access: ReturnType<typeof awsAccess>) => CloudWatchMetrics<M>, run: (aws: EmbeddedAws, sink: CloudWatchMetrics<M>, folder: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  const aws = await startEmbeddedAws({ region: "eu-central-1", instances: [], addresses: [] });
  const restore = pointSdkTo(aws.url);
  const access = awsAccess("node-a");
  const sink = open(access);
  try {
    await run(aws, sink, folder.path);
  } finally {
    sink.close();
    restore();
    access.connection.close();
    await aws.close();
    await folder.remove();
  }
}
