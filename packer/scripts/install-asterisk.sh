#!/usr/bin/env bash
# Installs the compiled Asterisk, from this build or an earlier one with the same inputs, and the libraries that it was linked with.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
tree=$STAGE/asterisk-built.tar.gz
[ -f "$tree" ] || tree=$STAGE_OUT/asterisk-built.tar.gz
tar --extract --gzip --file "$tree" --no-same-owner --keep-directory-symlink --no-overwrite-dir --directory /
xargs -a /usr/share/asterisk/runtime-packages apt-get install -y -qq --no-install-recommends > /dev/null
ldconfig
chown -R asterisk:asterisk /var/lib/asterisk /var/spool/asterisk
systemd-tmpfiles --create /etc/tmpfiles.d/asterisk-node.conf
