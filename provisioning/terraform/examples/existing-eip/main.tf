# A pair that adopts an Elastic IP which is in use, for example by the single Asterisk that it is to replace. Applying this
# moves nothing: both nodes come up as standbys and see the address on an instance that is not theirs, from which they never
# take it. README.md, "Adopting an address that is in use", has the step that moves it, and the step back.

provider "aws" {
  region = var.region
}

module "pair" {
  source = "../../pair"

  cluster_id  = var.cluster_id
  environment = var.environment

  vpc_id            = var.vpc_id
  nodes             = var.nodes
  image_id          = var.image_id
  instance_type     = var.instance_type
  eip_allocation_id = var.eip_allocation_id

  sip_cidrs = var.sip_cidrs
  rtp_cidrs = var.rtp_cidrs

  stasis_apps  = var.stasis_apps
  settings     = var.settings
  alarm_emails = var.alarm_emails
}
