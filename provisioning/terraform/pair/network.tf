# Who reaches whom. One rule, one resource, each with the sentence why it is there.

resource "aws_security_group" "node" {
  name_prefix = "${local.name}-node-"
  description = "Asterisk nodes of ${var.cluster_id}: SIP, media, heartbeats, and nothing else"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-node", Role = "node" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_security_group" "witness" {
  count       = length(var.witnesses) > 0 ? 1 : 0
  name_prefix = "${local.name}-witness-"
  description = "Witnesses of ${var.cluster_id}: heartbeats, and nothing else"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.name}-witness", Role = "witness" })

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # What Asterisk and the agent listen on. The image's own firewall lets through the same and no more, so these are no variables.
  sip_port        = 5060
  stasis_app_port = 8092
  sip_tls_port    = 5061
  rtp_ports       = { from = 10000, to = 20000 }
  heartbeat_port  = 8090

  # Transports that phones use: name to protocol and port.
  transports = merge(
    { udp = { protocol = "udp", port = local.sip_port } },
    var.sip_tcp ? { tcp = { protocol = "tcp", port = local.sip_port } } : {},
    var.sip_tls ? { tls = { protocol = "tcp", port = local.sip_tls_port } } : {},
  )

  sip_rules = merge([
    for name, transport in local.transports : { for cidr in var.sip_cidrs : "${name} ${cidr}" => merge(transport, { cidr = cidr, name = name }) }
  ]...)

  # What a member's probes to the Elastic IP come from.
  public_members = merge(
    { for name, address in aws_eip.management : name => address.public_ip },
    { for name, address in aws_eip.witness : name => address.public_ip },
  )

  # The keys must be known at plan time, the addresses are not.
  public_member_names = concat(var.aws_path == "management-address" ? keys(var.nodes) : [], keys(var.witnesses))

  member_groups = merge({ node = aws_security_group.node.id }, { for index, group in aws_security_group.witness : "witness" => group.id })
  database_port = var.database_endpoint == null ? 3306 : var.database_endpoint.port
  member_kinds  = concat(["node"], length(var.witnesses) > 0 ? ["witness"] : [])
}

# --- Callers ---

