# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the pipelines check before GStreamer opens a file: filesink empties its file before filesrc has looked at its own.
# Each check ends the script with one line and status 2 where something is wrong.

refuse() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

check_programs() {
  gst-inspect-1.0 --exists torchinference 2>/dev/null ||
    refuse "GStreamer or torchinference is not found; make demo builds it, then run this as tools/env pipelines/${0##*/}"
}

# check_input WHAT PATH: a regular file that holds something.
check_input() {
  case $2 in *://*) refuse "$1 \"$2\" is a URI; a file's path is wanted" ;; esac
  [ -e "$2" ] || refuse "$1 \"$2\" does not exist$([ "$1" != MODEL ] || echo '; gst-torch-export writes one, make demo the default')"
  [ -f "$2" ] || refuse "$1 \"$2\" is no regular file"
  [ -r "$2" ] || refuse "$1 \"$2\" cannot be read; check its permissions"
  [ -s "$2" ] || refuse "$1 \"$2\" is empty"
}

# claim_output PATH INPUT...: a file that can be written, is none of the inputs, and that no other run writes. The lock
# is held by an open file and goes with the last process that has it, so gst-launch keeps it and nothing is left behind.
claim_output() {
  local path=$1 input lock
  shift
  for input; do
    [ ! "$path" -ef "$input" ] || refuse "\"$path\" would be written, and is an input; name another OUTPUT"
  done
  [ -d "$(dirname "$path")" ] || refuse "the folder of \"$path\" does not exist"
  [ ! -d "$path" ] || refuse "\"$path\" is a folder; name another OUTPUT"
  { exec {lock}>>"$path"; } 2>/dev/null || refuse "\"$path\" cannot be written; check its permissions"
  flock --nonblock "$lock" || refuse "another run writes \"$path\"; name another OUTPUT"
}
