/** The alarms and the dashboard against the agent's one list of metrics, and the Stasis app's: nothing watched that is not sent, nothing sent that is not shown. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { METRIC_NAMES, METRICS, type MetricName } from "../../agent/core/metrics.ts";
import { APP_METRICS } from "../../agent/stasis-app/core/app-metrics.ts";
import { dashboardTemplate } from "../../provisioning/dashboard/dashboard.ts";
import { GRAPHS } from "../../provisioning/dashboard/layout.ts";
import { readModule } from "../support/hcl/read-hcl.ts";
import { templateNames } from "../support/terraform-template.ts";

interface AlarmRow {
  readonly id: string;
  readonly scope: "node" | "cluster" | "instance" | "database";
  readonly namespace: string | null;
  readonly metric: string;
  readonly statistic: string;
  readonly comparison: string;
  readonly threshold: number | null;
  readonly thresholdFrom: string | null;
  readonly needs: string | null;
  readonly periodSeconds: number;
  readonly periods: number;
  readonly datapoints: number;
  readonly missing: string;
  readonly says: string;
  readonly remedy: string;
}

const PROVISIONING = new URL("../../provisioning/", import.meta.url);
const { alarms } = JSON.parse(readFileSync(new URL("alarms/alarms.json", PROVISIONING), "utf8")) as { readonly alarms: readonly AlarmRow[] };
const row = (id: string): AlarmRow => {
  const found = alarms.find((one) => one.id === id);
  assert.ok(found !== undefined, `there is no alarm ${id}`);
  return found;
};
const own = alarms.filter(({ scope, needs }) => (scope === "node" || scope === "cluster") && needs !== "stasisApp");
const ofApp = alarms.filter(({ needs }) => needs === "stasisApp");
const isMetric = (name: string): name is MetricName => (METRIC_NAMES as readonly string[]).includes(name);
const pair = await readModule("pair");

describe("alarms", () => {
  it("watch metrics that the agent sends, or AWS's own", () => {
    for (const { id, metric, namespace } of own) {
      assert.ok(isMetric(metric), `${id} watches ${metric}, which is not in METRICS`);
      assert.equal(namespace, null, id);
    }
    assert.deepEqual(alarms.filter(({ scope }) => scope === "instance" || scope === "database").map(({ namespace, metric }) => `${namespace ?? ""} ${metric}`), ["AWS/EC2 StatusCheckFailed", "AWS/EC2 CPUUtilization", "AWS/RDS DatabaseConnections"]);
  });

  it("watch of the Stasis app what it sends: gauges, by each node, where it runs", () => {
    assert.deepEqual(ofApp.map(({ id }) => id), ["events-waiting", "nobody-answers"]);
    for (const { id, metric, namespace, scope, statistic } of ofApp) {
      assert.ok(metric in APP_METRICS, `${id} watches ${metric}, which is not in APP_METRICS`);
      assert.deepEqual([namespace, scope], [null, "node"], id);
      assert.ok(["Minimum", "Maximum"].includes(statistic), id);
    }
  });

  it("cover what an operator must hear of", () => {
    const watched = { "not-serving": "Serving", "no-active": "EipHeld", "two-actives": "EipHeld", "claim-not-ready": "ClaimReady", "peer-silent": "PeerSilence", failover: "Claims", "claims-failing": "ClaimsFailed", "config-drift": "ConfigDrift", "metrics-missing": "Serving", "queues-alerted": "QueuesAlerted", "agent-memory": "AgentMemory" };
    for (const [id, metric] of Object.entries(watched)) assert.equal(row(id).metric, metric);
    for (const id of ["status-check", "cpu", "database-connections"]) row(id);
  });

  it("sum counters and nothing else, and ask of a gauge what its minute has", () => {
    for (const { id, metric, statistic } of own) {
      assert.ok(isMetric(metric));
      if (METRICS[metric].kind === "counter") assert.equal(statistic, "Sum", id);
      else assert.ok(["Minimum", "Maximum", "Average", "SampleCount"].includes(statistic), id);
    }
  });

  it("use the agent's own unit: a bit is compared with 0 to 1, milliseconds and megabytes with more", () => {
    for (const { id, metric, statistic, threshold, scope } of own) {
      assert.ok(isMetric(metric));
      if (threshold === null || statistic === "SampleCount" || scope === "cluster") continue;
      if (METRICS[metric].unit === "Count" && METRICS[metric].meaning.startsWith("1 ")) assert.ok(threshold >= 0 && threshold <= 1, id);
      if (METRICS[metric].unit !== "Count") assert.ok(threshold >= 100, id);
    }
  });

  it("can be evaluated: whole minutes, and no more datapoints than periods", () => {
    for (const { id, periodSeconds, periods, datapoints, comparison } of alarms) {
      assert.equal(periodSeconds % 60, 0, id); // the agents send once a minute
      assert.ok(datapoints >= 1 && datapoints <= periods, id);
      assert.ok(periodSeconds * periods <= 86_400, id);
      assert.match(comparison, /^(?:Less|Greater)Than(?:OrEqualTo)?Threshold$/, id);
    }
  });

  it("take silence for trouble in one place only, and there after more than one missing minute", () => {
    for (const { id, missing } of alarms) assert.equal(missing, id === "metrics-missing" ? "breaching" : "notBreaching", id);
    assert.ok(row("metrics-missing").datapoints >= 3);
  });

  it("speak: a sentence of what is, and one of what to do", () => {
    assert.equal(new Set(alarms.map(({ id }) => id)).size, alarms.length);
    for (const { id, says, remedy } of alarms) {
      assert.match(id, /^[a-z]+(?:-[a-z]+)*$/);
      for (const sentence of [says, remedy]) assert.match(sentence, /^[A-Za-z].{10,}[.?]$/, id);
      assert.ok(`node-with-16-chars: ${says} ${remedy}`.length <= 1024, `${id}: CloudWatch's descriptions end at 1024 characters`);
    }
  });

  it("name the dimensions under which the agent publishes", () => {
    const adapter = readFileSync(new URL("../../agent/adapters/cloudwatch-metrics.ts", import.meta.url), "utf8");
    const published = [...adapter.matchAll(/\{ Name: "(\w+)", Value:/g)].map(([, name]) => name);
    assert.deepEqual(published, ["ClusterId", "NodeId"]);
    const node = pair.resources.find(({ type, name }) => type === "aws_cloudwatch_metric_alarm" && name === "node")?.body;
    assert.deepEqual(Object.keys(node?.["dimensions"] as object), published);
    assert.match(pair.texts.get("alarms.tf") ?? "", /metric_name = each\.value\.metric\n\s+dimensions\s+= \{ ClusterId = var\.cluster_id, NodeId = metric_query\.value \}/);
  });

  it("tell people and trigger nothing", () => {
    for (const { type, name, body } of pair.resources) {
      if (type !== "aws_cloudwatch_metric_alarm") continue;
      for (const actions of ["alarm_actions", "ok_actions"]) assert.deepEqual(body[actions], ["${aws_sns_topic.alarms.arn}"], name);
      assert.equal(body["insufficient_data_actions"], undefined);
    }
    const types = new Set(pair.resources.map(({ type }) => type));
    for (const type of ["aws_lambda_function", "aws_cloudwatch_event_rule", "aws_autoscaling_group", "aws_sns_topic_subscription_lambda"]) assert.equal(types.has(type), false, type);
  });
});

describe("the dashboard", () => {
  it("is what its layout makes (run write-dashboard.ts)", () => {
    assert.equal(readFileSync(new URL("dashboard/dashboard.json", PROVISIONING), "utf8"), dashboardTemplate());
  });

  it("shows every metric once", () => {
    assert.deepEqual(GRAPHS.flatMap(({ metrics }) => metrics).sort(), [...METRIC_NAMES, ...Object.keys(APP_METRICS)].sort());
  });

  it("sums counters, and nothing else", () => {
    for (const { title, metrics, statistic } of GRAPHS) for (const metric of metrics) assert.equal(statistic === "Sum", (isMetric(metric) ? METRICS[metric] : APP_METRICS[metric]).kind === "counter", title);
  });

  it("is laid out without overlaps, within the page", () => {
    const { widgets } = JSON.parse(dashboardTemplate()) as { readonly widgets: readonly { readonly x: number; readonly y: number; readonly width: number; readonly height: number }[] };
    for (const [index, a] of widgets.entries()) {
      assert.ok(a.x + a.width <= 24);
      for (const b of widgets.slice(index + 1)) assert.ok(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y);
    }
  });

  it("asks for the names that Terraform gives it", () => {
    const given = [...(pair.texts.get("dashboard.tf") ?? "").matchAll(/^ {4}(\w+)\s+=/gm)].map(([, name]) => name);
    assert.deepEqual(templateNames(new URL("dashboard/dashboard.json", PROVISIONING)), given.sort());
  });
});
