#!/usr/bin/env bash
# The gate on machine code: compiles the kernels with nvcc, takes them apart with
# nvdisasm and holds them to the budgets below. No GPU is needed.
#
#   tests/cuda/sass.sh [ARCHITECTURE...]    default: 90
#   tests/cuda/sass.sh >tests/cuda/sass.md  what is committed
#
# For every kernel: registers, bytes spilled, instructions, and among these what
# reaches local memory (LDL, STL), begins a division (FCHK) or is a product on
# tensor cores (HMMA). Nothing may spill or reach local memory, and nothing may
# divide that runs more often than once a frame. `count` is how many instructions
# a thread runs: each as often as the loops around it turn, without what
# rarely() (device.h) keeps for the border of a frame.
#
# Skips (77) where nvcc or nvdisasm is missing. NVCC and NVDISASM name them where
# they are not on the path (pip install nvidia-cuda-nvdisasm).
set -euo pipefail
cd "$(dirname "$0")/../.."

# kernel, registers at most, turns, units, instructions a unit at most.
# turns: of its loops in the order of the code; "none"; "step" counts one turn of
# the loop with the products; "-" counts nothing. units: pixels of a thread.
budgets='
dwm<Layout<unsignedchar,Packing0,0,0>>   64  2.4375,2   8   70
dwm<Layout<unsignedchar,Packing1,0,0>>   64  2.4375,2   8   70
dwm<Layout<unsignedchar,Packing2,0,0>>   64  2.4375,3   8  100
dwm<Layout<unsignedchar,Packing3,0,0>>   64  2.4375,3   8  100
dwm<Layout<unsignedchar,Packing3,1,0>>   64  2.4375  7.75  100
dwm<Layout<unsignedchar,Packing3,1,1>>   64  1.25    7.75   95
dwm<Layout<unsignedchar,Packing4,1,1>>   64  1.25    7.75   95
dwm<Layout<unsignedshort,Packing3,1,1>>  64  1.25    7.75   95
dwm<Layout<unsignedshort,Packing4,1,1>>  64  1.25    7.75   95
fold                             48  -     -  -
squares                          40  -     -  -
head                             56  -     -  -
preprocess<float,unsignedchar>   80  2,1,2,1  1  1600
preprocess<float,unsignedshort>  80  2,1,2,1  1  1600
preprocess<__half,unsignedchar>  80  2,1,2,1  1  1600
preprocess<__half,unsignedshort> 80  2,1,2,1  1  1600
conv<Tile<float,32>>            128  -     -  -
conv<Tile<float,64>>            128  -     -  -
conv<Tile<float,128>>           128  -     -  -
conv<Tile<__half,32>>            80  step  1  110
conv<Tile<__half,64>>            80  step  1  110
conv<Tile<__half,128>>           80  step  1  110
'

find_tool() { # NAME GIVEN
  command -v "${2:-$1}" || command -v "/usr/local/cuda/bin/$1"
}
for tool in nvcc nvdisasm; do
  given=${tool^^}
  path=$(find_tool "$tool" "${!given:-}") || { echo "skipped: no $tool"; exit 77; }
  declare "$tool=$path"
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Lines that begin with a word have kernels by their C++ name, without spaces,
# namespaces and arguments.
plain() {
  c++filt | sed "/^$1 /{s/(anonymous namespace):://g; s/(Packing)/Packing/g; s/(.*//; s/void //
    s/^$1 //; s/ //g; s/^/$1 /}"
}

# ptxas's log to lines of: kernel registers spilled.
from_log='
$1 == "KERNEL" { name = $2 }
/spill/ { spilled = $5 + $9 }
/Used/ { for (i = 1; i < NF; i++) if ($i == "Used") print name, $(i + 1), spilled }'

