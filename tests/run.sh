#!/usr/bin/env bash
# Sets up, then runs every test: style, all suites, all suites again under
# ASan and UBSan, those of threads under ThreadSanitizer, CUDA's kernels emulated,
# and the elements under valgrind. The last line counts.
#
# Logs: build*/meson-logs/testlog*.txt
set -uo pipefail
cd "$(dirname "$0")/.." || exit

passed=0 failed=0 skipped=0
say() { printf '\n== %s\n' "$*"; }

finish() {
  printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ]
  exit
}

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
    return 1
  fi
}

# suite BUILD LOG ARGUMENTS...: runs meson's tests and adds up their results.
suite() {
  local build=$1 log=$2 results status ok bad skip
  shift 2
  rm -f "$build/meson-logs/$log.json"
  meson test -C "$build" --print-errorlogs "$@"
  status=$?
  results=$(cat "$build/meson-logs/$log.json" 2>/dev/null)
  ok=$(grep -c '"result": "\(OK\|EXPECTEDFAIL\)"' <<<"$results")
  skip=$(grep -c '"result": "SKIP"' <<<"$results")
  bad=$(($(grep -c '"result": "' <<<"$results") - ok - skip))
  # A run that broke before it could write a result has failed as well.
  if [ "$bad" -eq 0 ] && { [ $status -ne 0 ] || [ $((ok + skip)) -eq 0 ]; }; then
    bad=1
    printf 'FAILED: meson test -C %s %s\n' "$build" "$*"
  fi
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
  reasons <<<"$results"
}

# Why a test was skipped is the last thing that it said.
reasons() {
  local string='"(([^"\]|\\.)*)"'
  local start="^\{\"name\": $string, \"stdout\": $string, \"result\": \"SKIP\""
  sed -nE "s/$start.*, \"stderr\": $string\}\$/\1\t\3\5/p; t; s/$start.*/\1\t\3/p" |
    sed -E 's/(\\n)+$//; s/\t.*\\n/\t/; s/\\(.)/\1/g; s/\t/: /; s/^/skipped: /'
}

formatted() {
  find gst-sympie kernels tests '(' -name '*.[ch]' -o -name '*.cu' -o -name '*.cc' ')' \
    -print0 | xargs -0 clang-format --dry-run -Werror
}

build_asan() {
  if [ ! -f build-asan/build.ninja ]; then
    meson setup build-asan -Dcuda=emulated -Db_sanitize=address,undefined -Db_lundef=false \
      -Doptimization=1 >/dev/null || return
  fi
  meson compile -C build-asan >/dev/null || meson compile -C build-asan || return
  # GStreamer's scanner of plugins, built without ASan, cannot load those built
  # with it; the tests scan themselves. Let them find all others scanned.
  GST_REGISTRY=$PWD/build-asan/test-registry.bin gst-inspect-1.0 >/dev/null
}

build_tsan() {
  if [ ! -f build-tsan/build.ninja ]; then
    meson setup build-tsan -Dcuda=disabled -Db_sanitize=thread -Db_lundef=false \
      -Doptimization=1 >/dev/null || return
  fi
  meson compile -C build-tsan >/dev/null || meson compile -C build-tsan
}

# The CUDA backend on the CPU.
build_emulated() {
  if [ ! -f build-emulated/build.ninja ]; then
    meson setup build-emulated -Dcuda=emulated >/dev/null || return
  fi
  meson compile -C build-emulated >/dev/null || meson compile -C build-emulated
}

say 'set-up'
check 'setup.sh' ./setup.sh || finish

say 'style'
# What one version calls formatted another does not.
version=$(clang-format --version)
if [[ $version == *'version 14.'* ]]; then
  check 'clang-format' formatted
else
  skipped=$((skipped + 1))
  printf 'skipped: clang-format: the style is that of version 14, not of %s\n' "$version"
fi

say 'tests'
suite build testlog

say 'tests under ASan and UBSan'
if check 'build with ASan and UBSan' build_asan; then
  # Whole stacks, for the suppressions, which name what is not ours. No guesses
  # at thread-local memory: gcc 12's take ASan's own header of a block that begins
  # a page for one of glibc's, and its LeakSanitizer crashes at what that says.
  ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:fast_unwind_on_malloc=0
  export ASAN_OPTIONS+=:intercept_tls_get_addr=0
  export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
  export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  # "release" holds what says nothing new there: scripts that use build/, speed.
  GST_REGISTRY_FORK=no suite build-asan testlog --timeout-multiplier 5 \
    --no-suite gst-sympie:release
  unset ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS
fi

say 'tests of threads under ThreadSanitizer'
if check 'build with ThreadSanitizer' build_tsan; then
  TSAN_OPTIONS=halt_on_error=1 suite build-tsan testlog --suite threads --timeout-multiplier 5
fi

say 'CUDA kernels, emulated'
if check 'build with CUDA emulated' build_emulated; then
  suite build-emulated testlog --suite cuda
fi

say 'elements under valgrind'
suite build testlog-valgrind --setup valgrind --suite valgrind

finish
