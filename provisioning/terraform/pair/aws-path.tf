# How a node reaches AWS, whoever holds the Elastic IP. The address that phones know sits on the primary private address;
# attaching it releases the automatic public address there, and a node that loses it may not get another one for minutes.

data "aws_eip" "shared" {
  id = var.eip_allocation_id
}

# --- A public address of the node's own, on its second private address ---

resource "aws_eip" "management" {
  for_each = var.aws_path == "management-address" ? var.nodes : {}
  domain   = "vpc"
  tags     = merge(local.tags, { Name = "${local.name}-${each.key}-management", Role = "node", NodeId = each.key })
}

resource "aws_eip_association" "management" {
  for_each             = aws_eip.management
  allocation_id        = each.value.id
  network_interface_id = aws_instance.node[each.key].primary_network_interface_id
  private_ip_address   = var.nodes[each.key].management_ip
  allow_reassociation  = false
}

# --- The witnesses' public addresses, fixed so that the nodes' security group can name them ---

resource "aws_eip" "witness" {
  for_each = var.witnesses
  domain   = "vpc"
  tags     = merge(local.tags, { Name = "${local.name}-${each.key}", Role = "witness", NodeId = each.key })
}

resource "aws_eip_association" "witness" {
  for_each             = aws_eip.witness
  allocation_id        = each.value.id
  network_interface_id = aws_instance.witness[each.key].primary_network_interface_id
  private_ip_address   = var.witnesses[each.key].private_ip
  allow_reassociation  = false
}

# --- Or endpoints in the VPC ---

locals {
  endpoint_services = var.aws_path == "interface-endpoints" ? setunion(var.interface_endpoint_services, var.call_event_topic == null ? [] : ["sns"]) : toset([])
}

resource "aws_security_group" "endpoints" {
  count       = length(local.endpoint_services) > 0 ? 1 : 0
  name_prefix = "${local.name}-endpoints-"
  description = "AWS endpoints for ${var.cluster_id}: HTTPS from its members"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-endpoints", Role = "endpoint" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each                     = length(local.endpoint_services) > 0 ? toset(local.member_kinds) : toset([])
  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "HTTPS from ${each.value}s"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = local.member_groups[each.value]
  tags                         = local.tags
}

resource "aws_vpc_endpoint" "service" {
  for_each            = local.endpoint_services
  vpc_id              = var.vpc_id
  service_name        = "com.amazonaws.${local.region}.${each.value}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [for node in values(var.nodes) : node.subnet_id]
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true
  tags                = merge(local.tags, { Name = "${local.name}-${each.value}", Role = "endpoint" })
}
