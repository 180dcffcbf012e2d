#!/usr/bin/env bash
# Installs weights of VGG19 for sympieprobe in the user's data directory.
#
#   weights/fetch-vgg19.sh [URL-or-file]
#
# Takes torchvision's vgg19-dcbb9e9d.pth, which it downloads where nothing else is
# named, or a safetensors file with torchvision's names. The hash that the name of
# a .pth file ends in is checked, and so are all shapes; a .pth file is converted.
# The weights come with a licence of their own: none are part of gst-sympie.
set -euo pipefail

default=https://download.pytorch.org/models/vgg19-dcbb9e9d.pth
fail() { printf 'fetch-vgg19: %s\n' "$*" >&2; exit 1; }

case "${1-}" in
  -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
esac
[ $# -le 1 ] || fail "one URL or file at most"
source=${1:-$default}
target=${XDG_DATA_HOME:-$HOME/.local/share}/gst-sympie/vgg19.safetensors
here=$(cd "$(dirname "$0")" && pwd)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case "$source" in
  http://* | https://*)
    command -v curl >/dev/null || fail "curl not found; install it or name a file"
    name=${source%%[?#]*}
    file=$folder/${name##*/}
    curl --fail --location --show-error --silent --output "$file" "$source" ||
      fail "cannot download $source"
    ;;
  *)
    file=$source
    [ -r "$file" ] || fail "cannot read $file"
    ;;
esac

# vgg19-dcbb9e9d.pth: the SHA-256 of the file begins with dcbb9e9d.
hash=$(sha256sum <"$file" | cut -d' ' -f1)
if [[ $file =~ -([0-9a-f]{8,64})\.pth$ ]]; then
  [[ $hash == "${BASH_REMATCH[1]}"* ]] ||
    fail "$source is damaged: its SHA-256 is $hash, not ${BASH_REMATCH[1]}..."
fi

/usr/bin/python3 "$here/vgg19.py" "$file" "$folder/vgg19.safetensors" "$hash" || exit 1
mkdir -p "$(dirname "$target")"
# Renamed into place: nobody reads half a file.
cp "$folder/vgg19.safetensors" "$target.part"
mv "$target.part" "$target"
printf 'fetch-vgg19: %s (SHA-256 of the source: %s)\n' "$target" "$hash"
