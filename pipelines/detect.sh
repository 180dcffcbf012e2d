#!/usr/bin/env bash
# Enhances a clip before a detector of Debian's, and prints what that finds, a
# line each:
#
#   pipelines/detect.sh codes CLIP    bar and QR codes, by zbar
#   pipelines/detect.sh faces CLIP    faces, by OpenCV (gstreamer1.0-opencv and
#                                     opencv-data); it complains that Debian has no
#                                     files for noses, mouths and eyes
#
#   --plain   without the enhancement, to compare
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
fail() { printf 'detect: %s\n' "$*" >&2; exit 2; }

enhance=(sympieenhance !) words=()
for word; do
  case $word in
    --plain) enhance=() ;;
    -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
    -*) fail "unknown option '$word'; see --help" ;;
    *) words+=("$word") ;;
  esac
done
[ ${#words[@]} -eq 2 ] || fail "codes or faces, and which clip? see --help"
clip=${words[1]}
case ${words[0]} in
  codes) detector=(zbar) message=barcode found='symbol=[(]string[)]"*[^",]*' ;;
  faces)
    cascade=/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml
    [ -r "$cascade" ] || fail "no $cascade: install opencv-data"
    detector=(facedetect display=false "profile=$cascade") message=facedetect
    found='x=[(]uint[)][0-9]+, y=[(]uint[)][0-9]+, width=[(]uint[)][0-9]+, height=[(]uint[)][0-9]+'
    ;;
  *) fail "codes or faces, not '${words[0]}'" ;;
esac
if [ ! -f "$clip" ] || [ ! -r "$clip" ]; then fail "not a readable file: $clip"; fi
gst-inspect-1.0 "${detector[0]}" >/dev/null 2>&1 || fail "no element ${detector[0]}: see --help"

export GST_PLUGIN_PATH=$root/build/gst-sympie${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}
export SYMPIE_WEIGHTS=${SYMPIE_WEIGHTS:-$root/weights/nem.safetensors}
# A message has the time, then what was found: of faces perhaps several, quoted.
gst-launch-1.0 -m filesrc "location=$clip" ! decodebin ! videoconvert ! \
  "${enhance[@]}" videoconvert ! "${detector[@]}" ! fakesink |
  { grep " $message, " || true; } | tr -d '\134' |
  awk -v found="$found" '{
    match($0, /stream-time=[(]guint64[)][0-9]+/)
    time = substr($0, RSTART + 21, RLENGTH - 21)
    rest = substr($0, RSTART + RLENGTH)
    while (match(rest, found)) {
      what = substr(rest, RSTART, RLENGTH)
      rest = substr(rest, RSTART + RLENGTH)
      gsub(/symbol=|[(](string|uint)[)]|"/, "", what)
      printf "%d ms  %s\n", time / 1e6, what
    }
  }'
