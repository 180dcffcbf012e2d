#!/usr/bin/env bash
# Plants faults in the CUDA kernels, one at a time, and sees to it that the
# emulation or a test finds each: what no test can find is not tested.
#
#   tests/cuda/plant.sh [BUILD]    default: build-emulated, which is built
#
# Takes some minutes, and is no part of the test run.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build-emulated}
[ -f "$build/kernels/libsympie.a" ] || {
  echo "plant.sh: $build has no libsympie.a: meson setup $build -Dcuda=emulated; ninja -C $build" >&2
  exit 1
}
read -ra json <<<"$(pkg-config --libs json-glib-1.0)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# plant NAME TEST KERNEL FILE SED TEXT: the text is what is to be said.
plant() {
  local folder=$work/kernels said code=0 objects
  rm -rf "$folder"
  cp -r kernels "$folder"
  sed -i -E "$5" "$folder/cuda/$4"
  if cmp -s "kernels/cuda/$4" "$folder/cuda/$4"; then
    printf '%-44s NOT PLANTED\n' "$1"
    status=1
    return
  fi
  "${CXX:-g++}" -x c++ -std=c++17 -O2 -w -fno-strict-aliasing -fsanitize=alignment \
    -fno-sanitize-recover=alignment -DSYMPIE_EMULATED -I"$folder" \
    -I"$folder/cuda/emulated" -c "$folder/cuda/$3" -o "$work/planted.o"
  mapfile -t objects < <(find "$build/tests/cuda/cuda-$2.p" -name '*.o')
  "${CC:-cc}" "${objects[@]}" "$work/planted.o" \
    "$build/kernels/libsympie.a" -lstdc++ -ldl -lpthread \
    -lm "${json[@]}" -o "$work/test"
  said=$(timeout 300 "$work/test" 1 2>&1) || code=$?
  if [ $code -eq 0 ] || ! grep -qE "$6" <<<"$said"; then
    printf '%-44s MISSED (%d): %s\n' "$1" "$code" "$(tail -1 <<<"$said")"
    status=1
  else
    printf '%-44s found: %s\n' "$1" "$(grep -oEm1 "$6" <<<"$said" | head -1)"
  fi
}

plant 'splits are counted with no fence' conv conv.cu conv.cu \
  '0,/^    __threadfence \(\);/s///' 'no fence: counts'
plant 'splits are counted with no barrier' conv conv.cu conv.cu \
  '/^    __threadfence \(\);/{n;s/  __syncthreads \(\);//}' 'no barrier: '
plant 'splits are read with no fence' conv conv.cu conv.cu \
  '/^      return false;/{n;s/  __threadfence \(\);//}' 'no fence: reads'
plant 'operands of a product are swapped' conv conv.cu conv.cu \
  's/left\[i\], &right\[j \/ 2\]/right[i], \&left[j \/ 2]/' 'off|differ|not'
plant 'the ring is read with no barrier' conv conv.cu conv.cu \
  '/wait_copies<L::STAGES - 2>/{n;s/__syncthreads \(\);//}' 'race|unwritten'
plant 'a copy is waited for too little' conv conv.cu conv.cu \
  's/wait_copies<L::STAGES - 2>/wait_copies<L::STAGES - 1>/' 'race|unwritten'
plant 'a lane loads from the wrong row' conv conv.cu matrix.h \
  's/lane % 8 \+ lane \/ 16 \* 8/lane % 8 + lane \/ 8 % 2 * 8/' 'off|differ|not'
plant 'a copy starts at an odd element' conv conv.cu conv.cu \
  's/layer\.in \+ \(from\[j\] \+ offset\)/layer.in + (from[j] + offset + 1)/' 'misaligned'
plant 'pixels below the image are read' conv conv.cu conv.cu \
  's/y \+ 1 < layer\.height \? across << 6 : 0/across << 6/' 'out of bounds|off|differ'
plant 'the filter is read before it is there' dwm dwm.cu dwm.cu \
  '/copy_frame<L> \(a\);/,/__syncthreads/s/__syncthreads \(\);//' 'race|unwritten'
plant 'words are moved where rows are not aligned' dwm dwm.cu dwm.cu \
  's/a->aligned = bits % word == 0/a->aligned = true/' 'misaligned'
exit $status
