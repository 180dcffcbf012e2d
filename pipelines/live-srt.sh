#!/usr/bin/env bash
# Enhances an MPEG transport stream that comes by SRT, and goes on when it is
# interrupted:
#
#   pipelines/live-srt.sh srt://sender.local:7001       calls the sender
#   pipelines/live-srt.sh 'srt://:7001?mode=listener'   waits for a sender
#   pipelines/live-srt.sh URI --to ELEMENT [! ELEMENT...]
#
#   --to ...   what the enhanced frames go to, in the place of a window
set -euo pipefail
. "$(dirname "$0")/live.sh"
live_begin "$0" "$@"
[[ $address =~ ^srt://[^/]*:[0-9]+ ]] || fail "which stream? srt://HOST:PORT, not '$address'"
live srtsrc "uri=$address" auto-reconnect=false ! decodebin
