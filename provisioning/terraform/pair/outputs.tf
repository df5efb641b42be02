output "instance_ids" {
  description = "NODE_ID to EC2 instance, nodes and witnesses."
  value       = merge({ for name, instance in aws_instance.node : name => instance.id }, { for name, instance in aws_instance.witness : name => instance.id })
}

output "elastic_ip" {
  description = "The address that phones and trunks use."
  value       = data.aws_eip.shared.public_ip
}

output "management_addresses" {
  description = "NODE_ID to the node's own public address (aws_path = management-address), for its way out. The image's firewall lets nothing in there."
  value       = { for name, address in aws_eip.management : name => address.public_ip }
}

output "node_security_group_id" {
  description = "Security group of the nodes, to be let into the database's."
  value       = aws_security_group.node.id
}

output "role_names" {
  description = "NODE_ID to the node's IAM role, for what your own application on it may do."
  value       = { for name, role in aws_iam_role.node : name => role.name }
}

output "operator_policy_arn" {
  description = "Policy for people who run the documents and open shells."
  value       = aws_iam_policy.operator.arn
}

output "secret_arn" {
  description = "The secret that the nodes read (SECRET_ID)."
  value       = local.secret_arn
}

output "witness_secret_arn" {
  description = "The secret that the witnesses read, or null."
  value       = local.witness_secret_arn
}

output "kms_key_arn" {
  description = "The key of secrets, topic and logs."
  value       = local.kms_key_arn
}

output "alarm_topic_arn" {
  description = "Where the alarms go; subscribe your pager."
  value       = aws_sns_topic.alarms.arn
}

output "alarm_names" {
  description = "All alarms of the cluster."
  value = sort(concat(
    values(aws_cloudwatch_metric_alarm.cluster)[*].alarm_name,
    values(aws_cloudwatch_metric_alarm.node)[*].alarm_name,
    values(aws_cloudwatch_metric_alarm.instance)[*].alarm_name,
    values(aws_cloudwatch_metric_alarm.database)[*].alarm_name,
  ))
}

output "dashboard_name" {
  description = "The CloudWatch dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "document_names" {
  description = "The documents in Systems Manager, by what they do."
  value       = { for name, document in aws_ssm_document.this : name => document.name }
}

output "log_group_names" {
  description = "The log groups, by what is in them."
  value       = { for name, group in aws_cloudwatch_log_group.this : name => group.name }
}
