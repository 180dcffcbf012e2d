#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes DIR/report.html: a study that aggregate.py has put into tables, as one
page that needs nothing else.

    pipelines/study/report.py DIR

The page shows the tables, plots over rate, frame and cost, and the frames that
gained most and least, which are fetched from DIR/clips and DIR/encodes and
enhanced once more.
"""

import argparse
import math
import os
import shlex
import sys
from itertools import groupby
from types import SimpleNamespace

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
try:
    import jinja2
    import numpy as np
    from markupsafe import Markup
    import frames
    import plots
except ImportError as why:
    sys.exit(f"report.py: {why}; see setup.sh --study")

import results
from results import ResultsError

CODECS = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}
# Table 8: feature MSE without and with SyMPIE, as printed; what it calls a rate.
PAPER = {45: ("0.087", "0.085"), 50: ("0.117", "0.113"),
         55: ("0.117", "0.112"), 60: ("0.117", "0.113")}
PAPER_PERCENT = (-2.6, -4.0)  # as the text states it, from figures not rounded
PICTURE_WIDTH = 420           # three of them beside each other
DETAIL_HEIGHT = 236


# ---- Numbers ---------------------------------------------------------------

class Scale:
    """How feature MSE is written all over the page: four digits of the largest
    one, three of the largest change, in a power of 1000 that keeps zeros away."""

    def __init__(self, values, changes):
        power = power_of_ten(values)
        self.exponent = 0 if -3 <= power <= 3 else 3 * (power // 3)
        self.factor = 10.0 ** self.exponent
        self.decimals = max(0, 3 - power + self.exponent)
        self.change_decimals = min(max(0, 2 - power_of_ten(changes) + self.exponent),
                                   self.decimals + 2)
        raised = str(self.exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        self.unit = f", in 10{raised}" if self.exponent else ""

    def mse(self, value):
        return f"{value / self.factor:.{self.decimals}f}"

    def change(self, value):
        return signed(value / self.factor, self.change_decimals)


def power_of_ten(values):
    return math.floor(math.log10(max(map(abs, values)) or 1))


def signed(value, decimals):
    if not math.isfinite(value):
        return "–"
    shown = f"{value:+.{decimals}f}"
    if float(shown) == 0:
        return shown[1:]
    return shown.replace("-", "\N{MINUS SIGN}")


def percent(value):
    return signed(value, 1)


def digits(value):
    """Four of them."""
    return "–" if math.isnan(value) else f"{value:.4g}"


def decibels(value):
    return "∞" if math.isinf(value) else f"{value:.1f}"


def number_of(count, thing):
    return f"{count} {thing}{'' if count == 1 else 's'}"


# ---- Parts of the page -----------------------------------------------------

def harm(clips, undamaged):
    """The worst that sympieenhance does, in words."""
    row = max((row for row in clips if math.isfinite(row["percent"])),
              key=lambda row: row["percent"], default=None)
    done = max((row for row in undamaged if row["version"] == "reuse1"),
               key=lambda row: np.nan_to_num(row["share"], nan=-1))
    text = "No clip lost anything to compression."
    if row:
        text = (f"Worst clip: {row['clip']}, {codec_name(row['codec'])} at rate {row['rate']}: "
                f"sympieenhance changes its feature MSE by {percent(row['percent'])} %.")
    if not done["feature_mse"]:
        return text + " Undamaged clips are left as they are."
    return (text + f" Of undamaged clips it changes {done['clip']} most: by "
            f"{percent(done['share']).lstrip('+')} % of what compression at the lowest rate "
            "costs it.")


def summarise(table):
    """What the first table says, in words."""
    better = sum(row["delta_high"] < 0 for row in table)
    worse = sum(row["delta_low"] > 0 for row in table)
    open_ = len(table) - better - worse
    changes = [row["percent"] for row in table if math.isfinite(row["percent"])]
    text = ("sympieenhance brings compressed frames closer to the original, as VGG19 sees them, "
            f"in {better} of {number_of(len(table), 'combination')} of codec and rate")
    text += f", and takes them farther from it in {worse}" if worse else ""
    text += f"; in {open_} the 95 % interval leaves it open." if open_ else "."
    if changes:
        text += (f" The feature MSE changes by {percent(min(changes))} %"
                 + (f" to {percent(max(changes))} %." if len(changes) > 1 else "."))
    return text


def facts_of(study):
    machine = study["machine"]
    every = study["subsample"]
    clips = [f"{name} ({clip['width']}×{clip['height']}, {number_of(clip['frames'], 'frame')})"
             for name, clip in study["clips"].items()]
    return [
        ("date", date_of(study)),
        ("machine", f"{machine['processor']}, {number_of(machine['processors'], 'processor')}; "
                    f"{machine['system']}"),
        ("commit", study["commit"] or "unknown"),
        ("weights", weights_of(study["weights"])),
        ("measure", f"mean squared error of VGG19’s {study['measures'][0]}; "
                    f"{study['vgg19']['what'] or 'weights of unknown source'}; "
                    f"{weights_of(study['vgg19'])}"),
        ("device", ", ".join(study["device"])),
        ("timed on", "; ".join(f"{one['name']}, {one['processor']}"
                               for one in study["timed_on"])),
        ("left out", "; ".join(left_out(study)) or "nothing"),
        ("frames", "all measured" if every == 1 else f"one in {every} measured"),
        ("clips", ", ".join(clips)),
    ]


def left_out(study):
    return ([f"classifiers ({study['classifiers']})"] * bool(study["classifiers"])
            + ["VMAF (this FFmpeg has none)"] * (not study["vmaf"]))


def command_of(config):
    """What, in the project's folder, makes the study again."""
    command = ["pipelines/study/run.sh", *map(from_root, config["clips"].values())]
    for option in ("codecs", "rates", "reuse", "measures"):
        command += [f"--{option}", ",".join(map(str, config[option]))]
    for option in ("subsample", "frames", "device"):
        command += [f"--{option}", str(config[option])]
    for option in ("weights", "vgg19"):
        command += [f"--{option}", from_root(config[option])]
    if config["models"]:
        command += ["--models", from_root(config["models"])]
    return shlex.join(command)


