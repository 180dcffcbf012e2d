#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns a study's measurements into tables: aggregate.py DIR

Reads, in DIR, what run.sh and the Snakefile have left there:

  config.json     what was asked for
  clips/CLIP.mkv  the reference: the clip as lossless 4:2:0; CLIP.json: file, width,
                  height, frames, frame_rate, pixel_format of the clip itself
  encodes/CLIP/CODEC-RATE.mkv           what is measured against it
  measures/CLIP/CODEC-RATE-plain.json   sympieprobe's results without, and
  measures/CLIP/CODEC-RATE-reuseN.json  with sympieenhance, reuse-interval=N
  costs/CLIP-reuseN.json                what sympieenhance takes

and writes into DIR:

  frames.csv  every pair measured: clip, codec, rate, reuse (0: not enhanced),
              enhanced (0 or 1), frame (of the clip, from 0), running_time (ns),
              feature_mse, pixel_mse, psnr (dB; inf where nothing differs)
  table.csv   table 8 of the paper, over the frames of all clips: codec, rate,
              clips, frames, plain, enhanced (mean feature MSE without, with
              reuse-interval=1), delta = enhanced - plain, delta_low, delta_high,
              percent = 100 delta / plain (nan where plain is 0), percent_low,
              percent_high
  clips.csv   the same for each clip, which is the first column
  reuse.csv   clip (or "all"), reuse, ms_per_frame (one thread), feature_mse,
              plain, delta = feature_mse - plain, low, high, percent,
              percent_low, percent_high: over the codecs and rates
  study.json  what was run: versions, weights, clips, encoders, machine, date
  table.md    table 8 in its own form, which is also printed

low and high bound 95 %: percentiles of a bootstrap that draws, for each clip,
as many frames as it has, plain and enhanced together. The clips are given: they
say how sure the numbers are for these clips, not for others.
"""

import csv
import datetime
import hashlib
import json
import os
import platform
import re
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.realpath(__file__))
DRAWS = 10000
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
        self.measured = {}
        for clip in self.clips:
            for cell in self.cells:
                for reuse in [0, *self.reuses]:
                    self.measured[clip, *cell, reuse] = self._measure(clip, *cell, reuse)

    def read(self, *path):
        with open(os.path.join(self.folder, *path), encoding="utf-8") as file:
            return json.load(file)

    def _measure(self, clip, codec, rate, reuse):
        how = f"reuse{reuse}" if reuse else "plain"
        found = self.read("measures", clip, f"{codec}-{rate}-{how}.json")
        where = f"{clip}, {codec} at rate {rate}, {how}"
        if not found["pooled"][0].get("complete"):
            raise ValueError(f"{where}: the measurement was interrupted")
        if not found["frames"]:
            raise ValueError(f"{where}: no frame was measured")
        frames = [frame["index"] for frame in found["frames"]]
        if reuse:
            plain = [frame["index"] for frame in self.measured[clip, codec, rate, 0]]
            if frames != plain:
                raise ValueError(f"{where}: other frames than without sympieenhance")
        return found["frames"]

    def mse(self, clip, cells, reuse):
        """-> feature MSE of the clip's frames, the mean over these cells."""
        each = [[frame["feature-mse"] for frame in self.measured[clip, *cell, reuse]]
                for cell in cells]
        return np.mean(np.array(each), axis=0)

    def cost(self, clip, reuse):
        return self.read("costs", f"{clip}-reuse{reuse}.json")["ms_per_frame"]


