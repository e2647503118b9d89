# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of the environment share.
# shellcheck shell=bash disable=SC2034

CLONE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
ENV=$CLONE/tools/env
# Below /var/tmp: /tmp may be a small memory disk. Readable by all: one test is another user.
SCRATCH_ROOT=$(mktemp -d /var/tmp/gst-plugins-torch-test.XXXXXX)
chmod 755 "$SCRATCH_ROOT"

# The caller's switches are not the tests'.
unset SUITE VARIANT GST_TORCH_ENV GST_TORCH_ENTER

# run_one FILE NAME: in a process of its own, in an empty folder of its own, $SCRATCH. A test fails with the first
# command that does.
run_one() (
  set -eu
  SCRATCH=$SCRATCH_ROOT/$2
  mkdir "$SCRATCH"
  cd "$CLONE"
  exec 5>&1
  # shellcheck disable=SC2046  # a list of numbers
  trap 'kill -KILL $(jobs -p) 2>/dev/null || true' EXIT
  # shellcheck disable=SC1090
  . "$1"
  "$2"
)

# Says why to the test's own output, also where the caller's goes elsewhere.
fail() {
  printf '%s\n' "$@" >&5
  exit 1
}

# Ends the test as one that this machine cannot run.
skip() {
  printf '%s\n' "$@"
  exit 77
}

# equal WANTED GOT
equal() {
  [ "$1" = "$2" ] || fail "wanted: $1" "got:    $2"
}

# has TEXT PART
has() {
  case $1 in
    *"$2"*) ;;
    *) fail "wanted in it: $2" "got: $1" ;;
  esac
}

has_not() {
  case $1 in
    *"$2"*) fail "not wanted in it: $2" "got: $1" ;;
  esac
}

# ends STATUS COMMAND...: the command must end with that status.
ends() {
  local wanted=$1 got=0
  shift
  "$@" || got=$?
  [ "$got" = "$wanted" ] || fail "wanted status $wanted, got $got from: $*"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || fail "waited in vain for: $*"
    sleep 0.1
  done
}

# copy_clone FOLDER: the files of this clone as they are now, changed or not.
copy_clone() {
  mkdir -p "$1"
  git -C "$CLONE" ls-files -z --cached --others --exclude-standard |
    tar -C "$CLONE" --null --files-from=- --ignore-failed-read -c 2>/dev/null | tar -C "$1" -x
}

# small_clone FOLDER: one whose root has next to nothing in it: it is made in seconds.
small_clone() {
  copy_clone "$1"
  echo "ca-certificates" >"$1/tools/packages.txt"
}

# The roots of the cache folder $1, also half-made ones.
roots() {
  find "$1/gst-plugins-torch/roots" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort
}
