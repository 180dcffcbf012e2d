#!/usr/bin/env bash
# transcode.sh, detect.sh and frames.py on clips made here: what comes out, and
# where they give up.
set -euo pipefail
pipelines=$1/pipelines
export GST_PLUGIN_PATH=$1/build/gst-sympie SYMPIE_WEIGHTS=$1/weights/nem.safetensors
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

fail() { printf '%s\n' "$*" >&2; exit 1; }

# refuse TEXT SCRIPT ARGUMENTS...: fails and says so.
refuse() {
  local text=$1 script=$2 output
  shift 2
  ! output=$("$pipelines/$script" "$@" 2>&1) || fail "$script accepted: $*"
  grep -qF -- "$text" <<<"$output" || fail "$script $*: $output"
}

cd "$scratch"
ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10 -f lavfi -i sine -t 2 \
  -c:v libx264 -c:a aac 'with sound.mkv' </dev/null
ffmpeg -v error -i 'with sound.mkv' -an -c:v copy mute.mp4 </dev/null
ffmpeg -v error -i 'with sound.mkv' -vn -c:a copy sound.mp4 </dev/null

for clip in 'with sound.mkv' mute.mp4; do
  "$pipelines/transcode.sh" "$clip" out.mp4 strength=0.5
  streams=$(ffprobe -v error -count_frames -show_entries stream=codec_name,nb_read_frames \
    -select_streams v -of csv=p=0 out.mp4)
  [ "$streams" = h264,20 ] || fail "$clip: $streams"
  sound=$(ffprobe -v error -show_entries stream=codec_name -select_streams a -of csv=p=0 out.mp4)
  [ "$sound" = "$([ "$clip" = mute.mp4 ] || echo aac)" ] || fail "$clip: sound $sound"
done
cp out.mp4 before
refuse 'cannot open' transcode.sh mute.mp4 out.mp4 weights=none
cmp out.mp4 before || fail 'a result is lost to one that failed'
[ ! -e out.mp4.part ] || fail 'half a result is left'
refuse 'which file' transcode.sh mute.mp4
refuse 'not a readable file' transcode.sh none.mp4 out.mp4
refuse 'not a readable file' transcode.sh . out.mp4
refuse 'an MP4 file' transcode.sh mute.mp4 out.avi
refuse 'would overwrite' transcode.sh mute.mp4 ./mute.mp4
refuse 'no video in' transcode.sh sound.mp4 out.mp4
refuse 'PROPERTY=VALUE' transcode.sh mute.mp4 out.mp4 strength

# A bar code, EAN-8 of 0123 4565, drawn here.
bars=1010001101001100100100110111101010101011100100111010100001001110101
draw=''
for ((i = 0; i < ${#bars}; i++)); do
  [ "${bars:i:1}" = 0 ] || draw+=",drawbox=x=$((30 + 4 * i)):y=20:w=4:h=160:color=black:t=fill"
done
ffmpeg -v error -f lavfi -i "color=white:size=320x240:rate=5$draw" -t 2 -c:v libx264 \
  -pix_fmt yuv420p code.mp4 </dev/null
"$pipelines/detect.sh" codes code.mp4 >found
grep -q '^[0-9]* ms  .*01234565' found || fail "no code found: $(cat found)"
"$pipelines/detect.sh" --plain codes code.mp4 >plain
grep -q '^[0-9]* ms  .*01234565' plain || fail "no code found without enhancement: $(cat plain)"
"$pipelines/detect.sh" codes mute.mp4 >none
[ ! -s none ] || fail "a code in a test picture: $(cat none)"
face=$1/../shared/data/clips/builder-face-cif.mp4
if [ -f "$face" ] && gst-inspect-1.0 facedetect >/dev/null 2>&1; then
  ffmpeg -v error -i "$face" -vf 'split[a][b];[a][b]hstack' -frames:v 3 -c:v libx264 \
    -crf 10 faces.mp4 </dev/null
  "$pipelines/detect.sh" faces faces.mp4 >found
  box='x=[0-9]*, y=[0-9]*, width=[0-9]*, height=[0-9]*'
  [ "$(grep -c "^[0-9]* ms  $box\$" found)" -eq "$(wc -l <found)" ] || fail "faces: $(cat found)"
  [ "$(grep -c '^0 ms' found)" -eq 2 ] || fail "two faces in a frame: $(cat found)"
fi
refuse 'codes or faces' detect.sh codes
refuse "not 'birds'" detect.sh birds code.mp4
refuse 'not a readable file' detect.sh codes none.mp4
refuse "unknown option '--fast'" detect.sh --fast

[ "$(wc -l <"$pipelines/frames.py")" -le 60 ] || fail 'frames.py has more than 60 lines'
if /usr/bin/python3 -c 'import gi, numpy' 2>/dev/null; then
  "$pipelines/frames.py" mute.mp4 >frames
  [ "$(grep -c '(120, 160, 3)' frames)" -eq 20 ] || fail "frames.py: $(cat frames)"
  grep -q '\[[0-9.-]*\(, [0-9.-]*\)\{8\}\]' frames || fail "no matrix: $(head -1 frames)"
  refuse 'frames.py: none.mp4: ' frames.py none.mp4
  SYMPIE_WEIGHTS=none refuse weights frames.py mute.mp4
  refuse CLIP frames.py
  "$pipelines/frames.py" --help | grep -q 'frames.py CLIP' || fail 'frames.py tells no help'
fi
exit 0
