# Every alarm is a row of alarms/alarms.json, which a test holds against the agent's list of metrics. Alarms tell people;
# none of them triggers anything.

locals {
  alarm_table = jsondecode(file("${path.module}/../../alarms/alarms.json")).alarms
  alarm_ids   = [for row in local.alarm_table : row.id]
  alarm_rows  = [for row in local.alarm_table : row if !contains(var.alarms_off, row.id)]

  alarm_thresholds = {
    witnesses           = length(var.witnesses)
    databaseConnections = var.database_alarm == null ? 0 : var.database_alarm.connections_max
  }

  node_alarms = merge([
    for row in local.alarm_rows : { for node in keys(var.nodes) : "${row.id}-${node}" => merge(row, { node = node }) }
    if row.scope == "node" && (row.needs != "witnesses" || length(var.witnesses) > 0) && (row.needs != "stasisApp" || var.stasis_app != null)
  ]...)

  instance_alarms = merge([for row in local.alarm_rows : { for node in keys(var.nodes) : "${row.id}-${node}" => merge(row, { node = node }) } if row.scope == "instance"]...)
  cluster_alarms  = { for row in local.alarm_rows : row.id => row if row.scope == "cluster" }
  database_alarms = { for row in local.alarm_rows : row.id => row if row.scope == "database" && var.database_alarm != null }
}

resource "aws_cloudwatch_metric_alarm" "node" {
  for_each            = local.node_alarms
  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.node}: ${each.value.says} ${each.value.remedy}"
  namespace           = var.metrics_namespace
  metric_name         = each.value.metric
  dimensions          = { ClusterId = var.cluster_id, NodeId = each.value.node }
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.thresholdFrom == null ? each.value.threshold : local.alarm_thresholds[each.value.thresholdFrom]
  period              = each.value.periodSeconds
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = merge(local.tags, { NodeId = each.value.node })
}

# The sum over the nodes; one that sends nothing counts as 0.
resource "aws_cloudwatch_metric_alarm" "cluster" {
  for_each            = local.cluster_alarms
  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${var.cluster_id}: ${each.value.says} ${each.value.remedy}"
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags

  metric_query {
    id          = "sum"
    label       = each.value.metric
    expression  = join(" + ", [for index, node in keys(var.nodes) : "FILL(n${index}, 0)"])
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { for index, node in keys(var.nodes) : "n${index}" => node }
    content {
      id    = metric_query.key
      label = metric_query.value

      metric {
        namespace   = var.metrics_namespace
        metric_name = each.value.metric
        dimensions  = { ClusterId = var.cluster_id, NodeId = metric_query.value }
        stat        = each.value.statistic
        period      = each.value.periodSeconds
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "instance" {
  for_each            = local.instance_alarms
  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.node}: ${each.value.says} ${each.value.remedy}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = { InstanceId = aws_instance.node[each.value.node].id }
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.periodSeconds
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = merge(local.tags, { NodeId = each.value.node })
}

resource "aws_cloudwatch_metric_alarm" "database" {
  for_each            = local.database_alarms
  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "${each.value.says} ${each.value.remedy}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = { DBInstanceIdentifier = var.database_alarm.instance_identifier }
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = local.alarm_thresholds[each.value.thresholdFrom]
  period              = each.value.periodSeconds
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = local.tags
}
