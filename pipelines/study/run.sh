#!/usr/bin/env bash
# Studies what sympieenhance gives back of what compression takes, as table 8 of
# the paper does: pipelines/study/run.sh CLIP...; --help tells all options.
set -euo pipefail
study=$(cd "$(dirname "$0")" && pwd)

setup=yes
for argument in "$@"; do
  case $argument in
    -h | --help | --no-setup) setup= ;;
  esac
done
[ -z "$setup" ] || "$study/../../setup.sh" --study
exec "$study/study.py" "$@"
