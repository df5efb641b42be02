# Where alarms and logs go.

locals {
  log_group_prefix = "/asterisk-node"
}

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = local.kms_key_arn
  tags              = local.tags

  lifecycle {
    precondition {
      condition     = length(setsubtract(var.alarms_off, local.alarm_ids)) == 0
      error_message = "alarms_off names an alarm that alarms/alarms.json does not have."
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = templatefile("${local.iam}/topic-policy.json", {
    partition    = local.partition
    region       = local.region
    account      = local.account
    topic_arn    = aws_sns_topic.alarms.arn
    alarm_prefix = local.name
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = var.alarm_emails
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

# Made here, so that they have a retention and a key, and so that the machines need no permission to make any. A stream is named
# after its instance.
resource "aws_cloudwatch_log_group" "this" {
  for_each          = var.makes_log_groups ? toset(["agent", "asterisk", "security"]) : toset([])
  name              = "${local.log_group_prefix}/${each.value}"
  retention_in_days = var.log_retention_days
  kms_key_id        = local.kms_key_arn
  tags              = local.tags
}
