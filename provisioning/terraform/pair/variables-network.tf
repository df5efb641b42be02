# Where calls come from, and how the nodes reach AWS.

variable "vpc_id" {
  description = "The VPC of the subnets."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_id))
    error_message = "vpc_id must be a VPC id (vpc-…)."
  }
}

variable "eip_allocation_id" {
  description = "The Elastic IP that phones and trunks know. The module neither makes nor attaches nor destroys it: the agents move it, and it outlives the module."
  type        = string

  validation {
    condition     = can(regex("^eipalloc-[0-9a-f]{8,17}$", var.eip_allocation_id))
    error_message = "eip_allocation_id must be an allocation id (eipalloc-…)."
  }
}

variable "sip_cidrs" {
  description = "Who may send SIP to the nodes: the phones' and trunks' networks. 0.0.0.0/0 is accepted and draws scanners at once."
  type        = list(string)

  validation {
    condition     = length(var.sip_cidrs) >= 1 && length(var.sip_cidrs) <= 12
    error_message = "sip_cidrs must have 1 to 12 networks: a security group holds about sixty rules, and each network takes up to four."
  }

  validation {
    condition     = alltrue([for cidr in var.sip_cidrs : can(cidrnetmask(cidr))])
    error_message = "sip_cidrs must be IPv4 networks, such as 203.0.113.0/24."
  }
}

variable "rtp_cidrs" {
  description = "Who may send media. Media often comes from other addresses than SIP, so it is asked for separately."
  type        = list(string)

  validation {
    condition     = length(var.rtp_cidrs) >= 1 && length(var.rtp_cidrs) <= 12
    error_message = "rtp_cidrs must have 1 to 12 networks."
  }

  validation {
    condition     = alltrue([for cidr in var.rtp_cidrs : can(cidrnetmask(cidr))])
    error_message = "rtp_cidrs must be IPv4 networks, such as 203.0.113.0/24."
  }
}

variable "sip_tcp" {
  description = "Whether phones use SIP over TCP; opens the port, and the agents probe it (SIP_TCP)."
  type        = bool
  default     = false
  nullable    = false
}

variable "sip_tls" {
  description = "Whether phones use SIP over TLS; opens port 5061. Asterisk listens there when settings has TLS_CERTIFICATE_FILE and TLS_KEY_FILE."
  type        = bool
  default     = false
  nullable    = false
}

variable "sip_check_prefix_list_ids" {
  description = "Managed prefix lists that may reach SIP over TCP: Route 53's health checkers, for the module outside-check."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.sip_check_prefix_list_ids : can(regex("^pl-[0-9a-f]{8,17}$", id))]) && length(var.sip_check_prefix_list_ids) <= 1
    error_message = "sip_check_prefix_list_ids takes at most one prefix list id (pl-…): such a list counts as 25 rules."
  }
}

variable "aws_path" {
  description = <<-EOT
    How a node reaches AWS when it does not hold the Elastic IP; a node that loses it may have no other public address for minutes or for good.
    management-address: a public address of its own on the node's second private address (about 3.65 USD a month and node). The public probes work too.
    interface-endpoints: VPC endpoints in both zones (about 7.30 USD a month, endpoint and zone). The standby then has no path to the Internet: no public probes.
    existing: the VPC already offers such a path, for instance endpoints that others have made.
  EOT
  type        = string
  default     = "management-address"

  validation {
    condition     = contains(["management-address", "interface-endpoints", "existing"], var.aws_path)
    error_message = "aws_path must be management-address, interface-endpoints or existing."
  }
}

variable "interface_endpoint_services" {
  description = "Services that get an endpoint with aws_path = \"interface-endpoints\". The first three carry the failover, logs the logs, the others sessions and documents."
  type        = set(string)
  default     = ["ec2", "monitoring", "secretsmanager", "logs", "ssm", "ssmmessages", "ec2messages"]
  nullable    = false

  validation {
    condition     = length(setsubtract(["ec2", "monitoring", "secretsmanager"], var.interface_endpoint_services)) == 0
    error_message = "interface_endpoint_services must have ec2, monitoring and secretsmanager: without them no claim, no metric, no boot."
  }
}

variable "database_security_group_id" {
  description = "Security group of the MySQL that Asterisk's realtime tables are in; the nodes get a rule to it. null: no database."
  type        = string
  default     = null

  validation {
    condition     = var.database_security_group_id == null ? true : can(regex("^sg-[0-9a-f]{8,17}$", var.database_security_group_id))
    error_message = "database_security_group_id must be a security group id (sg-…), or null."
  }
}
