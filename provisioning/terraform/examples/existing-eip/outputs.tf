output "instance_ids" {
  description = "The nodes' instances, for the step that moves the address."
  value       = module.pair.instance_ids
}

output "documents" {
  description = "What to start from Systems Manager."
  value       = module.pair.document_names
}

output "dashboard" {
  description = "The CloudWatch dashboard."
  value       = module.pair.dashboard_name
}
