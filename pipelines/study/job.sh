#!/usr/bin/env bash
# One job of the study: job.sh WHAT LOG COMMAND...
#
# LOG gets what the command says. Where it fails, the last line of LOG begins with
# "study: " and names the job and the reason; run.sh shows these lines.
set -uo pipefail
what=$1 log=$2
shift 2
# Elements say what is wrong once, after the word ERROR, in English; other programs last.
LANGUAGE=en LC_ALL=C.UTF-8 "$@" >"$log" 2>&1 && exit
reason=$(sed -nE '/^ERROR: (from element [^ ]*: )?/{s///p;q}' "$log")
[ -n "$reason" ] || reason=$(grep . "$log" | tail -1)
printf 'study: %s: %s\n' "$what" "${reason:-$1 failed}" | tee -a "$log" >&2
exit 1
