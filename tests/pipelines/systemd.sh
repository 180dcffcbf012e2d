#!/usr/bin/env bash
# systemd.sh ROOT UNIT: streams as services. The unit is one that systemd takes;
# sympie-stream plays what a list says, and where a list is wrong says where;
# node_exporter's format is scraped while it plays; the watchdog is fed; it ends
# as it is told to, and with an error where the stream does.
set -uo pipefail
root=$1 unit=$2
run=$root/pipelines/systemd/sympie-stream.py
scratch=$(mktemp -d)
stream='' systemd=''
trap '[ -z "$stream$systemd" ] || kill $stream $systemd 2>/dev/null; wait; rm -r "$scratch"' EXIT
fail() { printf '%s\n' "$*" >&2; exit 1; }

/usr/bin/python3 -c 'import gi; gi.require_version("Gst", "1.0")' 2>/dev/null ||
  { echo 'needs python3-gi and gir1.2-gstreamer-1.0'; exit 77; }

# refuse TEXT ARGUMENTS...: fails, in one line that says so.
refuse() {
  local text=$1 said
  shift
  ! said=$("$run" "$@" 2>&1) || fail "accepted: $*"
  grep -qF -- "$text" <<<"$said" || fail "$*: '$said'"
  [ "$(wc -l <<<"$said")" -eq 1 ] || fail "$*: said '$said'"
}
list() { cat >"$scratch/streams"; }
source='videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=25/1'

list <<'END'
  goes on
END
refuse "streams:1: goes on with nothing" --list "$scratch/streams" a
list <<'END'
# comment
a fakesrc ! fakesink
b/c fakesrc ! fakesink
END
refuse "streams:3: 'b/c' is no name" --list "$scratch/streams" a
list <<'END'
a fakesrc ! fakesink
a fakesrc ! fakesink
END
refuse "streams:2: a second stream 'a'" --list "$scratch/streams" a
list <<END
gate  $source !
      sympieenhance name=e device=cpu reuse-interval=5 ! fakesink sync=true
off   $source ! sympieenhance device=cpu enabled=false ! fakesink
bare  $source ! fakesink
stuck $source ! sympieenhance device=cpu ! identity sleep-time=1000000000 ! fakesink
# not here
alone videotestsrc
ends  videotestsrc num-buffers=3 ! sympieenhance device=cpu ! fakesink
wrong videotestsrc ! no-such-element ! fakesink
fails filesrc location=/nowhere ! decodebin ! sympieenhance ! fakesink
END
refuse "no stream 'none'" --list "$scratch/streams" none
refuse 'No such file' --list "$scratch/none" a
refuse 'no element "no-such-element"' --list "$scratch/streams" wrong
refuse 'not a folder to write to' --list "$scratch/streams" --metrics /nowhere gate
refuse 'not-linked' --list "$scratch/streams" alone
refuse 'the stream ended' --list "$scratch/streams" ends
refuse '/nowhere' --list "$scratch/streams" fails
[ "$("$run" --list "$scratch/streams" --names | xargs)" = 'gate off bare stuck alone ends wrong fails' ] ||
  fail "$("$run" --list "$scratch/streams" --names)"

# systemd's end of the line, and what it is told.
/usr/bin/python3 - "$scratch/notify" >>"$scratch/told" <<'END' &
import socket, sys
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(sys.argv[1])
while True:
    print(repr(notify.recv(1000).decode()), flush=True)
END
systemd=$!
for ((i = 0; i < 100; i++)); do
  [ ! -S "$scratch/notify" ] || break
  sleep 0.1
done

# start NAME, stop
start() {
  : >"$scratch/told"
  NOTIFY_SOCKET=$scratch/notify "$run" --list "$scratch/streams" --metrics "$scratch" \
    --period 0.5 "$1" &
  stream=$!
}
stop() {
  kill -TERM "$stream"
  wait "$stream" || fail "ended with $?"
  stream=''
}
# told N: that N times, and within a minute, there have been frames.
told() {
  for ((i = 0; i < 600; i++)); do
    [ "$(grep -cxF "'READY=1\nWATCHDOG=1'" "$scratch/told")" -lt "$1" ] || return 0
    sleep 0.1
  done
  return 1
}
for name in off bare gate; do
  [ -z "$stream" ] || stop
  start $name
  told 2 || fail "$name: systemd was told $(cat "$scratch/told")"
done

# What a scrape finds: https://prometheus.io/docs/instrumenting/exposition_formats
/usr/bin/python3 - "$scratch/sympie-gate.prom" <<'END' || fail 'the metrics'
import re, sys
found, types, helped = {}, {}, set()
for line in open(sys.argv[1]):
    if match := re.fullmatch(r"# HELP (\w+) \S.*\n", line):
        helped.add(match[1])
    elif match := re.fullmatch(r"# TYPE (\w+) (counter|gauge)\n", line):
        assert match[1] in helped and match[1] not in types, line
        types[match[1]] = match[2]
    else:
        match = re.fullmatch(r'(\w+)\{stream="gate",element="e"\} (\S+)\n', line)
        assert match and match[1] in types, line
        found[match[1]] = float(match[2])
assert all(name.endswith("_total") == (types[name] == "counter") for name in types)
assert set(types) == set(found) and len(found) == 9, found
frames, looks = found["sympie_frames_total"], found["sympie_estimates_total"]
assert frames >= 2 and 1 <= looks <= frames / 5 + 1, found
assert found["sympie_reused_total"] == frames - looks, found
assert 0 < found["sympie_estimate_seconds_total"] < 60, found
assert found["sympie_interval_frames"] >= 5, found
END
if command -v promtool >/dev/null; then
  promtool check metrics <"$scratch/sympie-gate.prom" || fail 'promtool'
else
  echo 'not checked by promtool, which is not here (prometheus)'
fi
stop
[ ! -e "$scratch/sympie-gate.prom" ] || fail 'metrics of a stream that has ended'

# Of a stream that hangs no more than its first frame is heard.
start stuck
told 1 || fail 'a stream that hangs did not begin'
sleep 1.5
[ "$(wc -l <"$scratch/told")" -eq 1 ] || fail "a stream that hangs: $(cat "$scratch/told")"
kill -KILL "$stream"
stream=''

command -v systemd-analyze >/dev/null || { echo 'needs systemd-analyze'; exit 77; }
# As installed, but for where it is installed.
sed "s|^ExecStart=.*/sympie-stream |ExecStart=$run |" "$unit" >"$scratch/sympie@.service"
grep -qF "ExecStart=$run " "$scratch/sympie@.service" || fail 'no ExecStart'
said=$(systemd-analyze verify --man=no "$scratch/sympie@gate.service" 2>&1) || fail "$said"
# It warns of what it does not know, and is content.
! grep -F 'sympie@' <<<"$said" || fail "$said"
exit 0
