#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns a study's measurements into tables: aggregate.py DIR

Reads, in DIR, what run.sh and the Snakefile have left there:

  config.json     what was asked for
  clips/CLIP.mkv  the reference: the clip as lossless 4:2:0; CLIP.json: file, width,
                  height, frames, frame_rate, pixel_format of the clip itself
  encodes/CLIP/CODEC-RATE.mkv               what is measured against it
  controls/CLIP/CODEC-RATE.json             controls.py's: what a gain has to beat
  measures/CLIP/CODEC-RATE-LAYER-INPUT.json measure.py's: sympieprobe's results for all
                  versions of the encode; none-0 is the clip itself
  quality/CLIP/CODEC-RATE.json              quality.py's: bit rate, PSNR, SSIM, VMAF
  agreement/CLIP.json                       agreement.py's: of classifiers' answers
  costs/CLIP-reuseN.json                    what sympieenhance takes

and writes into DIR:

  frames.csv  every pair measured: clip, codec, rate, measure, version, frame (of the
              clip, from 0), running_time (ns), feature_mse, pixel_mse, psnr (dB; inf
              where nothing differs). version: plain, a control or reuseN
  table.csv   table 8 of the paper, the first measure: codec, rate, clips, frames,
              plain, enhanced (feature MSE without, with reuse-interval=1), delta =
              enhanced - plain, delta_low, delta_high, percent = 100 delta / plain (nan
              where plain is 0), percent_low, percent_high, and of the clips' own
              percents the median and the worst: median_percent, worst_clip,
              worst_percent
  clips.csv   the same for each clip, which is the first column
  versions.csv  measure, codec, rate, version and the same from clips on; enhanced is
              the version's
  quality.csv codec, rate, what (kbit/s, PSNR in dB, SSIM, VMAF, top-1 of a network),
              plain, enhanced: means over the clips; nan where there is none
  bjontegaard.csv  clip (or "all"), codec, version, bd_rate (per cent of bit rate at equal
              feature MSE), bd_decibels (feature MSE at equal bit rate); nan where the
              curves do not meet, or of less than two rates
  undamaged.csv  clip, version, feature_mse, share: of what is done to the clip itself;
              share in per cent of the feature MSE that the lowest rate costs it
  reuse.csv   clip (or "all"), reuse, ms_per_frame (one thread), feature_mse,
              plain, delta = feature_mse - plain, low, high, percent,
              percent_low, percent_high: over the codecs and rates
  study.json  what was run: versions, weights, clips, encoders, machines, date
  table.md    table 8 in its own form, which is also printed