def from_root(path):
    inside = os.path.relpath(path, ROOT)
    return path if inside.startswith(os.pardir) else inside


def encoders_of(config):
    return [(codec_name(name), f"{shlex.join([codec['encoder'], *codec['options']])}, "
                               f"CRF = {codec['scale']}/63 of the rate")
            for name, codec in config["codecs"].items()]


def versions_of(study):
    return [(name, (version or "unknown").split(" Copyright")[0])
            for name, version in study["versions"].items()]


def date_of(study):
    return study["date"].replace("T", " ").replace("+00:00", " UTC")


def codec_name(codec):
    return CODECS.get(codec, codec)


def weights_of(file):
    return f"{file['file']}, SHA-256 {file['sha256'][:16]}…"


def grouped(rows, name):
    """Neighbours with the same value, as pairs of it and a list."""
    return [(value, list(group)) for value, group in groupby(rows, lambda row: row[name])]


def by_version(rows):
    """-> [(measure, [(codec, rate, {version: row})])]"""
    found = {}
    for row in rows:
        found.setdefault(row["measure"], {}).setdefault(
            (row["codec"], row["rate"]), {})[row["version"]] = row
    return [(measure, [(*cell, each) for cell, each in cells.items()])
            for measure, cells in found.items()]


def by_clip(rows):
    """The clip that sympieenhance changes most stands first."""
    found = {}
    for row in rows:
        found.setdefault(row["clip"], {})[row["version"]] = row
    return sorted(found.items(), key=lambda clip: -np.nan_to_num(clip[1]["reuse1"]["share"]))


def by_kind(rows):
    """-> the names of what was measured, [(codec, rate, {what: row})]"""
    found = {}
    for row in rows:
        found.setdefault((row["codec"], row["rate"]), {})[row["what"]] = row
    names = [name for name in dict.fromkeys(row["what"] for row in rows)
             if not all(math.isnan(row["plain"]) for row in rows if row["what"] == name)]
    return names, [(*cell, each) for cell, each in found.items()]


class Pairs:
    """The frames measured both without and with sympieenhance at work on each."""

    def __init__(self, path, rows, measure):
        rows = [row for row in rows if row["measure"] == measure and row["codec"] != "none"]
        plain = {self.key(row): row for row in rows if row["version"] == "plain"}
        enhanced = {self.key(row): row for row in rows if row["version"] == "reuse1"}
        self.both = [(plain[key], enhanced[key]) for key in plain if key in enhanced]
        alone = plain.keys() ^ enhanced.keys()
        if alone:
            clip, codec, rate, frame = min(alone)
            which = "without" if (clip, codec, rate, frame) in enhanced else "with"
            raise ResultsError(f"{path}: {clip}, {codec} at rate {rate}: frame {frame} "
                               f"was not measured {which} sympieenhance")

    @staticmethod
    def key(row):
        return row["clip"], row["codec"], row["rate"], row["frame"]

    def curves(self):
        """-> curves[clip][codec][rate]: frames, feature MSE without and with."""
        found = {}
        for plain, enhanced in self.both:
            curve = found.setdefault(plain["clip"], {}).setdefault(
                plain["codec"], {}).setdefault(plain["rate"], ([], [], []))
            for values, value in zip(curve, (plain["frame"], plain["feature_mse"],
                                             enhanced["feature_mse"])):
                values.append(value)
        return found

    def extremes(self):
        """-> the pairs whose feature MSE falls most and least, or grows most."""
        def change(pair):
            return pair[1]["feature_mse"] - pair[0]["feature_mse"]
        return min(self.both, key=change), max(self.both, key=change)


