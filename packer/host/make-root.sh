#!/usr/bin/env bash
# Makes the root folder that the rootfs source provisions: a minimal Debian 13 with an init system, the counterpart of the
# machine image that the amazon-ebs source starts from. A pristine copy is kept in the cache; each build starts from that.
# Usage: make-root.sh ROOT
set -euo pipefail
root=$1
# shellcheck source=packer/host/lib.sh
source "$(dirname "$0")/lib.sh"
include=systemd,systemd-sysv,dbus,udev,ca-certificates,iproute2,procps

mirror=$("$PACKER/host/print-mirror.sh" url)
keyring=$("$PACKER/host/print-mirror.sh" keyring)
key=$(printf '%s\n' trixie "$include" "$mirror" | sha256sum | cut -c1-12)
base=$CACHE/base-trixie-$key

if [ ! -d "$base" ]; then
  mkdir -p "$CACHE"
  rm -rf --one-file-system "$base.building"
  script=()
  # An older debootstrap doesn't know the newest suites by name; they are all built the way sid is.
  [ -e /usr/share/debootstrap/scripts/trixie ] || script=(/usr/share/debootstrap/scripts/sid)
  debootstrap --variant=minbase --include="$include" --keyring="$keyring" trixie "$base.building" "$mirror" "${script[@]}" > "$CACHE/debootstrap.log" 2>&1 ||
    { tail -n 20 "$CACHE/debootstrap.log" >&2; exit 1; }
  mv "$base.building" "$base"
fi

[ ! -e "$root" ] || die "$root exists: remove it first (rm -rf --one-file-system)"
mkdir -p "$(dirname "$root")"
cp -ax "$base" "$root"
# While the image is built: the machine's own apt settings, no waiting for the disk. cleanup.sh takes them away.
"$PACKER/host/print-mirror.sh" settings > "$root/etc/apt/apt.conf.d/90-as-the-machine"
echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
# debootstrap copies this machine's: the image must not know it.
: > "$root/etc/resolv.conf"
