# MySQL in two zones for Asterisk's realtime tables. RDS keeps the master's password in a secret of its own, which nobody here
# reads; the nodes use a user with fewer rights, whose password is in the pair's secret (README.md, "The database's user").

resource "aws_security_group" "database" {
  name_prefix = "${local.name}-database-"
  description = "MySQL of ${var.cluster_id}: the nodes, and nothing else"
  vpc_id      = aws_vpc.this.id
  tags        = merge(local.tags, { Name = "${local.name}-database" })

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  description                  = "MySQL from the nodes"
  ip_protocol                  = "tcp"
  from_port                    = 3306
  to_port                      = 3306
  referenced_security_group_id = module.pair.node_security_group_id
  tags                         = local.tags
}

resource "aws_db_subnet_group" "this" {
  name_prefix = "${local.name}-"
  description = "Private subnets in two zones"
  subnet_ids  = aws_subnet.private[*].id
  tags        = local.tags
}

resource "aws_db_parameter_group" "this" {
  name_prefix = "${local.name}-"
  family      = "mysql8.4"
  description = "Encrypted connections only"
  tags        = local.tags

  parameter {
    name  = "require_secure_transport"
    value = "ON"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  identifier     = local.name
  engine         = "mysql"
  engine_version = "8.4"
  instance_class = var.database_instance_class
  db_name        = "asterisk"
  username       = "administrator"

  manage_master_user_password = true

  multi_az               = true
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]
  parameter_group_name   = aws_db_parameter_group.this.name
  publicly_accessible    = false

  storage_type          = "gp3"
  allocated_storage     = 20
  max_allocated_storage = 100
  storage_encrypted     = true

  backup_retention_period    = 7
  copy_tags_to_snapshot      = true
  deletion_protection        = true
  skip_final_snapshot        = false
  final_snapshot_identifier  = "${local.name}-final"
  auto_minor_version_upgrade = true
  apply_immediately          = false

  enabled_cloudwatch_logs_exports = ["error", "slowquery"]
  tags                            = local.tags
}
