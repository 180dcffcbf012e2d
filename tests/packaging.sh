#!/usr/bin/env bash
# packaging.sh FOLDER: installs the packages in FOLDER, which packaging/deb.sh made,
# on this Debian, and uses them: enhances video, and compiles and runs the program
# in sympie.h's documentation. For a system to throw away: see distributions.sh.
set -euo pipefail
packages=$(realpath -- "${1:?packaging.sh FOLDER}")
cd "$(dirname "$0")/.."

say() { printf 'packaging: %s\n' "$*"; }
fail() { printf 'packaging: %s\n' "$*" >&2; exit 1; }

# with PACKAGE... : ours from the folder.
with() {
  local name files=()
  for name; do
    files+=("$packages/$name"_*.deb)
    [ -e "${files[-1]}" ] || files[-1]=$name
  done
  say "installing $*"
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${files[@]}" \
    >/dev/null
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
apt-get update -qq

with gstreamer1.0-sympie sympie-data gstreamer1.0-tools gstreamer1.0-plugins-base
gst-inspect-1.0 sympieenhance >/dev/null || fail "GStreamer finds no sympieenhance"
play() {
  gst-launch-1.0 -q videotestsrc num-buffers=3 ! \
    video/x-raw,format=I420,width=320,height=240 "$@" ! filesink location="$folder/video"
  [ "$(wc -c <"$folder/video")" -eq $((3 * 320 * 240 * 3 / 2)) ] || fail "no video: $*"
  sha256sum <"$folder/video"
}
[ "$(play)" != "$(play ! sympieenhance gate=off)" ] || fail "sympieenhance does nothing"
[ "$(play)" != "$(play ! sympiecorrupt)" ] || fail "sympiecorrupt does nothing"

with libsympie0
ldd /usr/lib/*/libsympie.so.0 | grep jpeg && fail "libsympie0 wants libjpeg"
with libsympie-dev libsympie-corrupt0 gcc libc6-dev pkgconf
tests/install/example.sh /usr/include/gst-sympie/sympie.h >"$folder/example.c"
# shellcheck disable=SC2046
gcc "$folder/example.c" -o "$folder/example" $(pkg-config --cflags --libs sympie)
head -c 921600 /dev/urandom >"$folder/in"
"$folder/example" /usr/share/gst-sympie/nem.safetensors <"$folder/in" >"$folder/out" ||
  fail "the header's example"
[ "$(wc -c <"$folder/out")" -eq 921600 ] || fail "the header's example wrote no picture"
# shellcheck disable=SC2046
echo 'int main (void) { return !sympie_corruption_name (0); }' |
  gcc -include sympie_corrupt.h -x c - -o "$folder/corrupt" \
    $(pkg-config --cflags --libs sympie-corrupt)
"$folder/corrupt" || fail "libsympie-corrupt"
say "installed and used: $(cd "$packages" && echo *.deb)"
