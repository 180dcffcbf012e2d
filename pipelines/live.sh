# What the live pipelines share; to be sourced. After `live_begin "$0" "$@"`:
#   address    the argument, or empty
#   sink       words of the pipeline behind the enhanced frames
#   live SOURCE...   plays from the words of the source on, for ever
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() { printf '%s: %s\n' "$name" "$*" >&2; exit 2; }

live_begin() {
  script=$1 name=$(basename "$1" .sh) address='' sink=(videoconvert ! autovideosink)
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --to)
        shift
        [ $# -gt 0 ] || fail "--to wants the elements behind the enhanced frames"
        sink=("$@")
        break
        ;;
      -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$script"; exit ;;
      -*) fail "unknown option '$1'; see --help" ;;
      *)
        [ -z "$address" ] || fail "one source at a time, not '$address' and '$1'"
        address=$1
        ;;
    esac
    shift
  done
}

# Frames that come while one is worked on make way for the newest, so that no
# delay builds up; NEM looks at the picture whenever it has changed, in a thread
# of its own.
live() {
  export GST_PLUGIN_PATH=$root/build/gst-sympie${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}
  export SYMPIE_WEIGHTS=${SYMPIE_WEIGHTS:-$root/weights/nem.safetensors}
  [ -e "$root/build/gst-sympie/libgstsympie.so" ] || fail "nothing is built: run ./setup.sh"
  local said pipeline=("$@" ! videoconvert !
    queue leaky=downstream max-size-buffers=2 max-size-bytes=0 max-size-time=0 !
    sympieenhance estimation=async reuse=adaptive ! queue ! "${sink[@]}")
  # What is no pipeline now is none the next time.
  said=$(/usr/bin/python3 -c '
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
Gst.parse_launchv(sys.argv[1:])' "${pipeline[@]}" 2>&1) || fail "${said##*$'\n'}"
  exec "$root/pipelines/again.sh" gst-launch-1.0 -e "${pipeline[@]}"
}
