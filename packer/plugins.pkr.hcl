# Only for Packer 1.7 and newer, which fetches its plugins (packer init). Debian's Packer 1.6.6 has them built in and doesn't know
# this block, so host/build.sh leaves this file out there.
packer {
  required_version = ">= 1.7.0"

  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1"
    }
  }
}
