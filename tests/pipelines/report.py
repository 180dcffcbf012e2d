#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/study/report.py: the page of a small study whose measurements are
made up here, as Chromium shows it, against the tables that aggregate.py made."""

import base64
import csv
import io
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser

try:
    import jinja2
    import matplotlib
    import numpy as np
    from PIL import Image
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)
if not shutil.which("chromium"):
    print("skipped: no chromium (setup.sh --all installs it)")
    sys.exit(77)

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
STUDY = os.path.join(ROOT, "pipelines", "study")
WEIGHTS = os.path.join(ROOT, "weights", "nem.safetensors")
os.environ.setdefault("SYMPIE_WEIGHTS", WEIGHTS)
os.environ.setdefault("GST_PLUGIN_PATH", os.path.join(ROOT, "build", "gst-sympie"))
# Names that HTML, matplotlib, FFmpeg or GStreamer could trip over.
CLIPS = ["plain clip", "<b>$x_1$ & 'y'! 50%"]
ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9"}
SIZE = (468, 260)
FRAMES, RATE = 12, 25
BEST, WORST = 7, 10


# ---- A study ---------------------------------------------------------------

def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True,
                   stdin=subprocess.DEVNULL)


def write_json(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


CONTROLS = {"contrast0.95": 0.99, "contrast0.9": 0.97, "blur": 1.01, "mean": 1.1}
MEASURES = ["pool5/crop224", "relu3_4/crop224"]


def feature_mse(clip, codec, rate, reuse, frame):
    """Grows with rate, shrinks when enhanced; frames BEST and WORST of the last
    clip, codec and rate stand out."""
    wave = math.sin(0.9 * frame + clip)
    plain = 0.002 * rate + 0.01 * (codec == "hevc") + 0.004 * wave
    if not reuse:
        return plain
    gain = 0.003 + 0.002 * math.cos(2.1 * frame + rate) - 0.0002 * reuse
    if (clip, codec, rate) == (1, "hevc", 55):
        gain += {BEST: 0.02, WORST: -0.02}.get(frame, 0)
    return plain - gain


def measurement(versions, subsample):
    """versions: {name: feature MSE of frame i}."""
    frames = [{"version": version, "index": i, "running-time": i * 10**9 // RATE,
               "feature-mse": value(i), "pixel-mse": 30 + i,
               "psnr": None if i == 0 else 30.5 - i / 10}
              for i in range(0, FRAMES, subsample) for version, value in versions.items()]
    return {"device": "cpu", "frames": frames,
            "pooled": [{"type": "pooled", "version": version, "complete": True}
                       for version in versions]}


def versions_of(clip, codec, rate, reuses, scale):
    def of(reuse, factor=1):
        return lambda frame: factor * scale * feature_mse(clip, codec, rate, reuse, frame)
    return {"plain": of(0), **{name: of(0, factor) for name, factor in CONTROLS.items()},
            **{f"reuse{reuse}": of(reuse) for reuse in reuses}}


def undamaged(clip, scale):
    """The second clip suffers more."""
    return {"plain": lambda _: 0, **{name: lambda _: 1e-4 * scale for name in CONTROLS},
            "reuse1": lambda _: 0.01 * (1 + clip) * scale}


def quality(rate):
    return {"kbit_per_s": 4000 / rate, "vmaf": False,
            "plain": {"psnr": 60 - rate / 2, "ssim": 0.99, "vmaf": None},
            "reuse1": {"psnr": 20.5, "ssim": 0.75, "vmaf": None}}


def make_study(folder, clips, codecs, rates, reuses, subsample=1, scale=1,
               classifiers=False):
    """What the workflow leaves for aggregate.py, with values of our own. All
    pixels of frame n of a clip have the luma 60 + 10 n."""
    write_json(f"{folder}/config.json", {
        "clips": {clip: f"/videos/{clip}.mp4" for clip in clips},
        "codecs": {codec: {"encoder": ENCODERS[codec], "scale": 51, "options": ["-bf", "2"]}
                   for codec in codecs},
        "rates": rates, "frames": 0,
        "reuse": reuses, "subsample": subsample,
        "measures": MEASURES, "device": "cpu", "weights": WEIGHTS,
        "models": "/data/models" if classifiers else "",
        "vgg19": WEIGHTS})
    for i, clip in enumerate(clips):
        reference = f"{folder}/clips/{clip}.mkv"
        write_json(f"{folder}/clips/{clip}.json", {
            "file": f"{clip}.mp4", "width": SIZE[0], "height": SIZE[1], "frames": FRAMES,
            "frame_rate": "25/1", "pixel_format": "yuv420p"})
        ffmpeg("-f", "lavfi", "-i", f"color=size={SIZE[0]}x{SIZE[1]}:rate={RATE}",
               "-vf", "geq=lum='60+10*N':cb=110:cr=120", "-frames:v", str(FRAMES),
               "-c:v", "ffv1", "-pix_fmt", "yuv420p", f"file:{reference}")
        for codec in codecs:
            for rate in rates:
                encode = f"{folder}/encodes/{clip}/{codec}-{rate}.mkv"
                os.makedirs(os.path.dirname(encode), exist_ok=True)
                ffmpeg("-i", f"file:{reference}", "-c:v", ENCODERS[codec], "-bf", "2",
                       *(["-x265-params", "log-level=none"] if codec == "hevc" else []),
                       f"file:{encode}")
                for m, measure in enumerate(MEASURES):
                    write_json(
                        f"{folder}/measures/{clip}/{codec}-{rate}-{measure.replace('/', '-')}"
                        ".json",
                        measurement(versions_of(i, codec, rate, [1] if m else reuses,
                                                scale * (1 + m)), subsample))
                write_json(f"{folder}/quality/{clip}/{codec}-{rate}.json", quality(rate))
        for measure in MEASURES:
            write_json(f"{folder}/measures/{clip}/none-0-{measure.replace('/', '-')}.json",
                       measurement(undamaged(i, scale), subsample))
        shares = {"plain": {"a_network": 0.5}, "reuse1": {"a_network": 0.25 + 0.5 * i}}
        encodes = {f"{codec}-{rate}": shares for codec in codecs for rate in rates}
        write_json(f"{folder}/agreement/{clip}.json",
                   {"skipped": "", "encodes": encodes} if classifiers
                   else {"skipped": "no models"})
        for reuse in reuses:
            write_json(f"{folder}/costs/{clip}-reuse{reuse}.json",
                       {"ms_per_frame": 2 + 12 / reuse,
                        "machine": {"name": "a machine", "processor": "a processor"}})
    subprocess.run([f"{STUDY}/aggregate.py", folder], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PYTHONWARNINGS": "error::RuntimeWarning"})


def report(folder):
    return subprocess.run([f"{STUDY}/report.py", folder], capture_output=True, text=True,
                          check=False)


# ---- A browser -------------------------------------------------------------

def chromium(*arguments):
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={profile}", *arguments],
            capture_output=True, text=True, check=True, timeout=300)
    return done.stdout


class Page(HTMLParser):
    """Elements of the page as Chromium has built it: what a test asks for."""

    def __init__(self, html):
        super().__init__()
        self.rows = {}      # {(table's id, the row's data-): {column: (value, text)}}
        self.examples = {}  # {kind: the figure's attributes, columns and pictures}
        self.texts = {}     # {id or data-fact: text}
        self.tags = []      # (name, attributes)
        self._table = self._columns = self._cell = self._pictures = None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if tag == "table":
            self._table = found["id"]
        elif tag == "tr" and "data-rate" in found or "data-reuse" in found:
            key = (self._table, *(value for name, value in attributes
                                  if name.startswith("data-")))
            self._columns = self.rows.setdefault(key, {})
        elif "data-example" in found:
            self._columns, self._pictures = {}, []
            self.examples[found["data-example"]] = (found, self._columns, self._pictures)
        elif tag == "img":
            self._pictures.append(found)
        if "data-column" in found:
            self._cell = self._columns[found["data-column"]] = [found.get("data-value"), ""]
        elif "data-fact" in found or found.get("id") in ("summary", "harm", "command",
                                                               "table-caption"):
            self._cell = self.texts[found.get("data-fact") or found["id"]] = [None, ""]

    def handle_endtag(self, tag):
        if tag in ("td", "span", "dd", "p", "pre", "caption"):
            self._cell = None

    def handle_data(self, data):
        if self._cell:
            self._cell[1] += data


def decode(url):
    data = url.removeprefix("data:image/jpeg;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def read_csv(folder, name):
    with open(os.path.join(folder, name), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(text):
    return float(text.replace("\N{MINUS SIGN}", "-"))


# ---- The tests -------------------------------------------------------------

def as_gstreamer_decodes(clip, *elements):
    """-> all frames of the clip in one run, (frames, height, width, RGB)."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(
            ["gst-launch-1.0", "-q", "filesrc", f"location={clip}", "!", "decodebin", "!",
             *elements, "videoconvert", "!", "video/x-raw,format=RGB", "!", "filesink",
             f"location={file.name}"], check=True)
        return np.fromfile(file, np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)


