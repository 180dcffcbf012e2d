#!/usr/bin/env bash
# Installs what gst-sympie needs on Debian 12 or 13, and only what is missing,
# then configures and compiles build/. Safe to run again.
#
#   ./setup.sh          what building, the pipelines and the tests need
#   ./setup.sh --study  also what studies and VGG19's weights need
#   ./setup.sh --all    also what training, more tests and the benchmark's rivals need
set -euo pipefail
cd "$(dirname "$0")"

build=(
  gcc g++ meson ninja-build pkgconf
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev  # the elements
  libgstreamer-plugins-bad1.0-dev  # frames in GPU memory, real and emulated
  libjson-glib-dev     # what sympie-bench writes, and a test reads
  libjpeg62-turbo-dev  # the JPEG corruption
)
run=(
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  ffmpeg
  curl                     # weights/fetch-vgg19.sh
  lomiri-wallpapers-16.04  # photographs: the demo's clip is made from one
  fonts-dejavu-core        # the labels in the demo's pictures
  python3-gst-1.0 gir1.2-gst-plugins-base-1.0  # pipelines/live-*.sh, frames.py
  python3-numpy            # frames as arrays
)
check=(
  clang-format clang libclang-rt-dev/libclang-rt-14-dev valgrind libc6-dbg
  gir1.2-gst-rtsp-server-1.0  # a camera on loopback
)
study=(
  python3-torch python3-scipy python3-opencv python3-pil python3-matplotlib
  python3-tqdm python3-jinja2 snakemake
  python3-h5py python3-pip  # weights/fetch-vgg19.sh oxford
)
all=(
  python3-zbar tesseract-ocr opencv-data  # tests/consumers: who looks at the frames
  gstreamer1.0-opencv  # pipelines/detect.sh faces
  chromium         # looks at the study's report in its test
  libavfilter-dev  # FFmpeg's filters beside ours in sympie-bench
  libdnnl-dev      # and oneDNN's convolutions
  slurm-wlm munge  # a cluster of one node, on which the study is tested
)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# quietly WHAT COMMAND...: the output is shown only where the command fails.
quietly() {
  local what=$1 log
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log" >&2; rm "$log"; fail "$what failed, see above"; }
  rm "$log"
}

wanted=("${build[@]}" "${run[@]}" "${check[@]}")
[ $# -le 1 ] || fail "one option at most; see --help"
case "${1-}" in
  '') ;;
  --study) wanted+=("${study[@]}") ;;
  --all) wanted+=("${study[@]}" "${all[@]}") ;;
  -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit ;;
  *) fail "unknown option '$1'; see --help" ;;
esac

command -v apt-get >/dev/null ||
  fail "apt-get not found: this script knows Debian; elsewhere install: ${wanted[*]}"

installed() {
  [ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]
}
# A name may stand for the first of several, by the distribution: a/b.
any_installed() {
  local name
  for name in ${1//\// }; do
    installed "$name" && return
  done
  return 1
}
missing=()
for package in "${wanted[@]}"; do
  any_installed "$package" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ]; then
    as_root=(env)
  else
    command -v sudo >/dev/null ||
      fail "not root and no sudo; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  # A machine that is just starting may still hold the lock itself.
  apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 -q)
  quietly "apt-get update" "${apt[@]}" update
  for i in "${!missing[@]}"; do
    for package in ${missing[i]//\// }; do
      apt-cache show "$package" >/dev/null 2>&1 && missing[i]=$package && continue 2
    done
    fail "no package '${missing[i]}' here: Debian 12 and 13 have it in main"
  done
  say "installing, which can take some minutes: ${missing[*]}"
  quietly "apt-get install" "${apt[@]}" install -y --no-install-recommends "${missing[@]}"
else
  say "every package is there"
fi

# Under sudo the build still belongs to the user whose tree this is.
as_user=()
if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_USER-}" ] && [ "$(stat -c %U .)" = "$SUDO_USER" ]; then
  as_user=(sudo -u "$SUDO_USER")
fi

# Configured anew each time: that finds what has been installed since, and mends a
# build/ of a tree that has moved. It is never emptied: results lie there as well.
configure=(meson setup build)
[ ! -f build/build.ninja ] || configure=(meson setup --reconfigure build)
say "configuring build/"
quietly "${configure[*]}" "${as_user[@]}" "${configure[@]}"
say "compiling build/"
quietly "meson compile -C build" "${as_user[@]}" meson compile -C build
say "done: meson devenv -C build gst-inspect-1.0 sympieenhance"