Every clip counts as much as another, however long it is: figures of several clips are the
means of the clips' means. low and high bound 95 %: percentiles of a bootstrap that draws
clips, and each time as many frames as the clip has, plain and enhanced together. A single
clip is given: what is said of it holds for it.
"""

import csv
import datetime
import hashlib
import json
import os
import platform
import re
import struct
import subprocess
import sys

import numpy as np
from scipy.interpolate import PchipInterpolator

from controls import NAMES
from results import LABELS
from video import machine

HERE = os.path.dirname(os.path.realpath(__file__))
DRAWS = 4000
SPREAD = ["delta", "delta_low", "delta_high", "percent", "percent_low", "percent_high"]


class Study:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        self.clips = list(self.config["clips"])
        self.cells = [(codec, rate) for codec in self.config["codecs"]
                      for rate in self.config["rates"]]
        self.reuses = self.config["reuse"]
        self.measures = self.config["measures"]
        # measured[clip, codec, rate, measure]: {version: frames}
        self.measured = {}
        for clip in self.clips:
            for cell in [*self.cells, ("none", 0)]:
                for measure in self.measures:
                    self.measured[clip, *cell, measure] = self._measure(clip, *cell, measure)
        self.quality = {(clip, *cell): self.read("quality", clip, "%s-%d.json" % cell)
                        for clip in self.clips for cell in self.cells}
        self.agreement = {clip: self.read("agreement", f"{clip}.json")
                          for clip in self.clips}

    def read(self, *path):
        with open(os.path.join(self.folder, *path), encoding="utf-8") as file:
            return json.load(file)

    def _measure(self, clip, codec, rate, measure):
        found = self.read("measures", clip,
                          f"{codec}-{rate}-{measure.replace('/', '-')}.json")
        where = f"{clip}, {codec} at rate {rate}, {measure}"
        if not all(pooled.get("complete") for pooled in found["pooled"]):
            raise ValueError(f"{where}: the measurement was interrupted")
        versions = {}
        for frame in found["frames"]:
            versions.setdefault(frame["version"], []).append(frame)
        if not versions:
            raise ValueError(f"{where}: no frame was measured")
        plain = [frame["index"] for frame in versions.get("plain", [])]
        for version, frames in versions.items():
            if [frame["index"] for frame in frames] != plain:
                raise ValueError(f"{where}, {version}: other frames than without "
                                 "sympieenhance")
        if (codec, rate) == ("none", 0) and any(f["feature-mse"] for f in versions["plain"]):
            raise ValueError(f"{where}: the clip differs from itself")
        return versions

    def mse(self, clip, cells, version, measure=None):
        """-> feature MSE of the clip's frames, the mean over these cells."""
        each = [[frame["feature-mse"] for frame in
                 self.measured[clip, *cell, measure or self.measures[0]][version]]
                for cell in cells]
        return np.mean(np.array(each), axis=0)

    def cost(self, clip, reuse):
        return self.read("costs", f"{clip}-reuse{reuse}.json")


