# SPDX-License-Identifier: LGPL-2.1-or-later
# Making, sharing and removing roots. The roots have next to nothing in them and lie in a cache folder of the test's.
# shellcheck shell=bash disable=SC2016,SC2153,SC2317

# Sets SMALL to a clone with a small root, and a cache folder of its own with no root yet.
set_up() {
  SMALL=$SCRATCH/clone
  small_clone "$SMALL"
  export XDG_CACHE_HOME=$SCRATCH/cache SUITE=trixie
}

# Starts to make the root and returns once packages are being unpacked; sets MAKER.
start_making() {
  "$SMALL/tools/env" true >"$SCRATCH/making" 2>&1 &
  MAKER=$!
  wait_for 300 grep -q 'extracting archives' "$SCRATCH/making"
}

test_makes_a_root_with_progress_and_a_record() {
  local output root
  set_up
  output=$("$SMALL/tools/env" cat /etc/gst-plugins-torch-root 2>"$SCRATCH/progress")
  has "$(cat "$SCRATCH/progress")" 'making the root trixie-'
  grep -q '\[ *[0-9]* s\] extracting archives' "$SCRATCH/progress"
  grep -q "the root $("$SMALL/tools/env" --id) is ready after [0-9]* s" "$SCRATCH/progress"
  grep -q '^made: 20..-..-..T' <<<"$output"
  has "$output" '  ca-certificates 20'
  equal "$("$SMALL/tools/env" --id)" "$(roots "$XDG_CACHE_HOME")"
  # Nothing of this machine's apt stays in it.
  root=$XDG_CACHE_HOME/gst-plugins-torch/roots/$("$SMALL/tools/env" --id)
  [ ! -e "$root/etc/apt/apt.conf.d/99mmdebstrap" ]
}

test_recovers_from_a_first_run_that_was_killed() {
  set_up
  start_making
  kill -KILL "$MAKER"
  wait "$MAKER" 2>/dev/null || true
  has "$(roots "$XDG_CACHE_HOME")" .new-trixie-
  "$SMALL/tools/env" true
  equal "$("$SMALL/tools/env" --id)" "$(roots "$XDG_CACHE_HOME")"
  equal '' "$(grep "$XDG_CACHE_HOME" /proc/mounts || true)"
}

test_recovers_from_a_first_run_that_was_interrupted() {
  set_up
  setsid "$SMALL/tools/env" true >"$SCRATCH/making" 2>&1 &
  wait_for 300 grep -q 'extracting archives' "$SCRATCH/making"
  # bash starts background processes deaf to INT, and mmdebstrap's children inherit it: the stronger signal stands in.
  kill -TERM -- "-$!"
  wait $! 2>/dev/null || true
  "$SMALL/tools/env" true
  equal "$("$SMALL/tools/env" --id)" "$(roots "$XDG_CACHE_HOME")"
}

test_a_second_run_waits_for_the_first() {
  local output
  set_up
  start_making
  output=$("$SMALL/tools/env" echo second 2>&1)
  has "$output" 'another run is making the root for trixie: waiting'
  has_not "$output" 'making the root trixie-'
  equal second "$(tail -n 1 <<<"$output")"
  ends 0 wait "$MAKER"
  equal "$("$SMALL/tools/env" --id)" "$(roots "$XDG_CACHE_HOME")"
}

test_a_root_that_cannot_be_made_leaves_a_log_and_nothing_else() {
  local output log
  set_up
  echo no-such-package-anywhere >>"$SMALL/tools/packages.txt"
  output=$(ends 1 "$SMALL/tools/env" true 2>&1)
  log=$(sed -n 's/.*the whole log: //p' <<<"$output")
  grep -q no-such-package-anywhere "$log"
  equal '' "$(roots "$XDG_CACHE_HOME")"
}

test_refresh_makes_it_anew_under_those_inside() {
  local made made_again
  set_up
  made=$("$SMALL/tools/env" sed -n 's/^made: //p' /etc/gst-plugins-torch-root)
  "$SMALL/tools/env" sh -c 'echo in; read -r line; sed -n "s/^made: //p" /etc/gst-plugins-torch-root' \
    < <(wait_for 300 test -e "$SCRATCH/refreshed" && echo go) >"$SCRATCH/inside" &
  wait_for 300 grep -q in "$SCRATCH/inside"
  "$SMALL/tools/env" --refresh
  made_again=$("$SMALL/tools/env" sed -n 's/^made: //p' /etc/gst-plugins-torch-root)
  [ "$made" != "$made_again" ]
  touch "$SCRATCH/refreshed"
  wait $!
  equal "$made" "$(tail -n 1 "$SCRATCH/inside")"
}

test_remove_spares_a_root_that_somebody_is_in() {
  local output other=$SCRATCH/other
  set_up
  small_clone "$other"
  echo hostname >>"$other/tools/packages.txt"
  "$SMALL/tools/env" true
  "$other/tools/env" sh -c 'echo in; sleep 600' >"$SCRATCH/inside" &
  wait_for 300 grep -q in "$SCRATCH/inside"
  output=$(ends 1 "$SMALL/tools/env" --remove 2>&1)
  has "$output" "removed $("$SMALL/tools/env" --id)"
  has "$output" "kept $("$other/tools/env" --id): somebody is inside"
  equal "$("$other/tools/env" --id)" "$(roots "$XDG_CACHE_HOME")"
  kill -KILL $!
  wait $! 2>/dev/null || true
  wait_for 60 "$other/tools/env" --remove
  equal '' "$(roots "$XDG_CACHE_HOME")"
}

test_another_package_list_is_another_root_and_the_old_one_goes_when_unused() {
  local old
  set_up
  "$SMALL/tools/env" true
  old=$("$SMALL/tools/env" --id)
  echo hostname >>"$SMALL/tools/packages.txt"
  [ "$old" != "$("$SMALL/tools/env" --id)" ]
  touch -d '20 days ago' "$XDG_CACHE_HOME/gst-plugins-torch/roots/$old/.lock"
  has "$("$SMALL/tools/env" true 2>&1)" "removing the root $old"
  equal "$("$SMALL/tools/env" --id)" "$(roots "$XDG_CACHE_HOME")"
  # A comment changes nothing.
  echo '# a comment' >>"$SMALL/tools/packages.txt"
  equal "$("$SMALL/tools/env" --id)" "$(roots "$XDG_CACHE_HOME")"
}
