#!/usr/bin/env bash
# Builds Debian's packages of what is committed here (in a tree without git, of all
# but build*), and has lintian look at them:
#
#   packaging/deb.sh [FOLDER]     leaves them in FOLDER; build/deb unless named
#
# Wants build-essential, debhelper, lintian, and what packaging/debian/control names.
set -euo pipefail
from=$PWD
cd "$(dirname "$0")/.."
out=$(cd "$from" && realpath -m -- "${1-$OLDPWD/build/deb}")

say() { printf 'deb: %s\n' "$*"; }
fail() { printf 'deb: %s\n' "$*" >&2; exit 1; }

for command in dpkg-buildpackage dh lintian; do
  command -v $command >/dev/null ||
    fail "no $command: apt-get install build-essential debhelper lintian"
done
version=$(sed -n '1s/.*(\(.*\)-.*/\1/p' packaging/debian/changelog)
grep -q "^  version: '$version'," meson.build ||
  fail "packaging/debian/changelog is about $version, meson.build is not"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
source=gst-sympie-$version
mkdir "$folder/$source"
if [ -e .git ]; then
  git archive HEAD
else # of a tree that was unpacked
  tar -c --exclude='./build*' .
fi | tar -x -C "$folder/$source"
tar -C "$folder" -czf "$folder/gst-sympie_$version.orig.tar.gz" "$source"
cp -r packaging/debian "$folder/$source"

say "building $version"
(cd "$folder/$source" && dpkg-buildpackage -us -uc) >"$folder/log" 2>&1 ||
  { tail -50 "$folder/log" >&2; fail "dpkg-buildpackage failed"; }
rm -r "${folder:?}/$source"
mkdir -p "$out"
mv "$folder/log" "$out/build.log"
mv "$folder"/* "$out"
say "lintian:"
lintian --fail-on error --allow-root "$out"/*.changes
ls "$out"/*.deb
