#!/usr/bin/env bash
# Enhances what an RTSP camera sends, and connects again when it is lost:
#
#   pipelines/live-rtsp.sh rtsp://camera.local/stream
#   pipelines/live-rtsp.sh URL --to ELEMENT [! ELEMENT...]
#
#   --to ...   what the enhanced frames go to, in the place of a window
set -euo pipefail
. "$(dirname "$0")/live.sh"
live_begin "$0" "$@"
[[ $address =~ ^rtsp[stu]*:// ]] || fail "which camera? rtsp://HOST/PATH, not '$address'"
live rtspsrc "location=$address" latency=200 ! decodebin
