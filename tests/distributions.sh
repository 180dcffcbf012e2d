#!/usr/bin/env bash
# The two commands of the README in a bare Debian, as a newcomer runs them:
#
#   tests/distributions.sh [--keep FOLDER] [SUITE...]
#
# and then what only `setup.sh --all` makes run. SUITE is bookworm or trixie, both
# unless named. For each, debootstrap makes a system, which gets what is committed
# here and sees ../shared beside it, if that is there. With --keep the systems stay,
# as FOLDER/SUITE, and are used again. Wants root, and takes the better part of an
# hour each, so tests/run.sh leaves it out.
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
  grep '/debian/$' | head -1)
[ -n "$mirror" ] || fail "apt names no Debian mirror here"

root=
leave() {
  local mounted
  for mounted in shared dev proc; do
    ! mountpoint -q "$root/$mounted" || umount -l "$root/$mounted"
  done
  [ -n "$keep" ] || rm -rf --one-file-system "$root"
  root=
}
trap '[ -z "$root" ] || leave' EXIT

failed=()
for suite; do
  root=${keep:-$(mktemp -d)}/$suite
  if [ ! -e "$root/gst-sympie" ]; then
    say "$suite: making the system"
    debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" ||
      { tail -5 "$root.log" >&2; fail "debootstrap $suite failed"; }
  fi
  rm -rf "$root/gst-sympie"
  mkdir -p "$root/gst-sympie" "$root/shared"
  git archive HEAD | tar -x -C "$root/gst-sympie"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  [ ! -d ../shared ] || mount --bind -o ro ../shared "$root/shared"
  for command in ./pipelines/demo.sh ./tests/run.sh \
    './setup.sh --all && meson test -C build --suite pipelines --suite weights'; do
    say "$suite: $command"
    chroot "$root" env -i HOME=/root LANG=C.UTF-8 TERM=dumb \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      bash -c "cd /gst-sympie && $command" </dev/null || failed+=("$suite: $command")
  done
  leave
done
[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
say "all passed in: $*"
