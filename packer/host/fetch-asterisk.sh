#!/usr/bin/env bash
# Puts a local Asterisk tarball together where the project's release server can't be reached: from Debian's source package of
# asterisk, which carries upstream's source and the SIP library that it bundles. The parts are checked against pinned
# hashes, and so is the result: the same parts always make the same bytes.
# Usage: fetch-asterisk.sh OUTPUT
set -euo pipefail
output=$1
# shellcheck source=packer/host/lib.sh
source "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The machine's own mirror and apt settings, with the one suite that has a current Asterisk.
mirror=$("$PACKER/host/print-mirror.sh" url)
keyring=$("$PACKER/host/print-mirror.sh" keyring)
mkdir -p lists/partial cache/archives/partial
printf 'deb-src [signed-by=%s] %s forky main\n' "$keyring" "$mirror" > sources.list
apt=(-qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
apt-get "${apt[@]}" update
apt-get "${apt[@]}" source --download-only "asterisk=$ASTERISK_DEBIAN_VERSION"

base="asterisk_${ASTERISK_DEBIAN_VERSION#*:}"
base="${base%-*}"
sha256sum --check --quiet <<SUMS
$ASTERISK_DEBIAN_SHA256  $base.orig.tar.xz
$PJPROJECT_DEBIAN_SHA256  $base.orig-Xpjproject.tar.xz
SUMS

# One timestamp, one owner, one order: what differs between two runs must be the source.
pack=(--create --sort=name --owner=0 --group=0 --numeric-owner '--mode=go=rX,u+rw,a-s' --mtime=@1750000000 --format=gnu)
tree="asterisk-$ASTERISK_LOCAL_VERSION"
tar --extract --xz --file "$base.orig.tar.xz"
pjproject=$(sed -n 's/^PJPROJECT_VERSION=//p' "$tree/third-party/versions.mak")
mkdir "pjproject-$pjproject"
tar --extract --xz --file "$base.orig-Xpjproject.tar.xz" --strip-components=1 --directory "pjproject-$pjproject"
# Debian leaves out what it may not distribute; the build must not look for it. (A sound driver and a codec: neither is used.)
sed -i 's/ bdimad_dev\.o//' "pjproject-$pjproject/pjmedia/build/Makefile"
sed -i '/(SUB_ILBC) [\\]$/d' "$tree/codecs/Makefile"
# Asterisk's build unpacks the SIP library from an archive and compares its checksum with the one beside it.
mkdir "$tree/externals"
tar "${pack[@]}" "pjproject-$pjproject" | bzip2 --best > "$tree/externals/pjproject-$pjproject.tar.bz2"
(cd "$tree/externals" && md5sum "pjproject-$pjproject.tar.bz2") > "$tree/third-party/pjproject/pjproject-$pjproject.tar.bz2.md5"
tar "${pack[@]}" "$tree" | gzip --no-name -6 > asterisk.tar.gz

made=$(sha256sum asterisk.tar.gz | cut -d' ' -f1)
[ "$made" = "$ASTERISK_LOCAL_SHA256" ] || die "The local Asterisk tarball has SHA-256 $made; versions.env pins $ASTERISK_LOCAL_SHA256."
mv asterisk.tar.gz "$output"