def percent(delta, plain):
    """-> NaN where compression did nothing: there is no per cent of that."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(plain == 0, np.nan, 100 * np.divide(delta, plain))


def bootstrap(pairs):
    """pairs: (plain, enhanced) feature MSE of frames, one pair of arrays a clip.

    -> frames, plain, enhanced, and what SPREAD names."""
    rng = np.random.default_rng(0)
    clips = rng.integers(len(pairs), size=(len(pairs), DRAWS))
    sums = np.zeros((2, DRAWS))
    for i, (plain, enhanced) in enumerate(pairs):
        for drawn_clips in clips:
            # A clip that is drawn twice shows other frames the second time.
            draws = np.flatnonzero(drawn_clips == i)
            drawn = rng.integers(len(plain), size=(len(draws), len(plain)))
            sums[:, draws] += plain[drawn].mean(axis=1), enhanced[drawn].mean(axis=1)
    plains, enhanceds = sums / len(pairs)
    plain, enhanced = (float(np.mean([side.mean() for side in sides]))
                       for sides in zip(*pairs))
    delta = enhanced - plain
    low, high = np.percentile(enhanceds - plains, [2.5, 97.5])
    parts = np.percentile(percent(enhanceds - plains, plains), [2.5, 97.5])
    return dict(zip(["frames", "plain", "enhanced", *SPREAD],
                    [sum(len(plain) for plain, _ in pairs), plain, enhanced, delta, low,
                     high, float(percent(delta, plain)), *parts]))


def row_of(study, clips, cell, version, measure):
    """-> clips, frames and so on, up to the worst clip."""
    pairs = {clip: (study.mse(clip, [cell], "plain", measure),
                    study.mse(clip, [cell], version, measure)) for clip in clips}
    each = {clip: float(percent(enhanced.mean() - plain.mean(), plain.mean()))
            for clip, (plain, enhanced) in pairs.items()}
    worst = max(each, key=lambda clip: np.nan_to_num(each[clip], nan=-np.inf))
    return {"clips": len(clips), **bootstrap(list(pairs.values())),
            "median_percent": float(np.median(list(each.values()))), "worst_clip": worst,
            "worst_percent": each[worst]}


def table_rows(study, clips):
    for cell in study.cells:
        yield {"codec": cell[0], "rate": cell[1],
               **row_of(study, clips, cell, "reuse1", study.measures[0])}


def clip_rows(study):
    for clip in study.clips:
        for row in table_rows(study, [clip]):
            yield {"clip": clip, **row}


def version_rows(study):
    for measure in study.measures:
        for cell in study.cells:
            for version in [*NAMES, "reuse1"]:
                yield {"measure": measure, "codec": cell[0], "rate": cell[1],
                       "version": version,
                       **row_of(study, study.clips, cell, version, measure)}


def undamaged_rows(study):
    lowest = [cell for cell in study.cells if cell[1] == min(study.config["rates"])]
    for clip in study.clips:
        costs = study.mse(clip, lowest, "plain").mean()
        for version in ["plain", *NAMES, "reuse1"]:
            done = study.mse(clip, [("none", 0)], version).mean()
            yield {"clip": clip, "version": version, "feature_mse": float(done),
                   "share": float(percent(done, costs))}


def quality_rows(study):
    """Means over the clips. FFmpeg has no PSNR of what does not differ."""
    def mean(values):
        values = [np.nan if value is None else value for value in values]
        return float(np.mean(values))
    for cell in study.cells:
        told = [study.quality[clip, *cell] for clip in study.clips]
        row = {"codec": cell[0], "rate": cell[1]}
        rate = mean([one["kbit_per_s"] for one in told])
        yield {**row, "what": "kbit/s", "plain": rate, "enhanced": rate}
        for what, key in (("PSNR", "psnr"), ("SSIM", "ssim"), ("VMAF", "vmaf")):
            yield {**row, "what": what, "plain": mean([one["plain"][key] for one in told]),
                   "enhanced": mean([one["reuse1"][key] for one in told])}
        agreed = [one.get("encodes", {}).get("%s-%d" % cell) for one in
                  study.agreement.values()]
        for network in agreed[0]["plain"] if all(agreed) else []:
            yield {**row, "what": f"top-1 of {network}",
                   **{name: 100 * mean([one[version][network] for one in agreed])
                      for name, version in (("plain", "plain"), ("enhanced", "reuse1"))}}


# ---- Bjontegaard's difference ----------------------------------------------

def bjontegaard(x, a, b):
    """Two curves of values a and b at the same places x -> the mean of b - a over the
    range that x spans, by piecewise cubic interpolation; NaN where a value is infinite, as
    decibels of no error are."""
    order = np.argsort(x)
    x, a, b = (np.asarray(values)[order] for values in (x, a, b))
    if len(x) < 2 or not np.isfinite([a, b]).all() or (np.diff(x) <= 0).any():
        return np.nan
    return PchipInterpolator(x, b - a).integrate(x[0], x[-1]) / (x[-1] - x[0])


def bjontegaard_rate(log_rate, a, b):
    """-> per cent of bit rate that b takes more than a for the same value; NaN where the
    curves share no value, or one does not rise with the rate."""
    order = np.argsort(log_rate)
    log_rate, a, b = (np.asarray(values)[order] for values in (log_rate, a, b))
    if len(a) < 2 or not np.isfinite([a, b]).all() or (np.diff([a, b]) <= 0).any():
        return np.nan
    low, high = max(a[0], b[0]), min(a[-1], b[-1])
    if low >= high:
        return np.nan
    areas = [PchipInterpolator(values, log_rate).integrate(low, high) for values in (a, b)]
    return 100 * np.expm1((areas[1] - areas[0]) / (high - low))


def bjontegaard_rows(study):
    """The quality is feature MSE in decibels; of all clips, the mean of theirs."""
    found = {}
    for clip in study.clips:
        for codec in study.config["codecs"]:
            cells = [cell for cell in study.cells if cell[0] == codec]
            rates = np.log([study.quality[clip, *cell]["kbit_per_s"] for cell in cells])
            decibels = {}
            for version in ["plain", *NAMES, "reuse1"]:
                with np.errstate(divide="ignore"):
                    decibels[version] = -10 * np.log10(
                        [study.mse(clip, [cell], version).mean() for cell in cells])
            for version in [*NAMES, "reuse1"]:
                both = decibels["plain"], decibels[version]
                found[clip, codec, version] = (bjontegaard_rate(rates, *both),
                                               bjontegaard(rates, *both))
    for clip in [*study.clips, "all"]:
        for codec in study.config["codecs"]:
            for version in [*NAMES, "reuse1"]:
                clips = study.clips if clip == "all" else [clip]
                rate, decibels = np.mean([found[c, codec, version] for c in clips], axis=0)
                yield {"clip": clip, "codec": codec, "version": version,
                       "bd_rate": float(rate), "bd_decibels": float(decibels)}


def reuse_rows(study):
    every = [(clip, [clip]) for clip in study.clips] + [("all", study.clips)]
    for name, clips in every:
        for reuse in study.reuses:
            row = bootstrap([(study.mse(clip, study.cells, "plain"),
                              study.mse(clip, study.cells, f"reuse{reuse}"))
                             for clip in clips])
            cost = np.mean([study.cost(clip, reuse)["ms_per_frame"] for clip in clips])
            yield {"clip": name, "reuse": reuse, "ms_per_frame": cost,
                   "feature_mse": row["enhanced"], "plain": row["plain"],
                   "delta": row["delta"], "low": row["delta_low"],
                   "high": row["delta_high"], "percent": row["percent"],
                   "percent_low": row["percent_low"],
                   "percent_high": row["percent_high"]}


def frame_rows(study):
    for (clip, codec, rate, measure), versions in study.measured.items():
        for version, frames in versions.items():
            for frame in frames:
                psnr = frame["psnr"]
                yield {"clip": clip, "codec": codec, "rate": rate, "measure": measure,
                       "version": version, "frame": frame["index"],
                       "running_time": frame["running-time"],
                       "feature_mse": frame["feature-mse"],
                       "pixel_mse": frame["pixel-mse"],
                       "psnr": "inf" if psnr is None else psnr}


def markdown(study, rows, versions):
    """Table 8: a column for each rate; for each codec the worst clip, then the mean, then
    what the controls do."""
    rates = study.config["rates"]
    lines = ["| codec | feature MSE | " + " | ".join(f"{r}" for r in rates) + " |",
             "|---|---|" + "---:|" * len(rates)]
    shown = [("worst clip, %", "{worst_clip} {worst_percent:+.1f}"),
             ("without SyMPIE", "{plain:.4g}"), ("with SyMPIE", "{enhanced:.4g}"),
             ("change, %", "{percent:+.1f} ({percent_low:+.1f} to {percent_high:+.1f})"),
             ("median clip, %", "{median_percent:+.1f}")]
    def line(first, name, form, of):
        cells = " | ".join("-" if "percent" in form and row["plain"] == 0
                           else form.format(**row) for row in of)
        lines.append(f"| {first} | {name} | {cells} |")
    for codec in study.config["codecs"]:
        for name, form in shown:
            line(codec if form == shown[0][1] else "", name, form,
                 [row for row in rows if row["codec"] == codec])
        for version in NAMES:
            line("", f"{LABELS[version]}, %", "{percent:+.1f}",
                 [row for row in versions if (row["measure"], row["codec"], row["version"])
                  == (study.measures[0], codec, version)])
    frames = rows[0]["frames"] if rows else 0
    over = "clips and their frames" if len(study.clips) > 1 else "frames"
    lines += ["", f"VGG19's {study.measures[0]}, "
              f"{len(study.clips)} clip{'s' * (len(study.clips) != 1)}, each counted once, "
              f"{frames} frame{'s' * (frames != 1)} "
              f"(every {ordinal(study.config['subsample'])}); "
              f"in brackets 95 % intervals over {over}."]
    return "\n".join(lines) + "\n"


def ordinal(number):
    ending = "th" if 10 < number % 100 < 14 else \
        {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def first_line(*command):
    """-> what a program says of itself; None where there is no such program."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.splitlines()[0] if done.stdout else None


