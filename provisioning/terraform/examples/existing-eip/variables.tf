# The module checks the values; here are the types and what to give.

variable "region" {
  description = "Region of the address, the subnets and the image."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}$", var.region))
    error_message = "region must be the name of a region, such as eu-central-1."
  }
}

variable "cluster_id" {
  description = "Name of the cluster."
  type        = string

  validation {
    condition     = length(var.cluster_id) >= 1 && length(var.cluster_id) <= 24
    error_message = "cluster_id must have 1 to 24 characters."
  }
}

variable "environment" {
  description = "Value of the tag Environment."
  type        = string
  default     = "production"

  validation {
    condition     = length(var.environment) >= 1
    error_message = "environment must not be empty."
  }
}

variable "vpc_id" {
  description = "The VPC in which the address is used."
  type        = string

  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "vpc_id must be a VPC id (vpc-…)."
  }
}

variable "nodes" {
  description = "The two nodes: public subnets in two zones, and two free addresses in each."
  type = map(object({
    subnet_id     = string
    private_ip    = string
    management_ip = string
    image_id      = optional(string)
    revision      = optional(string, "1")
  }))

  validation {
    condition     = length(var.nodes) == 2
    error_message = "nodes must name two nodes."
  }
}

variable "image_id" {
  description = "The image that packer/ has built."
  type        = string

  validation {
    condition     = startswith(var.image_id, "ami-")
    error_message = "image_id must be an image id (ami-…)."
  }
}

variable "instance_type" {
  description = "Type of the nodes, fitting the image's architecture."
  type        = string
  default     = "c7i.large"

  validation {
    condition     = length(split(".", var.instance_type)) == 2
    error_message = "instance_type must look like c7i.large."
  }
}

variable "eip_allocation_id" {
  description = "The Elastic IP that phones and trunks use today."
  type        = string

  validation {
    condition     = startswith(var.eip_allocation_id, "eipalloc-")
    error_message = "eip_allocation_id must be an allocation id (eipalloc-…)."
  }
}

variable "sip_cidrs" {
  description = "Networks of the phones and trunks."
  type        = list(string)

  validation {
    condition     = length(var.sip_cidrs) >= 1
    error_message = "sip_cidrs must have at least one network."
  }
}

variable "rtp_cidrs" {
  description = "Networks from which media comes."
  type        = list(string)

  validation {
    condition     = length(var.rtp_cidrs) >= 1
    error_message = "rtp_cidrs must have at least one network."
  }
}

variable "stasis_apps" {
  description = "Your Stasis applications; the first gets incoming calls."
  type        = list(string)

  validation {
    condition     = length(var.stasis_apps) >= 1 && length(var.stasis_apps) <= 16 && alltrue([for name in var.stasis_apps : can(regex("^[A-Za-z0-9._-]{1,64}$", name))])
    error_message = "stasis_apps must have 1 to 16 names of letters, digits, dots, dashes and underscores."
  }
}

variable "settings" {
  description = "More lines of agent.env, such as TIMING."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.settings), "SECRET_ID")
    error_message = "settings: the module sets SECRET_ID."
  }
}

variable "alarm_emails" {
  description = "Who gets the alarms."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : strcontains(address, "@")])
    error_message = "alarm_emails must be e-mail addresses."
  }
}