class WholeStudy(unittest.TestCase):
    """Two clips, two codecs, three rates, three intervals of reuse."""

    CHANGE = {"frames": 0, "plain": 4, "enhanced": 4, "delta": 5, "delta_low": 5,
              "delta_high": 5, "percent": 1, "percent_low": 1, "percent_high": 1}

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        make_study(cls.folder, CLIPS, ["h264", "hevc"], [40, 45, 55], [1, 4, 16],
                   classifiers=True)
        done = report(cls.folder)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.url = f"file://{cls.folder}/report.html"
        cls.page = Page(chromium("--dump-dom", cls.url))

    def assert_table(self, name, keys, decimals):
        """Each row of the file stands on the page with these columns, in full and,
        rounded to so many decimals, to be read; and no other row."""
        rows = read_csv(self.folder, f"{name}.csv")
        for row in rows:
            cells = self.page.rows[name, *(row[key] for key in keys)]
            for column, places in decimals.items():
                value, text = cells[column]
                self.assertEqual(float(value), float(row[column]), column)
                self.assertEqual(len(text.partition(".")[2]), places, column)
                self.assertAlmostEqual(number(text), float(row[column]),
                                       delta=0.501 * 10**-places)
        self.assertEqual(len(rows), sum(key[0] == name for key in self.page.rows))

    def test_tables(self):
        self.assert_table("table", ["codec", "rate"], self.CHANGE)
        self.assert_table("clips", ["clip", "codec", "rate"], self.CHANGE)
        self.assert_table("reuse", ["clip", "reuse"], {
            "ms_per_frame": 2, "feature_mse": 4, "delta": 5, "low": 5, "high": 5, "percent": 1})

    def test_harm_comes_first(self):
        """The worst clip of all, before any average."""
        worst = max(read_csv(self.folder, "clips.csv"), key=lambda row: float(row["percent"]))
        told = self.page.texts["harm"][1]
        self.assertIn(f"Worst clip: {worst['clip']}, ", told)
        self.assertIn(f"at rate {worst['rate']}", told)
        self.assertIn(f"{float(worst['percent']):+.1f}".replace("-", "\N{MINUS SIGN}"), told)
        self.assertIn(f"it changes {CLIPS[1]} most", told)
        order = [found.get("id") for _, found in self.page.tags]
        self.assertLess(order.index("harm"), order.index("summary"))
        clips = [key[1] for key in self.page.rows if key[0] == "undamaged"]
        self.assertEqual(clips, CLIPS[::-1])

    def test_each_clip_counts_once(self):
        for row in read_csv(self.folder, "table.csv"):
            each = [one for one in read_csv(self.folder, "clips.csv")
                    if (one["codec"], one["rate"]) == (row["codec"], row["rate"])]
            self.assertEqual(len(each), 2)
            for side in ("plain", "enhanced"):
                self.assertAlmostEqual(float(row[side]),
                                       sum(float(one[side]) for one in each) / 2)
            percents = [float(one["percent"]) for one in each]
            self.assertAlmostEqual(float(row["median_percent"]), sum(percents) / 2, 5)
            self.assertAlmostEqual(float(row["worst_percent"]), max(percents), 5)
            self.assertEqual(row["worst_clip"], each[np.argmax(percents)]["clip"])
            # Clips are drawn too: the interval reaches from one to the other.
            deltas = sorted(float(one["delta"]) for one in each)
            self.assertLess(float(row["delta_low"]), deltas[0] + 1e-3)
            self.assertGreater(float(row["delta_high"]), deltas[1] - 1e-3)

    def test_controls(self):
        rows = read_csv(self.folder, "versions.csv")
        self.assertEqual(len(rows), 2 * 6 * 5)
        for row in rows:
            cells = self.page.rows["versions", row["measure"], row["codec"], row["rate"]]
            value, text = cells[row["version"]]
            self.assertEqual(float(value), float(row["percent"]))
            self.assertAlmostEqual(number(text), float(value), delta=0.0501)
            if row["version"] in CONTROLS:
                self.assertAlmostEqual(float(value), 100 * (CONTROLS[row["version"]] - 1), 4)
        for row in read_csv(self.folder, "undamaged.csv"):
            if row["version"] == "plain":
                self.assertEqual(float(row["feature_mse"]), 0)
                continue
            value, text = self.page.rows["undamaged", row["clip"], "0"][row["version"]]
            self.assertEqual(float(value), float(row["share"]))
            self.assertAlmostEqual(float(text), float(value), delta=1e-3 * float(value))

    def test_quality(self):
        for row in read_csv(self.folder, "quality.csv"):
            cells = self.page.rows["quality", row["codec"], row["rate"]]
            if row["what"] == "VMAF":
                self.assertEqual(row["plain"], "nan")
                self.assertNotIn("VMAF plain", cells)
                continue
            for side in ("plain", "enhanced"):
                if (row["what"], side) == ("kbit/s", "enhanced"):
                    continue
                value, text = cells[f"{row['what']} {side}"]
                self.assertEqual(float(value), float(row[side]))
                self.assertAlmostEqual(float(text), float(value), delta=1e-3 * abs(float(value)))
        row = self.page.rows["quality", "h264", "40"]
        self.assertEqual(row["kbit/s plain"], ["100.0", "100"])
        self.assertEqual(row["top-1 of a_network enhanced"], ["50.0", "50"])
        for row in read_csv(self.folder, "bjontegaard.csv"):
            if row["clip"] == "all":
                key = "bjontegaard", row["codec"], row["version"], "all"
                for column in ("bd_rate", "bd_decibels"):
                    value, _ = self.page.rows[key][column]
                    np.testing.assert_equal(float(value), float(row[column]))
        # A control that changes every feature MSE alike is that many decibels away.
        decibels = self.page.rows["bjontegaard", "h264", "mean", "all"]["bd_decibels"]
        self.assertAlmostEqual(float(decibels[0]), -10 * math.log10(CONTROLS["mean"]), 5)

    def test_the_papers_figures(self):
        row = self.page.rows["table", "h264", "45"]
        self.assertEqual([row[f"paper_{column}"][1] for column in ("plain", "enhanced", "percent")],
                         ["0.087", "0.085", "\N{MINUS SIGN}2.3"])
        self.assertNotIn("paper_plain", self.page.rows["table", "h264", "40"])

    def test_what_was_run(self):
        with open(f"{self.folder}/study.json", encoding="utf-8") as file:
            study = json.load(file)
        texts = {name: text for name, (_, text) in self.page.texts.items()}
        self.assertEqual(texts["commit"], study["commit"] or "unknown")
        self.assertIn(study["date"][:10], texts["date"])
        self.assertIn(study["machine"]["processor"], texts["machine"])
        self.assertIn(study["weights"]["sha256"][:16], texts["weights"])
        self.assertIn("pool5", texts["measure"])
        self.assertEqual(texts["frames"], "all measured")
        self.assertEqual(texts["device"], "cpu")
        self.assertEqual(texts["timed on"], "a machine, a processor")
        self.assertIn("VMAF", texts["left out"])
        for clip in CLIPS:
            self.assertIn(clip, texts["clips"])
        self.assertIn("in 6 of 6 combinations of codec and rate. ", texts["summary"])
        command = shlex.split(texts["command"])
        self.assertEqual(command[:3], ["pipelines/study/run.sh",
                                       *(f"/videos/{clip}.mp4" for clip in CLIPS)])
        for option, value in (("--codecs", "h264,hevc"), ("--rates", "40,45,55"),
                              ("--reuse", "1,4,16"), ("--subsample", "1"),
                              ("--measures", ",".join(MEASURES)), ("--device", "cpu"),
                              ("--models", "/data/models")):
            self.assertEqual(command[command.index(option) + 1], value)

    def test_best_and_worst_frame(self):
        rows = read_csv(self.folder, "frames.csv")
        reference = as_gstreamer_decodes(f"{self.folder}/clips/{CLIPS[1]}.mkv")
        encode = f"{self.folder}/encodes/{CLIPS[1]}/hevc-55.mkv"
        compressed = as_gstreamer_decodes(encode)
        enhanced = as_gstreamer_decodes(encode, "sympieenhance", "smoothing=0", "!")
        for kind, frame in (("best", BEST), ("worst", WORST)):
            figure, columns, pictures = self.page.examples[kind]
            self.assertEqual(
                [figure[f"data-{name}"] for name in ("clip", "codec", "rate", "frame")],
                [CLIPS[1], "hevc", "55", str(frame)])
            for version, column in (("plain", "plain"), ("reuse1", "enhanced")):
                key = {"clip": CLIPS[1], "codec": "hevc", "rate": "55", "frame": str(frame),
                       "measure": MEASURES[0], "version": version}
                row, = [row for row in rows if key.items() <= row.items()]
                self.assertEqual(float(columns[column][0]), float(row["feature_mse"]))
            # Whole and middle of each.
            self.assertEqual(len(pictures), 6)
            self.assertLessEqual(sum(int(picture["width"]) for picture in pictures[::2]), 1280)
            for at, stream in enumerate((reference, compressed, enhanced)):
                expected = stream[frame].mean((0, 1))
                self.assertGreater(np.abs(stream[frame - 1].mean((0, 1)) - expected).max(), 5)
                for picture in pictures[2 * at:2 * at + 2]:
                    shown = decode(picture["src"])
                    self.assertEqual(shown.shape[1::-1],
                                     (int(picture["width"]), int(picture["height"])))
                    np.testing.assert_allclose(shown.mean((0, 1)), expected, atol=1.5)

    def test_names_are_no_markup(self):
        self.assertNotIn("b", [tag for tag, _ in self.page.tags])

    def test_it_asks_for_nothing(self):
        with open(f"{self.folder}/report.html", encoding="utf-8") as file:
            text = file.read()
        text = re.sub("data:image/jpeg;base64,[A-Za-z0-9+/=]+", "", text)
        self.assertEqual(re.findall("(?i)https?:|file:|//[a-z]|@import|<script", text), [])
        self.assertEqual(set(re.findall(r"url\(.", text)), {"url(#"})
        for tag, attributes in self.page.tags:
            for name in ("src", "href", "srcset", "poster", "data", "action"):
                if name in attributes:
                    self.assertRegex(attributes[name], "^(#|data:)", tag)

    def test_it_can_be_read_without_seeing(self):
        tags = self.page.tags
        ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
        self.assertEqual(sorted(ids), sorted(set(ids)))
        for tag, attributes in tags:
            for name in attributes.get("aria-labelledby", "").split():
                self.assertIn(name, ids)
            for name in re.findall(r"#([^)\"]+)\)", attributes.get("clip-path", "")):
                self.assertIn(name, ids)
            if tag == "img":
                self.assertTrue(attributes["alt"])
            if tag == "svg":
                self.assertTrue(attributes.get("role") == "img" or "aria-hidden" in attributes)
            if tag == "th":
                self.assertIn("scope", attributes)
        names = [tag for tag, _ in tags]
        self.assertEqual(names.count("table"), 7)
        self.assertEqual(names.count("caption"), 7)
        # Two codecs over bit rate and over rate, twice two frame by frame, two clips and
        # all of reuse.
        self.assertEqual(sum(tag == "svg" and "role" in found for tag, found in tags), 11)

    def screenshot(self, scheme):
        """-> the whole page."""
        path = f"{self.folder}/{scheme}.png"
        chromium(f"--blink-settings=preferredColorScheme={['dark', 'light'].index(scheme)}",
                 f"--screenshot={path}", "--window-size=1280,10000", self.url)
        with Image.open(path) as image:
            self.assertEqual(image.width, 1280)
            pixels = np.asarray(image.convert("RGB"))
        self.assertTrue((pixels[-100:] == pixels[0, 0]).all(), "the page is cut off")
        return pixels

    def test_what_is_seen(self):
        for scheme, page, line in (("light", (252, 252, 250), (0, 103, 168)),
                                   ("dark", (21, 23, 26), (98, 181, 234))):
            pixels = self.screenshot(scheme).reshape(-1, 3)
            colours = set(map(tuple, pixels.tolist()))
            self.assertEqual(tuple(pixels[0]), page)
            self.assertGreater(len(colours), 300)
            # The plots' lines follow the scheme, and the pictures are there.
            self.assertGreater((pixels == line).all(1).sum(), 500)
            for kind in ("best", "worst"):
                for picture in self.page.examples[kind][2]:
                    colour = decode(picture["src"])[100, 100].astype(int)
                    near = (np.abs(pixels - colour) <= 2).all(1).sum()
                    self.assertGreater(near, 50000)


