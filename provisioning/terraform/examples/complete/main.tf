# Everything from an empty account: network, address, database in two zones, a witness in a third, a check from outside.

provider "aws" {
  region = var.region

  default_tags {
    tags = { Repository = "asterisk-node-agent" }
  }
}

# Route 53's measurements exist there only.
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"
}

locals {
  name = "asterisk-node-${var.cluster_id}"
  tags = { Project = "asterisk-node", Environment = var.environment, ClusterId = var.cluster_id }
}

# The address that phones will know. Its association and its tags belong to the agents: an apply that "corrected" them would
# take callers away from the active, or erase its alive mark.
resource "aws_eip" "phones" {
  domain = "vpc"
  tags   = merge(local.tags, { Name = "${local.name}-phones" })

  lifecycle {
    prevent_destroy = true
    ignore_changes  = [instance, network_interface, associate_with_private_ip, tags, tags_all]
  }
}

data "aws_ec2_managed_prefix_list" "checkers" {
  name = "com.amazonaws.${var.region}.route53-healthchecks"
}

module "pair" {
  source = "../../pair"

  cluster_id  = var.cluster_id
  environment = var.environment

  vpc_id            = aws_vpc.this.id
  image_id          = var.image_id
  instance_type     = var.instance_type
  eip_allocation_id = aws_eip.phones.id

  nodes = {
    node-a = { subnet_id = aws_subnet.public[0].id, private_ip = cidrhost(local.public_cidrs[0], 10), management_ip = cidrhost(local.public_cidrs[0], 11), revision = var.revisions["node-a"] }
    node-b = { subnet_id = aws_subnet.public[1].id, private_ip = cidrhost(local.public_cidrs[1], 10), management_ip = cidrhost(local.public_cidrs[1], 11), revision = var.revisions["node-b"] }
  }

  witnesses = {
    witness-c = { subnet_id = aws_subnet.public[2].id, private_ip = cidrhost(local.public_cidrs[2], 10), revision = var.revisions["witness-c"] }
  }

  sip_cidrs                 = var.sip_cidrs
  rtp_cidrs                 = var.rtp_cidrs
  sip_tcp                   = true
  sip_check_prefix_list_ids = [data.aws_ec2_managed_prefix_list.checkers.id]

  database_security_group_id = aws_security_group.database.id
  database_endpoint          = { host = aws_db_instance.this.address }
  database_alarm             = { instance_identifier = aws_db_instance.this.identifier, connections_max = 100 }

  stasis_apps  = var.stasis_apps
  settings     = var.settings
  alarm_emails = var.alarm_emails

  # Instances that boot before their route to the Internet is there wait for it in vain.
  depends_on = [aws_route_table_association.public]
}

module "outside_check" {
  source    = "../../outside-check"
  providers = { aws = aws.us_east_1 }

  name         = local.name
  ip_address   = aws_eip.phones.public_ip
  port         = 5060
  alarm_emails = var.alarm_emails
  tags         = local.tags
}
