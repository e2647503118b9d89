# SPDX-License-Identifier: LGPL-2.1-or-later
# The count that closes a test run, over a project made for it: what fails, dies or leaks must not be lost.
# shellcheck shell=bash disable=SC2016

# small_project TESTS: a project whose meson.build is a fixed head and TESTS, tested once; its summary is in
# $SCRATCH/summary, the summary's status in $SCRATCH/status.
small_project() {
  mkdir "$SCRATCH/project"
  cat >"$SCRATCH/project/cases.cpp" <<'EOF'
#include <gtest/gtest.h>
#include <cstdlib>
TEST(Cases, Pass) {}
TEST(Cases, PassAsWell) {}
TEST(Bad, Fails) { EXPECT_EQ(1, 2); }
TEST(Bad, Dies) { std::abort(); }
TEST(Bad, SkipsItself) { GTEST_SKIP(); }
struct AtExit { ~AtExit() { if (getenv("BAD_EXIT")) _exit(3); } } at_exit;
EOF
  {
    echo "project('small', 'cpp', default_options: ['cpp_std=c++17'])"
    echo "cases = executable('cases', 'cases.cpp', dependencies: dependency('gtest_main'))"
    cat
  } >"$SCRATCH/project/meson.build"
  "$ENV" sh -c 'cd "$1" && meson setup build project && meson test -C build' sh "$SCRATCH" >"$SCRATCH/log" 2>&1 || true
  summarise
}

summarise() {
  echo 0 >"$SCRATCH/status"
  "$ENV" tools/test-summary "$SCRATCH/build" >"$SCRATCH/summary" || echo $? >"$SCRATCH/status"
}

test_counts_cases_not_programs() {
  small_project <<'EOF'
test('good', cases, protocol: 'gtest', suite: 'one', args: '--gtest_filter=Cases.*')
test('skips', cases, protocol: 'gtest', suite: 'two', args: '--gtest_filter=Cases.Pass:Bad.SkipsItself')
test('script', find_program('true'), suite: 'two')
test('counting', find_program('sh'), args: ['-c', 'echo 5 passed, 0 failed, 2 skipped'])
EOF
  equal '9 passed, 0 failed, 3 skipped' "$(tail -n 1 "$SCRATCH/summary")"
  equal 0 "$(cat "$SCRATCH/status")"
}

test_a_failed_case_is_named_and_counted() {
  small_project <<'EOF'
test('bad', cases, protocol: 'gtest', args: '--gtest_filter=Cases.*:Bad.Fails')
test('script', find_program('false'))
EOF
  equal 'FAILED bad: Bad.Fails
FAILED script: FAIL
2 passed, 2 failed' "$(cat "$SCRATCH/summary")"
  equal 1 "$(cat "$SCRATCH/status")"
}

test_a_program_that_dies_is_a_failure() {
  small_project <<'EOF'
test('dies', cases, protocol: 'gtest', args: '--gtest_filter=Bad.Dies')
test('good', cases, protocol: 'gtest', args: '--gtest_filter=Cases.*')
EOF
  has "$(cat "$SCRATCH/summary")" 'FAILED dies: died'
  equal '2 passed, 1 failed' "$(tail -n 1 "$SCRATCH/summary")"
  equal 1 "$(cat "$SCRATCH/status")"
}

test_a_bad_end_after_good_cases_is_a_failure() {
  small_project <<'EOF'
test('leaks', cases, protocol: 'gtest', args: '--gtest_filter=Cases.*', env: ['BAD_EXIT=1'])
EOF
  has "$(cat "$SCRATCH/summary")" 'FAILED leaks: ended badly'
  equal '2 passed, 1 failed' "$(tail -n 1 "$SCRATCH/summary")"
  equal 1 "$(cat "$SCRATCH/status")"
}

test_no_tests_at_all_is_a_failure() {
  mkdir "$SCRATCH/build"
  summarise
  equal '0 passed, 1 failed' "$(tail -n 1 "$SCRATCH/summary")"
  equal 1 "$(cat "$SCRATCH/status")"
}

test_a_failed_build_ends_with_a_count_and_names_its_log() {
  local output
  copy_clone "$SCRATCH/clone"
  echo "error('not today')" >>"$SCRATCH/clone/meson.build"
  output=$(ends 1 "$SCRATCH/clone/tools/test" 2>&1)
  equal '0 passed, 1 failed' "$(tail -n 1 <<<"$output")"
  has "$output" 'not today'
  has "$output" '/build.log'
}
