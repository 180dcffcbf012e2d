#!/usr/bin/env bash
# pipelines/corruption-sheet.sh: a sheet of the size that it says, in which rows
# and columns differ, and where it gives up.
set -euo pipefail
sheet=$1/pipelines/corruption-sheet.sh
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

fail() { printf '%s\n' "$*" >&2; exit 1; }

# refuse TEXT ARGUMENTS...: fails and says so.
refuse() {
  local text=$1 output
  shift
  ! output=$("$sheet" --no-setup "$@" 2>&1) || fail "accepted: $*"
  grep -qF -- "$text" <<<"$output" || fail "$*: $output"
}

ffmpeg -v error -f lavfi -i mandelbrot=size=90x70 -frames:v 1 "$scratch/picture.png"
"$sheet" --no-setup --size 32 --out "$scratch/sheet.png" "$scratch/picture.png" >/dev/null
# Ten pictures, a gap and the names across, 23 rows down.
size=$(ffprobe -v error -show_entries stream=width,height -of default=nk=1:nw=1 "$scratch/sheet.png")
[ "$size" = $'528\n736' ] || fail "a sheet of $size"

# Every row has pictures of its own, on either side of the gap; across it they are
# the same where nothing looks damaged to sympieenhance.
for x in 200 368; do
  for row in {0..22}; do
    ffmpeg -v error -i "$scratch/sheet.png" -vf "crop=160:32:$x:$((32 * row))" \
      -f md5 - </dev/null
  done >"$scratch/$x"
  sort "$scratch/$x" | uniq -d | grep -q . && fail 'rows that are alike'
done
cmp -s "$scratch/200" "$scratch/368" && fail 'nothing was enhanced'

refuse 'which picture'
refuse 'not a readable file' "$scratch/none.png"
refuse 'cannot read' "$0"
refuse 'would overwrite' --out "$scratch/picture.png" "$scratch/picture.png"
refuse 'one picture at a time' "$scratch/picture.png" "$scratch/picture.png"
refuse '--size wants' --size 0 "$scratch/picture.png"
refuse 'unknown option' --colour "$scratch/picture.png"
exit 0
