# The Stasis app of the image (README.md, "The Stasis app"): it runs where it has settings, and not at all without this.

variable "stasis_app" {
  description = "Lines of stasis-app.env, such as { APP_TRUNK_LIMITS = \"carrier=20/200\" } (README.md has the table). {} takes every default; null: the image's own Stasis app does not run."
  type        = map(string)
  default     = null

  validation {
    condition     = alltrue([for name in keys(coalesce(var.stasis_app, {})) : can(regex("^APP_[A-Z0-9_]{1,60}$", name))])
    error_message = "stasis_app: names are those of stasis-app.env, which begin with APP_."
  }

  validation {
    condition     = alltrue([for value in values(coalesce(var.stasis_app, {})) : can(regex("^[A-Za-z0-9 ./:,=_@+*-]+$", value))])
    error_message = "stasis_app: values may have letters, digits, spaces and . / : , = _ @ + * - only; anything else could end the line."
  }

  validation {
    condition     = alltrue([for name in keys(coalesce(var.stasis_app, {})) : !can(regex("(PASSWORD|SECRET|TOKEN|_KEYS?)$", name))])
    error_message = "stasis_app must not carry secrets: user data is readable by every process of the machine. They belong into the secret (app_token, app_database, app_webhook_key)."
  }
}

variable "stasis_app_api_cidrs" {
  description = "Who may use the Stasis app's API (TCP 8092, plain HTTP with a bearer token): private networks. Without any it listens on the loopback."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.stasis_app_api_cidrs : can(regex("^(?:10\\.|172\\.(?:1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", cidr)) && can(cidrnetmask(cidr))])
    error_message = "stasis_app_api_cidrs must be private IPv4 networks, such as 10.0.0.0/16: the API speaks plain HTTP."
  }
}

variable "call_event_topic" {
  description = "Name of the SNS topic to which the Stasis app may send events of calls, in this region and account; a * at its end stands for several topics. null: it may send to none."
  type        = string
  default     = null

  validation {
    condition     = var.call_event_topic == null ? true : can(regex("^[A-Za-z0-9_-]{3,200}([*]|[.]fifo)?$", var.call_event_topic))
    error_message = "call_event_topic must be 3 to 200 letters, digits, dashes and underscores, and may end with .fifo or with one *."
  }
}

variable "call_event_kms_key_arn" {
  description = "The key of an encrypted call_event_topic. null: this module's own key, or the one of kms_key_arn."
  type        = string
  default     = null

  validation {
    condition     = var.call_event_kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.call_event_kms_key_arn))
    error_message = "call_event_kms_key_arn must be the ARN of a key, not of an alias."
  }
}
