# Who is who. Network, operation and data have files of their own.

variable "cluster_id" {
  description = "Names the cluster (CLUSTER_ID): the nodes that share one Elastic IP. Part of the names of everything that this module makes."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?$", var.cluster_id))
    error_message = "cluster_id must be 1 to 24 lower-case letters, digits and dashes, no dash at either end (IAM role names are short)."
  }
}

variable "project" {
  description = "Value of the tag Project on everything."
  type        = string
  default     = "asterisk-node"

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,64}$", var.project))
    error_message = "project must be 1 to 64 letters, digits, dots, dashes and underscores."
  }
}

variable "environment" {
  description = "Value of the tag Environment on everything, such as production."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,32}$", var.environment))
    error_message = "environment must be 1 to 32 letters, digits, dots, dashes and underscores."
  }
}

variable "tags" {
  description = "More tags for everything. Keys of the instances' tags are readable in their metadata, which allows no spaces and slashes in them."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : can(regex("^[A-Za-z0-9+=.,_:@-]{1,128}$", key))])
    error_message = "tags: keys may have letters, digits and + - = . , _ : @ only, because instance metadata shows them."
  }

  validation {
    condition     = length(setintersection(keys(var.tags), ["ClusterId", "NodeId", "PeerInstances", "Project", "Environment", "Role", "Name"])) == 0
    error_message = "tags must not set ClusterId, NodeId, PeerInstances, Project, Environment, Role or Name: the module does, and permissions depend on them."
  }
}

variable "nodes" {
  description = <<-EOT
    The two nodes, NODE_ID to where each lives; the lower name claims first when nobody holds the address.
    subnet_id: a subnet with a route to an Internet gateway, each in a zone of its own.
    private_ip: the node's fixed address in it; phones' traffic and heartbeats arrive here.
    management_ip: a second fixed address in it, for the node's own path to AWS; needed with aws_path = "management-address".
    image_id, instance_type: for this node only, in place of the module's.
    revision: changing it rebuilds this node from the present image and settings. Change one node at a time, the standby first.
  EOT
  type = map(object({
    subnet_id     = string
    private_ip    = string
    management_ip = optional(string)
    image_id      = optional(string)
    instance_type = optional(string)
    revision      = optional(string, "1")
  }))

  validation {
    condition     = length(var.nodes) == 2
    error_message = "nodes must name two nodes: this module makes a pair."
  }

  validation {
    condition     = alltrue([for name in keys(var.nodes) : can(regex("^[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?$", name))])
    error_message = "nodes: names must be 1 to 16 lower-case letters, digits and dashes, no dash at either end."
  }

  validation {
    condition     = length(distinct([for node in values(var.nodes) : node.subnet_id])) == length(var.nodes)
    error_message = "nodes: each node needs a subnet of its own, in a zone of its own; two in one zone fail together."
  }

  validation {
    condition = alltrue([
      for address in compact(flatten([for node in values(var.nodes) : [node.private_ip, node.management_ip]])) : can(cidrnetmask("${address}/32"))
    ])
    error_message = "nodes: private_ip and management_ip must be IPv4 addresses."
  }

  validation {
    condition = length(distinct(compact(flatten([for node in values(var.nodes) : [node.private_ip, node.management_ip]])))) == length(
      compact(flatten([for node in values(var.nodes) : [node.private_ip, node.management_ip]]))
    )
    error_message = "nodes: every private_ip and management_ip must be a different address."
  }

  validation {
    condition     = alltrue([for id in compact([for node in values(var.nodes) : node.image_id]) : can(regex("^ami-[0-9a-f]{8,17}$", id))])
    error_message = "nodes: image_id must be an image id (ami-…)."
  }
}

