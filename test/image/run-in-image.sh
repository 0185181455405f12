#!/usr/bin/env bash
# Runs a command in the built image like a strict container runtime: as uid and gid 1000, without capabilities and without a
# way to gain them, on a read-only root with /tmp in memory, as process 1. Only the network is shared with the machine.
#
#   IMAGE_ROOT=FOLDER test/image/run-in-image.sh [NAME=VALUE…] COMMAND [ARGUMENT…]
#
# All mounts are private to this command and end with it.
set -euo pipefail

# shellcheck disable=SC2016 # the inner shell expands these
exec unshare --mount --pid --fork --kill-child bash -c '
  set -e
  root=$1
  shift
  mount --bind "$root" "$root"
  mount -o remount,bind,ro "$root"
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o size=2g,mode=1777 tmpfs "$root/tmp"
  mount -t tmpfs -o size=64k,mode=755 tmpfs "$root/dev"
  for device in null zero random urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  exec setpriv --no-new-privs chroot --userspec=1000:1000 --groups= "$root" env --ignore-environment --chdir=/app "$@"
' bash "$IMAGE_ROOT" "$@"
