#!/usr/bin/env bash
# Builds the CUDA kernels and their tests with the CUDA toolkit alone, runs them
# on the GPU with fresh random inputs, then the benchmark beside PyTorch, of frames
# in place and of streams beside each other too, then the tests again under
# compute-sanitizer, and writes one results file. Where GStreamer and its CUDA library are
# there, VGG19's features are compared, and sympieenhance runs on frames in CUDA
# memory. About three minutes.
#
#   tests/cuda/run-on-gpu.sh [RESULTS]             on a GPU
#   tests/cuda/run-on-gpu.sh --emulated [RESULTS]  the same steps on the CPU
#
# RESULTS defaults to build-gpu/results.md. Fails where a test fails; without a
# GPU all is built, and the results say that nothing was measured. The test run
# does that, too: OUT is a folder to build in, and KERNELS one with the kernels'
# objects, which then are not compiled.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

emulated=
if [ "${1:-}" = --emulated ]; then
  emulated=yes
  shift
fi
out=${OUT:-build-gpu${emulated:+-emulated}}
results=${1:-$out/results.md}
mkdir -p "$out"
status=0

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'FAILED: %s\n' "$*"
  status=1
}

# ---- Build -------------------------------------------------------------------

tests=(conv dwm preprocess nem backend)
host_sources=(
  kernels/cuda/{backend_cuda,conv_tile,net,resize,staging,weights}.c
  kernels/{colour,context,error,image,machine,params,sized,weights}.c kernels/cpu/{cpu,taps}.c
  tests/cuda/{bare,gpu,reference}.c tests/kernels/{frame,dwm_definition}.c
)
flags=(-O2 -g -fPIC -D_GNU_SOURCE -DSYMPIE_HAVE_CUDA -Ikernels)

