output "elastic_ip" {
  description = "The address for phones and trunks."
  value       = aws_eip.phones.public_ip
}

output "instance_ids" {
  description = "The members' instances."
  value       = module.pair.instance_ids
}

output "secret_arn" {
  description = "The nodes' secret; the database user's password is in it."
  value       = module.pair.secret_arn
}

output "database_endpoint" {
  description = "Host and port of MySQL."
  value       = aws_db_instance.this.endpoint
}

output "database_master_secret_arn" {
  description = "Where RDS keeps the master's password, for the one time that the tables and the nodes' user are made."
  value       = one(aws_db_instance.this.master_user_secret[*].secret_arn)
}

output "documents" {
  description = "What to start from Systems Manager."
  value       = module.pair.document_names
}

output "dashboard" {
  description = "The CloudWatch dashboard."
  value       = module.pair.dashboard_name
}
