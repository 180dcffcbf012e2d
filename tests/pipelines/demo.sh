#!/usr/bin/env bash
# pipelines/demo.sh, short: on a clip of ours with sound, without a clip, and
# where it gives up.
set -euo pipefail
demo=$1/pipelines/demo.sh
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

fail() { printf '%s\n' "$*" >&2; exit 1; }

# frames FILE: its video frames, counted.
frames() {
  ffprobe -v error -select_streams v:0 -count_packets -of default=nk=1:nw=1 \
    -show_entries stream=nb_read_packets "$1"
}

# A name that a shell or gst-launch-1.0 could trip over.
clip="$scratch/it's a (clip).mkv"
ffmpeg -v error -f lavfi -i testsrc=size=176x144:rate=25:duration=1 \
  -f lavfi -i sine=duration=1 -c:v libx264 -pix_fmt yuv420p -c:a aac "$clip" </dev/null

"$demo" --no-setup --out "$scratch/out" "$clip" | tee "$scratch/said"
enhanced=$scratch/out/enhanced.mp4
[ "$(frames "$enhanced")" -eq 25 ] || fail "$(frames "$enhanced") frames of 25"
[ "$(frames "$scratch/out/side-by-side.mp4")" -eq 25 ] || fail 'side-by-side.mp4 lacks frames'
ffprobe -v error -select_streams a -show_entries stream=codec_name -of default=nk=1:nw=1 "$enhanced" |
  grep -qx aac || fail 'the sound is gone'
[ -s "$scratch/out/side-by-side.png" ] || fail 'no side-by-side.png'
grep -q '100.0 %' "$scratch/said" || fail 'no progress shown'

# What it prints to be copied does the job once more.
rm "$enhanced"
tail -1 "$scratch/said" | bash >/dev/null
[ "$(frames "$enhanced")" -eq 25 ] || fail 'the printed line does something else'

# What a DVD holds: an MPEG program stream, interlaced, with pixels that are not
# square.
ffmpeg -v error -f lavfi -i testsrc2=s=352x288:rate=25:duration=0.4 -vf setsar=64/45 \
  -c:v mpeg2video -flags +ilme+ildct "$scratch/disc.mpg" </dev/null
"$demo" --no-setup --out "$scratch/out" "$scratch/disc.mpg"
[ "$(frames "$scratch/out/side-by-side.mp4")" -ge 9 ] || fail 'a program stream loses frames'

# says EXPECTED ARGUMENTS...: the demo fails, and this is all that it says.
says() {
  local expected=$1 said
  shift
  if said=$("$demo" --no-setup --out "$scratch/out" "$@" 2>&1 >/dev/null); then
    fail "no failure: $*"
  fi
  if [ "$(wc -l <<<"$said")" -ne 1 ] || [[ $said != *"$expected"* ]]; then
    fail "$*: said '$said', wanted '$expected'"
  fi
}
says 'no such file' "$scratch/nothing.mp4"
says 'no video in' "$0"
says 'not a readable file' "$scratch"
says "unknown option '--second'" --second 1
head -c 20000 "$enhanced" >"$scratch/torn.mp4"
says 'no video in' "$scratch/torn.mp4"
for made in "$scratch"/out/{enhanced,side-by-side}.mp4; do
  says 'would overwrite' "$made"
  [ -s "$made" ] || fail "deleted: $made"
done
# The reason comes from GStreamer, in whatever language.
ffmpeg -v error -f lavfi -i testsrc=size=64x48 -frames:v 2 -c:v ffv1 "$scratch/rare.mkv" </dev/null
LANGUAGE=de GST_PLUGIN_FEATURE_RANK=avdec_ffv1:NONE says 'missing a plug-in' "$scratch/rare.mkv"

if [ ! -e /usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg ]; then
  echo 'no lomiri-wallpapers-16.04 (setup.sh installs it): the demo without a clip is not tried'
  exit 77
fi
"$demo" --no-setup --out "$scratch/out" --seconds 1
[ "$(frames "$enhanced")" -eq 25 ] || fail "$(frames "$enhanced") frames of 25, without a clip"
