output "health_check_id" {
  description = "The Route 53 health check."
  value       = aws_route53_health_check.this.id
}

output "topic_arn" {
  description = "Where its alarm goes (us-east-1); subscribe your pager."
  value       = aws_sns_topic.this.arn
}
