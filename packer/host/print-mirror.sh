#!/usr/bin/env bash
# Prints where this machine gets its own Debian packages from (url), the keyring they are checked with (keyring), or the apt
# settings which decide whether that mirror is believed (settings). Asking the machine works behind a company mirror and in CI alike.
# Usage: print-mirror.sh url|keyring|settings
set -euo pipefail

codename=$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)

# Each source of the machine that serves its own release, as "URL<tab>KEYRING": first the stanza form, then the one-line form.
sources() {
  awk -v suite="${codename:-sid}" '
    function flush(   i, n, s, ok) {
      n = split(field["suites"], s, /[ \t]+/)
      for (i = 1; i <= n; i++) if (s[i] == suite) ok = 1
      if (ok && field["enabled"] != "no" && field["components"] ~ /(^|[ \t])main([ \t]|$)/ && field["types"] ~ /(^|[ \t])deb([ \t]|$)/) {
        split(field["uris"], s, /[ \t]+/)
        print s[1] "\t" field["signed-by"]
      }
      split("", field)
    }
    FNR == 1 && NR > 1 { flush() }
    /^#/ { next }
    /^[ \t]*$/ { flush(); next }
    match($0, /^[A-Za-z-]+:/) {
      key = tolower(substr($0, 1, RLENGTH - 1)); value = substr($0, RLENGTH + 1)
      sub(/^[ \t]+/, "", value); field[key] = value
    }
    END { flush() }
  ' /etc/apt/sources.list.d/*.sources /dev/null 2> /dev/null || true
  sed -nE "s/^[[:space:]]*deb[[:space:]]+(\[([^]]*)\][[:space:]]+)?([^[:space:]]+)[[:space:]]+${codename:-sid}[[:space:]].*main.*/\3\t\2/p" \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null | sed -E 's/\t.*signed-by=([^ ]*).*/\t\1/; s/\t[^\/].*/\t/' || true
}

first=$(sources | head -n 1)
if [ -z "$first" ]; then
  printf 'No apt source of this machine serves "%s main": add one under /etc/apt.\n' "$codename" >&2
  exit 1
fi
case ${1:-} in
  url) cut -f1 <<< "$first" ;;
  keyring)
    keyring=$(cut -f2 <<< "$first")
    case $keyring in /*) printf '%s\n' "$keyring" ;; *) printf '/usr/share/keyrings/debian-archive-keyring.gpg\n' ;; esac ;;
  settings) apt-config dump | grep -E '^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy[^ ]*|Languages[^ ]*|Retries) ".*";$' || true ;;
  *) printf 'usage: print-mirror.sh url|keyring|settings\n' >&2; exit 64 ;;
esac