def percent(delta, plain):
    """-> NaN where compression did nothing: there is no per cent of that."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(plain == 0, np.nan, 100 * np.divide(delta, plain))


def bootstrap(pairs):
    """pairs: (plain, enhanced) feature MSE of frames, one pair of arrays a clip.

    -> frames, plain, enhanced, and what SPREAD names."""
    rng = np.random.default_rng(0)
    frames = sum(len(plain) for plain, _ in pairs)
    sums = np.zeros((2, DRAWS))
    for plain, enhanced in pairs:
        drawn = rng.integers(len(plain), size=(DRAWS, len(plain)))
        sums += [plain[drawn].sum(axis=1), enhanced[drawn].sum(axis=1)]
    plain, enhanced = (np.concatenate(side).mean() for side in zip(*pairs))
    deltas = (sums[1] - sums[0]) / frames
    low, high = np.percentile(deltas, [2.5, 97.5])
    parts = np.percentile(percent(deltas, sums[0] / frames), [2.5, 97.5])
    delta = enhanced - plain
    return dict(zip(["frames", "plain", "enhanced", *SPREAD],
                    [frames, plain, enhanced, delta, low, high,
                     float(percent(delta, plain)), *parts]))


def table_rows(study, clips):
    for cell in study.cells:
        pairs = [(study.mse(clip, [cell], 0), study.mse(clip, [cell], 1))
                 for clip in clips]
        yield {"codec": cell[0], "rate": cell[1], "clips": len(clips),
               **bootstrap(pairs)}


def clip_rows(study):
    for clip in study.clips:
        for row in table_rows(study, [clip]):
            yield {"clip": clip, **row}


def reuse_rows(study):
    every = [(clip, [clip]) for clip in study.clips] + [("all", study.clips)]
    for name, clips in every:
        for reuse in study.reuses:
            row = bootstrap([(study.mse(clip, study.cells, 0),
                              study.mse(clip, study.cells, reuse)) for clip in clips])
            cost = np.mean([study.cost(clip, reuse) for clip in clips])
            yield {"clip": name, "reuse": reuse, "ms_per_frame": cost,
                   "feature_mse": row["enhanced"], "plain": row["plain"],
                   "delta": row["delta"], "low": row["delta_low"],
                   "high": row["delta_high"], "percent": row["percent"],
                   "percent_low": row["percent_low"],
                   "percent_high": row["percent_high"]}


def frame_rows(study):
    for (clip, codec, rate, reuse), frames in study.measured.items():
        for frame in frames:
            psnr = frame["psnr"]
            yield {"clip": clip, "codec": codec, "rate": rate, "reuse": reuse,
                   "enhanced": int(reuse > 0), "frame": frame["index"],
                   "running_time": frame["running-time"],
                   "feature_mse": frame["feature-mse"],
                   "pixel_mse": frame["pixel-mse"],
                   "psnr": "inf" if psnr is None else psnr}


def markdown(study, rows):
    """Table 8: a column for each rate, and four lines for each codec."""
    rates = study.config["rates"]
    lines = ["| codec | feature MSE | " + " | ".join(f"{r}" for r in rates) + " |",
             "|---|---|" + "---:|" * len(rates)]
    shown = [("without SyMPIE", "{plain:.4g}"), ("with SyMPIE", "{enhanced:.4g}"),
             ("difference", "{delta:+.2g} ({delta_low:+.2g} to {delta_high:+.2g})"),
             ("percent", "{percent:+.1f} ({percent_low:+.1f} to {percent_high:+.1f})")]
    for codec in study.config["codecs"]:
        of = [row for row in rows if row["codec"] == codec]
        for name, form in shown:
            cells = " | ".join("-" if name == "percent" and row["plain"] == 0
                               else form.format(**row) for row in of)
            lines.append(f"| {codec if form == shown[0][1] else ''} | {name} | {cells} |")
    frames = rows[0]["frames"] if rows else 0
    lines += ["", f"VGG19's {study.config['layer']}, {study.config['input']}, "
              f"{len(study.clips)} clip{'s' * (len(study.clips) != 1)}, "
              f"{frames} frame{'s' * (frames != 1)} "
              f"(every {ordinal(study.config['subsample'])}); "
              "in brackets 95 % intervals over frames."]
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


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def weights_file(path):
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"file": os.path.basename(path), "sha256": digest}


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
        "machine": {"system": platform.platform(), "processor": processor(),
                    "processors": os.cpu_count()},
        "weights": weights_file(config["weights"]),
        "vgg19": weights_file(config["vgg19"]),
        "layer": config["layer"],
        "input": config["input"],
        "subsample": config["subsample"],
        "rates": config["rates"],
        "reuse": config["reuse"],
        "codecs": config["codecs"],
        "clips": {clip: study.read("clips", f"{clip}.json") for clip in study.clips},
        "bootstrap": {"draws": DRAWS, "level": 0.95, "over": "frames of each clip"},
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
        write_csv(folder, "frames.csv", list(frame_rows(study)))
        write_csv(folder, "table.csv", table)
        write_csv(folder, "clips.csv", list(clip_rows(study)))
        write_csv(folder, "reuse.csv", list(reuse_rows(study)))
        write(folder, "study.json", json.dumps(description(study), indent=2) + "\n")
        text = markdown(study, table)
        write(folder, "table.md", text)
    except (OSError, ValueError, KeyError) as error:
        print(f"study: {folder}: {error}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
