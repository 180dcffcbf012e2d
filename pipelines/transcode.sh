#!/usr/bin/env bash
# Enhances a clip with its sound into an H.264 MP4 file:
#
#   pipelines/transcode.sh IN OUT.mp4 [PROPERTY=VALUE...]
#
# The properties are sympieenhance's, such as strength=0.5.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
fail() { printf 'transcode: %s\n' "$*" >&2; exit 2; }

case ${1-} in -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;; esac
[ $# -ge 2 ] || fail "from which file to which? see --help"
in=$1 out=$2 part=$2.part
shift 2
if [ ! -f "$in" ] || [ ! -r "$in" ]; then fail "not a readable file: $in"; fi
[[ $out == *.mp4 ]] || fail "the result is an MP4 file, not '$out'"
if [ "$in" -ef "$out" ] || [ "$in" -ef "$part" ]; then fail "the result would overwrite $in"; fi
for property; do
  [[ $property =~ ^[a-z-]+=. ]] || fail "PROPERTY=VALUE, not '$property'"
done
kinds=$(ffprobe -v error -show_entries stream=codec_type -of csv=p=0 "$in") ||
  fail "no video that FFmpeg can read: $in"
grep -q video <<<"$kinds" || fail "no video in $in"

sound=()
if grep -q audio <<<"$kinds"; then
  sound=(source. ! queue ! audioconvert ! audioresample ! avenc_aac ! queue ! mux.)
fi
export GST_PLUGIN_PATH=$root/build/gst-sympie${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}
export SYMPIE_WEIGHTS=${SYMPIE_WEIGHTS:-$root/weights/nem.safetensors}
trap 'rm -f "$part"' EXIT # what was there before stays until the new one is whole
gst-launch-1.0 -q -e filesrc "location=$in" ! decodebin name=source \
  source. ! queue ! videoconvert ! sympieenhance "$@" ! "video/x-raw,format=I420" ! \
  x264enc ! h264parse ! queue ! mux. "${sound[@]}" \
  mp4mux name=mux ! filesink "location=$part"
mv "$part" "$out"
