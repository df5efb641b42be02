#!/usr/bin/env bash
# Lays packer/rootfs over the machine's file system (a file's path there is its path here) and makes the users and folders that it
# describes.
set -euo pipefail
cp --recursive --no-preserve=ownership,timestamps "$STAGE/rootfs/." /
chmod -R go-w /etc/systemd/system /etc/sysusers.d /etc/tmpfiles.d /usr/libexec/asterisk-node
chmod 755 /usr/bin/nodectl /usr/bin/pm2 /usr/libexec/asterisk-node/*
chmod 755 /etc/nftables.conf
systemd-sysusers /etc/sysusers.d/asterisk-node.conf
systemd-tmpfiles --create /etc/tmpfiles.d/asterisk-node.conf
