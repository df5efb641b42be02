/**
 * From the layout to CloudWatch's dashboard body, with Terraform's placeholders where the cluster's own names go:
 * region, cluster_id, namespace, node_a, node_b, instance_a, instance_b, alarm_arns.
 */
import { GRAPHS, type Graph } from "./layout.ts";

/** CloudWatch's page is 24 units wide; a graph is 6 high. */
const PAGE_WIDTH = 24;
const GRAPH_HEIGHT = 6;
const ALARMS_HEIGHT = 4;
const PERIOD_S = 60;

const NODES = [
  { name: "${node_a}", instance: "${instance_a}" },
  { name: "${node_b}", instance: "${instance_b}" },
] as const;

interface Widget {
  readonly type: "metric" | "alarm";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The whole template; the same text for the same layout. */
export function dashboardTemplate(graphs: readonly Graph[] = GRAPHS): string {
  const alarms: Widget = { type: "alarm", x: 0, y: 0, width: PAGE_WIDTH, height: ALARMS_HEIGHT, properties: { title: "Alarms of ${cluster_id}", alarms: ["${alarm_arns}"] } };
  const placed = place([...graphs.map(graphWidget), cpuWidget()], ALARMS_HEIGHT);
  return `${JSON.stringify({ widgets: [alarms, ...placed] }, null, 2)}\n`;
}

/** Left to right, and on to the next row when one is full. */
function place(widgets: readonly Pick<Widget, "width" | "properties">[], top: number): readonly Widget[] {
  let x = 0;
  let y = top;
  return widgets.map(({ width, properties }) => {
    if (x + width > PAGE_WIDTH) {
      x = 0;
      y += GRAPH_HEIGHT;
    }
    const widget: Widget = { type: "metric", x, y, width, height: GRAPH_HEIGHT, properties };
    x += width;
    return widget;
  });
}

function graphWidget(graph: Graph): Pick<Widget, "width" | "properties"> {
  const single = graph.metrics.length === 1;
  const metrics = graph.metrics.flatMap((metric) => NODES.map(({ name }) => ["${namespace}", metric, "ClusterId", "${cluster_id}", "NodeId", name, { label: single ? name : `${name} ${metric}` }]));
  return {
    width: graph.width,
    properties: {
      title: graph.title,
      region: "${region}",
      view: "timeSeries",
      stacked: graph.stacked ?? false,
      period: PERIOD_S,
      stat: graph.statistic,
      yAxis: { left: { min: 0 } },
      metrics,
      ...(graph.line === undefined ? {} : { annotations: { horizontal: [graph.line] } }),
    },
  };
}

/** AWS's own measurement of the machines, for comparison. */
function cpuWidget(): Pick<Widget, "width" | "properties"> {
  const metrics = NODES.map(({ name, instance }) => ["AWS/EC2", "CPUUtilization", "InstanceId", instance, { label: name }]);
  return { width: PAGE_WIDTH, properties: { title: "CPU of the machines (%)", region: "${region}", view: "timeSeries", stacked: false, period: PERIOD_S, stat: "Average", yAxis: { left: { min: 0, max: 100 } }, metrics } };
}
