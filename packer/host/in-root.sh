#!/usr/bin/env bash
# Runs one provisioning script inside a root folder of this machine, the way Packer runs it on an instance: as root, with the
# staged files under $STAGE. The mounts and whatever a script leaves running live in namespaces of their own and end with them, however
# the script ends.
# Usage: ROOT=folder STAGE_DIR=folder OUT_DIR=folder in-root.sh SCRIPT (its environment is handed on)
set -euo pipefail
script=$1
export STAGE=/run/stage STAGE_OUT=/run/stage-out

# shellcheck disable=SC2016  # the variables are those of the shell inside
exec unshare --mount --propagation private --pid --fork --kill-child -- bash -euo pipefail -c '
  mount -t proc proc "$ROOT/proc"
  mount -t tmpfs -o mode=755 dev "$ROOT/dev"
  for node in null zero full random urandom tty; do touch "$ROOT/dev/$node"; mount --bind "/dev/$node" "$ROOT/dev/$node"; done
  ln -s /proc/self/fd "$ROOT/dev/fd"
  mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666 devpts "$ROOT/dev/pts"
  ln -s pts/ptmx "$ROOT/dev/ptmx"
  mount -t tmpfs tmpfs "$ROOT/tmp"
  mount -t tmpfs -o mode=755 tmpfs "$ROOT/run"
  mkdir "$ROOT/run/stage" "$ROOT/run/stage-out" "$ROOT/run/lock"
  mount --rbind "$STAGE_DIR" "$ROOT/run/stage"
  mount -o remount,ro,bind "$ROOT/run/stage"
  mount --bind "$OUT_DIR" "$ROOT/run/stage-out"
  touch "$ROOT/run/script" && mount --bind "$1" "$ROOT/run/script"
  # Name resolution of this machine while the image is built; the image gets its own at boot.
  if [ -e "$ROOT/etc/resolv.conf" ]; then cp /etc/resolv.conf "$ROOT/run/resolv.conf" && mount --bind "$ROOT/run/resolv.conf" "$ROOT/etc/resolv.conf"; fi
  exec chroot "$ROOT" /bin/bash /run/script
' bash "$script"
