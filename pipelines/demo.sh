#!/usr/bin/env bash
# Enhances a clip and puts it beside what it was:
#
#   ./pipelines/demo.sh          a photograph, panned over, made dark and low in
#                                contrast and strongly compressed
#   ./pipelines/demo.sh CLIP     a clip of yours, as it is
#
# leaves, in build/demo/: enhanced.mp4, side-by-side.mp4, side-by-side.png.
#
#   --seconds N    only the first N seconds
#   --out FOLDER   another folder than build/demo
#   --no-setup     without setup.sh first: build/ is up to date
set -euo pipefail
from=$PWD
cd "$(dirname "$0")/.."
root=$PWD
out=build/demo
export LANGUAGE=en LC_ALL=C.UTF-8 # what GStreamer says is looked through
photograph=/usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg

say() { printf 'demo: %s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

seconds='' setup=yes clip=''
while [ $# -gt 0 ]; do
  case $1 in
    --seconds)
      [[ ${2-} =~ ^[1-9][0-9]*$ ]] || fail "--seconds wants a number of seconds"
      seconds=$2
      shift
      ;;
    --out)
      [ -n "${2-}" ] || fail "--out wants a folder"
      out=$(cd "$from" && realpath -m -- "$2")
      shift
      ;;
    --no-setup) setup= ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
    -*) fail "unknown option '$1'; see --help" ;;
    *)
      [ -z "$clip" ] || fail "one clip at a time, not '$clip' and '$1'"
      clip=$(cd "$from" && realpath -m -- "$1")
      ;;
  esac
  shift
done

# ask STREAMS ENTRY FILE: values, one a line. Csv would have commas at the end, and
# streams of a program (MPEG) come twice.
ask() {
  ffprobe -v error ${1:+-select_streams "$1"} -show_entries "$2" -of default=nk=1:nw=1 "$3" |
    grep .
}

# has KIND: whether the clip has a stream of that kind that moves (the cover of
# a song is no video).
has() {
  ask "$1" stream_disposition=attached_pic "$clip" 2>/dev/null | grep -qx 0
}

if [ -n "$clip" ]; then
  [ -e "$clip" ] || fail "no such file: $clip"
  if [ ! -f "$clip" ] || [ ! -r "$clip" ]; then
    fail "not a readable file: $clip"
  fi
fi
made=({degraded,enhanced,side-by-side}.mp4 start.mkv side-by-side.png)
for name in "${made[@]}"; do
  [ ! "$clip" -ef "$out/$name" ] || fail "the result would overwrite $clip: name another --out"
done
[ -z "$setup" ] || ./setup.sh
if [ -n "$clip" ]; then
  has v || fail "no video in $clip"
fi
mkdir -p "$out"
folder=$(realpath "$out")
rm -f "${made[@]/#/$out/}"

if [ -z "$clip" ]; then
  clip=$folder/degraded.mp4
  before='dark, low in contrast, strongly compressed'
  [ -r "$photograph" ] || fail "no $photograph: ./setup.sh installs it"
  say "making a degraded clip of a photograph"
  pan="scale=2448:1836:flags=area,loop=loop=$((${seconds:-6} * 25 - 1)):size=1"
  pan+=",setpts=N/25/TB,crop=1920:1080:x=3*n:y=250+3*n,scale=1280:720:flags=area"
  dim="format=gbrp,lutrgb=r=val*0.3+10:g=val*0.3+10:b=val*0.3+10,format=yuv420p"
  ffmpeg -v error -y -i "$photograph" -vf "$pan,$dim" -r 25 \
    -c:v libx264 -preset veryfast -crf 32 "$clip" </dev/null
elif [ -n "$seconds" ]; then
  say "taking the first $seconds seconds"
  before='as it was'
  ffmpeg -v error -y -i "$clip" -t "$seconds" -map 0:v:0 -map '0:a:0?' -c copy \
    "$out/start.mkv" </dev/null
  clip=$folder/start.mkv
else
  before='as it was'
fi

# The pipeline, without and with the counter of what is done.
enhance=(! videoconvert ! sympieenhance ! "video/x-raw,format=I420")
encode=(! x264enc ! h264parse ! queue ! mux.)
source=(filesrc "location=$clip" ! decodebin name=source)
sound=()
if has a; then
  sound=(source. ! queue ! audioconvert ! audioresample ! avenc_aac ! queue ! mux.)
fi
sink=(mp4mux name=mux ! filesink "location=$folder/enhanced.mp4")
environment=("GST_PLUGIN_PATH=$root/build/gst-sympie"
  "SYMPIE_WEIGHTS=$root/weights/nem.safetensors")
plain=("${source[@]}" source. ! queue "${enhance[@]}" "${encode[@]}"
  "${sound[@]}" "${sink[@]}")
counted=("${source[@]}" source. ! queue "${enhance[@]}"
  ! progressreport update-freq=1 silent=false "${encode[@]}" "${sound[@]}" "${sink[@]}")

say "enhancing $clip"
log=$out/gst-launch.log
if ! env "${environment[@]}" gst-launch-1.0 -e -q "${counted[@]}" 2>"$log" |
  sed -u -n -E 's/^progressreport0 \(([0-9:]+)\): (.*)/demo: \2, after \1/p'; then
  fail "GStreamer could not enhance $clip: $(sed -n -E 's/^ERROR: (.*)/\1/p' "$log" | head -1) (see $log)"
fi

say "putting them side by side"
# Frames pair by number: the times of two containers differ by their rounding.
rate=$(ask v:0 stream=avg_frame_rate "$clip" | head -1)
[[ $rate =~ ^[1-9] ]] || rate=25/1
# half TEXT: the filters of one half, labelled.
half() {
  printf "settb=1/(%s),setpts=N,scale=960:-2:flags=area,setsar=1," "$rate"
  printf "drawtext=text='%s':font=DejaVu Sans:fontsize=24:fontcolor=white:" "$1"
  printf "box=1:boxcolor=black@0.6:boxborderw=8:x=16:y=16"
}
halves="[0:v:0]$(half "before\: $before"),pad=iw+4:0:0:0:white[before]"
halves+=";[1:v:0]$(half 'after\: sympieenhance')[after]"
ffmpeg -v error -y -i "$clip" -i "$out/enhanced.mp4" \
  -filter_complex "$halves;[before][after]hstack[both]" -map '[both]' -r "$rate" \
  -c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p "$out/side-by-side.mp4" </dev/null
middle=$(ask '' format=duration "$out/side-by-side.mp4" | awk '{ print $1 / 2 }')
ffmpeg -v error -y -ss "$middle" -i "$out/side-by-side.mp4" -frames:v 1 \
  "$out/side-by-side.png" </dev/null

say "done: $out/enhanced.mp4, $out/side-by-side.mp4, $out/side-by-side.png"
say "the pipeline, to copy:"
for word in "${environment[@]}" gst-launch-1.0 -e "${plain[@]}"; do
  [[ $word =~ ^[]A-Za-z0-9_./=,:!@+-]+$ ]] || word=$(printf %q "$word")
  printf '%s ' "$word"
done
printf '\n'