class SmallStudy(unittest.TestCase):
    def test_one_of_each(self):
        with tempfile.TemporaryDirectory() as folder:
            make_study(folder, ["clip"], ["vp9"], [50], [1], subsample=5, scale=1e-6)
            done = report(folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            page = Page(chromium("--dump-dom", f"file://{folder}/report.html"))
            self.assertEqual({key for key in page.rows if key[0] in ("table", "clips")},
                             {("table", "vp9", "50"), ("clips", "clip", "vp9", "50")})
            self.assertEqual(page.rows["bjontegaard", "vp9", "blur", "all"]["bd_rate"],
                             ["nan", "–"])
            self.assertIn("classifiers (no models)", page.texts["left out"][1])
            self.assertEqual(page.texts["frames"][1], "one in 5 measured")
            row = page.rows["table", "vp9", "50"]
            self.assertEqual(row["frames"], ["3", "3"])
            # Small numbers are written in the unit that the caption names.
            self.assertIn("in 10⁻⁹", page.texts["table-caption"][1])
            value, text = row["plain"]
            self.assertRegex(text, r"^\d{2,3}\.\d{1,2}$")
            self.assertAlmostEqual(number(text) * 1e-9, float(value), delta=0.06e-9)

    def test_nothing_differs(self):
        """Not a single error, so no per cent either; and a single frame."""
        with tempfile.TemporaryDirectory() as folder:
            make_study(folder, ["clip"], ["h264"], [50], [1, 2], subsample=FRAMES, scale=0)
            done = report(folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            page = Page(chromium("--dump-dom", f"file://{folder}/report.html"))
            row = page.rows["table", "h264", "50"]
            self.assertEqual(row["plain"], ["0.0", "0.000"])
            self.assertEqual(row["percent"], ["nan", "–"])
            self.assertIn("in 0 of 1 combination", page.texts["summary"][1])
            self.assertIn("Undamaged clips are left as they are", page.texts["harm"][1])


class BrokenStudy(unittest.TestCase):
    """One line that names the file, and no page."""

    @classmethod
    def setUpClass(cls):
        cls.whole = cls.enterClassContext(tempfile.TemporaryDirectory())
        make_study(cls.whole, ["clip"], ["h264"], [50], [1, 2])

    def assert_says(self, change, *wanted):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(self.whole, folder, dirs_exist_ok=True)
            change(folder)
            done = report(folder)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            for text in wanted:
                self.assertIn(text, done.stderr)
            self.assertFalse(os.path.exists(f"{folder}/report.html"))

    def assert_edit(self, name, pattern, text, *wanted):
        def change(folder):
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                before = file.read()
            after = re.sub(pattern, text, before, count=1)
            self.assertNotEqual(before, after)
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(after)
        self.assert_says(change, name, *wanted)

    def test_something_is_missing(self):
        for name in ("study.json", "config.json", "table.csv", "clips.csv", "reuse.csv",
                     "versions.csv", "quality.csv", "bjontegaard.csv", "undamaged.csv",
                     "frames.csv", "clips/clip.mkv", "encodes/clip/h264-50.mkv"):
            self.assert_says(lambda folder: os.remove(f"{folder}/{name}"), name, "o such file")

    def test_tables_that_are_none(self):
        self.assert_edit("table.csv", "plain", "pain", "no column 'plain'")
        self.assert_edit("clips.csv", r"(\n.*,)[^,]+\n", r"\1many\n",
                         "line 2: worst_percent is 'many'")
        self.assert_edit("frames.csv", r"(\n.*),[^,]+\n", r"\1\n", "line 2: too few values")
        self.assert_edit("frames.csv", r"\n", ",\"\n", "not a table")
        self.assert_edit("frames.csv", r",plain,0,0,[^,]+", ",plain,0,0,nan",
                         "line 2: feature_mse is 'nan'")
        self.assert_edit("frames.csv", r"\n.*,plain,3,.*", "", "frame 3",
                         "without sympieenhance")
        self.assert_edit("reuse.csv", r"\nall,1,", r"\nall,-1,", "reuse is '-1'")
        self.assert_edit("table.csv", r"\n[^$]*", "\n", "no line below")
        self.assert_edit("study.json", "{", "", "not JSON")
        self.assert_edit("study.json", '"measures"', '"measles"', "no 'measures'")
        self.assert_edit("study.json", '"machine": {', '"machine": 1, "other": {', "not as")
        self.assert_edit("config.json", '"encoder"', '"decoder"', "no 'encoder'")

    def test_clips_that_are_none(self):
        def tear(folder):
            with open(f"{folder}/encodes/clip/h264-50.mkv", "r+b") as file:
                file.truncate(100)
        self.assert_says(tear, "encodes/clip/h264-50.mkv")
        # A clip that ends before the frame that is to be shown.
        def shorten(folder):
            ffmpeg("-i", f"{folder}/clips/clip.mkv", "-c", "copy", "-frames:v", "1",
                   f"{folder}/short.mkv")
            os.replace(f"{folder}/short.mkv", f"{folder}/clips/clip.mkv")
        self.assert_says(shorten, "clips/clip.mkv: no frame at")


if __name__ == "__main__":
    unittest.main()
