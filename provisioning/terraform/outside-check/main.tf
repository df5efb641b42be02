# A look at the address from outside AWS's network, for people only: nothing fails over because of it. Route 53 can't speak SIP
# over UDP, so it opens a TCP connection to the port of SIP over TCP. That proves the path and the listener, not the
# calls: those the agents prove. Route 53's measurements exist in us-east-1 only, hence a provider of its own.

resource "aws_route53_health_check" "this" {
  reference_name    = var.name
  type              = "TCP"
  ip_address        = var.ip_address
  port              = var.port
  request_interval  = 30
  failure_threshold = 3
  tags              = merge(var.tags, { Name = var.name })
}

resource "aws_sns_topic" "this" {
  name              = "${var.name}-outside"
  kms_master_key_id = var.kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_subscription" "email" {
  for_each  = var.alarm_emails
  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "this" {
  alarm_name          = "${var.name}-outside"
  alarm_description   = "From outside, the Elastic IP takes no connections. Compare with the agents' own alarms: if those are quiet, look at routes, security group and firewall. This alarm moves nothing."
  namespace           = "AWS/Route53"
  metric_name         = "HealthCheckStatus"
  dimensions          = { HealthCheckId = aws_route53_health_check.this.id }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  treat_missing_data  = "missing"
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
  tags                = var.tags
}
