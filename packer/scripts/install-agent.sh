#!/usr/bin/env bash
# Installs the agent's bundle and pm2. Both belong to root: what runs on the node can't change itself.
set -euo pipefail
for name in asterisk-node-agent:agent pm2:pm2; do
  folder=/usr/lib/${name%%:*}
  rm -rf "$folder"
  mkdir -p "$folder"
  tar --extract --gzip --file "$STAGE/${name##*:}.tar.gz" --no-same-owner --directory "$folder"
  chmod -R go-w "$folder"
done

# What bans who guesses SIP passwords belongs to Asterisk's configuration, which says what is logged. It is no template.
cp --recursive --no-preserve=ownership,timestamps /usr/lib/asterisk-node-agent/asterisk-config/fail2ban/. /etc/fail2ban/
