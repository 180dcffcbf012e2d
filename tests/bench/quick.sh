#!/usr/bin/env bash
# sympie-bench runs to its end and tells what it promises; how fast, nobody
# asks here.
set -euo pipefail
bench=$1
out=$(mktemp)
trap 'rm "$out"' EXIT

fail() { printf '%s\n' "$*" >&2; exit 1; }

"$bench" --quick --json >"$out"
for wanted in '"CPU"' '"date"' '"cases"' '"claims"' '"name" : "NEM"' \
  '"name" : "P010_10LE"' '"name" : "NV12, NEM every frame"' \
  '"name" : "reuse-interval=30 / DWM alone"' '"name" : "first frame"' \
  '"name" : "snow, 1080p"' '"name" : "VGG19, from the frames to the error"'; do
  grep -qF "$wanted" "$out" || fail "no $wanted in the JSON"
done

"$bench" --quick --streams 3 --json >"$out"
for wanted in 'async - DWM alone, 99.9th percentile' 'frames a second, 3 streams' \
  'memory of each more of 3 streams' 'all processors busy with others / idle'; do
  grep -qF "$wanted" "$out" || fail "no $wanted in the JSON"
done

for wrong in '--cpu sse' '--threads 0' '--only nothing' '--streams 65' '--streams 2 --cpu-time' '--fast' 'clip.mp4'; do
  # shellcheck disable=SC2086 # two words where there are two
  if said=$("$bench" $wrong 2>&1); then
    fail "no failure: $wrong"
  fi
  [ "$(wc -l <<<"$said")" -eq 1 ] || fail "$wrong: said '$said'"
done
