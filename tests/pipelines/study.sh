#!/usr/bin/env bash
# pipelines/study: a small study from end to end, what it says against what
# sympieprobe measured, what a second start does anew, and where it gives up.
#
#   study.sh SOURCE-ROOT SEED-VGG19
set -euo pipefail
run=$1/pipelines/study/run.sh
aggregate=$1/pipelines/study/aggregate.py
seed=$(realpath "$2")

skip() { printf '%s\n' "$*"; exit 77; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
command -v snakemake >/dev/null || skip 'no snakemake (setup.sh --study)'
/usr/bin/python3 -c 'import cv2, jinja2, matplotlib, numpy, PIL, torch, yaml' 2>/dev/null ||
  skip 'a Python package of setup.sh --study is not there'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"$seed" vgg19.safetensors
export SYMPIE_VGG19_WEIGHTS=$scratch/vgg19.safetensors

# 4:4:4, odd sides, sound, times that do not start at 0, and a name that a shell
# could trip over.
clip="it's a (clip).mkv"
ffmpeg -v error -f lavfi -i testsrc2=size=161x97:rate=10:duration=1,format=yuv444p \
  -f lavfi -i sine=duration=1 -c:v libx264 -pix_fmt yuv444p -c:a aac \
  -output_ts_offset 2 "$clip" </dev/null
measures=relu2_1/crop224,relu1_2/full
study=("$run" --no-setup --out out -j 2 --codecs vp9 --subsample 3 --reuse 2
  --measures "$measures")
both=("${study[@]}" --rates 20,60 "$clip")
name=it_s_a__clip_

# Stopped in the middle, it goes on where it was.
: >said
"${both[@]}" >said 2>&1 &
until grep -q '^study: 2 of' said; do
  kill -0 $! || fail "the study ended: $(cat said)"
  sleep 0.1
done
kill $!
! wait $! || fail 'a study that was stopped succeeded'
grep -q '^study: interrupted' said || fail "stopped: $(cat said)"
"${both[@]}" >said || { cat out/logs/snakemake.txt; fail 'the study failed'; }
grep -q '^| vp9 | worst clip, % |' said || fail "no table: $(cat said)"

/usr/bin/python3 - "$name" <<'END' || fail 'the tables are wrong'
import csv, json, sys
clip = sys.argv[1]
read = lambda name: list(csv.DictReader(open(f"out/{name}.csv")))
near = lambda a, b: abs(float(a) - b) <= 1e-6 * abs(b)
about = json.load(open(f"out/clips/{clip}.json"))
assert (about["width"], about["height"], about["frames"]) == (161, 97, 10), about
table, frames = read("table"), read("frames")
assert [(row["codec"], row["rate"]) for row in table] == [("vp9", "20"), ("vp9", "60")]
measured = {}
for row in table:
    found = json.load(open(f"out/measures/{clip}/vp9-{row['rate']}-relu2_1-crop224.json"))
    assert found["device"] == "cpu", found["device"]
    by = {one["version"]: one["feature-mse-mean"] for one in found["pooled"]}
    assert list(by) == ["plain", "contrast0.95", "contrast0.9", "blur", "mean", "reuse1",
                        "reuse2"], list(by)
    for version in by:
        indices = [f["index"] for f in found["frames"] if f["version"] == version]
        assert indices == [0, 3, 6, 9], (version, indices)
    measured[row["rate"]] = by
    assert row["frames"] == "4" and row["clips"] == "1", row
    assert near(row["plain"], by["plain"]) and near(row["enhanced"], by["reuse1"]), row
    delta = by["reuse1"] - by["plain"]
    assert abs(float(row["delta"]) - delta) < 1e-7, row
    assert abs(float(row["percent"]) - 100 * delta / by["plain"]) < 1e-2, row
    assert float(row["delta_low"]) <= delta <= float(row["delta_high"]), row
    assert row["worst_clip"] == clip and row["worst_percent"] == row["percent"], row
assert float(table[0]["plain"]) < float(table[1]["plain"]), "a worse rate looks better"
# All versions by the first measure; those that reuse nothing by the second, and of the
# clip itself, which differs from itself by nothing.
assert len(frames) == 4 * (2 * 7 + 2 * 6 + 2 * 6), len(frames)
assert [row["running_time"] for row in frames if row["version"] == "blur"][:4] == \
    ["0", "300000000", "600000000", "900000000"]
for row in read("versions"):
    if row["measure"] == "relu2_1/crop224":
        assert near(row["enhanced"], measured[row["rate"]][row["version"]]), row
assert len(read("versions")) == 2 * 2 * 5
undamaged = {row["version"]: float(row["feature_mse"]) for row in read("undamaged")}
assert undamaged["plain"] == 0 < undamaged["contrast0.95"] < undamaged["contrast0.9"], undamaged
quality = {(row["rate"], row["what"]): row for row in read("quality")}
assert float(quality["20", "kbit/s"]["plain"]) > float(quality["60", "kbit/s"]["plain"]) > 0
assert float(quality["20", "PSNR"]["plain"]) > float(quality["60", "PSNR"]["plain"]) > 10
# Enhancing leaves 0.79 here, frames read in a wrong layout 0.16.
assert 0.6 < float(quality["60", "SSIM"]["enhanced"]) < 1, quality["60", "SSIM"]
assert [row["version"] for row in read("bjontegaard") if row["clip"] == "all"] == \
    ["contrast0.95", "contrast0.9", "blur", "mean", "reuse1"]
each = read("clips")
assert [{k: v for k, v in row.items() if k != "clip"} for row in each] == table
reuse = read("reuse")
assert [(row["clip"], row["reuse"]) for row in reuse] == \
    [(clip, "1"), (clip, "2"), ("all", "1"), ("all", "2")], reuse
assert all(float(row["ms_per_frame"]) > 0 for row in reuse)
whole = sum(float(row["enhanced"]) for row in table) / 2
assert near(reuse[0]["feature_mse"], whole), reuse[0]
study = json.load(open("out/study.json"))
assert study["subsample"] == 3 and study["clips"][clip]["pixel_format"] == "yuv444p"
assert study["device"] == ["cpu"] and study["timed_on"][0]["processors"] > 0, study
assert "names no folder" in study["classifiers"], study
END

# A clip beside itself differs by nothing, whatever control both went through.
/usr/bin/python3 - "$(dirname "$aggregate")" "$name" <<'END' || fail 'the same streams differ'
import json, subprocess, sys
sys.path.insert(0, sys.argv[1])
import measure
config = json.load(open("out/config.json"))
with open(f"out/controls/{sys.argv[2]}/none-0.json") as file:
    made = measure.versions(config, json.load(file), ["1"])
assert list(made) == ["plain", "contrast0.95", "contrast0.9", "blur", "mean", "reuse1"]
for version, elements in made.items():
    command = ["gst-launch-1.0", "-q"]
    for pad in "ref_sink", "dist_sink":
        command += ["filesrc", f"location=out/clips/{sys.argv[2]}.mkv", "!", *measure.DECODE,
                    "!", *elements, "!", f"probe.{pad}"]
    command += ["sympieprobe", "name=probe", "strict=true", "layer=relu2_1", "device=cpu",
                "results-format=json", "results-filename=same.json", "!", "fakesink"]
    subprocess.run(command, check=True)
    pooled, = json.load(open("same.json"))["pooled"]
    assert pooled["frames"] == 10 and pooled["feature-mse-max"] == 0, (version, pooled)
END

# jobs: of the last start, by rule, without the tables.
jobs() { sed -nE 's/^rule ([a-z]+):/\1/p' out/logs/snakemake.txt | sort | uniq -c | xargs; }
[[ $(jobs) != *clip* && $(jobs) == *measure* ]] || fail "after it was stopped: $(jobs)"

[ -s out/report.html ] || fail 'no report'

# A second start does nothing; then what is lost and what is new is made, no more.
"${both[@]}" >/dev/null
[ -z "$(jobs)" ] || fail "nothing was to do, but: $(jobs)"
rm "out/measures/$name/vp9-60-relu2_1-crop224.json"
mkdir networks
PYTHONPATH=$1/tests/weights /usr/bin/python3 -c 'import sys, tinydata; sys.stdout.write(tinydata.CLASSIFIERS)' \
  >networks/classifiers.py
"${study[@]}" --rates 20,40,60 --models networks "$clip" >/dev/null
[ "$(jobs)" = '1 agreement 1 controls 1 encode 3 measure 1 quality 1 report' ] || fail "a rate more, a measurement less: $(jobs)"
[ "$(grep -c top-1 out/quality.csv)" -eq 9 ] || fail "three classifiers: $(cat out/quality.csv)"
[ "$(wc -l <out/table.csv)" -eq 4 ] || fail "three rates: $(cat out/table.csv)"

# Measurements of frames that do not belong together are no table.
cp out/measures/$name/vp9-60-relu2_1-crop224.json kept
sed -i '0,/"index": 3,/s//"index": 4,/' out/measures/$name/vp9-60-relu2_1-crop224.json
! said=$("$aggregate" out 2>&1) || fail 'other frames were compared'
[[ $said == *"$name, vp9 at rate 60"* ]] || fail "other frames: $said"
cp kept out/measures/$name/vp9-60-relu2_1-crop224.json

# says EXPECTED ARGUMENTS...: the study fails, and this is all that it says.
says() {
  local expected=$1 said
  shift
  if said=$("$run" --no-setup --out out -j 1 --subsample 1 --codecs h264 --reuse 1 "$@" \
    2>&1 >/dev/null); then
    fail "no failure: $*"
  fi
  if [ "$(wc -l <<<"$said")" -ne 1 ] || [[ $said != *"$expected"* ]]; then
    fail "$*: said '$said', wanted '$expected'"
  fi
}
ffmpeg -v error -f lavfi -i sine=duration=1 -c:a aac sound.m4a </dev/null
ffmpeg -v error -f lavfi -i testsrc2=size=32x32 -frames:v 0 empty.mkv </dev/null
ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=5:duration=2 -f mpegts good.ts </dev/null
{ head -c 9000 good.ts; head -c 20000 "$seed"; } >torn.ts
says 'no such file: nothing.mkv' nothing.mkv
says 'no video in' sound.m4a
says 'no video in' empty.mkv
says 'not a readable file' .
says "unknown codec 'mpeg2'" --codecs mpeg2 good.ts
says '--rates: 64 is not from 1 to 63' --rates 64 good.ts
says '--subsample 4 and --reuse 2 have a common divisor' --subsample 4 --reuse 2 good.ts
says "unknown layer 'relu6_1'" --measures relu6_1/full good.ts
says "'pool5' does not end in /crop224 or /full" --measures pool5 good.ts
says 'two clips are called good' good.ts ./good.ts
says 'weights/fetch-vgg19.sh gets them' --vgg19 missing.safetensors good.ts
for kept in out/clips/$name.mkv out/encodes/$name/vp9-20.mkv; do
  says 'would overwrite' "$kept"
  [ -s "$kept" ] || fail "gone: $kept"
done
says 'no classifiers.py in' --models . good.ts
says 'clip torn: ' --rates 50 torn.ts

# A job that fails is named by clip, codec and rate, with the reason, in any language.
export LANGUAGE=de
head -c 10000 /dev/zero >zeros.safetensors
! said=$("${study[@]}" --rates 20 --vgg19 zeros.safetensors "$clip" 2>&1) ||
  fail 'measured with weights that are none'
for measure in ${measures//,/ }; do
  [[ $said == *"study: measuring $name, vp9-20, $measure: "*zeros.safetensors* ]] ||
    fail "weights that are none: $said"
done
! said=$("${study[@]}" --rates 20 --weights zeros.safetensors "$clip" 2>&1) ||
  fail 'enhanced with weights that are none'
for job in "quality of $name, vp9-20" "timing $name with reuse-interval=2"; do
  [[ $said == *"study: $job: "*zeros.safetensors* ]] || fail "$job: $said"
done
