#!/usr/bin/env bash
# Installs Amazon's SSM agent (the operator's way in) and CloudWatch agent (logs only) from Amazon's own storage, checked against
# pinned hashes. Only an image for EC2 has them: where that storage can't be reached they would be missing, not different, and
# without EC2 neither can do anything. The image says which it is in /etc/asterisk-node-image.
set -euo pipefail
if [ "$IMAGE_SOURCE" != amazon-ebs ]; then
  echo "SSM and CloudWatch agents: left out of a $IMAGE_SOURCE image; its configuration for them is in place."
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive

install_pinned() { # NAME URL SHA256
  local file=/var/tmp/$1.deb
  curl --fail --silent --show-error --proto '=https' --tlsv1.2 --retry 3 --max-time 300 --output "$file" "$2"
  if [ "$3" = unset ]; then
    echo "versions.env has no hash for $1. What Amazon serves now has:" >&2
    sha256sum "$file" >&2
    echo "Compare its signature as Amazon's manual says, and write the hash down." >&2
    exit 1
  fi
  echo "$3  $file" | sha256sum --check --quiet
  dpkg --install "$file" > /dev/null
  rm "$file"
}

case $IMAGE_ARCH in
  amd64) ssm=$SSM_AGENT_SHA256_AMD64 cloudwatch=$CLOUDWATCH_AGENT_SHA256_AMD64 ;;
  arm64) ssm=$SSM_AGENT_SHA256_ARM64 cloudwatch=$CLOUDWATCH_AGENT_SHA256_ARM64 ;;
esac
install_pinned amazon-ssm-agent "https://s3.$BUILD_REGION.amazonaws.com/amazon-ssm-$BUILD_REGION/$SSM_AGENT_VERSION/debian_$IMAGE_ARCH/amazon-ssm-agent.deb" "$ssm"
install_pinned amazon-cloudwatch-agent "https://amazoncloudwatch-agent.s3.amazonaws.com/debian/$IMAGE_ARCH/$CLOUDWATCH_AGENT_VERSION/amazon-cloudwatch-agent.deb" "$cloudwatch"
systemctl enable --quiet amazon-ssm-agent.service amazon-cloudwatch-agent.service
