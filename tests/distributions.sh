#!/usr/bin/env bash
# The two commands of the README in a bare Debian, as a newcomer runs them:
#
#   tests/distributions.sh [SUITE...]     bookworm and trixie unless named
#
# For each suite debootstrap makes a system in a folder of its own, which gets
# what is committed here and sees ../shared beside it, if that is there. Wants
# root, and takes the better part of an hour each, so tests/run.sh leaves it out.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'distributions: %s\n' "$*"; }
fail() { printf 'distributions: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || fail "debootstrap and chroot want root"
command -v debootstrap >/dev/null || fail "no debootstrap: apt-get install debootstrap"
[ $# -gt 0 ] || set -- bookworm trixie

# Where this machine has its own packages from.
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
  grep '/debian/$' | head -1)
[ -n "$mirror" ] || fail "apt names no Debian mirror here"

folder=
leave() {
  local mounted
  for mounted in shared dev proc; do
    mountpoint -q "$folder/root/$mounted" && umount -l "$folder/root/$mounted"
  done
  rm -rf --one-file-system "$folder"
  folder=
}
trap '[ -z "$folder" ] || leave' EXIT

failed=()
for suite; do
  say "$suite: making the system"
  folder=$(mktemp -d)
  root=$folder/root
  debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$folder/log" ||
    { tail -5 "$folder/log" >&2; fail "debootstrap $suite failed"; }
  mkdir "$root/gst-sympie" "$root/shared"
  git archive HEAD | tar -x -C "$root/gst-sympie"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  [ ! -d ../shared ] || mount --bind -o ro ../shared "$root/shared"
  for command in ./pipelines/demo.sh ./tests/run.sh; do
    say "$suite: $command"
    chroot "$root" env -i HOME=/root LANG=C.UTF-8 TERM=dumb \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      bash -c "cd /gst-sympie && $command" </dev/null || failed+=("$suite: $command")
  done
  leave
done
[ ${#failed[@]} -eq 0 ] || fail "failed: ${failed[*]}"
say "both commands passed in: $*"
