#!/usr/bin/env bash
# One small live stream for a long time, under sympie-stream: its figures once a
# minute, and a failure if frames stop or memory grows after the first minute.
#
#   tests/soak/long.sh [MINUTES [KIB]]    60 and 1024 unless said otherwise
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
minutes=${1:-60} limit=${2:-1024}
folder=$(mktemp -d)
trap '[ -z "${stream:-}" ] || kill "$stream" 2>/dev/null; wait; rm -r "$folder"' EXIT
fail() { printf 'long: %s\n' "$*" >&2; exit 1; }

export GST_PLUGIN_PATH=$root/build/gst-sympie${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}
export SYMPIE_WEIGHTS=${SYMPIE_WEIGHTS:-$root/weights/nem.safetensors}
# What moves, flickers and jumps, so that all that looks at frames has work.
cat >"$folder/streams" <<'END'
small  videotestsrc is-live=true pattern=ball ! video/x-raw,width=176,height=144,framerate=10/1
       ! sympiecorrupt corruption=mixed temporal=drift ! queue leaky=downstream max-size-buffers=1
       ! sympieenhance device=cpu n-threads=1 estimation=async reuse=adaptive smoothing=500000000
       attach-parameters=true post-messages=true ! fakesink sync=true qos=true
END
/usr/bin/python3 "$root/pipelines/systemd/sympie-stream.py" --list "$folder/streams" \
  --metrics "$folder" small &
stream=$!

value() { awk -v name="sympie_$1{" 'index($0, name) == 1 { print $2 }' "$folder/sympie-small.prom"; }
resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$stream/status"; }
now() { date +%s; }

printf 'minute frames estimates resident_KiB threads\n'
first='' before=0 begun=$(now)
for ((minute = 1; minute <= minutes; minute++)); do
  while [ "$(now)" -lt $((begun + 60 * minute)) ]; do
    sleep 1
    kill -0 "$stream" 2>/dev/null || fail "the stream ended after $(($(now) - begun)) s"
  done
  frames=$(value frames_total) last=$(resident)
  printf '%d %d %d %d %d\n' "$minute" "$frames" "$(value estimates_total)" "$last" \
    "$(find "/proc/$stream/task" -mindepth 1 -maxdepth 1 | wc -l)"
  [ "$frames" -gt "$before" ] || fail 'no frames for a minute'
  before=$frames first=${first:-$last}
done
printf 'grew by %d KiB since the first minute\n' $((last - first))
[ $((last - first)) -le "$limit" ] || fail "more than $limit KiB"
