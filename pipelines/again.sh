#!/usr/bin/env bash
# Runs a command, and again whenever it ends, as a live source may go and come
# back: after 1 second, then 2, 4 and so on up to 30 while it keeps ending
# within 10 seconds.
#
#   pipelines/again.sh COMMAND [ARGUMENT...]
#
# Ctrl-C and SIGTERM end both: the command by SIGINT, then after ten seconds, if it
# is still there, by SIGTERM, with all that it started.
set -uo pipefail
# The command gets a process group of its own: of Ctrl-C it hears from here, once.
set -m

say() { printf 'again: %s\n' "$*" >&2; }
[ $# -gt 0 ] || { say "which command?"; exit 2; }
[[ $1 != -* ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit; }
command -v "$1" >/dev/null || { say "no such command: $1"; exit 2; }

child=''
finish() {
  if [ -n "$child" ]; then
    kill -INT -- "-$child" 2>/dev/null
    for ((i = 0; i < 100; i++)); do
      kill -0 -- "-$child" 2>/dev/null || exit "$1"
      sleep 0.1
    done
    kill -TERM -- "-$child"
    wait "$child"
  fi
  exit "$1"
}
trap 'finish 130' INT
trap 'finish 143' TERM

pause=1
while :; do
  began=$SECONDS
  "$@" </dev/null &
  child=$!
  wait "$child"
  status=$?
  [ $((SECONDS - began)) -lt 10 ] || pause=1
  say "$1 ended with $status, again in $pause s"
  sleep "$pause" </dev/null &
  child=$!
  wait "$child"
  pause=$((pause < 15 ? 2 * pause : 30))
done
