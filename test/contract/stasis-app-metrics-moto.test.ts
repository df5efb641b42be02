// The Stasis app sends its metrics: the app as it is, on a real MariaDB, beside an agent's status that says active; moto plays CloudWatch,
// and is read back through CloudWatch's own statistics. On a standby it sends none.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import { FileSpool } from "../../agent/adapters/file-spool.ts";
import { App } from "../../agent/stasis-app/app.ts";
import type { Aws } from "../../agent/stasis-app/aws.ts";
import { APP_METRIC_NAMES, APP_METRICS, type AppMetricName } from "../../agent/stasis-app/core/app-metrics.ts";
import { openLog } from "../../agent/stasis-app/log.ts";
import { parseSettings } from "../../agent/stasis-app/settings.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { motoSource } from "../support/aws/moto-source.ts";
import { DATABASE_NAME, startMariaDb, type LabMariaDb } from "../support/lab/mariadb.ts";
import { openLab, type Lab } from "../support/lab/network.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const NAMESPACE = "Asterisk/Node";
const moto = motoSource();

describe("the Stasis app's metrics, with moto", { skip: moto.missing ?? false }, () => {
  let cloud: Awaited<ReturnType<typeof moto.start>>;
  let restore = (): void => undefined;
  let lab: Lab;
  let database: LabMariaDb;
  let agent: Server;
  let role = "active";
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let reader: CloudWatchClient;
  const access = awsAccess("node-a");

  before(async () => {
    folder = await temporaryFolder();
    cloud = await moto.start();
    restore = pointSdkTo(cloud.url);
    reader = new CloudWatchClient({ region: access.region, credentials: { accessKeyId: "operator", secretAccessKey: "not-a-secret" } });
    lab = await openLab();
    database = await startMariaDb(lab);
    await database.grantApp("app", "contract-test");
    agent = createServer((_incoming, outgoing) => outgoing.end(JSON.stringify({ role, draining: null })));
    await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  });
  after(async () => {
    await new Promise((resolve) => agent.close(resolve));
    reader.destroy();
    access.connection.close();
    await lab.close();
    restore();
    await cloud.stop();
    await folder.remove();
  });

  function appOf(node: string): App {
    const settings = parseSettings({
      CLUSTER_ID: "demo", NODE_ID: node, SECRETS_FILE: "/nonexistent", AWS_REGION: access.region, DATABASE_HOST: database.socket, DATABASE_NAME, ARI_URL: "http://127.0.0.1:9",
      STATUS_LISTEN: `127.0.0.1:${(agent.address() as AddressInfo).port}`, APP_LISTEN: "127.0.0.1:0", APP_STATUS_LISTEN: "127.0.0.1:0", APP_EVENTS_FILE: "/proc/nowhere", APP_METRICS_INTERVAL_MS: "1000", STATE_DIR: folder.path,
    });
    const secretText = JSON.stringify({ ari_password: "ari", app_database: { username: "app", password: "contract-test" }, app_token: "a-token-of-the-contract-test" });
    const aws: Aws = access;
    return new App({ settings, secretText, readSecret: () => Promise.resolve(secretText), campaigns: new Map(), aws, log: openLog({ level: "fatal", cluster: "demo", node }), version: "1.2.3" });
  }

  const sent = async (node: string): Promise<readonly string[]> => {
    const { Metrics = [] } = await reader.send(new ListMetricsCommand({ Namespace: NAMESPACE, Dimensions: [{ Name: "ClusterId", Value: "demo" }, { Name: "NodeId", Value: node }] }));
    return [...new Set(Metrics.map(({ MetricName = "" }) => MetricName))].sort();
  };

  it("arrive with their values, units and dimensions while its node is the active", async () => {
    await database.sql(`INSERT INTO app_calls (call_id, direction, campaign_id, phone_number, state, failures, not_before, created_at) VALUES
      ('k1', 'out', 'c', '+4930123456', 'queued', '{}', NOW(3) + INTERVAL 1 HOUR, NOW(3)), ('k2', 'out', 'c', '+4930123457', 'queued', '{}', NOW(3) + INTERVAL 1 HOUR, NOW(3));
      INSERT INTO app_attempts (channel_id, call_id, attempt, node, dialled_at, ended_at, result) VALUES ('x1', 'k1', 1, 'node-a', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), 'answered'), ('x2', 'k1', 2, 'node-a', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), 'busy');
      INSERT INTO app_outbox (event_id, call_id, type, payload, next_at) VALUES ('e1', 'k1', 'digit', JSON_OBJECT('at', '2026-01-02T03:04:05.678Z'), UTC_TIMESTAMP(3) + INTERVAL 1 HOUR)`);
    const app = appOf("node-a");
    await app.start();
    try {
      await waitUntil("all metrics", async () => (await sent("node-a")).length === Object.keys(APP_METRICS).length, 20_000);
    } finally {
      await app.close();
    }
    assert.deepEqual(await sent("node-a"), Object.keys(APP_METRICS).sort());
    const valueOf = async (name: keyof typeof APP_METRICS): Promise<number | undefined> => {
      const { Datapoints = [] } = await reader.send(new GetMetricStatisticsCommand({ Namespace: NAMESPACE, MetricName: name, Dimensions: [{ Name: "ClusterId", Value: "demo" }, { Name: "NodeId", Value: "node-a" }], StartTime: new Date(Date.now() - 3_600_000), EndTime: new Date(Date.now() + 60_000), Period: 60, Statistics: ["Maximum"], Unit: APP_METRICS[name].unit }));
      return Datapoints[0]?.Maximum;
    };
    assert.deepEqual([await valueOf("CallsQueued"), await valueOf("CallsDialling"), await valueOf("AnsweredRate"), await valueOf("EventsWaiting")], [2, 0, 0.5, 1]);
    assert.ok(((await valueOf("EventsOldest")) ?? 0) > 1_000_000);
  });

  it("are the active's business only, but for those that still wait on the disk", async () => {
    role = "standby";
    const spool = new FileSpool<AppMetricName>({ folder: join(folder.path, "app-metrics"), maxBytes: 1_000_000, wallMs: () => Date.now(), names: APP_METRIC_NAMES });
    await spool.append({ atWallMs: Date.now() - 60_000, sets: { CallsInMenu: { min: 7, max: 7, sum: 7, count: 1 } } });
    const app = appOf("node-b");
    await app.start();
    const before = Date.now();
    try {
      // Three intervals: waiting is what this checks.
      await waitUntil("three intervals to pass", () => Date.now() - before > 3_000, 10_000);
      assert.deepEqual(await sent("node-b"), ["CallsInMenu"]);
    } finally {
      await app.close();
    }
  });
});
