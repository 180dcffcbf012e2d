#!/usr/bin/env bash
# Runs a command, and again whenever it ends, as a live source may go and come
# back: after 1 second, then 2, 4 and so on up to 30 while it keeps ending
# within 10 seconds.
#
#   pipelines/again.sh COMMAND [ARGUMENT...]
#
# Ctrl-C and SIGTERM end both.
set -uo pipefail

say() { printf 'again: %s\n' "$*" >&2; }
[ $# -gt 0 ] || { say "which command?"; exit 2; }
[[ $1 != -* ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit; }
command -v "$1" >/dev/null || { say "no such command: $1"; exit 2; }

child=''
finish() {
  [ -z "$child" ] || { kill -INT "$child" 2>/dev/null; wait "$child"; }
  exit "$1"
}
trap 'finish 130' INT
trap 'finish 143' TERM

pause=1
while :; do
  began=$SECONDS
  "$@" &
  child=$!
  wait "$child"
  status=$?
  [ $((SECONDS - began)) -lt 10 ] || pause=1
  say "$1 ended with $status, again in $pause s"
  child=''
  sleep "$pause" &
  wait $!
  pause=$((pause < 15 ? 2 * pause : 30))
done
