# SPDX-License-Identifier: LGPL-2.1-or-later
# A command inside behaves like one outside: status, streams, signals, folder.
# shellcheck shell=bash disable=SC2153,SC2317

test_runs_without_standard_input() {
  equal fine "$("$ENV" echo fine <&-)"
}

test_passes_on_the_exit_status() {
  ends 7 "$ENV" sh -c 'exit 7'
  ends 127 "$ENV" no-such-command
  # shellcheck disable=SC2016
  ends 139 "$ENV" sh -c 'kill -SEGV $$'
}

test_hands_the_streams_through() {
  equal 'HELLO' "$(echo hello | "$ENV" tr a-z A-Z)"
  equal 'to stderr' "$("$ENV" sh -c 'echo to stderr >&2; echo to stdout' 2>&1 >/dev/null)"
}

test_gives_a_terminal_to_what_runs_on_one() {
  local output
  output=$(script -qec "'$ENV' bash -ic '[ -t 0 ] && [ -t 1 ] && echo both; exit 3'" /dev/null </dev/null) && fail status
  has "$output" both
  has_not "$output" 'job control'
}

test_keeps_the_current_folder() {
  local folder
  equal "$CLONE/tests/env" "$(cd tests/env && "$ENV" pwd)"
  folder=$(mktemp -d -p "$HOME")
  (cd "$folder" && "$ENV" touch made-inside)
  [ -e "$folder/made-inside" ]
  rm -r "$folder"
  equal / "$(cd / && "$ENV" pwd)"
}

# A process $1 that writes its lines to $SCRATCH/lines, and a wait until the first is there.
start_inside() {
  "$ENV" bash -c "$1" >"$SCRATCH/lines" &
  wait_for 60 grep -q started "$SCRATCH/lines"
}

test_hands_a_termination_to_the_command_and_waits_for_it() {
  start_inside 'trap "sleep 0.5; echo closed; exit 5" TERM; echo started; sleep 60 & wait'
  kill -TERM $!
  ends 5 wait $!
  equal closed "$(tail -n 1 "$SCRATCH/lines")"
}

test_lets_the_command_answer_the_keyboard_interrupt() {
  # A process group of its own, interrupted as a terminal does it.
  setsid "$ENV" bash -c 'trap "sleep 0.5; echo closed; exit 6" INT; echo started; while :; do sleep 0.1; done' \
    >"$SCRATCH/lines" &
  wait_for 60 grep -q started "$SCRATCH/lines"
  kill -INT -- "-$!"
  ends 6 wait $!
  equal closed "$(tail -n 1 "$SCRATCH/lines")"
}

# Whether "sleep $1" runs somewhere on this machine.
sleeps() {
  local file words
  for file in /proc/[0-9]*/cmdline; do
    { mapfile -d '' words <"$file"; } 2>/dev/null || continue
    [ "${words[*]}" != "sleep $1" ] || return 0
  done
  return 1
}

test_leaves_nothing_running_when_it_is_killed() {
  local seconds=$((90000 + RANDOM % 1000))
  start_inside "sleep $seconds & echo started; wait"
  wait_for 60 sleeps "$seconds"
  kill -KILL $!
  gone() { ! sleeps "$seconds"; }
  wait_for 60 gone
}

test_inside_runs_at_once_what_is_already_inside() {
  equal inside "$("$ENV" "$ENV" "$ENV" --status | sed -n 's/^environment: \([a-z]*\) .*/\1/p')"
  ends 7 "$ENV" "$ENV" sh -c 'exit 7'
}
