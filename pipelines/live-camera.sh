#!/usr/bin/env bash
# Enhances what a camera of this machine sees:
#
#   pipelines/live-camera.sh [/dev/video0]
#   pipelines/live-camera.sh DEVICE --to ELEMENT [! ELEMENT...]
#
#   --to ...   what the enhanced frames go to, in the place of a window
set -euo pipefail
. "$(dirname "$0")/live.sh"
live_begin "$0" "$@"
device=${address:-/dev/video0}
[ -c "$device" ] || fail "no such camera: $device"
[ -r "$device" ] || fail "not a readable camera: $device"
live v4l2src "device=$device" ! decodebin
