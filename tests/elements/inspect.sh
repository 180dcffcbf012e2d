#!/usr/bin/env bash
# gst-inspect-1.0 shows the elements with their documentation: every property
# with a description, its flags and, where it has one, its range.
#     inspect.sh PACKAGE ORIGIN    as meson's options have them
set -uo pipefail

failed=0
# expect PATTERN: a line of the output, or the end of the test.
expect() {
  grep -Eq -- "$1" <<<"$output" || {
    echo "not shown: $1"
    failed=1
  }
}

output=$(gst-inspect-1.0 sympie) || exit 1
expect "^  Binary package +$1\$"
expect "^  Origin URL +$2\$"
output=$(gst-inspect-1.0 sympieenhance) || exit 1
expect '^  Long-name +SyMPIE video enhancement'
expect '^  Klass +Filter/Effect/Video'
expect '^  License +LGPL'
expect "SINK template: 'sink'"
expect "SRC template: 'src'"
for format in RGB BGR RGBx BGRx xRGB xBGR RGBA BGRA ARGB ABGR GBR I420 YV12 \
  NV12 NV21 Y42B Y444 I420_10LE P010_10LE; do
  expect "format: .*\(string\)$format[, ]"
done
expect '^  weights +: Safetensors file'
expect '^  device +: Device to compute on'
expect '^ +\(0\): auto'
expect '^ +\(1\): cpu'
expect '^ +\(2\): cuda'
expect '^  active-device +: Device in use'
expect '^  n-threads +: Number of threads'
expect '^  enabled +: Enhance frames'
expect '^  strength +: Effect, from none'
expect 'flags: readable, writable, controllable'
expect 'Double. Range: +0 - +1 Default: +1'
expect '^  iterations +: How often'
expect 'Unsigned Integer. Range: 1 - 4 Default: 1'
expect '^  reuse-interval +: '
expect '^  gate +: '
expect 'Unsigned Integer. Range: 1 - 4294967295 Default: 1'
expect '^  parameters +: 37 numbers'
expect '^  last-parameters +: 37 numbers'
expect '^  stats +: frames, estimates, reused'
expect 'changeable only in NULL or READY state'
expect 'changeable in NULL, READY, PAUSED or PLAYING state'
output=$(gst-inspect-1.0 sympieenhancebin) || exit 1
expect '^  Klass +Generic/Bin/Decoder/Video'
expect '^  strength +: Effect, from none'
expect '^  last-parameters +: 37 numbers'
output=$(gst-inspect-1.0 sympiecorrupt) || exit 1
expect '^  Long-name +SyMPIE corruption'
expect '^  Klass +Filter/Effect/Video'
expect '^  corruption +: What is done'
expect '^ +\(23\): white-point'
expect '^  severity +: How much'
expect 'flags: readable, writable, controllable'
expect 'Unsigned Integer. Range: 0 - 5 Default: 3'
expect '^  seed +: Chooses'
expect '^  temporal +: How what'
expect '^  drift-period +: Nanoseconds'
expect '^  scale +: Lengths'
expect '^  frost-folder +: Folder'
expect '^  n-threads +: Number of threads'
output=$(gst-inspect-1.0 sympieprobe) || exit 1
expect '^  Long-name +VGG19 feature error'
expect '^  Klass +Filter/Analyzer/Video'
expect "SINK template: 'ref_sink'"
expect "SINK template: 'dist_sink'"
expect "SRC template: 'src'"
for format in NV12 P010_10LE; do
  expect "format: .*\(string\)$format[, ]"
done
expect '^  weights +: Safetensors file with VGG19'
expect '^  layer +: Layer of VGG19'
expect 'Enum "GstSympieLayer" Default: 16, "pool5"'
expect '^ +\(15\): relu5_4'
expect '^  input +: What VGG19 sees'
expect '^ +\(0\): crop224'
expect '^ +\(1\): full'
expect '^  subsample +: Measure every Nth pair'
expect '^  device +: Device to compute on'
expect '^  n-threads +: Number of threads'
expect 'Unsigned Integer. Range: 0 - 1024 Default: 0'
expect '^  frame-message +: Post a message'
expect '^  strict +: A frame without a partner'
expect '^  results-filename +: File that gets'
expect '^  results-format +: Format of the results'
expect '^ +\(2\): xml'
expect '^  mean +: Mean of the feature MSE'
expect '^  stats +: frames, pairs, unmatched-ref'
expect 'changeable only in NULL or READY state'
expect 'changeable in NULL, READY, PAUSED or PLAYING state'
exit $failed
