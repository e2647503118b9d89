# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a command inside a root with chroot alone, for root where nothing may be mounted (a plain container). What cannot
# be lent is copied: the clone goes in before the command, what the command changed there comes back after it (what it
# deleted does not). The build folder lives inside the root and the clone's is a link to it; the caches live inside.
# There is no /proc but a few copied files, so sanitizers, debuggers and valgrind do not work this way.
# shellcheck shell=bash

# The paths of a clone at $1, sorted, without what is built.
chroot_list() {
  (cd "$1" && find . -path ./build -prune -o -path ./out -prune -o -print | LC_ALL=C sort)
}

chroot_copy_in() {
  local inside=$1 entry path
  mkdir -p "$inside" "$ROOT$CACHE" "$ROOT$HOME" "$CLONE/build"
  # Gone on the outside: gone on the inside. Deepest first.
  comm -13 <(chroot_list "$CLONE") <(chroot_list "$inside") | LC_ALL=C sort -r | while IFS= read -r path; do
    rm -rf "${inside:?}/$path"
  done
  [ -e "$CLONE/out" ] || rm -rf "$inside/out"
  for entry in "$CLONE"/* "$CLONE"/.[!.]*; do
    case ${entry##*/} in
      build | out) ;;
      *) [ ! -e "$entry" ] || cp -a --update "$entry" "$inside/" ;;
    esac
  done
  if [ "$(readlink "$BUILD")" != "$ROOT$BUILD" ]; then
    [ -L "$BUILD" ] || [ ! -e "$BUILD" ] || die "$BUILD was built another way; make clean, to build in this root"
    rm -rf "$ROOT$BUILD"
    ln -sfn "$ROOT$BUILD" "$BUILD"
  fi
  mkdir -p "$ROOT$BUILD"
}

chroot_copy_out() {
  local inside=$1 stamp=$2
  (cd "$inside" && find . -path ./build -prune -o -path ./out -prune -o -path ./.git -prune -o \
    -type f -newer "$stamp" -exec cp -a --parents {} "$CLONE/" \;)
  [ ! -d "$inside/out" ] || cp -a --update "$inside/out" "$CLONE/"
}

# What a system has besides its files.
chroot_furnish() {
  local file
  for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt /proc/cpuinfo \
    /proc/meminfo /proc/stat /proc/version; do
    [ ! -r "$file" ] || cp -L --no-preserve=all "$file" "$ROOT$file"
  done
  mkdir -p "$ROOT/dev/shm"
  chmod 1777 "$ROOT/dev/shm"
  for file in null zero full random urandom tty; do
    [ -c "$ROOT/dev/$file" ] || cp -a "/dev/$file" "$ROOT/dev/"
  done
  for file in /dev/video* /dev/media* /dev/dri /dev/nvidia*; do
    [ ! -e "$file" ] || [ -e "$ROOT$file" ] || cp -a "$file" "$ROOT$file"
  done
}

# enter_chroot COMMAND...: in ROOT; ends with the command's exit status.
enter_chroot() {
  local inside=$ROOT$CLONE stamp folder=$PWD pid status
  chroot_furnish
  chroot_copy_in "$inside"
  stamp=$ROOT/tmp/.gst-plugins-torch-$$
  : >"$stamp"
  if [ ! -d "$ROOT$folder" ]; then
    say "without namespaces $folder cannot be seen inside; the command starts in $CLONE"
    folder=$CLONE
  fi
  unset SSL_CERT_DIR
  trap '' INT QUIT
  chroot "$ROOT" /usr/bin/env --default-signal=INT,QUIT,PIPE "--chdir=$folder" -- "PATH=$INSIDE_PATH" "$@" <&0 &
  pid=$!
  enter_wait "$pid" || status=$?
  chroot_copy_out "$inside" "$stamp"
  rm -f "$stamp"
  return "${status:-0}"
}