def plugin_version():
    said = subprocess.run(["gst-inspect-1.0", "sympieenhance"], capture_output=True,
                          text=True).stdout
    found = re.search(r"^\s+Version\s+(\S+)", said, re.M)
    return found and found[1]


def weights_file(path):
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"file": os.path.basename(path), "sha256": digest}


def vgg19_source(path):
    """-> what weights/fetch-vgg19.sh has noted in the file, or nothing."""
    with open(path, "rb") as file:
        try:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, 1 << 20)))
            return header.get("__metadata__", {}).get("source", "")
        except (ValueError, struct.error, AttributeError):
            return ""


def timed_on(study):
    machines = [study.cost(clip, reuse)["machine"] for clip in study.clips
                for reuse in study.reuses]
    return [one for i, one in enumerate(machines) if one not in machines[:i]]


def description(study):
    config = study.config
    git = ["git", "-C", HERE]
    gstreamer = first_line("gst-launch-1.0", "--version")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": first_line(*git, "describe", "--always", "--dirty", "--abbrev=12"),
        "versions": {
            "gst-sympie": plugin_version(),
            "gstreamer": gstreamer and gstreamer.split()[-1],
            "ffmpeg": first_line("ffmpeg", "-version"),
            "snakemake": first_line("snakemake", "--version"),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        # The tables were made on the one, what frames cost was timed on the others.
        "machine": machine(),
        "timed_on": timed_on(study),
        "device": sorted({study.read("measures", clip, f"none-0-{name}.json")["device"]
                          for clip in study.clips
                          for name in (m.replace("/", "-") for m in study.measures)}),
        "weights": weights_file(config["weights"]),
        "vgg19": {**weights_file(config["vgg19"]), "what": vgg19_source(config["vgg19"])},
        "measures": config["measures"],
        "vmaf": any(one["vmaf"] for one in study.quality.values()),
        "classifiers": next((one["skipped"] for one in study.agreement.values()
                             if one["skipped"]), ""),
        "subsample": config["subsample"],
        "rates": config["rates"],
        "reuse": config["reuse"],
        "codecs": config["codecs"],
        "clips": {clip: study.read("clips", f"{clip}.json") for clip in study.clips},
        "bootstrap": {"draws": DRAWS, "level": 0.95, "over": "clips, and frames of each"},
    }


