#!/usr/bin/env bash
# run.sh REPLAY DICTIONARY [FUZZER]: fuzzes for SECONDS_TO_FUZZ, 20 unless set,
# from the files that REPLAY writes.
set -euo pipefail
if [ $# -lt 3 ]; then
  echo "no clang with libFuzzer, which setup.sh installs"
  exit 77
fi
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
"$1" "$corpus"
"$3" -max_total_time="${SECONDS_TO_FUZZ:-20}" -timeout=5 -rss_limit_mb=1024 \
  -max_len=1024 -print_final_stats=1 -verbosity=0 -dict="$2" \
  -artifact_prefix="$PWD/" "$corpus"
