#!/usr/bin/env bash
# Shows every corruption of sympiecorrupt on a picture, and what sympieenhance
# makes of it:
#
#   ./pipelines/corruption-sheet.sh IMAGE
#
# leaves build/corruption-sheet.png: 23 rows, one a corruption; on the left the
# severities 1 to 5, on the right the same five enhanced. It takes the middle of
# the picture, as large a square as there is, reduced to 224x224.
#
#   --size N      N pixels instead of 224
#   --seed N      another draw of what is left to chance
#   --out FILE    another file than build/corruption-sheet.png
#   --no-setup    without setup.sh first: build/ is up to date
set -euo pipefail
from=$PWD
cd "$(dirname "$0")/.."
out=$PWD/build/corruption-sheet.png
export LANGUAGE=en LC_ALL=C.UTF-8 # what GStreamer says is looked through

fail() { printf 'corruption-sheet: %s\n' "$*" >&2; exit 1; }

size=224 seed=0 setup=yes image=''
while [ $# -gt 0 ]; do
  case $1 in
    --size)
      [[ ${2-} =~ ^[1-9][0-9]{0,3}$ ]] || fail "--size wants 1 to 9999 pixels"
      size=$2
      shift
      ;;
    --seed)
      [[ ${2-} =~ ^[0-9]+$ ]] || fail "--seed wants a number"
      seed=$2
      shift
      ;;
    --out)
      [ -n "${2-}" ] || fail "--out wants a file"
      out=$(cd "$from" && realpath -m -- "$2")
      shift
      ;;
    --no-setup) setup= ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
    -*) fail "unknown option '$1'; see --help" ;;
    *)
      [ -z "$image" ] || fail "one picture at a time, not '$image' and '$1'"
      image=$(cd "$from" && realpath -m -- "$1")
      ;;
  esac
  shift
done
[ -n "$image" ] || fail "which picture? See --help"
[ -f "$image" ] && [ -r "$image" ] || fail "not a readable file: $image"
[ ! "$image" -ef "$out" ] || fail "the sheet would overwrite $image"
[ -z "$setup" ] || ./setup.sh

export GST_PLUGIN_PATH=$PWD/build/gst-sympie
export SYMPIE_WEIGHTS=$PWD/weights/nem.safetensors
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

ffmpeg -v error -y -i "$image" -frames:v 1 -pix_fmt rgb24 -vf \
  "crop='min(iw,ih)':'min(iw,ih)',scale=$size:$size:flags=area" \
  "$scratch/picture.png" </dev/null || fail "cannot read $image"

# The values of the property corruption, without none and mixed.
mapfile -t corruptions < <(gst-inspect-1.0 sympiecorrupt | sed -n -E \
  '/^  corruption /,/^  [a-z]/s/^ +\(([0-9]+)\): ([a-z-]+) .*/\2/p' |
  grep -v -x -e none -e mixed)
[ ${#corruptions[@]} -eq 23 ] || fail "sympiecorrupt has ${#corruptions[@]} corruptions"

# row CORRUPTION FILE: its ten pictures side by side, as one pipeline.
row() {
  local gap=8 layout=() branches=() s
  for s in 1 2 3 4 5; do
    layout+=("sink_$((s - 1))::xpos=$(((s - 1) * size))"
      "sink_$((s + 4))::xpos=$(((s + 4) * size + gap))")
    branches+=(picture. ! queue ! sympiecorrupt "corruption=$1" "severity=$s"
      "seed=$seed" ! tee "name=severity$s"
      "severity$s." ! queue ! videoconvert ! "sheet.sink_$((s - 1))"
      "severity$s." ! queue ! sympieenhance ! videoconvert ! "sheet.sink_$((s + 4))")
  done
  gst-launch-1.0 -q compositor name=sheet background=white "${layout[@]}" \
    ! videoconvert ! video/x-raw,format=RGB ! pngenc ! filesink "location=$2" \
    filesrc "location=$scratch/picture.png" ! pngdec ! imagefreeze num-buffers=1 \
    ! videoconvert ! video/x-raw,format=RGB ! tee name=picture \
    "${branches[@]}" >"$scratch/log" 2>&1 ||
    fail "$1: $(sed -n -E 's/^ERROR: (.*)/\1/p' "$scratch/log" | head -1)"
  [ -s "$2" ] || fail "$1: no picture came out: $(tail -1 "$scratch/log")"
}

inputs=() filters='' stack='' i=0
for corruption in "${corruptions[@]}"; do
  printf 'corruption-sheet: %s\n' "$corruption"
  row "$corruption" "$scratch/$i.png"
  inputs+=(-i "$scratch/$i.png")
  filters+="[$i:v]pad=iw+200:ih:200:0:white,drawtext=text='${corruption//-/ }'"
  filters+=":font=DejaVu Sans:fontsize=20:x=10:y=(h-text_h)/2[r$i];"
  stack+="[r$i]"
  i=$((i + 1))
done
mkdir -p "$(dirname "$out")"
ffmpeg -v error -y "${inputs[@]}" -filter_complex "$filters${stack}vstack=inputs=$i" \
  -frames:v 1 "$out" </dev/null
printf 'corruption-sheet: done: %s\n' "$out"