def write(folder, name, text):
    """Renamed into place: nobody reads half a file."""
    path = os.path.join(folder, name)
    with open(path + ".part", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.replace(path + ".part", path)


def write_csv(folder, name, rows):
    path = os.path.join(folder, name)
    with open(path + ".part", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{value:.9g}" if isinstance(value, float) else value
                             for key, value in row.items()})
    os.replace(path + ".part", path)


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 1
    folder = sys.argv[1]
    try:
        study = Study(folder)
        table = list(table_rows(study, study.clips))
        versions = list(version_rows(study))
        write_csv(folder, "frames.csv", list(frame_rows(study)))
        write_csv(folder, "table.csv", table)
        write_csv(folder, "clips.csv", list(clip_rows(study)))
        write_csv(folder, "versions.csv", versions)
        write_csv(folder, "quality.csv", list(quality_rows(study)))
        write_csv(folder, "bjontegaard.csv", list(bjontegaard_rows(study)))
        write_csv(folder, "undamaged.csv", list(undamaged_rows(study)))
        write_csv(folder, "reuse.csv", list(reuse_rows(study)))
        write(folder, "study.json", json.dumps(description(study), indent=2) + "\n")
        text = markdown(study, table, versions)
        write(folder, "table.md", text)
    except (OSError, ValueError, KeyError) as error:
        print(f"study: {folder}: {error}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
