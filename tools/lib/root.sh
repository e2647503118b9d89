# SPDX-License-Identifier: LGPL-2.1-or-later
# Finds, makes and removes roots: folders with a whole Debian, named by suite and by the hash of what goes in.
#
# A root is made under another name and renamed when it is complete, so one that can be found can be used. Only the
# holder of .lock-SUITE makes or removes roots of that suite. Whoever is inside a root holds a shared lock on the file
# .lock in it; a root is deleted only by one who holds that lock alone.
# shellcheck shell=bash

# shellcheck source=tools/lib/root-build.sh
. "$CLONE/tools/lib/root-build.sh"

ROOTS=$CACHE/roots
LOGS=$CACHE/logs
KEEP_DAYS=14 # roots of other package lists stay that long after their last use: another clone may be at that commit

# root_name SUITE -> "trixie-0123456789ab"
root_name() {
  local hash
  hash=$({
    uname -m
    recipe_packages "$1"
    cat "$CLONE/tools/lib/root-recipe.sh"
  } | sha256sum)
  printf '%s-%s\n' "$1" "${hash:0:12}"
}

# root_lock_suite SUITE: waits until nobody else makes or removes a root of SUITE; the lock ends with the process.
root_lock_suite() {
  mkdir -p "$ROOTS" "$LOGS" || die "the cache folder $CACHE cannot be made: XDG_CACHE_HOME can name another"
  exec {SUITE_LOCK}>>"$ROOTS/.lock-$1"
  flock --nonblock "$SUITE_LOCK" && return
  say "another run is making the root for $1: waiting for it; its log is in $LOGS"
  flock "$SUITE_LOCK"
}

# root_delete DIR: deletes it unless somebody is inside; half-made ones have no .lock and nobody inside.
root_delete() {
  local dir=$1 lock
  if [ -e "$dir/.lock" ]; then
    exec {lock}<"$dir/.lock"
    if ! flock --nonblock --exclusive "$lock"; then
      exec {lock}<&-
      return 1
    fi
    # Whoever was about to enter finds it renamed and looks again.
    case ${dir##*/} in
      .*) ;;
      *)
        mv "$dir" "$ROOTS/.old-${dir##*/}-$$"
        dir=$ROOTS/.old-${dir##*/}-$$
        ;;
    esac
  fi
  rm -rf --one-file-system "$dir"
  [ -z "${lock-}" ] || exec {lock}<&-
}

# What earlier runs left: half-made roots, replaced ones, and roots that nobody has used for long.
root_sweep() {
  local suite=$1 dir
  for dir in "$ROOTS/.new-$suite-"* "$ROOTS/.old-$suite-"*; do
    [ ! -d "$dir" ] || root_delete "$dir" || true
  done
  for dir in "$ROOTS/$suite-"*; do
    [ -d "$dir" ] && [ "${dir##*/}" != "$(root_name "$suite")" ] || continue
    [ -n "$(find "$dir/.lock" -mtime "+$KEEP_DAYS" 2>/dev/null)" ] || continue
    say "removing the root ${dir##*/}: not used for $KEEP_DAYS days"
    root_delete "$dir" || true
  done
}

# Inside, an ordinary user has a name too.
root_know_user() {
  echo "$(id -un):x:$(id -u):$(id -g)::$HOME:/bin/bash" >>"$1/etc/passwd"
  echo "$(id -gn):x:$(id -g):" >>"$1/etc/group"
}

# root_make SUITE: makes the root of this clone's package list; the caller holds the suite's lock.
root_make() {
  local suite=$1 name new log start=$SECONDS
  name=$(root_name "$suite")
  new=$ROOTS/.new-$suite-$$
  log=$LOGS/root-$name.log
  root_tools mmdebstrap bwrap newuidmap
  root_subids
  root_sweep "$suite"
  say "making the root $name (3 GB, 2 to 4 minutes); log: $log"
  mkdir "$new"
  : >"$log"
  if ! root_build "$suite" "$new" "$log"; then
    rm -rf --one-file-system "$new"
    tail -n 12 "$log" | sed 's/^/env:   /' >&2
    ! grep -q NO_PUBKEY "$log" ||
      say "this machine does not know the key of $suite: a newer package debian-archive-keyring would"
    die "the root $name could not be made; the whole log: $log"
  fi
  {
    echo "name: $name"
    echo "made: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
    echo "versions:"
    awk '/^Package: / { p = $2 } /^Version: / { print "  " p " " $2 }' "$new/var/lib/dpkg/status"
  } >"$new$ROOT_MARK"
  : >"$new/.lock"
  am_root || root_know_user "$new"
  chmod 755 "$new"
  if [ -d "$ROOTS/$name" ]; then
    mv "$ROOTS/$name" "$ROOTS/.old-$name-$$"
  fi
  mv "$new" "$ROOTS/$name"
  [ ! -d "$ROOTS/.old-$name-$$" ] || root_delete "$ROOTS/.old-$name-$$" || true
  say "the root $name is ready after $((SECONDS - start)) s, $(du -sh "$ROOTS/$name" | cut -f1)"
}

# root_open SUITE: sets ROOT to the folder, made now if it has to be, and holds its lock until the process, and all
# that it starts, has ended.
root_open() {
  local suite=$1 name lock
  name=$(root_name "$suite")
  ROOT=$ROOTS/$name
  while :; do
    if [ ! -e "$ROOT/.lock" ]; then
      root_lock_suite "$suite"
      [ -e "$ROOT/.lock" ] || root_make "$suite"
      exec {SUITE_LOCK}>&-
    fi
    exec {lock}<"$ROOT/.lock" || continue
    flock --shared "$lock"
    [ ! "$ROOT/.lock" -ef "/proc/self/fd/$lock" ] || break
    exec {lock}<&-
  done
  touch -c "$ROOT/.lock"
}

# root_refresh SUITE and root_remove: what the words --refresh and --remove do.
root_refresh() {
  root_lock_suite "$1"
  root_make "$1"
}

root_remove() {
  local dir suite kept=0
  for dir in "$ROOTS"/*-* "$ROOTS"/.new-* "$ROOTS"/.old-*; do
    [ -d "$dir" ] || continue
    suite=${dir##*/} suite=${suite#.new-} suite=${suite#.old-}
    root_lock_suite "${suite%%-*}"
    if root_delete "$dir"; then
      say "removed ${dir##*/}"
    else
      say "kept ${dir##*/}: somebody is inside"
      kept=1
    fi
    exec {SUITE_LOCK}>&-
  done
  return "$kept"
}