# Code to lines of: kernel instructions local divisions products count.
from_code='
function finish(    i, l, k, n_loops, n_turns, turn, weight, count) {
  if (name == "")
    return
  # A loop begins where a later branch leads.
  for (i = 1; i <= n; i++)
    for (k = n_branches; k > 0; k--)
      if (at[target[k]] == i && branch[k] > i) {
        first[++n_loops] = i
        last[n_loops] = branch[k]
        break
      }
  n_turns = split (turns_of[name], turn, ",")
  count = turn[1]
  if (count == "step") {
    for (l = 1; l <= n_loops; l++)
      if (n_products[last[l]] > n_products[first[l]])
        count = last[l] - first[l] + 1
  } else if (count != "-" && n_turns != n_loops + (count == "none")) {
    count = "loops"
    for (l = 1; l <= n_loops; l++)
      count = count ":" first[l] "-" last[l]
  } else if (count != "-") {
    count = 0
    for (i = 1; i <= n; i++) {
      weight = 1
      for (l = 1; l <= n_loops; l++)
        if (i >= first[l] && i <= last[l])
          weight *= turn[l]
      count += weight
    }
  }
  print name, n, locals + 0, divisions + 0, n_products[n] + 0, count
}
FILENAME == budgets { turns_of[$1] = $3; next }
$1 == "KERNEL" {
  finish ()
  name = $2
  n = n_branches = locals = divisions = done = 0
  split ("", at)
  split ("", n_products)
  next
}
/^\.L_x_[0-9]+:/ { at[substr ($1, 1, length ($1) - 1)] = n + 1 }
/^ +\/\*[0-9a-f]+\*\/ / && !done {
  n++
  locals += / (LDL|STL)/
  divisions += / FCHK/
  n_products[n] = n_products[n - 1] + / HMMA/
  if (/ BRA/ && match ($0, /\.L_x_[0-9]+/)) {
    branch[++n_branches] = n
    target[n_branches] = substr ($0, RSTART, RLENGTH)
    # After the last instruction comes an endless loop, and then nothing.
    if (at[target[n_branches]] == n) {
      n--
      n_branches--
      done = 1
    }
  }
}
END { finish () }'

# compile SOURCE ARCHITECTURE FLAGS...: to $out/log and $out/code.
compile() {
  "$nvcc" -std=c++17 -O3 --expt-relaxed-constexpr -arch="sm_$2" -Xptxas -v \
    "${@:3}" -cubin "$1" -o "$out/cubin" 2>"$out/said" || { cat "$out/said" >&2; exit 1; }
  sed "s/.*Compiling entry function '\(.*\)' for.*/KERNEL \1/" "$out/said" |
    plain KERNEL | awk "$from_log" | sort >"$out/log"
  "$nvdisasm" -c "$out/cubin" | sed 's/^\.text\.\(.*\):$/KERNEL \1/' |
    plain KERNEL | awk -v budgets="$out/budgets" "$from_code" "$out/budgets" - |
    sort >"$out/code"
}

echo "$budgets" >"$out/budgets"
"$nvcc" --version | sed -n 's/.*\(release.*\)/nvcc \1\n/p'
echo '| sm | kernel | registers | spilled | code | local | divisions | products | count | a unit | budget |'
echo '|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|'
for architecture in "${@:-90}"; do
  for source in ${SOURCES:-kernels/cuda/*.cu}; do
    compile "$source" "$architecture"
    join "$out/log" "$out/code" | cut -d' ' -f1-7 >"$out/real"
    if grep -q rarely "$source"; then
      compile "$source" "$architecture" -DSYMPIE_COUNT
    fi
    cut -d' ' -f1,6 "$out/code" | join "$out/real" -
  done | awk -v sm="$architecture" '
    NR == FNR { for (i = 2; i <= 5; i++) budget[$1, i] = $i; next }
    {
      per = $8 ~ /^[0-9.]+$/ ? sprintf ("%.1f", $8 / budget[$1, 4]) : "-"
      printf "| %s | %s | %d | %d | %d | %d | %d | %d | %s | %s | %s |\n", sm,
        $1, $2, $3, $4, $5, $6, $7, $8, per, budget[$1, 5]
      if (!(($1, 2) in budget)) fail = fail "\n" $1 " has no budget"
      else if ($2 > budget[$1, 2]) fail = fail "\n" $1 ": " $2 " registers"
      if ($3 > 0 || $5 > 0) fail = fail "\n" $1 " spills or has local arrays"
      if ($6 > 0 && $1 !~ /^fold/) fail = fail "\n" $1 " divides"
      if (budget[$1, 5] != "-" && (per == "-" || per + 0 > budget[$1, 5]))
        fail = fail "\n" $1 ": " per " instructions, more than " budget[$1, 5]
    }
    END { if (fail != "") { print "\nsm_" sm " over the budget:" fail; exit 1 } }
  ' "$out/budgets" - || status=1
done
exit "${status:-0}"
