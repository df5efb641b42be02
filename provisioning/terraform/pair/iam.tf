# A role for each node, because each may claim for itself only; one for the witnesses. The documents are in iam/, as plain
# JSON with placeholders, so that they can be read, tested and used without Terraform.

locals {
  iam = "${path.module}/../../iam"

  policy_values = {
    partition         = local.partition
    region            = local.region
    account           = local.account
    cluster_id        = var.cluster_id
    allocation_id     = var.eip_allocation_id
    metrics_namespace = var.metrics_namespace
    secret_arn        = local.secret_arn
    kms_key_arn       = local.kms_key_arn
    log_group_prefix  = local.log_group_prefix
  }

  trust = templatefile("${local.iam}/machine-trust.json", { dns_suffix = data.aws_partition.here.dns_suffix })
}

resource "aws_iam_role" "node" {
  for_each             = var.nodes
  name                 = "${local.name}-${each.key}"
  description          = "Node ${each.key} of ${var.cluster_id}: claims one Elastic IP for itself, reads one secret, publishes its metrics"
  assume_role_policy   = local.trust
  permissions_boundary = var.permissions_boundary_arn
  tags                 = merge(local.tags, { Role = "node", NodeId = each.key })
}

resource "aws_iam_role_policy" "agent" {
  for_each = var.nodes
  name     = "agent"
  role     = aws_iam_role.node[each.key].id
  policy   = templatefile("${local.iam}/node-policy.json", merge(local.policy_values, { node_id = each.key }))
}

# Only where the Stasis app of the image sends its events to SNS.
resource "aws_iam_role_policy" "stasis_app" {
  for_each = var.call_event_topic == null ? {} : var.nodes
  name     = "stasis-app"
  role     = aws_iam_role.node[each.key].id
  policy   = templatefile("${local.iam}/stasis-app-policy.json", merge(local.policy_values, { call_event_topic = var.call_event_topic, call_event_key_arn = coalesce(var.call_event_kms_key_arn, local.kms_key_arn) }))
}

resource "aws_iam_role_policy" "machine" {
  for_each = var.nodes
  name     = "machine"
  role     = aws_iam_role.node[each.key].id
  policy   = templatefile("${local.iam}/machine-policy.json", local.policy_values)
}

resource "aws_iam_instance_profile" "node" {
  for_each = var.nodes
  name     = "${local.name}-${each.key}"
  role     = aws_iam_role.node[each.key].name
  tags     = merge(local.tags, { Role = "node", NodeId = each.key })
}

resource "aws_iam_role" "witness" {
  count                = length(var.witnesses) > 0 ? 1 : 0
  name                 = "${local.name}-witness"
  description          = "Witnesses of ${var.cluster_id}: read the heartbeat keys"
  assume_role_policy   = local.trust
  permissions_boundary = var.permissions_boundary_arn
  tags                 = merge(local.tags, { Role = "witness" })
}

resource "aws_iam_role_policy" "witness" {
  count  = length(aws_iam_role.witness)
  name   = "agent"
  role   = aws_iam_role.witness[0].id
  policy = templatefile("${local.iam}/witness-policy.json", merge(local.policy_values, { secret_arn = local.witness_secret_arn }))
}

# Only where a witness starts a stopped standby.
resource "aws_iam_role_policy" "witness_cold_standby" {
  count  = var.cold_standby ? length(aws_iam_role.witness) : 0
  name   = "cold-standby"
  role   = aws_iam_role.witness[0].id
  policy = templatefile("${local.iam}/witness-cold-standby-policy.json", local.policy_values)
}

resource "aws_iam_role_policy" "witness_machine" {
  count  = length(aws_iam_role.witness)
  name   = "machine"
  role   = aws_iam_role.witness[0].id
  policy = templatefile("${local.iam}/machine-policy.json", local.policy_values)
}

resource "aws_iam_instance_profile" "witness" {
  count = length(aws_iam_role.witness)
  name  = "${local.name}-witness"
  role  = aws_iam_role.witness[0].name
  tags  = merge(local.tags, { Role = "witness" })
}

# For people, not for machines: attach it to the role of whoever runs the documents of ssm/.
resource "aws_iam_policy" "operator" {
  name        = "${local.name}-operator"
  description = "Look at ${var.cluster_id}, run its documents, open a shell on its machines"
  policy      = templatefile("${local.iam}/operator-policy.json", merge(local.policy_values, { document_prefix = local.name }))
  tags        = local.tags
}
