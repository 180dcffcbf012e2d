#!/usr/bin/env bash
# Sets up, then runs every test: style, all suites, all suites again under
# ASan and UBSan, and the elements under valgrind. The last line counts.
#
# Logs: build*/meson-logs/testlog*.txt
set -uo pipefail
cd "$(dirname "$0")/.."

./setup.sh || exit 1

passed=0 failed=0 skipped=0
say() { printf '\n== %s\n' "$*"; }

# check NAME COMMAND...: one test that is a command.
check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    printf 'ok: %s\n' "$name"
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n' "$name"
  fi
}

# suite BUILD LOG ARGUMENTS...: runs meson's tests and adds up their results.
suite() {
  local build=$1 log=$2 results
  shift 2
  rm -f "$build/meson-logs/$log.json"
  meson test -C "$build" --print-errorlogs "$@"
  local status=$?
  results=$(cat "$build/meson-logs/$log.json") || results=
  local ok bad skip
  ok=$(grep -c '"result": "\(OK\|EXPECTEDFAIL\)"' <<<"$results")
  skip=$(grep -c '"result": "SKIP"' <<<"$results")
  bad=$(($(grep -c '"result": "' <<<"$results") - ok - skip))
  # A run that broke before it could write a result has failed as well.
  if [ $status -ne 0 ] && [ "$bad" -eq 0 ] || [ $((ok + bad + skip)) -eq 0 ]; then
    bad=$((bad + 1))
    printf 'FAILED: meson test -C %s %s\n' "$build" "$*"
  fi
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
  # Why a test was skipped is the test's own last word.
  [ "$skip" -eq 0 ] || grep '"result": "SKIP"' <<<"$results" |
    sed -E 's/.*"name": "([^"]*)".*/skipped: \1/'
}

formatted() {
  git ls-files -z '*.c' '*.h' '*.cu' '*.cuh' |
    xargs -0 clang-format --dry-run -Werror
}

say 'style'
check 'clang-format' formatted

say 'tests'
suite build testlog

say 'tests under ASan and UBSan'
if [ ! -f build-asan/build.ninja ]; then
  meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false \
    -Doptimization=1 >/dev/null || exit 1
fi
meson compile -C build-asan >/dev/null || meson compile -C build-asan || exit 1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
suite build-asan testlog --no-suite gst-sympie:release
unset ASAN_OPTIONS UBSAN_OPTIONS

say 'elements under valgrind'
suite build testlog-valgrind --setup valgrind --suite valgrind

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