if [ -n "$emulated" ]; then
  flags+=(-DSYMPIE_EMULATED -Ikernels/cuda/emulated)
  compile_cu=("${CXX:-g++}" -x c++ -std=c++17 -O3 -fsanitize=alignment
    -fno-sanitize-recover=alignment -fno-strict-aliasing "${flags[@]}")
  cu_sources=(kernels/cuda/*.cu kernels/cuda/emulated/*.cc)
  libraries=(-lstdc++ -lm -lpthread)
else
  nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
  top=$("$nvcc" --dryrun -c -x cu /dev/null -o nothing 2>&1 |
    sed -n 's/^#\$ TOP=//p')
  [ -n "$top" ] || { echo "run-on-gpu.sh: no CUDA toolkit: nvcc not found"; exit 1; }
  # The GPU's own code; without one, a Hopper's, to see that it compiles.
  capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null |
    head -1 | tr -d .)
  capability=${capability:-90}
  flags+=(-isystem "$top/include" -isystem "$top/targets/$(uname -m)-linux/include")
  compile_cu=("$nvcc" -std=c++17 -O3 --expt-relaxed-constexpr -lineinfo
    -gencode "arch=compute_$capability,code=sm_$capability" -Xptxas -v
    -Xcompiler=-fno-exceptions,-fno-threadsafe-statics)
  cu_sources=(kernels/cuda/*.cu)
  libraries=(-L"$top/lib64" -L"$top/targets/$(uname -m)-linux/lib"
    -lcudart_static -ldl -lrt -lm -lpthread)
fi

say "building in $out"
objects=()
jobs=()
if [ -n "${KERNELS:-}" ]; then
  objects=("$KERNELS"/*.cu.o)
  cu_sources=()
fi
for source in "${cu_sources[@]}"; do
  object=$out/$(basename "$source").o
  objects+=("$object")
  "${compile_cu[@]}" -c "$source" -o "$object" >"$object.log" 2>&1 &
  jobs+=($!)
done
for source in "${host_sources[@]}"; do
  object=$out/$(tr / - <<<"$source").o
  objects+=("$object")
  "${CC:-gcc}" -std=gnu11 "${flags[@]}" -c "$source" -o "$object" || exit 1
done
for job in "${jobs[@]}"; do
  wait "$job" || { cat "$out"/*.log; exit 1; }
done
for name in "${tests[@]}" bench; do
  "${CC:-gcc}" -std=gnu11 "${flags[@]}" "tests/cuda/$name.c" "${objects[@]}" \
    "${libraries[@]}" -o "$out/$name" || exit 1
done

# ---- Tests -------------------------------------------------------------------

seed=${SEED:-$(date +%s)}
rows=()
measured=yes

# run NAME COMMAND...: a row of the table of tests.
run() {
  local name=$1 last code
  shift
  last=$("$@" 2>&1 | tee "$out/$name.log" | tail -1)
  code=${PIPESTATUS[0]}
  case $code in
    0) rows+=("| $name | passed | $last |") ;;
    77) rows+=("| $name | not measured | $last |") measured= ;;
    *) rows+=("| $name | FAILED | $last |")
      tail -20 "$out/$name.log"
      fail "$name" ;;
  esac
  printf '%s\n' "${rows[-1]}"
}

say "tests, seed $seed"
for name in "${tests[@]}"; do
  run "$name" "$out/$name" "$seed"
done

# ---- Benchmark ---------------------------------------------------------------

bench() { "$out/bench" 2>&1 || true; }
peers() { python3 tests/cuda/peers.py 2>&1 || true; }

if [ -n "$measured" ]; then
  say 'benchmark'
  bench_table=$(bench)
  peer_table=$([ -n "$emulated" ] && echo 'not measured: emulated' || peers)
else
  bench_table='not measured: no CUDA device'
  peer_table='not measured: no CUDA device'
fi
printf '%s\n\n%s\n' "$bench_table" "$peer_table"

# ---- compute-sanitizer -------------------------------------------------------

# ended CODE TEXT: what a job that ran beside others left.
ended() {
  printf '%s\n' "$2"
  return "$1"
}

# All side by side: each leaves most of the GPU idle.
sanitize() {
  local tool name job
  local -A started=()
  for tool in memcheck racecheck initcheck synccheck; do
    for name in conv dwm preprocess nem; do
      timeout 120 "$sanitizer" --tool "$tool" --error-exitcode 1 \
        "$out/$name" "$seed" >"$out/$tool-$name.log" 2>&1 &
      started[$tool-$name]=$!
    done
  done
  for job in "${!started[@]}"; do
    wait "${started[$job]}"
    run "$job" ended $? "$(cat "$out/$job.log")"
  done
}

if [ -n "$measured" ] && [ -z "$emulated" ]; then
  sanitizer=$(command -v compute-sanitizer || echo "$top/bin/compute-sanitizer")
  if [ -x "$sanitizer" ]; then
    say 'compute-sanitizer'
    sanitize
  else
    rows+=('| compute-sanitizer | not measured | it is not installed |')
  fi
fi

# ---- GStreamer ---------------------------------------------------------------

gstreamer() {
  local caps='video/x-raw,format=NV12,width=1280,height=720,framerate=25/1'
  local source="videotestsrc num-buffers=8 pattern=ball ! $caps"
  local build=$out/gst
  [ -f "$build/build.ninja" ] ||
    meson setup "$build" -Dcuda=enabled >/dev/null || return
  meson compile -C "$build" >/dev/null || return
  meson test -C "$build" cuda-features cuda-golden cuda-element || return
  export GST_PLUGIN_PATH=$build/gst-sympie SYMPIE_WEIGHTS=weights/nem.safetensors
  # shellcheck disable=SC2086  # caps and elements are words
  gst-launch-1.0 -q $source ! sympieenhance device=cpu ! \
    filesink location="$out/cpu.nv12" || return
  # shellcheck disable=SC2086
  gst-launch-1.0 -q $source ! cudaupload ! sympieenhance device=cuda ! \
    cudadownload ! filesink location="$out/cuda.nv12" || return
  python3 - "$out/cpu.nv12" "$out/cuda.nv12" <<'PYTHON'
import sys
a, b = (open(path, 'rb').read() for path in sys.argv[1:])
if len(a) != len(b) or not a:
    sys.exit(f'{len(a)} bytes from the CPU, {len(b)} from CUDA')
differences = [abs(x - y) for x, y in zip(a, b)]
mean = sum(differences) / len(a)
print(f'{max(differences)} levels at most, {mean:.3f} on average')
sys.exit(max(differences) > 2 or mean > 0.1)
PYTHON
}

if [ -n "$measured" ] && [ -z "$emulated" ]; then
  say 'GStreamer'
  if command -v meson >/dev/null && pkg-config --exists gstreamer-cuda-1.0 json-glib-1.0 &&
    gst-inspect-1.0 --exists cudaupload 2>/dev/null; then
    run gstreamer gstreamer
  else
    rows+=('| gstreamer | not measured | GStreamer or its CUDA plugin is not installed |')
  fi
fi

# ---- Results -----------------------------------------------------------------

{
  printf '# CUDA: results\n\n'
  printf 'Written by `tests/cuda/run-on-gpu.sh%s` on %s, commit %s.\n\n' \
    "${emulated:+ --emulated}" "$(date -u +%F)" \
    "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
  if [ -n "$emulated" ]; then
    printf 'Emulated on the CPU: nothing here is a measurement of a GPU.\n\n'
  else
    nvidia-smi --query-gpu=name,driver_version,memory.total \
      --format=csv 2>/dev/null | sed 's/^/    /' || printf 'No GPU.\n'
    printf '\n    %s\n\n' "$("$nvcc" --version | sed -n 's/.*release/nvcc/p')"
  fi
  printf '| test, seed %s | result | last line |\n|---|---|---|\n' "$seed"
  printf '%s\n' "${rows[@]}"
  printf '\n## Benchmark\n\n%s\n\n%s\n' "$bench_table" "$peer_table"
  if [ -z "$emulated" ]; then
    printf '\n## Registers and spills, sm_%s\n\n' "$capability"
    cat "$out"/*.cu.o.log 2>/dev/null | c++filt 2>/dev/null |
      awk '/Compiling entry/ { gsub(/\(anonymous namespace\)::/, "")
          sub(/.*function ./, "")
          sub(/.*void /, ""); sub(/ ?\(.*/, ""); name = $0 }
        /spill/ { spill = $5 + $9 } /Used/ { printf "| %s | %s | %d |\n", name, $5, spill }' |
      sort -u | sed '1i | kernel | registers | bytes spilled |\n|---|---|---|'
  fi
} >"$results"
say "results: $results"
exit $status
