#!/usr/bin/env bash
# The live pipelines with real peers on loopback: frames come, stop when the
# source dies, come again when it is back, packets being lost all the while; and
# where the scripts give up. Nothing runs on when they end.
set -uo pipefail
root=$1
pipelines=$root/pipelines
scratch=$(mktemp -d)
peers=()
tidy() {
  [ ${#peers[@]} -eq 0 ] || kill "${peers[@]}" 2>/dev/null
  wait
  rm -r "$scratch"
}
trap tidy EXIT

fail() { printf '%s\n' "$*" >&2; cat "$scratch"/*.log >&2; exit 1; }
skip() { printf '%s\n' "$*"; exit 77; }

# refuse TEXT SCRIPT ARGUMENTS...: fails and says so.
refuse() {
  local text=$1 script=$2 output
  shift 2
  ! output=$("$pipelines/$script" "$@" 2>&1) || fail "$script accepted: $*"
  grep -qF -- "$text" <<<"$output" || fail "$script $*: $output"
}
refuse 'which camera' live-rtsp.sh
refuse 'which camera' live-rtsp.sh http://here
refuse 'one source at a time' live-rtsp.sh rtsp://a rtsp://b
refuse "unknown option '--fast'" live-rtsp.sh --fast
refuse '--to wants' live-rtsp.sh rtsp://a --to
refuse 'no such camera' live-camera.sh /dev/none
refuse 'no such camera' live-camera.sh "$0"
refuse 'which stream' live-srt.sh srt://nowhere
refuse 'which command' again.sh
refuse 'no such command' again.sh no-such-command

/usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null ||
  skip 'needs python3-gi and gir1.2-gst-rtsp-server-1.0'

refuse 'no element "nosuch"' live-rtsp.sh rtsp://a --to nosuch
refuse 'no property "colour"' live-srt.sh srt://a:1 --to fakesink colour=blue

# A command that minds no SIGINT, and what it started, end as well.
"$pipelines/again.sh" bash -c "trap '' INT; sleep 1234.5; :" 2>"$scratch/again.log" &
again=$!
peers+=("$again")
until pgrep -f 'sleep 1234[.]5' >/dev/null; do sleep 0.1; done
kill -TERM $again
wait $again
[ $? -eq 143 ] || fail 'again.sh did not end as it was told to'
! pgrep -f 'sleep 1234[.]5' >/dev/null || fail 'again.sh left its command running'

# frames N WHAT: waits until N more frames have come.
file=$scratch/frames
frames() {
  local before now
  before=$(stat -c %s "$file" 2>/dev/null || echo 0)
  for ((i = 0; i < 600; i++)); do
    now=$(stat -c %s "$file" 2>/dev/null || echo 0)
    [ "$now" -ge "$before" ] || before=0 # begun anew
    [ $((now - before)) -lt $(($1 * 320 * 240)) ] || return 0
    sleep 0.1
  done
  fail "$2: $(((now - before) / 320 / 240)) frames of $1"
}

# watch SCRIPT ADDRESS: in the background, its frames to the file.
watch() {
  rm -f "$file"
  "$pipelines/$1" "$2" --to videoconvert ! video/x-raw,format=GRAY8 ! \
    filesink "location=$file" buffer-mode=2 >"$scratch/$1.log" 2>&1 &
  script=$!
  peers+=("$script")
}

# unwatch NAME: ends the script and all that it started.
unwatch() {
  kill -TERM "$script"
  wait "$script"
  [ $? -eq 143 ] || fail "$1 did not end as it was told to"
  ! pgrep -f "location=$file" >/dev/null || fail "$1 left something running"
}

port=$((20000 + RANDOM % 10000))
camera() {
  "$root/tests/pipelines/rtsp_server.py" $port 0.01 >"$scratch/camera.log" 2>&1 &
  peer=$!
  peers+=("$peer")
}
camera
watch live-rtsp.sh rtsp://127.0.0.1:$port/camera
frames 20 'RTSP'
kill $peer
wait $peer
rm -f "$file"
camera
frames 20 'RTSP, once the camera was back'
unwatch live-rtsp.sh

sender() {
  gst-launch-1.0 -q videotestsrc is-live=true pattern=ball ! \
    video/x-raw,width=320,height=240,framerate=25/1 ! \
    x264enc speed-preset=ultrafast tune=zerolatency key-int-max=10 ! mpegtsmux ! \
    srtsink "uri=srt://127.0.0.1:$port?mode=listener" >"$scratch/sender.log" 2>&1 &
  peer=$!
  peers+=("$peer")
}
port=$((port + 1))
sender
watch live-srt.sh srt://127.0.0.1:$port
frames 20 'SRT'
kill $peer
wait $peer
rm -f "$file"
sender
frames 20 'SRT, once the sender was back'
unwatch live-srt.sh
exit 0