def example(folder, kind, title, pair, weights):
    plain, enhanced = pair
    clip, seconds = plain["clip"], plain["running_time"] / 1e9
    images = frames.fetch(
        os.path.join(folder, "clips", f"{clip}.mkv"),
        os.path.join(folder, "encodes", clip, f"{plain['codec']}-{plain['rate']}.mkv"),
        seconds, weights)
    labels = ["the original", f"compressed, {codec_name(plain['codec'])} at rate {plain['rate']}",
              "compressed, then enhanced"]
    versions = [SimpleNamespace(label=label, whole=frames.whole(image, PICTURE_WIDTH),
                                detail=frames.detail(image, PICTURE_WIDTH, DETAIL_HEIGHT))
                for label, image in zip(labels, images)]
    before, after = plain["feature_mse"], enhanced["feature_mse"]
    return SimpleNamespace(
        kind=kind, title=title, clip=clip, codec=plain["codec"], rate=plain["rate"],
        frame=plain["frame"], seconds=seconds, plain=before, enhanced=after,
        percent=100 * (after - before) / before if before else math.nan,
        plain_psnr=plain["psnr"], enhanced_psnr=enhanced["psnr"], versions=versions)


def plot(caption, svg):
    return SimpleNamespace(caption=caption, svg=Markup(svg))


# ---- The page --------------------------------------------------------------

def build(folder):
    path = lambda name: os.path.join(folder, name)
    study = results.read_json(path("study.json"))
    config = results.read_json(path("config.json"))
    with results.trusting(path("study.json")):
        facts, versions = facts_of(study), versions_of(study)
    with results.trusting(path("config.json")):
        command, encoders, weights = command_of(config), encoders_of(config), config["weights"]
    table = results.read_table(path("table.csv"), results.TABLE)
    clips = results.read_table(path("clips.csv"), results.CLIPS)
    reuse = results.read_table(path("reuse.csv"), results.REUSE, may_be_empty=True)
    against = results.read_table(path("versions.csv"), results.VERSIONS)
    quality = results.read_table(path("quality.csv"), results.QUALITY)
    bjontegaard = results.read_table(path("bjontegaard.csv"), results.BJONTEGAARD)
    undamaged = results.read_table(path("undamaged.csv"), results.UNDAMAGED)
    pairs = Pairs(path("frames.csv"), results.read_table(path("frames.csv"), results.FRAMES),
                  study["measures"][0])

    scale = Scale([row["plain"] for row in table], [row["delta"] for row in table])
    best, worst = pairs.extremes()
    examples = [example(folder, "best", "Most", best, weights),
                example(folder, "worst", "Least", worst, weights)]
    # Only where there is something to compare, and no mean over a single clip.
    if all(row["reuse"] <= 1 for row in reuse):
        reuse = []
    reuse = [("all clips" if clip == "all" else clip, rows)
             for clip, rows in sorted(grouped(reuse, "clip"), key=lambda group: group[0] != "all")
             if clip != "all" or len(config["clips"]) > 1]
    table_by_codec = grouped(table, "codec")
    return render(
        scale, date=date_of(study), command=command, summary=summarise(table), facts=facts,
        harm=harm(clips, undamaged), names=results.LABELS, versions=by_version(against),
        undamaged=by_clip(undamaged), quality=by_kind(quality),
        bjontegaard=[row for row in bjontegaard if row["clip"] == "all"],
        bitrate_plots=[
            plot(codec_name(codec), plots.over_bitrate(
                f"bitrates{i}", rows, [row["plain"] for row in quality
                                       if row["codec"] == codec and row["what"] == "kbit/s"],
                scale))
            for i, (codec, rows) in enumerate(grouped(table, "codec"))],
        tools=encoders + versions, table=table_by_codec, clips=grouped(clips, "clip"),
        reuse=reuse, examples=examples, paper=PAPER, paper_percent=PAPER_PERCENT,
        rate_plots=[
            plot(codec_name(codec), plots.over_rate(f"rates{i}", rows, scale, PAPER_PERCENT))
            for i, (codec, rows) in enumerate(table_by_codec)],
        frame_plots=[
            (clip, [plot(codec_name(codec), plots.over_frames(f"frames{i}-{j}", curves, scale))
                    for j, (codec, curves) in enumerate(codecs.items())])
            for i, (clip, codecs) in enumerate(pairs.curves().items())],
        reuse_plots=[
            plot(clip, plots.over_cost(f"reuse{i}", rows, scale))
            for i, (clip, rows) in enumerate(reuse)])


def paper_change(rate):
    before, after = map(float, PAPER[rate])
    return 100 * (after - before) / before


def render(scale, **content):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(digits=digits, mse=scale.mse, change=scale.change, percent=percent,
                               decibels=decibels, codec=codec_name)
    return environment.get_template("report.html").render(
        unit=scale.unit, paper_change=paper_change, **content)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog=__doc__.split("\n\n")[2])
    parser.add_argument("folder", metavar="DIR", help="where aggregate.py has been")
    folder = parser.parse_args().folder
    path = os.path.join(folder, "report.html")
    try:
        page = build(folder)
        with open(path + ".part", "w", encoding="utf-8") as file:
            file.write(page)
        os.replace(path + ".part", path)
    except ResultsError as why:
        sys.exit(f"report: {why}")
    except OSError as why:
        sys.exit(f"report: {why.filename}: {why.strerror}")
    print(f"report: {path}")


if __name__ == "__main__":
    main()
