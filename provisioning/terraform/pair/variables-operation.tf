# Secrets, alarms, logs.

variable "secret_arn" {
  description = "An existing secret with ari_password, heartbeat_keys, username and password. null: the module makes one with generated values (which then are in Terraform's state)."
  type        = string
  default     = null

  validation {
    condition     = var.secret_arn == null ? true : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.secret_arn))
    error_message = "secret_arn must be the full ARN of a secret, with the six characters that Secrets Manager adds."
  }
}

variable "witness_secret_arn" {
  description = "An existing secret with heartbeat_keys alone, for the witnesses. Needed when secret_arn is given and there are witnesses."
  type        = string
  default     = null

  validation {
    condition     = var.witness_secret_arn == null ? true : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.witness_secret_arn))
    error_message = "witness_secret_arn must be the full ARN of a secret, with the six characters that Secrets Manager adds."
  }
}

variable "database_username" {
  description = "The database user in the generated secret. Not the master user: it needs no right but to read and write Asterisk's tables."
  type        = string
  default     = "asterisk"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,15}$", var.database_username))
    error_message = "database_username must be 1 to 16 lower-case letters, digits and underscores, a letter first."
  }
}

variable "database_endpoint" {
  description = "Where MySQL is (DATABASE_HOST, DATABASE_PORT, DATABASE_NAME); the user is in the secret. null: no database, so no phone can register."
  type        = object({ host = string, port = optional(number, 3306), name = optional(string, "asterisk") })
  default     = null

  validation {
    condition     = var.database_endpoint == null ? true : can(regex("^[A-Za-z0-9.-]+$", var.database_endpoint.host)) && var.database_endpoint.port >= 1 && var.database_endpoint.port <= 65535
    error_message = "database_endpoint must have a host name and a port from 1 to 65535."
  }
}

variable "kms_key_arn" {
  description = "An existing key for secrets, alarms' topic and logs; its policy must allow what iam/kms-key-policy.json allows. null: the module makes one."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-f-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key (not of an alias)."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary for the roles, where the organisation asks for one. It must allow what iam/node-policy.json allows."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of a policy."
  }
}

variable "metrics_namespace" {
  description = "CloudWatch namespace of the agents' metrics (METRICS_NAMESPACE)."
  type        = string
  default     = "Asterisk/Node"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/#:-]{1,255}$", var.metrics_namespace)) && !startswith(var.metrics_namespace, "AWS/")
    error_message = "metrics_namespace must be a CloudWatch namespace and not begin with AWS/."
  }
}

variable "alarm_emails" {
  description = "Who gets the alarms by e-mail; each must confirm a message from AWS once."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails must be e-mail addresses."
  }
}

variable "alarms_off" {
  description = "Alarms that are not wanted, by their id in alarms/alarms.json."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.alarms_off : can(regex("^[a-z]+(-[a-z]+)*$", id))])
    error_message = "alarms_off: ids are lower-case words with dashes, as in alarms/alarms.json."
  }
}

variable "database_alarm" {
  description = "The RDS instance whose connections are watched, and how many are too many (about four fifths of max_connections). null: none."
  type        = object({ instance_identifier = string, connections_max = number })
  default     = null

  validation {
    condition     = var.database_alarm == null ? true : var.database_alarm.connections_max >= 1
    error_message = "database_alarm.connections_max must be at least 1."
  }
}

variable "makes_log_groups" {
  description = "Whether the module makes the log groups /asterisk-node/agent, asterisk and security. The image names them, so a second cluster in an account and region shares the first one's."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the logs (days); one of the values that it knows."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a retention that CloudWatch Logs knows, such as 7, 14, 30, 90 or 365."
  }
}
