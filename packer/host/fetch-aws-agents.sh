#!/usr/bin/env bash
# Downloads Amazon's SSM agent (the operator's way in) and CloudWatch agent (logs only), each checked twice: against the signature of
# Amazon's key, whose fingerprint is pinned, and against its own hash in versions.env. Before any machine is started, so that what is
# wrong with a pin costs seconds. Where a hash is "unset", as for a version that was just raised, it is printed for a package whose
# signature is good, and the build stops: two builds of one revision must not differ.
# Usage: fetch-aws-agents.sh FOLDER ARCH
set -euo pipefail
folder=$1
arch=$2
# shellcheck source=packer/host/lib.sh
source "$(dirname "$0")/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
missing=()

get() { # NAME PIN_OF_VERSION PIN_OF_HASH URL KEY_FILE_OR_URL FINGERPRINT
  local name=$1 version=${!2} pin=${!3} url=$4 key=$5 kept made
  kept=$CACHE/$name-$version-$arch.deb
  if [ -f "$kept" ] && printf '%s  %s\n' "$pin" "$kept" | sha256sum --check --status 2> /dev/null; then
    cp "$kept" "$folder/$name.deb"
    return
  fi
  fetch "$url" "$work/$name.deb" || die "$name $version can't be downloaded from $url. Does that version exist? $2 and $3 in packer/versions.env name it."
  fetch "$url.sig" "$work/$name.deb.sig" || die "The signature of $name $version can't be downloaded from $url.sig."
  case $key in https:*)
    fetch "$key" "$work/$name.key" || die "The key of $name can't be downloaded from $key."
    key=$work/$name.key ;;
  esac
  must_be_signed "$work/$name.deb" "$work/$name.deb.sig" "$key" "$6"
  made=$(sha256sum "$work/$name.deb" | cut -d' ' -f1)
  if [ "$pin" = unset ]; then
    missing+=("$3=$made")
    return
  fi
  [ "$made" = "$pin" ] || die "$name $version is signed by Amazon's key, but is not the package that packer/versions.env pins ($3=$pin). What is served now has $made. A version's package should never change: find out why before you write that down."
  cp "$work/$name.deb" "$kept.part" && mv "$kept.part" "$kept"
  cp "$kept" "$folder/$name.deb"
}

case $arch in
  amd64 | arm64) suffix=${arch^^} ;;
  *) die "Amazon has no agents for the architecture $arch." ;;
esac
mkdir -p "$CACHE"
get amazon-ssm-agent SSM_AGENT_VERSION "SSM_AGENT_SHA256_$suffix" \
  "https://s3.amazonaws.com/ec2-downloads-windows/SSMAgent/$SSM_AGENT_VERSION/debian_$arch/amazon-ssm-agent.deb" "$PACKER/keys/ssm-agent.asc" "$SSM_AGENT_SIGNING_KEY"
# One package for Debian and Ubuntu. The key lies beside the packages.
cloudwatch=https://amazoncloudwatch-agent.s3.amazonaws.com
get amazon-cloudwatch-agent CLOUDWATCH_AGENT_VERSION "CLOUDWATCH_AGENT_SHA256_$suffix" \
  "$cloudwatch/ubuntu/$arch/$CLOUDWATCH_AGENT_VERSION/amazon-cloudwatch-agent.deb" "$cloudwatch/assets/amazon-cloudwatch-agent.gpg" "$CLOUDWATCH_AGENT_SIGNING_KEY"

if [ ${#missing[@]} -gt 0 ]; then
  printf 'The signatures are good. Pin these packages in packer/versions.env, and build again:\n' >&2
  printf '%s\n' "${missing[@]}" >&2
  exit 1
fi
