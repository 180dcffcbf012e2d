#!/usr/bin/env bash
# The two commands of the README in a bare Debian, as a newcomer runs them:
#
#   tests/distributions.sh [--keep FOLDER] [SUITE...]
#
# then what only `setup.sh --all` makes run, and Debian's packages: built there, and
# installed and used in another bare Debian. SUITE is bookworm or trixie, both unless
# named. For each, debootstrap makes a system, which gets what is committed here and
# sees ../shared beside it, if that is there. With --keep the systems stay, as
# FOLDER/SUITE and FOLDER/SUITE-user, and are used again. Wants root, and takes the
# better part of an hour each, so tests/run.sh leaves it out.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'distributions: %s\n' "$*"; }
fail() { printf 'distributions: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || fail "debootstrap and chroot want root"
command -v debootstrap >/dev/null || fail "no debootstrap: apt-get install debootstrap"
keep=
if [ "${1-}" = --keep ]; then
  keep=$(realpath -m -- "${2:?a folder}")
  mkdir -p "$keep"
  shift 2
fi
[ $# -gt 0 ] || set -- bookworm trixie

# Where this machine has its own packages from.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
  awk '/\/debian\/$/ && !n++')
[ -n "$mirror" ] || fail "apt names no Debian mirror here"

systems=()
leave() {
  local root mounted
  for root in "${systems[@]}"; do
    for mounted in shared dev proc; do
      ! mountpoint -q "$root/$mounted" || umount -l "$root/$mounted"
    done
  done
  [ -n "$keep" ] || rm -rf --one-file-system "$folder"
}
folder=${keep:-$(mktemp -d)}
trap leave EXIT

# system SUITE ROOT: a bare Debian, to which what is committed comes.
system() {
  if [ ! -e "$2/gst-sympie" ]; then
    say "$1: making the system"
    rm -rf --one-file-system "$2"
    debootstrap --variant=minbase "$1" "$2" "$mirror" >"$2.log" ||
      { tail -5 "$2.log" >&2; fail "debootstrap $1 failed"; }
  fi
  rm -rf "$2/gst-sympie"
  mkdir -p "$2/gst-sympie" "$2/shared"
  git archive HEAD | tar -x -C "$2/gst-sympie"
  systems+=("$2")
  mount -t proc proc "$2/proc"
  mount --bind /dev "$2/dev"
  [ ! -d ../shared ] || mount --bind -o ro ../shared "$2/shared"
}

failed=()
# inside ROOT COMMAND
inside() {
  say "${1##*/}: $2"
  chroot "$1" env -i HOME=/root LANG=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "cd /gst-sympie && $2" </dev/null || failed+=("${1##*/}: $2")
}

for suite; do
  root=$folder/$suite
  system "$suite" "$root"
  inside "$root" ./pipelines/demo.sh
  inside "$root" ./tests/run.sh
  inside "$root" './setup.sh --all && meson test -C build --suite pipelines --suite weights'

  system "$suite" "$root-user"
  rm -rf "$root/packages" "$root-user/packages"
  inside "$root" 'apt-get install -qq build-essential debhelper lintian >/dev/null &&
    packaging/deb.sh /packages'
  if [ -d "$root/packages" ]; then
    cp -r "$root/packages" "$root-user"
    inside "$root-user" 'tests/packaging.sh /packages'
  fi
done
[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
say "all passed in: $*"
