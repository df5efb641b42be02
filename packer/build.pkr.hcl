# One build: one list of scripts, one order, one environment, for both sources. They differ in how a script gets onto the machine:
# over SSH and with sudo on an instance, through host/in-root.sh in a folder.

locals {
  scripts = [
    "${path.root}/scripts/wait-for-boot.sh",
    "${path.root}/scripts/install-packages.sh",
    "${path.root}/scripts/install-files.sh",
    "${path.root}/scripts/install-node.sh",
    "${path.root}/scripts/compile-asterisk.sh",
    "${path.root}/scripts/install-asterisk.sh",
    "${path.root}/scripts/install-agent.sh",
    "${path.root}/scripts/install-aws-agents.sh",
    "${path.root}/scripts/enable-units.sh",
    "${path.root}/scripts/cleanup.sh",
    "${path.root}/scripts/validate.sh",
  ]

  # NAME=value lines of versions.env, and of what host/stage.sh found out.
  pins = [for line in split("\n", "${file("${var.stage}/versions.env")}\n${file("${var.stage}/build.env")}") : line if line != "" && substr("${line} ", 0, 1) != "#"]
}

build {
  sources = ["source.amazon-ebs.node", "source.null.rootfs"]

  # --- amazon-ebs
  provisioner "shell" {
    only   = ["amazon-ebs.node"]
    inline = ["mkdir -p /tmp/stage-out"]
  }

  provisioner "file" {
    only        = ["amazon-ebs.node"]
    source      = "${var.stage}/"
    destination = "/tmp/stage"
  }

  provisioner "shell" {
    only             = ["amazon-ebs.node"]
    scripts          = local.scripts
    environment_vars = concat(local.pins, ["IMAGE_SOURCE=amazon-ebs", "BASE_IMAGE=${build.SourceAMI}", "STAGE=/tmp/stage", "STAGE_OUT=/tmp/stage-out"])
    execute_command  = "chmod +x {{ .Path }}; sudo env {{ .Vars }} {{ .Path }}"
  }

  provisioner "file" {
    only        = ["amazon-ebs.node"]
    direction   = "download"
    source      = "/tmp/stage-out/"
    destination = var.stage_out
  }

  # --- rootfs
  provisioner "shell-local" {
    only             = ["null.rootfs"]
    scripts          = local.scripts
    environment_vars = concat(local.pins, ["IMAGE_SOURCE=rootfs", "BASE_IMAGE=${var.rootfs_base}", "ROOT=${var.root}", "STAGE_DIR=${var.stage}", "OUT_DIR=${var.stage_out}"])
    execute_command  = ["bash", "-euo", "pipefail", "-c", "{{ .Vars }} ${path.root}/host/in-root.sh {{ .Script }}"]
  }

  # --- both, each with the base that it really started from: "the newest of that name" is another one next month
  post-processor "manifest" {
    only        = ["amazon-ebs.node"]
    output      = var.manifest
    strip_path  = true
    custom_data = merge(local.made_of, { BaseImage = build.SourceAMI, BaseImageName = build.SourceAMIName })
  }

  post-processor "manifest" {
    only        = ["null.rootfs"]
    output      = var.manifest
    strip_path  = true
    custom_data = merge(local.made_of, { BaseImage = var.rootfs_base })
  }
}
