# The key, and the secrets with values that nobody has typed. They are made once; later versions are the operator's business,
# and no plan takes them back. What is generated here is also in Terraform's state: keep the state as you keep a secret, or
# make the secrets yourself and give their ARNs.

locals {
  makes_key            = var.kms_key_arn == null
  makes_secret         = var.secret_arn == null
  makes_witness_secret = length(var.witnesses) > 0 && var.witness_secret_arn == null

  kms_key_arn        = local.makes_key ? aws_kms_key.this[0].arn : var.kms_key_arn
  secret_arn         = local.makes_secret ? aws_secretsmanager_secret.node[0].arn : var.secret_arn
  witness_secret_arn = length(var.witnesses) == 0 ? null : local.makes_witness_secret ? aws_secretsmanager_secret.witness[0].arn : var.witness_secret_arn
}

resource "aws_kms_key" "this" {
  count                   = local.makes_key ? 1 : 0
  description             = "Secrets, alarms' topic and logs of ${var.cluster_id}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  tags                    = merge(local.tags, { Name = local.name })

  policy = templatefile("${local.iam}/kms-key-policy.json", {
    partition        = local.partition
    region           = local.region
    account          = local.account
    log_group_prefix = local.log_group_prefix
  })
}

resource "aws_kms_alias" "this" {
  count         = length(aws_kms_key.this)
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.this[0].key_id
}

# Letters and digits only: the values go into Asterisk's files, where a semicolon begins a comment.
data "aws_secretsmanager_random_password" "generated" {
  for_each            = local.makes_secret ? toset(["ari", "stasis", "database", "heartbeat", "app_database", "app_token", "app_webhook"]) : toset([])
  password_length     = 32
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "node" {
  count                   = local.makes_secret ? 1 : 0
  name_prefix             = "${local.name}-"
  description             = "ARI passwords, heartbeat keys and database user of ${var.cluster_id}'s nodes"
  kms_key_id              = local.kms_key_arn
  recovery_window_in_days = 30
  tags                    = merge(local.tags, { Role = "node" })
}

resource "aws_secretsmanager_secret_version" "generated" {
  count     = length(aws_secretsmanager_secret.node)
  secret_id = aws_secretsmanager_secret.node[0].id

  secret_string = jsonencode({
    ari_password    = data.aws_secretsmanager_random_password.generated["ari"].random_password
    stasis_password = data.aws_secretsmanager_random_password.generated["stasis"].random_password
    # 32 letters and digits are 190 bits in 32 bytes; the next key, made by hand, may be 32 random bytes.
    heartbeat_keys = { k1 = base64encode(data.aws_secretsmanager_random_password.generated["heartbeat"].random_password) }
    username       = var.database_username
    password       = data.aws_secretsmanager_random_password.generated["database"].random_password
    # For the Stasis app: its user of the database, what clients of its API show, what its webhook's receiver checks signatures with.
    app_database    = { username = "stasis_app", password = data.aws_secretsmanager_random_password.generated["app_database"].random_password }
    app_token       = data.aws_secretsmanager_random_password.generated["app_token"].random_password
    app_webhook_key = data.aws_secretsmanager_random_password.generated["app_webhook"].random_password
  })

  lifecycle {
    ignore_changes = [secret_string]
  }
}

resource "aws_secretsmanager_secret" "witness" {
  count                   = local.makes_witness_secret ? 1 : 0
  name_prefix             = "${local.name}-witness-"
  description             = "heartbeat_keys for ${var.cluster_id}'s witnesses, which need nothing else"
  kms_key_id              = local.kms_key_arn
  recovery_window_in_days = 30
  tags                    = merge(local.tags, { Role = "witness" })

  lifecycle {
    precondition {
      condition     = local.makes_secret
      error_message = "With secret_arn and witnesses, witness_secret_arn must be given, too: both need the same heartbeat_keys."
    }
  }
}

resource "aws_secretsmanager_secret_version" "witness_generated" {
  count         = length(aws_secretsmanager_secret.witness)
  secret_id     = aws_secretsmanager_secret.witness[0].id
  secret_string = jsonencode({ heartbeat_keys = jsondecode(aws_secretsmanager_secret_version.generated[0].secret_string)["heartbeat_keys"] })

  lifecycle {
    ignore_changes = [secret_string]
  }
}
