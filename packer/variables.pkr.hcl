# What a build can be told. Versions and hashes are not here: they are in versions.env, for both sources alike.

variable "stage" {
  type        = string
  description = "Folder that host/stage.sh filled: everything the image needs that is not a Debian package."
}

variable "stage_out" {
  type        = string
  description = "Folder for what a build gives back: the compiled Asterisk, if there was none for these inputs."
}

variable "root" {
  type        = string
  default     = ""
  description = "The folder that the rootfs source provisions; made by host/make-root.sh."
}

variable "rootfs_base" {
  type        = string
  default     = "debootstrap-trixie"
  description = "What host/make-root.sh made that folder of, for the records."
}

variable "manifest" {
  type        = string
  default     = "packer-manifest.json"
  description = "File for the list of what was built, with versions, hashes and revision."
}

variable "arch" {
  type        = string
  default     = "amd64"
  description = "Processor architecture, as Debian calls it: amd64 or arm64."

  validation {
    condition     = contains(["amd64", "arm64"], var.arch)
    error_message = "The architecture must be amd64 or arm64."
  }
}

variable "asterisk_version" {
  type        = string
  description = "The Asterisk in the staged files; host/build.sh reads it from versions.env."
}

variable "asterisk_sha256" {
  type        = string
  description = "Hash of the Asterisk source in the staged files."
}

variable "agent_version" {
  type        = string
  description = "Version of the agent in the staged files, from package.json."
}

variable "node_version" {
  type        = string
  description = "Version of Node.js in the staged files."
}

variable "revision" {
  type        = string
  description = "Git revision that the image is built from."
}

variable "region" {
  type        = string
  default     = "eu-central-1"
  description = "Region to build in; the image is usable there, and in copy_to_regions."
}

variable "copy_to_regions" {
  type        = list(string)
  default     = []
  description = "Further regions that get a copy of the image."
}

variable "instance_type" {
  type        = string
  default     = ""
  description = "Type of the build instance; empty chooses c7i.xlarge or c7g.xlarge. Compiling is all that it must be good at."
}

variable "subnet_id" {
  type        = string
  default     = ""
  description = "Subnet of the build instance, with a way to Debian's mirror; empty takes the default VPC's."
}

variable "build_from_cidr" {
  type        = string
  default     = "192.0.2.1/32"
  description = "From where Packer reaches the build instance over SSH, for the minutes of the build: the address of the machine that runs Packer, as x.x.x.x/32. The default is an address that nobody has."

  validation {
    condition     = contains(["24", "25", "26", "27", "28", "29", "30", "31", "32"], element(split("/", "${var.build_from_cidr}/"), 1))
    error_message = "The build instance's SSH must not be open to the world: give a network of at most 256 addresses, such as 203.0.113.7/32."
  }
}

variable "kms_key_id" {
  type        = string
  default     = ""
  description = "KMS key for the image's disk; empty takes the account's default key for EBS."
}
