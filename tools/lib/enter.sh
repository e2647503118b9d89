# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a command inside a root with bubblewrap: the system is the root's, read-only; the clone, the cache and the
# caller's folder are the host's, at the same paths; the network is shared, the home folder empty and forgotten.
# shellcheck shell=bash

# shellcheck source=tools/lib/enter-chroot.sh
. "$CLONE/tools/lib/enter-chroot.sh"

RUN=/run/gst-plugins-torch # inside: what the host lends that has no place of its own there

# How bubblewrap can be started here, best first; each is tried with a command that does nothing. Without a process
# namespace a killed run's grandchildren live on; without a new /proc (containers mask it) there can be none.
enter_ways() {
  cat <<'EOF'
--unshare-pid --proc /proc
--bind /proc /proc
EOF
  ! am_root || cat <<'EOF'
--unshare-user --unshare-pid --proc /proc
--unshare-user --bind /proc /proc
EOF
}

# Sets WAY to the first that works here, to "chroot" for root where none does, or ends with what to do.
enter_choose() {
  local way output=
  [ "${GST_TORCH_ENTER-}" = chroot ] || root_tools bwrap
  WAY=
  if [ -z "${GST_TORCH_ENTER-}" ] || [ "$GST_TORCH_ENTER" = bwrap ]; then
    while IFS= read -r way; do
      # shellcheck disable=SC2086  # a list of words
      if output=$(bwrap --die-with-parent $way --ro-bind "$ROOT/usr" /usr --symlink usr/lib /lib \
        --symlink usr/lib64 /lib64 --dev /dev -- /usr/bin/true 2>&1); then
        WAY=$way
        return
      fi
    done < <(enter_ways)
  fi
  if am_root && [ "${GST_TORCH_ENTER-}" != bwrap ] && chroot "$ROOT" /usr/bin/true 2>/dev/null; then
    WAY=chroot
    return
  fi
  die "the root stands, but this machine lets nobody enter it: ${output:-chroot is forbidden}" \
    "Allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0; on Ubuntu an" \
    "AppArmor profile for bwrap; in a container --privileged or --cap-add SYS_ADMIN), or run this as root, or install" \
    "the packages of tools/packages.txt from Debian 13 or newer, or their like, and it works without a root."
}

# enter_lend PATH: a host's file or folder that a variable or a habit names, read-only, at its own path; under the
# root's own folders nothing can be added, so there it gets a name of its own. Prints the path inside.
enter_lend() {
  local inside=$1
  case $inside in
    /usr/* | /etc/* | /var/lib/dpkg/* | /var/cache/fontconfig/*)
      [ -e "$ROOT$inside" ] || inside=$RUN/$(basename "$1")
      ;;
  esac
  ARGS+=(--ro-bind "$(realpath "$1")" "$inside")
  LENT=$inside
}

# What programs on this machine were told about certificates and package mirrors holds inside as well.
enter_lend_settings() {
  local name value bundle
  [ ! -e /etc/resolv.conf ] || enter_lend /etc/resolv.conf
  [ ! -e /etc/hosts ] || enter_lend /etc/hosts
  [ ! -e /etc/pip.conf ] || enter_lend /etc/pip.conf
  for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
    if [ -r "$bundle" ]; then
      ARGS+=(--ro-bind "$(realpath "$bundle")" /etc/ssl/certs/ca-certificates.crt)
      break
    fi
  done
  # A folder of certificates is full of links into the host; the bundle has them all.
  unset SSL_CERT_DIR
  for name in ${!PIP_@} ${!SSL_@} ${!GIT_SSL_@} ${!CURL_@} REQUESTS_CA_BUNDLE XAUTHORITY; do
    value=${!name-}
    case $value in
      "$CACHE"/* | "$CLONE"/* | /tmp/* | /var/tmp/* | /etc/ssl/certs/ca-certificates.crt) ;;
      /?*)
        [ -r "$value" ] || continue
        enter_lend "$value"
        export "$name=$LENT"
        ;;
    esac
  done
  for value in .config/pip .pip .netrc .gitconfig .config/git; do
    [ ! -r "$HOME/$value" ] || ARGS+=(--ro-bind "$(realpath "$HOME/$value")" "$HOME/$value")
  done
}

# Cameras, GPUs, and the sockets of the desktop.
enter_lend_devices() {
  local path runtime=${XDG_RUNTIME_DIR-}
  for path in /dev/video* /dev/media* /dev/v4l /dev/dri /dev/snd /dev/nvidia* /dev/dma_heap; do
    [ ! -e "$path" ] || ARGS+=(--dev-bind "$path" "$path")
  done
  [ ! -d /run/udev ] || ARGS+=(--ro-bind /run/udev /run/udev)
  # The driver's half of CUDA belongs to the host's kernel module.
  if have ldconfig && [ -e /dev/nvidiactl ]; then
    for path in $(ldconfig -p | awk '/x86-64|AArch64/ && /lib(cuda|nvidia-(ml|ptxjitcompiler|nvvm|encode)|nvcuvid)\.so\.1 /{
      print $NF }'); do
      ARGS+=(--ro-bind "$(realpath "$path")" "$RUN/cuda/${path##*/}")
      export LD_LIBRARY_PATH=$RUN/cuda
    done
  fi
  if [ -d "$runtime" ]; then
    ARGS+=(--perms 0700 --tmpfs "$runtime")
    for path in "$runtime"/wayland-? "$runtime"/pipewire-? "$runtime/pulse"; do
      [ ! -e "$path" ] || ARGS+=(--bind "$path" "$path")
    done
  fi
}

