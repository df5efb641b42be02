# The pair at a glance. dashboard/dashboard.json is made from the agent's list of metrics by dashboard/write-dashboard.ts.

locals {
  all_alarms = concat(
    values(aws_cloudwatch_metric_alarm.cluster)[*].arn,
    values(aws_cloudwatch_metric_alarm.node)[*].arn,
    values(aws_cloudwatch_metric_alarm.instance)[*].arn,
    values(aws_cloudwatch_metric_alarm.database)[*].arn,
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.name
  dashboard_body = templatefile("${path.module}/../../dashboard/dashboard.json", {
    region     = local.region
    cluster_id = var.cluster_id
    namespace  = var.metrics_namespace
    node_a     = keys(var.nodes)[0]
    node_b     = keys(var.nodes)[1]
    instance_a = aws_instance.node[keys(var.nodes)[0]].id
    instance_b = aws_instance.node[keys(var.nodes)[1]].id
    # The widget shows at most a hundred.
    alarm_arns = join("\", \"", slice(local.all_alarms, 0, min(100, length(local.all_alarms))))
  })
}
