#!/usr/bin/env bash
# systemd-service.sh [BUILD]: sympie@ as services of a real systemd, which is PID 1
# of namespaces of its own over a copy-on-write view of this machine: nothing of it
# is left. One stream plays, is killed and comes back; one ends over and over; one
# is switched off and plays on; one hangs and is ended by the watchdog. Where
# node_exporter or promtool are there (prometheus-node-exporter, prometheus), they
# scrape the figures. Takes a minute and root; run by hand, not by `meson test`.
set -euo pipefail
cd "$(dirname "$0")/../.."

# ---- Inside, as a service ------------------------------------------------------

# until_true SECONDS COMMAND...: tries the command till it succeeds.
until_true() {
  local left=$1
  shift
  until "$@" >/dev/null 2>&1; do
    [ $((left--)) -gt 0 ] || return 1
    sleep 1
  done
}
fail() {
  printf 'systemd-service: %s\n' "$*"
  systemctl --no-pager status 'sympie@*' || true
  exit 1
}
figure() { sed -n "s/^sympie_$2{.*} //p" "/run/gst-sympie/sympie-$1.prom"; }
property() { systemctl show -P "$2" "sympie@$1"; }
restarted() { [ "$(property "$1" NRestarts)" -ge "$2" ]; }
watched() { [ "$(property "$1" Result)" = watchdog ]; }
plays() { [ "$(property "$1" ActiveState)" = active ] && [ -s "/run/gst-sympie/sympie-$1.prom" ]; }
goes_on() {
  local before
  before=$(figure "$1" frames_total)
  sleep 6
  [ "$(figure "$1" frames_total)" -gt "$before" ]
}

