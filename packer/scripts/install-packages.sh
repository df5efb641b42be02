#!/usr/bin/env bash
# Brings the distribution up to date and installs what the node needs of it. No service is started while the image is built.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

apt-get update -qq
apt-get upgrade -y -qq > /dev/null
# libnss-myhostname: the machine knows its own name without asking. Without it, an Asterisk that starts while the name server is away
# waits ten seconds for the answer.
apt-get install -y -qq --no-install-recommends ca-certificates chrony curl fail2ban iproute2 less libnss-myhostname logrotate nftables odbc-mariadb \
  openssl procps python3-systemd tzdata unixodbc > /dev/null
# Operators come through SSM, so there is no door for SSH; and nobody reads a machine's mail.
apt-get purge -y -qq --auto-remove 'exim4*' > /dev/null
