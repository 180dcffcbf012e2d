#!/usr/bin/env bash
# The more a clip is compressed, the larger is its feature MSE; of a clip with
# itself it is 0. Real clips, the last layer of VGG19, seeded weights.
#
#   probe-rates.sh SEED-VGG19
set -uo pipefail
clips=${SYMPIE_TEST_DATA-}/videos
ls "$clips"/*.mp4 >/dev/null 2>&1 || { echo "no clips in $clips"; exit 77; }
command -v ffmpeg >/dev/null || { echo "no ffmpeg"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
"$1" "$scratch/vgg19.safetensors" || exit 1
failed=0
wrong() { # at the clip and rate at hand
  echo "$clip, CRF $crf: $mse, $*"
  failed=1
}

encode() { # FROM TO OPTIONS...: without a sound, H.264
  local from=$1 to=$2
  shift 2
  ffmpeg -nostdin -v error -y -i "$from" -an -c:v libx264 -threads 1 "$@" "$to" || exit 1
}

mean() { # REFERENCE DISTORTED: feature MSE of every sixth frame
  gst-launch-1.0 -q filesrc location="$1" ! decodebin ! probe.ref_sink \
    filesrc location="$2" ! decodebin ! probe.dist_sink \
    sympieprobe name=probe weights="$scratch/vgg19.safetensors" subsample=6 strict=true \
    results-filename="$scratch/results.csv" ! fakesink >&2 || exit 1
  awk -F, 'NR > 1 { sum += $7 } END { if (NR != 3) exit 1; printf "%.9g", sum / 2 }' \
    "$scratch/results.csv"
}

for clip in "$clips"/*.mp4; do
  reference=$scratch/reference.mkv last=0
  encode "$clip" "$reference" -frames:v 12 -preset ultrafast -qp 0 # without a loss
  said=$(basename "$clip" .mp4)
  for crf in same 25 35 45; do
    if [ $crf = same ]; then
      mse=$(mean "$reference" "$reference") || exit 1
      awk "BEGIN { exit !($mse == 0) }" || wrong "not 0 of a clip with itself"
    else
      encode "$reference" "$scratch/compressed.mkv" -preset veryfast -crf $crf
      mse=$(mean "$reference" "$scratch/compressed.mkv") || exit 1
      awk "BEGIN { exit !($mse > $last) }" || wrong "not more than at the rate before"
    fi
    said+=", $crf: $mse" last=$mse
  done
  echo "$said"
done
exit $failed
