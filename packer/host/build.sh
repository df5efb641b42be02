#!/usr/bin/env bash
# Builds an image.
#   build.sh rootfs ROOT                 a folder that systemd-nspawn can boot: as root, on a Debian, with any Packer
#   build.sh amazon-ebs [packer's -var]  an image in AWS: with Packer 1.7 or newer, as whoever may build one
#   build.sh validate                    checks the templates only
# ARCH=amd64|arm64 (default: this machine's) and ASTERISK_TARBALL=debian|FILE are handed to stage.sh.
set -euo pipefail
# shellcheck source=packer/host/lib.sh
source "$(dirname "$0")/lib.sh"
what=${1:-}
[ $# -eq 0 ] || shift
arch=${ARCH:-$(dpkg --print-architecture 2> /dev/null || echo amd64)}
version=$(packer version | sed -nE '1s/^Packer v([0-9]+)\.([0-9]+).*/\1 \2/p')
[ "${version% *}" -ge 1 ] || die "Packer's version can't be read."
work=$(mktemp -d)
stage=$work/stage out=$work/out manifest=$work/manifest.json
mkdir "$out"

# However the build ends, what was compiled in it is kept for the next one: a line that validate.sh finds untrue must not cost ten minutes.
finish() {
  if [ -f "$out/asterisk-built.tar.gz" ]; then
    built=$(cat "$stage/asterisk-built.path")
    cp "$out/asterisk-built.tar.gz" "$built.part" && mv "$built.part" "$built"
  fi
  rm -rf "$work"
}
trap finish EXIT

# The templates as this Packer can read them. Debian's (1.6.6) has its plugins built in and doesn't know how newer ones are asked for.
templates=$work/templates
mkdir "$templates"
ln -s "$PACKER/scripts" "$PACKER/host" "$templates/"
for file in "$PACKER"/*.pkr.hcl; do
  if [ "${version#* }" -ge 7 ]; then
    cp "$file" "$templates/"
  elif [ "$(basename "$file")" != plugins.pkr.hcl ]; then
    awk -f "$PACKER/host/print-for-old-packer.awk" "$file" > "$templates/$(basename "$file")"
  fi
done
if [ "${version#* }" -ge 7 ] && [ "$what" != rootfs ]; then packer init "$templates"; fi

run_packer() { # VERB ARGUMENTS...
  local verb=$1
  shift
  # shellcheck source=/dev/null
  source "$stage/build.env"
  (cd "$work" && CHECKPOINT_DISABLE=1 packer "$verb" "$@" -var "stage=$stage" -var "stage_out=$out" -var "root=${root:-}" -var "manifest=$manifest" -var "arch=$arch" \
    -var "asterisk_version=$ASTERISK_BUILD_VERSION" -var "asterisk_sha256=$ASTERISK_SOURCE_SHA256" -var "agent_version=$AGENT_VERSION" \
    -var "node_version=$NODE_VERSION" -var "revision=$GIT_REVISION" "$templates")
}

case $what in
  validate)
    mkdir "$stage"
    cp "$PACKER/versions.env" "$stage/"
    printf '%s\n' ASTERISK_BUILD_VERSION=0 ASTERISK_SOURCE_SHA256=0 AGENT_VERSION=0 GIT_REVISION=0 > "$stage/build.env"
    packer fmt -check "$PACKER"
    run_packer validate "$@"
    ;;
  rootfs)
    root=$(realpath --canonicalize-missing "${1:?usage: build.sh rootfs ROOT}")
    manifest=$root.manifest.json
    "$PACKER/host/stage.sh" "$stage" "$arch" rootfs
    "$PACKER/host/make-root.sh" "$root"
    run_packer build -color=false -only=null.rootfs
    ;;
  amazon-ebs)
    # The variable's default is an address that nobody has: a machine would be started, and Packer would wait for it in vain.
    [[ "$* ${PKR_VAR_build_from_cidr:+build_from_cidr=}" =~ (build_from_cidr=|-var-file) ]] ||
      die "From where will the build machine be reached? Add -var build_from_cidr=ADDRESS/32, with the public address of this machine: its SSH is open to nobody else."
    [ "${version#* }" -ge 7 ] || die "This Packer is too old to require IMDSv2 of an image: install 1.7 or newer from its maker."
    manifest=$REPOSITORY/packer-manifest.json
    "$PACKER/host/stage.sh" "$stage" "$arch" amazon-ebs
    run_packer build -color=false -only=amazon-ebs.node "$@"
    ;;
  *) die "usage: build.sh rootfs ROOT | amazon-ebs [-var NAME=VALUE ...] | validate" ;;
esac
