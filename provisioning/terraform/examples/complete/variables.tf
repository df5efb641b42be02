variable "region" {
  description = "Region; it needs three zones."
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

variable "vpc_cidr" {
  description = "Network of the new VPC, a /16; subnets of /24 are cut from it."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && endswith(var.vpc_cidr, "/16")
    error_message = "vpc_cidr must be an IPv4 network with /16."
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

variable "database_instance_class" {
  description = "Class of the database's instances."
  type        = string
  default     = "db.t4g.small"

  validation {
    condition     = startswith(var.database_instance_class, "db.")
    error_message = "database_instance_class must begin with db."
  }
}

variable "revisions" {
  description = "Changing a member's text rebuilds it from the present image and settings. One at a time, the standby first."
  type        = map(string)
  default     = { node-a = "1", node-b = "1", witness-c = "1" }

  validation {
    condition     = length(setsubtract(["node-a", "node-b", "witness-c"], keys(var.revisions))) == 0
    error_message = "revisions must have node-a, node-b and witness-c."
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
