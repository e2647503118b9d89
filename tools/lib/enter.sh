# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a command inside a root with bubblewrap: the system is the root's, read-only; the clone, the cache and the
# caller's folder are the host's, at the same paths.
# shellcheck shell=bash

# enter_root ROOT COMMAND...
enter_root() {
  local root=$1 path status
  shift
  local args=(--die-with-parent --unshare-pid --proc /proc --dev /dev)
  for path in usr etc var/lib/dpkg var/cache/fontconfig; do
    args+=(--ro-bind "$root/$path" "/$path")
  done
  for path in bin sbin lib lib64; do
    args+=(--symlink "usr/$path" "/$path")
  done
  args+=(--ro-bind /sys /sys --dir /run --bind /tmp /tmp --bind /var/tmp /var/tmp)
  args+=(--ro-bind-try /etc/resolv.conf /etc/resolv.conf --ro-bind-try /etc/hosts /etc/hosts)
  args+=(--ro-bind-try /etc/pip.conf /etc/pip.conf)
  [ ! -f /etc/ssl/certs/ca-certificates.crt ] ||
    args+=(--ro-bind "$(realpath /etc/ssl/certs/ca-certificates.crt)" /etc/ssl/certs/ca-certificates.crt)
  for path in /dev/video* /dev/media* /dev/dri /dev/nvidia*; do
    [ ! -e "$path" ] || args+=(--dev-bind "$path" "$path")
  done
  args+=(--tmpfs "$HOME" --bind "$CACHE" "$CACHE" --bind "$CLONE" "$CLONE")
  case $PWD/ in
    "$CLONE"/* | "$CACHE"/* | /tmp/* | /var/tmp/* | "$HOME"/) ;;
    *) [ "$PWD" = / ] || args+=(--bind "$PWD" "$PWD") ;;
  esac
  ! am_root || args+=(--cap-add ALL)
  exec bwrap "${args[@]}" --chdir "$PWD" -- "$@"
}
