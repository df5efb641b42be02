# What is in a secret that the module makes, and that given ones are left alone.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_eip" {
    defaults = { public_ip = "203.0.113.99" }
  }
  mock_data "aws_secretsmanager_random_password" {
    defaults = { random_password = "abcdefghijklmnopqrstuvwxyz012345" }
  }
  mock_resource "aws_eip" {
    defaults = { public_ip = "198.51.100.7" }
  }
}

override_data {
  target = data.aws_subnet.member["node-a"]
  values = { availability_zone = "eu-central-1a" }
}

override_data {
  target = data.aws_subnet.member["node-b"]
  values = { availability_zone = "eu-central-1b" }
}

variables {
  cluster_id        = "demo"
  environment       = "test"
  vpc_id            = "vpc-0123456789abcdef0"
  image_id          = "ami-0123456789abcdef0"
  eip_allocation_id = "eipalloc-0123456789abcdef0"
  stasis_apps       = ["aicc", "queue"]
  sip_cidrs         = ["198.51.100.0/24"]
  rtp_cidrs         = ["198.51.100.0/24"]
  nodes = {
    node-a = { subnet_id = "subnet-0aaaaaaaaaaaaaaa1", private_ip = "10.0.1.10", management_ip = "10.0.1.11" }
    node-b = { subnet_id = "subnet-0bbbbbbbbbbbbbbb2", private_ip = "10.0.2.10", management_ip = "10.0.2.11" }
  }
}

run "makes_a_secret_and_says_where_the_database_is" {
  command = plan

  variables {
    database_endpoint = { host = "db.example.internal" }
  }

  assert {
    condition     = keys(jsondecode(aws_secretsmanager_secret_version.generated[0].secret_string)) == ["app_database", "app_token", "app_webhook_key", "ari_password", "heartbeat_keys", "password", "stasis_password", "username"]
    error_message = "The secret must have the fields that the agent and the renderer ask for."
  }

  assert {
    condition     = local.node_settings["node-a"].DATABASE_HOST == "db.example.internal" && local.node_settings["node-a"].DATABASE_PORT == "3306"
    error_message = "The settings must say where the database is."
  }
}

run "uses_given_secrets" {
  command = plan

  variables {
    secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mine-AbCdEf"
  }

  assert {
    condition     = length(aws_secretsmanager_secret.node) == 0 && length(data.aws_secretsmanager_random_password.generated) == 0 && output.secret_arn == var.secret_arn
    error_message = "With a secret of yours nothing is generated."
  }

  assert {
    condition     = strcontains(local.node_user_data["node-a"], "SECRET_ID=arn:aws:secretsmanager:eu-central-1:123456789012:secret:mine-AbCdEf\n")
    error_message = "The nodes must read the given secret."
  }
}

run "asks_for_the_witnesses_secret_too" {
  command = plan

  override_data {
    target = data.aws_subnet.member["witness-c"]
    values = { availability_zone = "eu-central-1c" }
  }

  variables {
    secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mine-AbCdEf"
    witnesses  = { witness-c = { subnet_id = "subnet-0ccccccccccccccc3", private_ip = "10.0.3.10" } }
  }

  expect_failures = [aws_secretsmanager_secret.witness]
}
