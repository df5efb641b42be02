variable "name" {
  description = "Name of the check, its alarm and its topic, such as asterisk-node-CLUSTER."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,50}$", var.name))
    error_message = "name must be 1 to 50 letters, digits and dashes."
  }
}

variable "ip_address" {
  description = "The Elastic IP, as an IPv4 address."
  type        = string

  validation {
    condition     = can(cidrnetmask("${var.ip_address}/32"))
    error_message = "ip_address must be an IPv4 address."
  }
}

variable "port" {
  description = "Port of SIP over TCP, which must be open to Route 53's checkers (sip_check_prefix_list_ids of the pair)."
  type        = number

  validation {
    condition     = var.port >= 1 && var.port <= 65535
    error_message = "port must be 1 to 65535."
  }
}

variable "kms_key_arn" {
  description = "A key in us-east-1 whose policy lets CloudWatch use it, for the topic; null: the topic is not encrypted with a key of yours."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:us-east-1:[0-9]{12}:key/[0-9a-f-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key in us-east-1."
  }
}

variable "alarm_emails" {
  description = "Who gets the alarm by e-mail."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails must be e-mail addresses."
  }
}

variable "tags" {
  description = "Tags for everything."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : length(key) >= 1 && length(key) <= 128])
    error_message = "tags: keys must have 1 to 128 characters."
  }
}
