#!/usr/bin/env bash
# avx512.sh [SEED]: runs DWM's test with what is written for AVX-512, on an x86-64 with
# AVX2 only: SIMDe, Debian's libsimde-dev, stands in for the instructions. It says
# that they compute the right thing, not how fast. Takes a minute.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}
[ -e /usr/include/simde/x86/avx512.h ] || skip "no SIMDe; install libsimde-dev"
grep -qw avx2 /proc/cpuinfo || skip "no AVX2"

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
cc=${CC:-gcc}
flags=(-std=gnu11 -O2 -D_GNU_SOURCE -Ikernels -Ikernels/cpu -ffp-contract=off)

# compile SOURCE FLAG...
compile() {
  local object=$build/${1//\//.}.o
  $cc "${flags[@]}" "${@:2}" -c "$1" -o "$object"
  objects+=("$object")
}
for source in colour dwm_fold error image machine params pool sized \
  cpu/dwm cpu/dwm_plan cpu/dwm_c cpu/packing; do
  compile "kernels/$source.c"
done
compile kernels/cpu/dwm_ssse3.c -mssse3
compile kernels/cpu/dwm_avx2.c -mavx2 -mfma
# Its vectors are no registers here.
compile kernels/cpu/dwm_avx512.c -mavx2 -mfma -w -DSIMDE_ENABLE_NATIVE_ALIASES \
  -include simde/x86/avx512.h -D'KEEP(vector)='
compile kernels/cpu/cpu.c -D'__builtin_cpu_supports(name)=1'

$cc "${flags[@]}" tests/kernels/dwm.c tests/kernels/dwm_definition.c \
  tests/kernels/frame.c "${objects[@]}" -lm -lpthread -o "$build/dwm"
"$build/dwm" "$@"
