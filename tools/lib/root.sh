# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes, finds and removes roots: folders with a whole Debian, named by suite and by the hash of what goes in.
# A root is built under another name and renamed when it is complete, so one that can be found can be used.
# shellcheck shell=bash

# shellcheck source=tools/lib/root-recipe.sh
. "$CLONE/tools/lib/root-recipe.sh"

ROOTS=$CACHE/roots
LOGS=$CACHE/logs

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

# Shows mmdebstrap's own phases with the time since the start; the log gets everything.
root_progress() {
  local line start=$SECONDS
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$1"
    case $line in
      I:*) say "$(printf '[%3d s] %s' $((SECONDS - start)) "${line#I: }")" ;;
    esac
  done
}

# root_build SUITE DIR LOG: fills DIR. Its exit status says whether it did.
root_build() {
  local suite=$1 dir=$2 log=$3 options=()
  mapfile -t options < <(recipe_options)
  options+=("--include=$(recipe_packages "$suite" | paste -sd,)")
  # A mirror's index of a suite that is not released may be older than its date allows.
  [ "$suite" = trixie ] || options+=('--aptopt=Acquire::Check-Valid-Until "false"')
  if am_root; then
    mmdebstrap --mode=root --format=directory "${options[@]}" "$suite" "$dir" 2>&1
  else
    # As a tar, so that every file is the user's own and an ordinary rm removes it. TMPDIR: the half-made tree must
    # be reachable by the user's subordinate ids, which a home folder is not, and /tmp may be small.
    TMPDIR=/var/tmp mmdebstrap --mode=unshare --format=tar --skip=output/dev "${options[@]}" "$suite" - \
      2> >(cat >&3) | tar -C "$dir" --extract --no-same-owner
  fi 3>&1 | root_progress "$log"
  [ "${PIPESTATUS[0]}" = 0 ] && [ -x "$dir/usr/bin/g++" ] && recipe_finish "$dir"
}

# root_make SUITE: prints the root's folder, making it first where it is not there.
root_make() {
  local suite=$1 name dir temporary log lock start=$SECONDS
  name=$(root_name "$suite")
  dir=$ROOTS/$name
  if [ -d "$dir" ]; then
    printf '%s\n' "$dir"
    return
  fi
  mkdir -p "$ROOTS" "$LOGS"
  log=$LOGS/root-$name.log
  exec {lock}>"$ROOTS/.lock-$suite"
  if ! flock --nonblock "$lock"; then
    say "another run is making a root for $suite: waiting for it (its log: $LOGS)"
    flock "$lock"
  fi
  if [ ! -d "$dir" ]; then
    root_tools
    say "making the root $name (3 GB, about 4 minutes on two cores); log: $log"
    # Whoever holds the lock is the only maker: what lies here under a temporary name is of a run that was killed.
    rm -rf --one-file-system "$ROOTS/.new-$suite-"*
    temporary=$ROOTS/.new-$suite-$$
    mkdir "$temporary"
    : >"$log"
    if ! root_build "$suite" "$temporary" "$log"; then
      rm -rf --one-file-system "$temporary"
      tail -n 15 "$log" | sed 's/^/env:   /' >&2
      die "the root $name could not be made; the whole log: $log"
    fi
    {
      echo "name: $name"
      echo "made: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
      sed -n 's/^/packages: /p' < <(recipe_packages "$suite" | paste -sd' ')
    } >"$temporary$ROOT_MARK"
    chmod 755 "$temporary"
    mv "$temporary" "$dir"
    say "the root $name is ready after $((SECONDS - start)) s, $(du -sh "$dir" | cut -f1)"
  fi
  exec {lock}>&-
  printf '%s\n' "$dir"
}

# The programs that make and enter a root. Only root may install them; anybody else is told how.
root_tools() {
  local missing=()
  have mmdebstrap || missing+=(mmdebstrap)
  have bwrap || missing+=(bubblewrap)
  am_root || have newuidmap || missing+=(uidmap)
  [ "${#missing[@]}" -gt 0 ] || return 0
  am_root && have apt-get || die "this needs programs that are not installed. Run:" \
    "  sudo apt-get install --no-install-recommends ${missing[*]}"
  say "installing on this machine what makes and enters the root: ${missing[*]}"
  {
    apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
  } >"$LOGS/apt.log" 2>&1 || die "apt-get failed; its log: $LOGS/apt.log"
}
