#!/usr/bin/env bash
# Installs what gst-sympie needs on Debian 12, and only what is missing, then
# configures and compiles build/. Safe to run again.
#
#   ./setup.sh        what building, the demo and the tests need
#   ./setup.sh --all  also what only training, peers and studies need
set -euo pipefail
cd "$(dirname "$0")"

build=(
  gcc g++ meson ninja-build pkg-config
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev  # the elements
  libgstreamer-plugins-bad1.0-dev                       # gst/cuda headers
  libdnnl-dev        # oneDNN: NEM's convolutions on the CPU
  libjson-glib-dev   # the header of safetensors files
  libjpeg62-turbo-dev  # the JPEG corruption
)
run=(
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  ffmpeg
)
check=(clang-format clang libclang-rt-14-dev valgrind libc6-dbg)
research=(
  python3-numpy python3-torch python3-scipy python3-opencv python3-pil
  python3-matplotlib python3-tqdm snakemake
)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

wanted=("${build[@]}" "${run[@]}" "${check[@]}")
case "${1:-}" in
  '') ;;
  --all) wanted+=("${research[@]}") ;;
  *) fail "unknown option '$1'; usage: ./setup.sh [--all]" ;;
esac

command -v apt-get >/dev/null ||
  fail "apt-get not found: this script knows Debian 12; elsewhere install: ${wanted[*]}"

installed() {
  [ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]
}
missing=()
for package in "${wanted[@]}"; do
  installed "$package" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ]; then
    as_root=(env)
  else
    command -v sudo >/dev/null ||
      fail "not root and no sudo; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  say "every package is there"
fi

if [ ! -f build/build.ninja ]; then
  say "configuring build/"
  meson setup build >/dev/null
fi
say "compiling build/"
meson compile -C build >/dev/null || meson compile -C build
say "done: meson devenv -C build gst-inspect-1.0 sympieenhance"
