#!/usr/bin/env bash
# Do the tests notice? Changes the source, one line at a time, and expects a test
# to fail each time:
#
#   tests/mutate.sh [PATTERN]     those whose line below matches PATTERN only
#
# Prints who was not caught, and the score. Takes half an hour: no part of run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'mutate: %s\n' "$*" >&2; exit 1; }

# FILE in kernels/, or in gst-sympie/ for an element's test; the test that must
# fail; what sed does to the file.
mutants() {
  cat <<'END'
params.c|params|s/(1 - t) \* a->values/(1 + t) * a->values/
params.c|params|s/sum \/ SYMPIE_N_PARAMS/sum \/ 36/
params.c|context|s/!isfinite (params->values/isnan (params->values/
thumbnail.c|thumbnail|s/sum + ROWS \* run \/ 2/sum/
thumbnail.c|thumbnail|s/x < 0 ? 0 : x > width - run/x < 0 ? 0 : x > width/
image.c|thumbnail|s/number % 3 \* 10/number % 3 * 8/
image.c|context|s/strides\[p\] < row/strides[p] < row - 1/
image.c|context|s/kr > 0 && kb > 0 && //
image.c|context|s/(width + 5) \/ 6 \* 16/(width + 4) \/ 6 * 16/
colour.c|preprocess|s/224 \* unit/219 * unit/
colour.c|preprocess|s/-u \* k\[2\] \/ k\[1\]/-u * k[2]/
dwm_fold.c|dwm|s/3 \* d + c/3 * c + d/
sized.c|context|s/given < oldest || //
sized.c|context|s/if (bytes\[i\])/if (false)/
context.c|context|s/if (!context->ignore_gate)/if (true)/
context.c|context|s/&estimated, strength, &blended/\&estimated, 1, \&blended/
context.c|context|s/strength >= 0 && //
context.c|context|s/ || !isfinite (gate)//
features.c|features|s/reference->height != own\[i\].height/false/
features.c|features|s/width \/= 2/width = (width + 1) \/ 2/
safetensors.c|safetensors|s/if (end < size)/if (false)/
half.h|safetensors|s/(half & 0x7c00) == 0x7c00/(half \& 0x7fff) > 0x7c00/
safetensors.c|safetensors|s/if (tensor->begin < end)/if (false)/
json.c|safetensors|s/i < 4; i++, json->at++/i < 3; i++, json->at++/
nem_weights.c|nem|s/bn_epsilon = 1e-5/bn_epsilon = 1e-3/
pool.c|pool|s/  while (atomic_load (&pool->helping) > 0)$/  while (false)/
pool.c|pool|s/: pool->size) - 1;/: pool->size);/
pool.c|pool|s/(thread + i) %/i %/
pool.c|pool|s/n_tasks \* (i + 1) \/ n/n_tasks * (i + 1) \/ n - 1/
cpu/cpu.c|context|s/\*disabled = ~allowed/*disabled = 0/
cpu/cpu.c|context|s/\*n_threads > SYMPIE_MAX_THREADS/false/
cpu/dwm_plan.c|dwm|s/fabs (pad) <= 2 \* SYMPIE_DWM_ONE/true/
cpu/dwm_plan.c|dwm|s/(INT16_MAX - 26) \/ sample/INT16_MAX * 1.1 \/ sample/
cpu/dwm_plan.c|dwm|s/range \/ unit <= INT16_MAX - 3/true/
cpu/dwm_plan.c|dwm|s/fold.mean\[c\] + 0.5/fold.mean[c]/
cpu/dwm_pixels.h|dwm|s/low, high, 0x31/low, high, 0x30/
cpu/dwm_vector.h|dwm|s/TAPS_2 (s + dx, c0, 4, d0, 3);/TAPS_2 (s + dx, c0, 3, d0, 4);/
cpu/dwm_vector.h|dwm|s/i < mix->doublings/i < 0/
cpu/dwm_load_tmpl.h|dwm|s/narrow\[n\] = narrow\[n - 1\];//
cpu/dwm_load_tmpl.h|dwm|s/row\[n\] = row\[n + 1\]/row[n + 1]/
cpu/dwm.c|dwm|s/dwm->top ? 2 : 1/1/
cpu/taps.c|preprocess|s/(index + 0.5) \*/index */
cpu/taps.c|preprocess|s/(right < end ? right : end)/right/
cpu/taps.c|preprocess|s/fmin (fmax (position, 0), output->n_samples - 1)/fmax (position, 0)/
cpu/resample_tmpl.h|preprocess|s/v = v > 1 ? 1 : v;//
cpu/resample_tmpl.h|preprocess|s/(t >= first && t < end)/(t > first \&\& t < end)/
cpu/resample_tmpl.h|preprocess|s/ && weights\[first - 1\] == weights\[first\])/)/
cpu/preprocess.c|preprocess|s/preprocess->format == image->format/true/
cpu/preprocess.c|preprocess|s/preprocess->chroma_site == site/true/
cpu/preprocess.c|context-memory|s/if (!preprocess->scratch)/if (false)/
cpu/conv.c|conv|s/if (scratch->group != group)/if (scratch->group < 0)/
cpu/conv.c|conv|s/job->end_row++;//
cpu/conv.c|context-memory|s/free (net->scratch\[t\].v);//
cpu/conv_tmpl.h|conv|s/left\[1\] + rows\[TILE - 1\]/rows[TILE - 1]/
cpu/conv_tmpl.h|conv|s/(a + 4 \* c)/(a + 3.99f * c)/
cpu/conv_tmpl.h|conv|s/larger (a, b) + bias/larger (a, b)/
cpu/conv_tmpl.h|conv|s/ | (b != b)//
safetensors.h|sharing|s/ && a->inode == b->inode//
cpu/nem.c|context|s/gate < 0 ? 0 : gate/gate/
cpu/nem.c|nem|s/sums\[c\] \/ (float) area/sums[c]/
cpu/features_cpu.c|features|s/sums\[0\] += d \* d;/sums[0] = d * d;/
cpu/features_cpu.c|features|s/255 \* sympie_std\[c\]/255 * sympie_std[0]/
cpu/vgg.c|vgg|s/layer->lag % 2 == 1/false/
cpu/vgg.c|vgg|s/first + y < 0 || //
corrupt/functions.h|corrupt-golden|s/1 \/ 5.f/1 \/ 4.f/
corrupt/corrupt.c|corrupt|s/ || (\*a == '-' && \*b == '_')//
corrupt/jpeg.c|corrupt|s/if (level < 0)/if (false)/
corrupt/jpeg.c|corrupt|s/jpeg.image_height > SYMPIE_MAX_PHOTO/jpeg.image_height > INT64_MAX/
corrupt/jpeg.c|corrupt-memory|s/errors.base.msg_code == JERR_OUT_OF_MEMORY/false/
corrupt/noise.c|corrupt|s/random\[x\] < half ? 0 : 255/255/
corrupt/tone.c|corrupt-golden|s/value = value > b\[x\] ? value : b\[x\];//
corrupt/pixels.c|corrupt-formats|s/wb = 255 \* weights\[1\]/wb = 256 * weights[1]/
pool.c|pool|s/team.n_workers = team.looking = team.asleep = 0;//
cpu/conv_weights.c|sharing|s/pthread_atfork (lock, unlock, unlock) != 0/false/
formats.c|element-negotiation|s/if (value && !GST_VALUE_HOLDS_LIST (value))/if (FALSE)/
formats.c|element-negotiation|s/gboolean choose = by_converter && /gboolean choose = /
arrival.c|element-faults|s/trans->segment.format != GST_FORMAT_TIME/FALSE/
gstsympiefilter.c|element-filter|s/if (!on || klass->ensure_open (self))/if (klass->ensure_open (self))/
gstsympieenhance.c|element-live|s/self->enhancer.tracker.load = (GstSympieLoad){ 0 };//
gstsympieenhance.c|cuda-element-memory|s/parent.verdict = GST_FLOW_ERROR/parent.verdict = GST_FLOW_OK/
gstsympiefilter.c|element-negotiation|s/passthrough || klass->ensure_open (self) ?/self->is_stuck ? GST_FLOW_NOT_NEGOTIATED : &/
gstsympiefilter.c|element-negotiation|s/api == GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE/FALSE/
gstsympieenhancebin.c|element-bin|s/if (!(pspec->flags & G_PARAM_WRITABLE))/if (FALSE)/
timeline.c|element-timeline|s/notes->has_noted && time >= notes->latest/notes->has_noted/
timeline.c|element-timeline|s/g_array_sort (timeline->changes, compare_times)//
timeline.c|element-timeline|s/return begins || notes->n_writers == before/return TRUE/
gstsympieenhance.c|element-timeline|s/    gst_sympie_notes_skip (&self->notes);//
enhancer.c|element-live|s/    gst_sympie_enhancer_end_scene (enhancer);/gst_sympie_tracker_reset (\&enhancer->tracker);/
enhancer.c|element-live|s/if (state == GST_SYMPIE_ESTIMATE_READY)/if (FALSE)/
properties.c|element-probe-results|s/GST_STATE_NEXT (element)) > GST_STATE_READY/GST_STATE_NEXT (element)) > G_MAXINT/
properties.c|element-filter|s/} else if (!has_value (object, pspec, value)) {/} else {/
END
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git archive HEAD | tar -x -C "$folder"
cd "$folder"

# Builds what a test needs, in a folder that is set up when the first test asks.
build() {
  local targets=()
  build=disabled
  case $1 in
    cuda-element-*) build=emulated targets=(gst-sympie/libgstsympie.so "tests/cuda/$1") ;;
    element-*) targets=(gst-sympie/libgstsympie.so "tests/elements/$1") ;;
    *) targets=("tests/kernels/$1") ;;
  esac
  [ -d $build ] || meson setup $build -Dcuda=$build >setup.log 2>&1 ||
    { tail setup.log; fail "meson setup"; }
  ninja -C $build "${targets[@]}" >build.log || { tail build.log; fail "$2"; }
}

passes() { meson test -C $build --no-rebuild -t 4 "$1" >/dev/null 2>&1; }

tests=$(mutants | grep -e "${1-}" | cut -d '|' -f 2 | sort -u) || true
[ -n "$tests" ] || fail "no line matches '$1'"
for test in $tests; do
  build "$test" "the source as it is"
  passes "$test" || fail "$test fails with the source as it is"
done

n=0 caught=0
while IFS='|' read -r file test change; do
  n=$((n + 1))
  case $test in *element-*) file=gst-sympie/$file ;; *) file=kernels/$file ;; esac
  cp "$file" before
  sed -i -- "$change" "$file"
  cmp -s "$file" before && fail "$file has nothing for $change"
  build "$test" "$change"
  if passes "$test"; then
    printf 'not caught by %s: %s: %s\n' "$test" "$file" "$change"
  else
    caught=$((caught + 1))
  fi
  cp before "$file"
done < <(mutants | grep -e "${1-}")
printf 'mutate: %d of %d caught\n' "$caught" "$n"
[ "$caught" -eq "$n" ]
