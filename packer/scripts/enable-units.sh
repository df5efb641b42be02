#!/usr/bin/env bash
# Decides what starts at boot, and writes down what this image is.
set -euo pipefail
systemctl enable --quiet nftables.service node-members.service node-path.service node-path.timer node-render.service asterisk.service node-pm2.service fail2ban.service chrony.service logrotate.timer
# The image is replaced, not patched while it takes calls: nothing upgrades or restarts by itself.
systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer
for unit in ssh.service ssh.socket; do
  if systemctl cat "$unit" > /dev/null 2>&1; then systemctl disable --quiet "$unit"; fi
done
cat > /etc/asterisk-node-image << END
IMAGE_SOURCE=$IMAGE_SOURCE
IMAGE_ARCH=$IMAGE_ARCH
BASE_IMAGE=$BASE_IMAGE
ASTERISK_VERSION=$ASTERISK_BUILD_VERSION
ASTERISK_SOURCE_SHA256=$ASTERISK_SOURCE_SHA256
AGENT_VERSION=$AGENT_VERSION
GIT_REVISION=$GIT_REVISION
NODE_VERSION=$NODE_VERSION
END
