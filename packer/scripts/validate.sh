#!/usr/bin/env bash
# Asserts on the finished image; the last script of a build, and none becomes an image that fails one line of it. Every problem is
# reported, not only the first.
set -uo pipefail
set -e
failures=0
must() { # SENTENCE COMMAND...
  local sentence=$1 output
  shift
  if ! output=$("$@" 2>&1); then
    printf 'validate: NOT TRUE: %s\n%s\n' "$sentence" "$(tail -n 8 <<< "$output")" >&2
    failures=$((failures + 1))
  fi
}
equal() { [ "$1" = "$2" ] || { printf 'is: %s\nmust be: %s\n' "$1" "$2"; return 1; }; }
empty() { [ -z "$1" ] || { printf '%s\n' "$1"; return 1; }; }
modules=/usr/lib/asterisk/modules
agent=/usr/lib/asterisk-node-agent

must "Asterisk is the version that was asked for" equal "$(asterisk -V)" "Asterisk $ASTERISK_BUILD_VERSION"
must "Node.js is the pinned version" equal "$(node --version)" "v$NODE_VERSION"
must "the agent is the version that was built" equal "$(node -p "require('$agent/package.json').version")" "$AGENT_VERSION"
home=$(mktemp -d)
must "pm2 runs" env PM2_HOME="$home" node /usr/lib/pm2/node_modules/pm2/bin/pm2 --version
rm -rf "$home"

# Every module that the configuration loads, and those that a node with encrypted media, a database or a planned switchover needs.
wanted="res_srtp.so res_pjsip_maintenance.so res_odbc.so res_config_odbc.so func_odbc.so $(sed -nE 's/^(require|load) *= *([a-z0-9_]+\.so).*/\2/p' "$agent/asterisk-config/modules.conf")"
for module in $wanted; do must "$module is there" test -f "$modules/$module"; done
must "every library that Asterisk and its modules are linked with is there" empty "$(find /usr/sbin/asterisk "$modules" -type f -exec ldd {} + 2> /dev/null | grep 'not found' | sort -u || true)"
must "Asterisk was not built for one processor type only" bash -c '! grep -w BUILD_NATIVE /usr/share/asterisk/build-options'
must "the SIP library has the raised limit of handles" grep -x 'PJ_IOQUEUE_MAX_HANDLES=20000' /usr/share/asterisk/build-options
must "the machine's own name needs no name server" grep -E '^hosts:.*files.*myhostname.*dns' /etc/nsswitch.conf
must "the MariaDB driver is registered with ODBC" grep -qi '^\[MariaDB' /etc/odbcinst.ini

# The agent refuses to start without settings, with the exit code that pm2 leaves alone: its bundle is whole and can be run.
code=0
(cd / && env -i PATH=/usr/bin node "$agent/dist/main.js" > /dev/null 2>&1) || code=$?
must "the agent's bundle starts and asks for its configuration" equal "$code" 78
must "nodectl runs" nodectl --help
must "pm2 leaves the agent stopped after a configuration error" grep -q 'stop_exit_codes:.*78' "$agent/ecosystem.config.js"

for unit in nftables.service node-members.service node-path.service node-path.timer node-render.service asterisk.service node-pm2.service fail2ban.service chrony.service logrotate.timer; do
  must "$unit starts at boot" equal "$(systemctl is-enabled "$unit")" enabled
done
must "the units are well-formed" empty "$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no /etc/systemd/system/{asterisk,node-render,node-pm2,node-members,node-path}.service 2>&1 || true)"
must "nothing waits for itself at boot" empty "$(systemd-analyze verify --man=no default.target 2>&1 | grep -i cycle || true)"
if [ "$IMAGE_SOURCE" = amazon-ebs ]; then
  for unit in amazon-ssm-agent.service amazon-cloudwatch-agent.service; do must "$unit starts at boot" equal "$(systemctl is-enabled "$unit")" enabled; done
fi

must "the firewall's rules are accepted" unshare --net nft --check --file /etc/nftables.conf
must "fail2ban accepts its configuration" fail2ban-client --test
must "fail2ban watches Asterisk's security log" bash -c 'fail2ban-client --dump-pretty | grep -q "asterisk-node"'
must "chrony accepts its configuration" chronyd -p -f /etc/chrony/chrony.conf
must "logrotate accepts its configuration" logrotate --debug /etc/logrotate.d/asterisk-node
must "the CloudWatch agent's configuration is JSON" node -e 'JSON.parse(require("node:fs").readFileSync("/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json", "utf8"))'

# Users and permissions.
for user in asterisk node-agent; do
  must "$user can't log in" equal "$(getent passwd "$user" | cut -d: -f7)" /usr/sbin/nologin
done
must "the agent may write Asterisk's configuration and speak to its socket" bash -c 'id -nG node-agent | tr " " "\n" | grep -qx asterisk'
must "Asterisk may read nothing of the agent's" equal "$(id -nG asterisk)" asterisk
must "no account has a password" empty "$(awk -F: '$2 !~ /^[!*]/ { print $1 }' /etc/shadow)"
mode() { stat -c '%a %U %G' "$1"; }
must "/etc/asterisk is the agent's, readable for Asterisk" equal "$(mode /etc/asterisk)" "2750 node-agent asterisk"
must "the agent's settings are root's, readable for the agent" equal "$(mode /etc/asterisk-node-agent)" "750 root node-agent"
must "the agent's state is its own, and its socket can be reached by those who may give it orders" equal "$(mode /var/lib/asterisk-node-agent)" "2750 node-agent asterisk-agent"
must "the agent's code is root's" empty "$(find "$agent" /usr/lib/pm2 /usr/lib/asterisk /usr/sbin/asterisk \( ! -user root -o -perm /022 \) ! -type l -print -quit)"
must "no file outside /tmp is writable for everybody" empty "$(find / -xdev \( -path /tmp -o -path /var/tmp -o -path /run -o -path /proc -o -path /dev \) -prune -o -perm -o+w ! -type l -print)"

# Nothing in here is anybody's secret or identity.
must "there is no machine id" test ! -s /etc/machine-id
must "there is no configuration of a node" empty "$(find /etc/asterisk /etc/asterisk-node-agent -mindepth 1)"
must "there are no SSH keys" empty "$(find / -xdev \( -name authorized_keys -o -name 'ssh_host_*_key' -o -name 'id_rsa*' -o -name 'id_ed25519*' \) -print)"
must "there are no private keys" empty "$(grep -rlE --include='*' -- '-----BEGIN ([A-Z]+ )?PRIVATE KEY-----' /etc /root /home /opt /srv /var/lib 2> /dev/null || true)"
must "there are no AWS credentials" empty "$(grep -rlE '(AKIA|ASIA)[0-9A-Z]{16}' /etc /root /home /opt /srv /var/lib 2> /dev/null || true)"
must "there is no shell history" empty "$(find /root /home -name '.*_history' -print)"
must "there is no compiler and no package installer of Node's" empty "$(command -v gcc cc make npm npx || true)"

if [ "$failures" -gt 0 ]; then
  echo "validate: $failures assertion(s) are not true of this image." >&2
  exit 1
fi
echo "validate: the image is as it should be."
