# The two machines that one and the same list of scripts is run on. See build.pkr.hcl.

locals {
  machine       = { amd64 = "x86_64", arm64 = "arm64" }
  build_machine = { amd64 = "c7i.xlarge", arm64 = "c7g.xlarge" }
  image_name    = "asterisk-node-${var.asterisk_version}-${var.agent_version}-${var.arch}"

  # What the image is made of: the same words as tags on the image, in the manifest, and in /etc/asterisk-node-image.
  made_of = {
    AsteriskVersion = var.asterisk_version
    AsteriskSha256  = var.asterisk_sha256
    AgentVersion    = var.agent_version
    NodeVersion     = var.node_version
    GitRevision     = var.revision
    Architecture    = var.arch
  }
}

# A folder with a Debian of its own on the machine at hand: no cloud, no network communicator, the same scripts.
source "null" "rootfs" {
  communicator = "none"
}
