#!/usr/bin/env bash
# aarch64.sh [TEST...]: compiles tests of the kernels for 64-bit ARM and runs
# them under qemu: the portable variants and what is written for NEON. Debian's
# packages are gcc-aarch64-linux-gnu and qemu-user; without them it skips.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}
cc=aarch64-linux-gnu-gcc qemu=qemu-aarch64
command -v $cc >/dev/null || skip "no $cc; install gcc-aarch64-linux-gnu"
command -v $qemu >/dev/null || skip "no $qemu; install qemu-user"

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
flags=(-std=c11 -O3 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -Ikernels)

compile() {
  local object=$build/${1//\//.}.o contract=fast
  # as in kernels/cpu/meson.build
  case $1 in kernels/cpu/dwm_*) contract=off ;; esac
  $cc "${flags[@]}" -ffp-contract=$contract -c "$1" -o "$object"
  printf '%s\n' "$object"
}

# Whatever needs no other library; the linker takes of it what a test calls.
for source in kernels/*.c kernels/cpu/*.c; do
  case $source in
    kernels/safetensors.c | *_avx* | *_ssse3.c) continue ;;
  esac
  objects+=("$(compile "$source")")
done
aarch64-linux-gnu-ar rc "$build/kernels.a" "${objects[@]}"

if [ $# -gt 0 ]; then
  tests=("$@")
else
  tests=(conv dwm preprocess pool)
fi
for name in "${tests[@]}"; do
  sources=("tests/kernels/$name.c")
  case $name in
    dwm) sources+=(tests/kernels/dwm_definition.c tests/kernels/frame.c) ;;
    preprocess) sources+=(tests/kernels/frame.c) ;;
  esac
  $cc "${flags[@]}" -static "${sources[@]}" "$build/kernels.a" -lm -lpthread \
    -o "$build/$name"
  printf '== %s\n' "$name"
  $qemu "$build/$name"
done