variable "witnesses" {
  description = <<-EOT
    Up to three witnesses, NODE_ID to where each lives: a third zone, not one of the nodes'. They have no Asterisk and never claim.
    An even number of them adds cost without adding safety. Fields as in nodes.
  EOT
  type = map(object({
    subnet_id     = string
    private_ip    = string
    image_id      = optional(string)
    instance_type = optional(string)
    revision      = optional(string, "1")
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(var.witnesses) <= 3
    error_message = "witnesses: at most three."
  }

  validation {
    condition     = alltrue([for name in keys(var.witnesses) : can(regex("^[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?$", name))])
    error_message = "witnesses: names must be 1 to 16 lower-case letters, digits and dashes, no dash at either end."
  }

  validation {
    condition     = alltrue([for witness in values(var.witnesses) : can(cidrnetmask("${witness.private_ip}/32"))])
    error_message = "witnesses: private_ip must be an IPv4 address."
  }
}

variable "cold_standby" {
  description = "The witnesses start a standby that is kept stopped when the active is lost by quorum (COLD_STANDBY). Needs a witness. They get the permission to start this cluster's nodes."
  type        = bool
  default     = false
  nullable    = false
}

variable "image_id" {
  description = "The image that packer/ has built. A new one reaches a node only when its revision changes, or by the document RollingImage."
  type        = string

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.image_id))
    error_message = "image_id must be an image id (ami-…)."
  }
}

variable "instance_type" {
  description = "Type of the nodes. A burstable one (t3, t4g) without credits answers late, which looks like a failure. Must fit the image's architecture."
  type        = string
  default     = "c7i.large"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type must look like c7i.large."
  }
}

variable "witness_instance_type" {
  description = "Type of the witnesses. The agent alone needs little. Must fit the image's architecture."
  type        = string
  default     = "t3.micro"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.witness_instance_type))
    error_message = "witness_instance_type must look like t3.micro."
  }
}

variable "stasis_apps" {
  description = "The Stasis applications without which a node takes no calls (STASIS_APPS). The dialplan gives incoming calls to the first of them, unless incoming_app names another."
  type        = list(string)

  validation {
    condition     = length(var.stasis_apps) >= 1 && length(var.stasis_apps) <= 16 && alltrue([for name in var.stasis_apps : can(regex("^[A-Za-z0-9._-]{1,64}$", name))])
    error_message = "stasis_apps must have 1 to 16 names of letters, digits, dots, dashes and underscores."
  }
}

variable "incoming_app" {
  description = "The Stasis application that gets incoming calls (INCOMING_APP), when it is not the first of stasis_apps."
  type        = string
  default     = null

  validation {
    condition     = var.incoming_app == null ? true : can(regex("^[A-Za-z0-9._-]{1,64}$", var.incoming_app))
    error_message = "incoming_app must be one name of letters, digits, dots, dashes and underscores."
  }
}

variable "volume_gib" {
  description = "Size of a node's encrypted root volume (GiB), at least the image's own."
  type        = number
  default     = 20

  validation {
    condition     = var.volume_gib >= 8 && var.volume_gib <= 1024 && floor(var.volume_gib) == var.volume_gib
    error_message = "volume_gib must be a whole number from 8 to 1024."
  }
}

variable "termination_protection" {
  description = "Whether EC2 refuses to terminate the nodes. Turn it off in an apply of its own before a destroy."
  type        = bool
  default     = true
  nullable    = false
}

variable "settings" {
  description = "More lines of agent.env for every member, such as TIMING or TLS_CERTIFICATE_FILE (README.md has the table). Never a secret; those belong into Secrets Manager."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[A-Z][A-Z0-9_]{1,63}$", name))])
    error_message = "settings: names are capitals, digits and underscores."
  }

  validation {
    condition     = alltrue([for value in values(var.settings) : can(regex("^[A-Za-z0-9 ./:,=_@+-]*$", value))])
    error_message = "settings: values may have letters, digits, spaces and . / : , = _ @ + - only; anything else could end the line."
  }

  validation {
    condition = length(setintersection(keys(var.settings), [
      "CLUSTER_ID", "NODE_ID", "ROLE", "PEERS", "WITNESSES", "COLD_STANDBY", "EIP_ALLOCATION_ID", "PEER_INSTANCES", "INSTANCE_ID", "SECRET_ID", "LISTEN",
      "AWS_REGION", "AWS_LOCAL_ADDRESS", "METRICS_NAMESPACE", "SIP_TCP", "PEER_SIP_PORT", "EIP_SIP_PORT", "SIP_ADDRESS",
      "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "ELASTIC_IP", "STASIS_APPS", "INCOMING_APP",
    ])) == 0
    error_message = "settings must not set a name that follows from the module's other variables (members, address, secret, region, ports, namespace)."
  }

  validation {
    condition     = alltrue([for name in keys(var.settings) : !can(regex("(PASSWORD|SECRET|TOKEN|_KEYS?)$", name))])
    error_message = "settings must not carry secrets: user data is readable by every process of the machine."
  }
}
