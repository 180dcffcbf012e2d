#!/usr/bin/env bash
# GStreamer's leaks tracer finds no object of the elements' alive at the end:
# after a run with estimates, one with parameters by hand and copies (the tee
# makes the buffers unwritable), one that corrupts, and those that fail to start.
set -uo pipefail
export GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 GST_DEBUG_NO_COLOR=1

identity="<1,0,0,0,1,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0>"
source='videotestsrc num-buffers=10 ! video/x-raw,format=NV12,width=64,height=48'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

# run ends|fails PIPELINE...
run() {
  local expected=$1 got=ends
  shift
  # Words that gst-launch takes apart itself.
  timeout 60 gst-launch-1.0 -q $@ >/dev/null 2>"$log" || got=fails
  if [ "$got" != "$expected" ]; then
    echo "$got: $*"
    failed=1
  fi
  # The tracer announces what it would log: without that it did not run.
  grep -q 'object-alive.class' "$log" || {
    echo "the leaks tracer did not run: $*"
    failed=1
  }
  if grep 'object-alive, type-name=(string)[^%]' "$log"; then
    echo "alive at the end: $*"
    failed=1
  fi
}

run ends $source ! sympieenhance ! fakesink
run ends $source ! tee name=t t. ! queue ! sympieenhance "parameters=$identity" \
  ! fakesink t. ! queue ! fakesink
run ends $source ! sympiecorrupt corruption=mixed ! sympiecorrupt corruption=frost \
  ! fakesink
run ends $source ! sympieenhance enabled=false weights=/nowhere ! fakesink
run ends $source ! jpegenc ! sympieenhancebin reuse-interval=9 ! fakesink
run fails audiotestsrc num-buffers=9 ! sympieenhancebin ! fakesink
run fails $source ! sympiecorrupt frost-folder=/nowhere ! fakesink
run fails $source ! sympieenhance weights=/nowhere ! fakesink
exit $failed