resource "aws_vpc_security_group_ingress_rule" "sip" {
  for_each          = local.sip_rules
  security_group_id = aws_security_group.node.id
  description       = "SIP over ${each.value.name} from phones and trunks"
  ip_protocol       = each.value.protocol
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "rtp" {
  for_each          = toset(var.rtp_cidrs)
  security_group_id = aws_security_group.node.id
  description       = "Media from phones and trunks"
  ip_protocol       = "udp"
  from_port         = local.rtp_ports.from
  to_port           = local.rtp_ports.to
  cidr_ipv4         = each.value
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "stasis_app_api" {
  for_each          = var.stasis_app == null ? toset([]) : toset(var.stasis_app_api_cidrs)
  security_group_id = aws_security_group.node.id
  description       = "The Stasis app's API"
  ip_protocol       = "tcp"
  from_port         = local.stasis_app_port
  to_port           = local.stasis_app_port
  cidr_ipv4         = each.value
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "callers" {
  for_each          = toset(concat(var.sip_cidrs, var.rtp_cidrs))
  security_group_id = aws_security_group.node.id
  description       = "SIP and media to phones and trunks, whose ports their own routers choose"
  ip_protocol       = "udp"
  from_port         = 1024
  to_port           = 65535
  cidr_ipv4         = each.value
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "sip_streams" {
  for_each          = { for key, rule in local.sip_rules : key => rule if rule.protocol == "tcp" }
  security_group_id = aws_security_group.node.id
  description       = "SIP over ${each.value.name} to trunks"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "outside_check" {
  for_each          = toset(var.sip_check_prefix_list_ids)
  security_group_id = aws_security_group.node.id
  description       = "Route 53 health checkers: an alarm from outside, never a trigger"
  ip_protocol       = "tcp"
  from_port         = local.sip_port
  to_port           = local.sip_port
  prefix_list_id    = each.value
  tags              = local.tags
}

# --- Members ---

resource "aws_vpc_security_group_ingress_rule" "probe_private" {
  for_each                     = toset(local.member_kinds)
  security_group_id            = aws_security_group.node.id
  description                  = "SIP OPTIONS of ${each.value}s to the private address: the channel sip"
  ip_protocol                  = "udp"
  from_port                    = local.sip_port
  to_port                      = local.sip_port
  referenced_security_group_id = local.member_groups[each.value]
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "probe_public" {
  for_each          = toset(local.public_member_names)
  security_group_id = aws_security_group.node.id
  description       = "SIP OPTIONS of ${each.value} to the Elastic IP: the channel eip"
  ip_protocol       = "udp"
  from_port         = local.sip_port
  to_port           = local.sip_port
  cidr_ipv4         = "${local.public_members[each.value]}/32"
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "heartbeat_node" {
  for_each                     = toset(local.member_kinds)
  security_group_id            = aws_security_group.node.id
  description                  = "Heartbeats of ${each.value}s"
  ip_protocol                  = "tcp"
  from_port                    = local.heartbeat_port
  to_port                      = local.heartbeat_port
  referenced_security_group_id = local.member_groups[each.value]
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "heartbeat_witness" {
  count                        = length(aws_security_group.witness)
  security_group_id            = aws_security_group.witness[0].id
  description                  = "Heartbeats of nodes"
  ip_protocol                  = "tcp"
  from_port                    = local.heartbeat_port
  to_port                      = local.heartbeat_port
  referenced_security_group_id = aws_security_group.node.id
  tags                         = local.tags
}

# Witnesses that start a stopped standby ask each other first.
resource "aws_vpc_security_group_ingress_rule" "heartbeat_between_witnesses" {
  count                        = var.cold_standby ? length(aws_security_group.witness) : 0
  security_group_id            = aws_security_group.witness[0].id
  description                  = "Heartbeats of the other witnesses"
  ip_protocol                  = "tcp"
  from_port                    = local.heartbeat_port
  to_port                      = local.heartbeat_port
  referenced_security_group_id = aws_security_group.witness[0].id
  tags                         = local.tags
}

resource "aws_vpc_security_group_egress_rule" "heartbeat" {
  for_each = merge(
    { for kind in local.member_kinds : "node to ${kind}" => { from = "node", to = kind } },
    length(var.witnesses) > 0 ? { "witness to node" = { from = "witness", to = "node" } } : {},
    length(var.witnesses) > 0 && var.cold_standby ? { "witness to witness" = { from = "witness", to = "witness" } } : {},
  )
  security_group_id            = local.member_groups[each.value.from]
  description                  = "Heartbeats, ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = local.heartbeat_port
  to_port                      = local.heartbeat_port
  referenced_security_group_id = local.member_groups[each.value.to]
  tags                         = local.tags
}

resource "aws_vpc_security_group_egress_rule" "probe_private" {
  for_each                     = toset(local.member_kinds)
  security_group_id            = local.member_groups[each.value]
  description                  = "SIP OPTIONS to the nodes' private addresses"
  ip_protocol                  = "udp"
  from_port                    = local.sip_port
  to_port                      = local.sip_port
  referenced_security_group_id = aws_security_group.node.id
  tags                         = local.tags
}

resource "aws_vpc_security_group_egress_rule" "probe_public" {
  for_each          = toset(local.member_kinds)
  security_group_id = local.member_groups[each.value]
  description       = "SIP OPTIONS to the Elastic IP"
  ip_protocol       = "udp"
  from_port         = local.sip_port
  to_port           = local.sip_port
  cidr_ipv4         = "${data.aws_eip.shared.public_ip}/32"
  tags              = local.tags
}

# --- Services ---

resource "aws_vpc_security_group_egress_rule" "https" {
  for_each          = toset(local.member_kinds)
  security_group_id = local.member_groups[each.value]
  description       = "AWS, and the public reference"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "resolver" {
  for_each          = toset(local.member_kinds)
  security_group_id = local.member_groups[each.value]
  description       = "The VPC's resolver over TCP: the private reference"
  ip_protocol       = "tcp"
  from_port         = 53
  to_port           = 53
  cidr_ipv4         = "169.254.169.253/32"
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "database" {
  count                        = var.database_security_group_id == null ? 0 : 1
  security_group_id            = aws_security_group.node.id
  description                  = "MySQL with Asterisk's realtime tables"
  ip_protocol                  = "tcp"
  from_port                    = local.database_port
  to_port                      = local.database_port
  referenced_security_group_id = var.database_security_group_id
  tags                         = local.tags
}
