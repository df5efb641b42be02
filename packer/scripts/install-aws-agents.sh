#!/usr/bin/env bash
# Installs Amazon's SSM agent (the operator's way in) and CloudWatch agent (logs only). Only an image for EC2 has them: where Amazon's
# storage can't be reached they would be missing, not different, and without EC2 neither can do anything. The image says which it is
# in /etc/asterisk-node-image.
set -euo pipefail
if [ "$IMAGE_SOURCE" != amazon-ebs ]; then
  echo "SSM and CloudWatch agents: left out of a $IMAGE_SOURCE image; its configuration for them is in place."
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
case $IMAGE_ARCH in
  amd64) ssm=$SSM_AGENT_SHA256_AMD64 cloudwatch=$CLOUDWATCH_AGENT_SHA256_AMD64 ;;
  arm64) ssm=$SSM_AGENT_SHA256_ARM64 cloudwatch=$CLOUDWATCH_AGENT_SHA256_ARM64 ;;
esac
# Their signatures were checked when they were staged; what arrived here is what was staged.
printf '%s  %s\n' "$ssm" "$STAGE/amazon-ssm-agent.deb" "$cloudwatch" "$STAGE/amazon-cloudwatch-agent.deb" | sha256sum --check --quiet
# Our configuration of the CloudWatch agent is there already, and stays.
dpkg --force-confold --install "$STAGE/amazon-ssm-agent.deb" "$STAGE/amazon-cloudwatch-agent.deb" > /dev/null
systemctl enable --quiet amazon-ssm-agent.service amazon-cloudwatch-agent.service
