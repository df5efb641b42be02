#!/usr/bin/env bash
# Takes away what belongs to this build or this machine and must not be in every machine made from the image.
set -euo pipefail
apt-get clean
rm -f /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/90-as-the-machine /etc/dpkg/dpkg.cfg.d/unsafe-io
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old /etc/*-
# Identities: each machine makes its own at its first boot.
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /etc/hostname /etc/ssh/ssh_host_*
rm -rf /var/lib/amazon/ssm/* /var/lib/chrony/*
# Keys and traces of whoever built it.
rm -rf /root/.ssh /root/.bash_history /root/.npm /root/.cache /home/*/.ssh /home/*/.bash_history
find /var/log -type f ! -path /var/log/asterisk/security.log -delete
: > /var/log/asterisk/security.log
find /tmp /var/tmp -mindepth 1 -xdev -delete
# Configuration, secrets and state of a node: none yet.
rm -rf /etc/asterisk/* /etc/asterisk-node-agent/* /var/lib/asterisk-node-agent/*
if command -v cloud-init > /dev/null; then cloud-init clean --logs; fi
