#!/usr/bin/env bash
# Downloads the pinned Asterisk release over https and checks it twice: against the hash in versions.env, and against the signature
# of the project's release key, which is kept here. Also fetches the SIP library that this release bundles; the release itself,
# whose hash is pinned, names that library's version and checksum.
# Usage: fetch-asterisk-release.sh OUTPUT
set -euo pipefail
output=$1
# shellcheck source=packer/host/lib.sh
source "$(dirname "$0")/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The folder "releases" keeps every version; the one above it only the newest.
name=asterisk-$ASTERISK_VERSION.tar.gz
base=https://downloads.asterisk.org/pub/telephony/asterisk/releases
fetch "$base/$name" "$name" || die "Asterisk $ASTERISK_VERSION can't be downloaded. Where the release server can't be reached, set ASTERISK_TARBALL (see packer/README.md)."
fetch "$base/$name.asc" "$name.asc"
printf '%s  %s\n' "$ASTERISK_SHA256" "$name" | sha256sum --check --quiet || die "$name is not what versions.env pins. What the server has now: $(sha256sum < "$name" | cut -d' ' -f1)"
must_be_signed "$name" "$name.asc" "$PACKER/keys/asterisk-release.asc" "$ASTERISK_SIGNING_KEY"

tree=asterisk-$ASTERISK_VERSION
tar --extract --gzip --file "$name" "$tree/third-party/versions.mak" "$tree/third-party/pjproject"
library=$(sed -n 's/^PJPROJECT_VERSION=//p' "$tree/third-party/versions.mak")
externals=$CACHE/externals-$ASTERISK_VERSION
mkdir -p "$externals"
fetch "https://raw.githubusercontent.com/asterisk/third-party/master/pjproject/$library/pjproject-$library.tar.bz2" "$externals/pjproject-$library.tar.bz2"
(cd "$externals" && md5sum --check --quiet "$work/$tree/third-party/pjproject/pjproject-$library.tar.bz2.md5") ||
  { rm -rf "$externals"; die "The SIP library is not the one that Asterisk $ASTERISK_VERSION names."; }
mv "$name" "$output"