# enter_arguments: ARGS, all of bubblewrap's but the way and the command.
enter_arguments() {
  local path
  ARGS=(--die-with-parent --dev /dev --ro-bind /sys /sys --dir /run --bind /tmp /tmp --bind /var/tmp /var/tmp)
  for path in usr etc var/lib/dpkg var/cache/fontconfig; do
    [ ! -d "$ROOT/$path" ] || ARGS+=(--ro-bind "$ROOT/$path" "/$path")
  done
  for path in bin sbin lib lib32 lib64; do
    [ ! -e "$ROOT/$path" ] || ARGS+=(--symlink "usr/$path" "/$path")
  done
  [ "$HOME" = / ] || ARGS+=(--tmpfs "$HOME")
  for path in /media /mnt /srv; do
    [ ! -d "$path" ] || ARGS+=(--bind "$path" "$path")
  done
  enter_lend_devices
  enter_lend_settings
  case $PWD/ in
    / | "$HOME"/ | "$CLONE"/* | "$CACHE"/* | /usr/* | /etc/* | /dev/* | /proc/* | /sys/* | /run/* | /tmp/* | /var/tmp/*) ;;
    *) ARGS+=(--bind "$PWD" "$PWD") ;;
  esac
  ARGS+=(--bind "$CACHE" "$CACHE" --ro-bind "$ROOTS" "$ROOTS" --bind "$CLONE" "$CLONE")
  # In a git worktree .git is a file that names the repository.
  if [ -f "$CLONE/.git" ]; then
    path=$(sed -n 's/^gitdir: //p' "$CLONE/.git")
    [ ! -d "$path/../.." ] || ARGS+=(--ro-bind "$(realpath "$path/../..")" "$(realpath "$path/../..")")
  fi
  # Root keeps what root may do: a clone may be another user's.
  ! am_root || ARGS+=(--cap-add ALL)
  ARGS+=(--chdir "$PWD")
}

# The command's own process: bubblewrap's child, or its grandchild where the child is the first of a process
# namespace.
enter_inner_pids() {
  local child=/proc/$1/task/$1/children
  child=$(cat "$child" 2>/dev/null) || return 0
  case $WAY in
    *unshare-pid*) [ -z "$child" ] || cat /proc/"${child%% *}"/task/"${child%% *}"/children 2>/dev/null || true ;;
    *) echo "$child" ;;
  esac
}

# enter_forward SIGNAL PID
enter_forward() {
  local inner=
  [ "$WAY" = chroot ] || inner=$(enter_inner_pids "$2")
  # shellcheck disable=SC2086  # a list of numbers
  kill "-$1" ${inner:-$2} 2>/dev/null || true
}

# enter_wait PID: hands signals on to the command until it has ended, and ends with its status.
enter_wait() {
  local pid=$1 status
  # shellcheck disable=SC2064  # the pid of now
  trap "enter_forward TERM $pid" TERM
  # shellcheck disable=SC2064
  trap "enter_forward HUP $pid" HUP
  while :; do
    status=0
    wait "$pid" || status=$?
    kill -0 "$pid" 2>/dev/null || return "$status"
  done
}

# enter_root COMMAND...: in ROOT; ends with the command's exit status. A keyboard's Ctrl-C reaches the inside by
# itself; this process and bubblewrap ignore it and wait for what the command makes of it (gst-launch-1.0 -e closes its
# file). Other signals are handed on. A kill of this process ends everything inside.
enter_root() {
  enter_choose
  if [ "$WAY" = chroot ]; then
    enter_chroot "$@"
    return
  fi
  enter_arguments
  trap '' INT QUIT
  # shellcheck disable=SC2086  # a list of words
  bwrap $WAY "${ARGS[@]}" -- /usr/bin/env --default-signal=INT,QUIT,PIPE -- "PATH=$INSIDE_PATH" "$@" <&0 &
  enter_wait $!
}