inside() {
  # `systemctl enable` is what users do; here without a boot in between.
  systemctl start --no-block sympie@{gate,off,ends,hangs}
  until_true 40 plays gate || fail 'gate does not play'
  goes_on gate || fail 'gate plays no frames'
  pid=$(property gate MainPID)
  [ "$(stat -c %U "/proc/$pid")" = sympie ] || fail "runs as $(stat -c %U "/proc/$pid")"
  [ "$(stat -c %U /run/gst-sympie/sympie-gate.prom)" = sympie ] || fail 'whose figures?'
  echo 'ok: plays, as its own user'

  if command -v promtool >/dev/null; then
    promtool check metrics </run/gst-sympie/sympie-gate.prom || fail 'promtool'
    echo 'ok: promtool'
  else
    echo 'skipped: promtool is not here'
  fi
  if command -v prometheus-node-exporter >/dev/null; then
    prometheus-node-exporter --web.listen-address=127.0.0.1:9100 --collector.disable-defaults \
      --collector.textfile --collector.textfile.directory=/run/gst-sympie 2>/dev/null &
    scrape() { curl -sf http://127.0.0.1:9100/metrics >/tmp/scrape; }
    until_true 20 scrape || fail 'node_exporter does not answer'
    grep -q '^sympie_frames_total{element="e",stream="gate"} [1-9]' /tmp/scrape ||
      fail "scraped: $(grep -c . /tmp/scrape) lines, $(grep sympie /tmp/scrape)"
    grep -q '^node_textfile_scrape_error 0' /tmp/scrape || fail 'node_exporter found an error'
    kill %1
    echo "ok: node_exporter scrapes $(grep -c '^sympie_' /tmp/scrape) figures"
  else
    echo 'skipped: prometheus-node-exporter is not here'
  fi

  systemctl kill --signal=KILL sympie@gate
  until_true 20 restarted gate 1 || fail 'not started again'
  until_true 40 plays gate || fail 'does not play again'
  [ "$(property gate MainPID)" != "$pid" ] || fail 'the same process'
  echo 'ok: killed, and back'

  until_true 60 restarted ends 2 || fail 'a stream that ended does not begin again'
  [ "$(property ends ActiveState)" != failed ] || fail 'gave up on a stream'
  echo "ok: a stream that ends is begun again ($(property ends NRestarts) times)"

  until_true 90 watched hangs || fail 'a stream that hangs is let go on'
  until_true 40 restarted hangs 1 || fail 'a stream that hung does not begin again'
  echo 'ok: a stream that hangs is ended by the watchdog'

  [ "$(property off NRestarts)" -eq 0 ] || fail 'a stream that is switched off is ended'
  echo 'ok: a stream that is switched off goes on'

  systemctl stop sympie@{gate,off,ends,hangs}
  [ "$(property gate ActiveState)" = inactive ] || fail "stopped: $(property gate ActiveState)"
  [ ! -e /run/gst-sympie/sympie-gate.prom ] || fail 'figures of a stream that has ended'
  ! pgrep -u sympie >/dev/null || fail 'something runs on'
  echo 'ok: stopped, nothing left'
}

# ---- Between: namespaces, before systemd ----------------------------------------

boot() {
  local build=$1 scratch=$2 console=$3 root=$2/root
  mount --make-rprivate /
  mount -t tmpfs none "$scratch"
  mkdir -p "$scratch"/{upper,work,root}
  mount -t overlay none -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$root"
  mount -t proc none "$root/proc"
  mount -t sysfs -o ro none "$root/sys"
  mount -t tmpfs none "$root/sys/fs/cgroup"
  mount -t cgroup2 none "$root/sys/fs/cgroup"
  mount -t tmpfs none "$root/dev"
  cp -a /dev/{null,zero,full,random,urandom,tty} "$root/dev"
  mkdir "$root/dev/shm"
  # Where systemd speaks.
  touch "$root/dev/console"
  mount --bind "$console" "$root/dev/console"
  mount -t tmpfs none "$root/run"
  mount -t tmpfs none "$root/tmp"
  ip link set lo up

  DESTDIR=$root meson install -C "$build" --no-rebuild --quiet
  mkdir -p "$root/etc/gst-sympie"
  local source='videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=25/1'
  cat >"$root/etc/gst-sympie/streams" <<END
gate   $source ! sympieenhance name=e device=cpu estimation=async reuse=adaptive ! fakesink
ends   videotestsrc num-buffers=5 ! sympieenhance device=cpu ! fakesink
off    $source ! sympieenhance device=cpu enabled=false ! fakesink
hangs  $source ! sympieenhance device=cpu ! identity sleep-time=1000000000000 ! fakesink
END
  cat >"$root/etc/systemd/system/sympie-test.service" <<END
[Unit]
DefaultDependencies=no
Requires=basic.target
After=basic.target
SuccessAction=exit
FailureAction=exit
SuccessActionExitStatus=0
FailureActionExitStatus=1
[Service]
Type=oneshot
StandardOutput=append:/dev/console
StandardError=inherit
TimeoutStartSec=400
Environment=PATH=$PATH
ExecStart=/usr/bin/env bash $PWD/tests/pipelines/systemd-service.sh --inside
END
  # Of the machine's own services none is to run.
  rm -rf "$root"/etc/systemd/system/*.target.wants "$root"/etc/rc*.d
  for unit in systemd-udevd udev systemd-udevd-control.socket systemd-udevd-kernel.socket \
    systemd-udev-trigger systemd-timesyncd systemd-resolved systemd-networkd \
    systemd-remount-fs systemd-update-utmp; do
    case $unit in *.socket) ;; *) unit=$unit.service ;; esac
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
  done
  systemd-sysusers --root="$root" sympie.conf
  exec chroot "$root" env -i container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=sympie-test.service --log-level=warning \
    --log-target=console --show-status=false
}

case ${1-} in
  --inside) inside; exit ;;
  --boot) boot "$2" "$3" "$4" ;;
esac

# ---- Outside ---------------------------------------------------------------------

build=$(realpath "${1:-build}")
[ "$(id -u)" -eq 0 ] || { echo 'needs root'; exit 77; }
[ -x /lib/systemd/systemd ] || { echo 'needs systemd'; exit 77; }
grep -qw overlay /proc/filesystems || { echo 'needs overlayfs'; exit 77; }
[ -f "$build/pipelines/systemd/sympie@.service" ] || { echo "no build in $build"; exit 1; }

scratch=$(mktemp -d) console=$(mktemp)
# Of the tree of control groups it gets a branch.
tree=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$tree" ] || { echo 'needs cgroup2'; exit 77; }
branch=$tree/sympie-test-$$
mkdir "$branch"
tidy() {
  find "$branch" -depth -type d -exec rmdir {} + 2>/dev/null || true
  rm "$console"
  rmdir "$scratch"
}
trap tidy EXIT
status=0
sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$branch" \
  unshare --mount --pid --cgroup --uts --ipc --net --fork --kill-child \
  "$0" --boot "$build" "$scratch" "$console" || status=$?
cat "$console"
exit $status
