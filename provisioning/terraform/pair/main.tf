# The machines. Everything that a plan could do to the active node by surprise is switched off here: a new image, other
# settings or the address's wandering never stop or replace a machine; only a changed `revision` does, for one node.

data "aws_region" "here" {}
data "aws_partition" "here" {}
data "aws_caller_identity" "here" {}

data "aws_subnet" "member" {
  for_each = merge(var.nodes, var.witnesses)
  id       = each.value.subnet_id
}

locals {
  name      = "asterisk-node-${var.cluster_id}"
  region    = data.aws_region.here.id
  partition = data.aws_partition.here.partition
  account   = data.aws_caller_identity.here.account_id

  tags = merge(var.tags, { Project = var.project, Environment = var.environment, ClusterId = var.cluster_id })

  zones      = { for name, subnet in data.aws_subnet.member : name => subnet.availability_zone }
  node_zones = distinct([for name in keys(var.nodes) : local.zones[name]])
}

resource "terraform_data" "revision" {
  for_each = merge(var.nodes, var.witnesses)
  input    = each.value.revision
}

resource "aws_instance" "node" {
  for_each = var.nodes

  ami                     = coalesce(each.value.image_id, var.image_id)
  instance_type           = coalesce(each.value.instance_type, var.instance_type)
  subnet_id               = each.value.subnet_id
  private_ip              = each.value.private_ip
  secondary_private_ips   = var.aws_path == "management-address" ? [each.value.management_ip] : null
  vpc_security_group_ids  = [aws_security_group.node.id]
  iam_instance_profile    = aws_iam_instance_profile.node[each.key].name
  disable_api_termination = var.termination_protection
  monitoring              = true
  ebs_optimized           = true

  # The address that phones know is on this interface while the node is active: the automatic one would only be lost.
  associate_public_ip_address          = false
  instance_initiated_shutdown_behavior = "stop"

  user_data                   = local.node_user_data[each.key]
  user_data_replace_on_change = false

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }

  root_block_device {
    encrypted             = true
    volume_type           = "gp3"
    volume_size           = var.volume_gib
    delete_on_termination = true
    tags                  = merge(local.tags, { Name = "${local.name}-${each.key}", Role = "node" })
  }

  tags = merge(local.tags, { Name = "${local.name}-${each.key}", Role = "node", NodeId = each.key })

  lifecycle {
    # user_data: EC2 would stop the machine to change it. associate_public_ip_address: it becomes true when the node turns
    # active, and would then replace the active node. PeerInstances: written below, when both machines are known.
    ignore_changes       = [ami, user_data, associate_public_ip_address, tags["PeerInstances"], tags_all["PeerInstances"]]
    replace_triggered_by = [terraform_data.revision[each.key]]

    precondition {
      condition     = length(local.node_zones) == length(var.nodes)
      error_message = "The nodes' subnets must be in different availability zones."
    }

    precondition {
      condition     = var.aws_path != "management-address" || each.value.management_ip != null
      error_message = "aws_path = management-address needs a management_ip for every node."
    }

    precondition {
      condition     = length(setintersection(keys(var.nodes), keys(var.witnesses))) == 0
      error_message = "A witness must not have the name of a node."
    }
  }

  # A machine that boots before its permissions are there stops with a configuration error.
  depends_on = [aws_iam_role_policy.agent, aws_iam_role_policy.machine, aws_secretsmanager_secret_version.generated]
}

resource "aws_instance" "witness" {
  for_each = var.witnesses

  ami                         = coalesce(each.value.image_id, var.image_id)
  instance_type               = coalesce(each.value.instance_type, var.witness_instance_type)
  subnet_id                   = each.value.subnet_id
  private_ip                  = each.value.private_ip
  vpc_security_group_ids      = [aws_security_group.witness[0].id]
  iam_instance_profile        = aws_iam_instance_profile.witness[0].name
  associate_public_ip_address = false
  monitoring                  = true

  user_data                   = local.witness_user_data[each.key]
  user_data_replace_on_change = false

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = var.volume_gib
    tags        = merge(local.tags, { Name = "${local.name}-${each.key}", Role = "witness" })
  }

  tags = merge(local.tags, { Name = "${local.name}-${each.key}", Role = "witness", NodeId = each.key })

  lifecycle {
    ignore_changes       = [ami, user_data, associate_public_ip_address]
    replace_triggered_by = [terraform_data.revision[each.key]]

    precondition {
      condition     = !contains([for name in keys(var.nodes) : local.zones[name]], local.zones[each.key])
      error_message = "A witness must be in a zone in which no node is; else it falls silent together with that node."
    }
  }

  depends_on = [aws_iam_role_policy.witness, aws_iam_role_policy.witness_cold_standby, aws_iam_role_policy.witness_machine, aws_secretsmanager_secret_version.witness_generated]
}

# A node's settings name its peer's instance, and each would have to exist before the other. So the ids travel as a tag, which
# user data reads from instance metadata. It changes without touching the machine when a peer is rebuilt.
resource "aws_ec2_tag" "peer_instances" {
  for_each    = var.nodes
  resource_id = aws_instance.node[each.key].id
  key         = "PeerInstances"
  value       = join(",", [for name, instance in aws_instance.node : "${name}=${instance.id}" if name != each.key])
}

# A witness that starts a stopped standby knows all nodes' instances.
resource "aws_ec2_tag" "witness_peer_instances" {
  for_each    = var.cold_standby ? var.witnesses : {}
  resource_id = aws_instance.witness[each.key].id
  key         = "PeerInstances"
  value       = join(",", [for name, instance in aws_instance.node : "${name}=${instance.id}"])
}

# By this tag `nodectl fleet` and the runbook find the shared address, which this module does not make. The agents' own tags stay as they are.
resource "aws_ec2_tag" "address" {
  resource_id = var.eip_allocation_id
  key         = "ClusterId"
  value       = var.cluster_id
}

# The permission to claim asks for these tags on the interface, too (iam/node-policy.json).
resource "aws_ec2_tag" "interface" {
  for_each = merge([
    for name in keys(var.nodes) : {
      "${name} ClusterId" = { node = name, key = "ClusterId", value = var.cluster_id }
      "${name} NodeId"    = { node = name, key = "NodeId", value = name }
    }
  ]...)
  resource_id = aws_instance.node[each.value.node].primary_network_interface_id
  key         = each.value.key
  value       = each.value.value
}
