# An instance of EC2, started from Debian's own image. What is marked "Packer 1.7+" is left out for Debian's Packer 1.6.6, which can
# check the rest of this file but must not build an image from it: host/build.sh refuses.
source "amazon-ebs" "node" {
  region        = var.region
  ami_regions   = var.copy_to_regions
  instance_type = var.instance_type == "" ? local.build_machine[var.arch] : var.instance_type
  subnet_id     = var.subnet_id

  source_ami_filter {
    # Debian's account. Without an owner, anybody's image of that name would do.
    owners      = ["136693071363"]
    most_recent = true
    filters = {
      name                = "debian-13-${var.arch}-*"
      architecture        = local.machine[var.arch]
      root-device-type    = "ebs"
      virtualization-type = "hvm"
      state               = "available"
    }
  }

  ssh_username                          = "admin"
  ssh_interface                         = "public_ip"
  associate_public_ip_address           = true
  temporary_security_group_source_cidrs = [var.build_from_cidr]
  temporary_key_pair_type               = "ed25519" # Packer 1.7+
  disable_stop_instance                 = false

  # Version 2 of the metadata service only: for the build instance, and for every instance that is made from the image.
  metadata_options { # Packer 1.7+
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  imds_support = "v2.0" # Packer 1.8+

  encrypt_boot = true
  kms_key_id   = var.kms_key_id

  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_size           = 10
    volume_type           = "gp3"
    iops                  = 3000
    throughput            = 125
    delete_on_termination = true
  }

  ami_name        = "${local.image_name}-{{isotime \"20060102-1504\"}}"
  ami_description = "Asterisk ${var.asterisk_version} with its node agent ${var.agent_version} on Debian 13"
  tags            = merge(local.made_of, { Name = local.image_name, Project = "asterisk-node", BaseImage = "{{ .SourceAMI }}", BaseImageName = "{{ .SourceAMIName }}" })
  snapshot_tags   = { Name = local.image_name, Project = "asterisk-node" }
  run_tags        = { Name = "build of ${local.image_name}", Project = "asterisk-node" }
  run_volume_tags = { Name = "build of ${local.image_name}", Project = "asterisk-node" }
}
