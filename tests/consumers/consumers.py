#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does it help who looks at the frames? Consumers that took no part in training judge
damaged pictures as they are, enhanced, and after what a user would pick instead.

    tests/consumers/consumers.py --data ../shared/data --out build/consumers

Writes consumers.csv (a line for each consumer, damage and treatment: the score in per cent,
and the gain over no treatment with a bootstrap 95 % interval over what the pictures come
from: a clip, or a picture by itself), times.csv, consumers.md, and in scores/ what each
picture came to: that is not judged anew. Other weights are. A consumer that is not installed,
that has nothing to look at or finds nothing in undamaged pictures is left out, and said why.
README.md beside this file tells what the consumers are.
"""

import argparse
import csv
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import zlib
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "weights"))
sys.path.insert(0, os.path.join(ROOT, "pipelines", "study"))
try:
    import cv2
    import numpy as np
except ImportError as why:
    sys.exit(f"consumers.py: {why}; see setup.sh --all")

import rivals

DAMAGES = ["gaussian_noise", "defocus_blur", "fog", "contrast", "snow", "darken", "night",
           "white_point", "jpeg_compression", "h264", "vp9"]
SEVERITY = 3
TEXT = ("The quick brown fox jumps over the lazy dog", "Platform 4: trains to the harbour",
        "Opening hours 8:30 to 17:45, closed on Sundays", "Caution: wet floor ahead",
        "Invoice 20731, total 148.60 due 12 March", "No entry except for residents",
        "Turn left at the second bridge", "Keep refrigerated below 5 degrees")


class LeftOut(Exception):
    """Why a consumer has nothing to say."""


# ---- Consumers -------------------------------------------------------------

class Seen(NamedTuple):
    """An undamaged picture."""
    picture: np.ndarray       # uint8 RGB, of even width and height
    source: str               # the clip or picture that it comes from
    truth: str | None = None  # what there is to read


class Consumer:
    """pictures(data, count): Seen, one after the other, of which those are kept in which
    it finds something, `count` of them. judge(picture, seen): from 0 to 1, of what has
    become of it."""

    def finds(self, seen):
        return self.judge_all([seen.picture], [seen])[0] > 0

    def judge_all(self, pictures, seen):
        return [self.judge(*pair) for pair in zip(pictures, seen)]


def photographs(folder):
    """Yields Seen: of the pictures that no weights were trained on."""
    import data
    try:
        found = data.split(data.read_index(folder)).development
    except OSError as why:
        raise LeftOut(str(why)) from why
    for one in found:
        yield Seen(even(data.decode(one.path)), os.path.basename(one.path))


def frames_of(folder, names, each):
    """Yields Seen: of each clip so many frames. LeftOut names one that does not decode."""
    from video import read_frames
    for name in names:
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            raise LeftOut(f"no clip {path}")
        try:
            frames = list(read_frames(path, 6))
        except SystemExit as why:
            raise LeftOut(str(why)) from why
        for i in np.linspace(0, len(frames) - 1, each).round().astype(int):
            yield Seen(even(frames[i]), name)


def even(picture, larger=640):
    """No side is larger than that, nor odd."""
    scale = min(1, larger / max(picture.shape[:2]))
    height, width = (int(side * scale) // 2 * 2 for side in picture.shape[:2])
    if scale < 1:
        return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture[:height, :width])


class QR(Consumer):
    """zbar reads a QR code that lies on a photograph."""
    name = "QR codes, zbar"

    def __init__(self):
        try:
            import zbar
        except ImportError as why:
            raise LeftOut(f"python3-zbar is not installed ({why})") from why
        self.zbar, self.scanner = zbar, zbar.ImageScanner()
        self.scanner.parse_config("enable")

    def pictures(self, data, count):
        for i, seen in enumerate(photographs(data)):
            side = min(seen.picture.shape[:2])
            picture = cv2.resize(seen.picture[:side, :side], (448, 448))
            text = f"https://example.org/{7919 * (i + 1)}"
            code = cv2.QRCodeEncoder.create().encode(text)
            code = cv2.copyMakeBorder(code, *[4] * 4, cv2.BORDER_CONSTANT, value=255)
            side = 150 + 20 * (i % 6)
            code = cv2.resize(code, (side, side), interpolation=cv2.INTER_NEAREST)
            y, x = (37 * i) % (448 - side), (91 * i) % (448 - side)
            picture[y:y + side, x:x + side] = code[..., None]
            yield Seen(picture, seen.source, text)

    def judge(self, picture, seen):
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        image = self.zbar.Image(gray.shape[1], gray.shape[0], "Y800", gray.tobytes())
        self.scanner.scan(image)
        return float(any(symbol.data == seen.truth for symbol in image))


class Text(Consumer):
    """Tesseract reads a line of print; one less the edit distance in letters."""
    name = "print, Tesseract"

    def __init__(self):
        try:
            subprocess.run(["tesseract", "--version"], capture_output=True, check=True)
            from PIL import ImageFont
            self.font = ImageFont.truetype("DejaVuSans.ttf", 26)
        except (OSError, ImportError) as why:
            raise LeftOut(f"tesseract-ocr or python3-pil or the font is not there ({why})") \
                from why

    def pictures(self, data, count):
        from PIL import Image, ImageDraw
        for i in range(count):
            text = TEXT[i % len(TEXT)]
            paper = tuple(235 - 9 * ((i + k) % 5) for k in range(3))
            image = Image.new("RGB", (704, 128), paper)
            ImageDraw.Draw(image).text((20 + i, 48), text, (20, 20, 30 + i), font=self.font)
            yield Seen(np.array(image), f"line {i}", text)

    def judge_all(self, pictures, seen):
        """All with one start, which takes longer than a line."""
        with tempfile.TemporaryDirectory() as folder:
            names = [os.path.join(folder, f"{i}.png") for i in range(len(pictures))]
            for name, picture in zip(names, pictures):
                cv2.imwrite(name, picture[..., ::-1])
            done = subprocess.run(["tesseract", "-", "-", "--psm", "6"],
                                  input="\n".join(names), capture_output=True, text=True,
                                  errors="replace", env=dict(os.environ, OMP_THREAD_LIMIT="1"))
        pages = done.stdout.split("\f")
        if done.returncode or len(pages) < len(pictures):
            raise RuntimeError(f"tesseract: {done.stderr.strip()}")
        return [max(0.0, 1 - distance(" ".join(page.split()), one.truth) / len(one.truth))
                for page, one in zip(pages, seen)]


def distance(a, b):
    """Letters to insert, delete or change."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        last, row[0] = row[0], i
        for k, other in enumerate(b, 1):
            last, row[k] = row[k], min(row[k] + 1, row[k - 1] + 1, last + (one != other))
    return row[-1]


class Boxes(Consumer):
    """F1 of the boxes that a detector finds, against those of the undamaged frame; half
    of them in frames of clips."""

    def pictures(self, data, count):
        yield from frames_of(data, self.clips, -(-count // 2 // len(self.clips)))
        yield from photographs(data)

    def judge(self, picture, seen):
        wanted, found = self.find(seen.picture), list(self.find(picture))
        if not len(wanted):
            return 0.0
        hits = 0
        for box in wanted:
            best = max(found, key=lambda other: overlap(box, other), default=None)
            if best is not None and overlap(box, best) >= 0.5:
                hits += 1
                found = [other for other in found if other is not best]
        return 2 * hits / (len(wanted) + hits + len(found))


def overlap(a, b):
    """Intersection over union of x, y, width, height."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


class Faces(Boxes):
    name = "faces, OpenCV's Haar cascade"
    clips = ["videos/carphone_pristine.mp4", "clips/builder-face-cif.mp4"]
    model = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml"

    def __init__(self):
        self.cascade = cv2.CascadeClassifier()
        if not os.path.isfile(self.model) or not self.cascade.load(self.model):
            raise LeftOut(f"opencv-data is not installed: no {self.model}")

    def find(self, picture):
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        return self.cascade.detectMultiScale(gray, 1.1, 5)


class People(Boxes):
    name = "people, OpenCV's HOG"
    clips = ["clips/street-shops.mp4", "clips/railway-crossing.mp4",
             "clips/hall-topview-crowd.mp4"]

    def __init__(self):
        self.hog = cv2.HOGDescriptor()
        self.hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())

    def find(self, picture):
        boxes, weights = self.hog.detectMultiScale(picture[..., ::-1], winStride=(8, 8),
                                                   scale=1.05)
        return [box for box, weight in zip(boxes, np.ravel(weights)) if weight > 0.3]


class Segments(Consumer):
    """Agreement with the segmentation of the undamaged frame: the mean of intersection
    over union. The networks see SIDE pixels, as phones show them."""
    SIDE = 257

    def __init__(self):
        try:
            import evaluate
        except SystemExit as why:
            raise LeftOut(str(why)) from why
        self.evaluate, self.network, self.clean = evaluate, None, {}

    def pictures(self, data, count):
        if not os.path.isfile(os.path.join(data, "models", f"{self.model}.npz")):
            raise LeftOut(f"no {self.model}.npz in {data}/models")
        self.network = self.evaluate.load_networks(data, "load_segmenter",
                                                   [self.model])[self.model]
        for seen in frames_of(data, self.clips, -(-count // len(self.clips))):
            side = min(seen.picture.shape[:2])
            top, left = ((n - side) // 2 for n in seen.picture.shape[:2])
            square = seen.picture[top:top + side, left:left + side]
            yield seen._replace(picture=cv2.resize(square, (400, 400)))

    def finds(self, seen):
        return True

    def classes(self, pictures):
        return self.evaluate.segment(self.network, np.stack(pictures), self.SIDE)

    def judge_all(self, pictures, seen):
        new = [one.picture for one in seen if one.picture.tobytes() not in self.clean]
        if new:
            self.clean.update(zip([one.tobytes() for one in new], self.classes(new)))
        return [self.evaluate.agreement(self.clean[one.picture.tobytes()], found)
                for one, found in zip(seen, self.classes(pictures))]


class Pascal(Segments):
    name, model = "objects, deeplab (PASCAL)", "deeplab_mnv2_pascal"
    clips = ["videos/cockatoo.mp4", "clips/dog-skateboard-concrete.mp4", "videos/bikes.mp4",
             "clips/dog-walkway.mp4", "clips/railway-crossing.mp4", "clips/plane-grey-sky.mp4"]


class Cityscapes(Segments):
    name, model = "streets, deeplab (Cityscapes)", "deeplab_edgetpu_cityscapes"
    clips = ["clips/dashcam-rain.mp4", "clips/street-shops.mp4", "clips/street-red-tree.mp4",
             "clips/dashcam-night.mp4", "videos/car-detection.mp4",
             "clips/highway-trees-240p.mp4"]


CONSUMERS = {"zbar": QR, "tesseract": Text, "faces": Faces, "people": People,
             "pascal": Pascal, "cityscapes": Cityscapes}


# ---- Damage and treatment --------------------------------------------------

def spoil(pictures, damage, corruptor):
    """All of one size, at SEVERITY; the draw depends on the place and the damage."""
    import codec
    if damage == "clean":
        return pictures
    seeds = [1000 * DAMAGES.index(damage) + i for i in range(len(pictures))]
    if damage in codec.RATES:
        return list(codec.damage_pictures(pictures, pictures[0].shape[:2], damage, SEVERITY,
                                          seeds))
    return list(corruptor(np.stack(pictures), damage, SEVERITY, seeds))


def by_size(pictures, function):
    """Applies `function` to lists of pictures of one size."""
    out = [None] * len(pictures)
    for shape in {picture.shape for picture in pictures}:
        at = [i for i, picture in enumerate(pictures) if picture.shape == shape]
        for i, made in zip(at, function([pictures[i] for i in at])):
            out[i] = np.ascontiguousarray(made)
    return out


def interval(gains, sources):
    """The pictures of a source are drawn together, or not."""
    names = list(dict.fromkeys(sources))
    at = np.array([names.index(source) for source in sources])
    counts = np.bincount(at)
    sums = np.bincount(at, gains)
    picks = np.random.default_rng(0).integers(len(names), size=(2000, len(names)))
    return np.percentile(sums[picks].sum(1) / counts[picks].sum(1), [2.5, 97.5])


def row_of(consumer, damage, treatment, before, after, sources):
    gain = after - before
    low, high = interval(gain, sources)
    return {"consumer": consumer, "damage": damage, "treatment": treatment,
            "pictures": len(gain), "sources": len(set(sources)),
            "without": 100 * before.mean(), "with": 100 * after.mean(),
            "gain": 100 * gain.mean(), "low": 100 * low, "high": 100 * high}


class Scores:
    """What each picture came to, kept in a file from run to run."""

    def __init__(self, path, seen):
        self.path = path
        pictures = zlib.crc32(b"".join(one.picture.tobytes() for one in seen))
        self.kept = {"pictures": pictures, "severity": SEVERITY, "scores": {}}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                kept = json.load(file)
            if all(kept.get(key) == self.kept[key] for key in ("pictures", "severity")):
                self.kept = kept

    def get(self, damage, treatment, make):
        key = f"{damage}: {treatment}"
        if key not in self.kept["scores"]:
            self.kept["scores"][key] = [float(value) for value in make()]
            with open(self.path + ".part", "w", encoding="utf-8") as file:
                json.dump(self.kept, file)
            os.replace(self.path + ".part", self.path)
        return np.array(self.kept["scores"][key])


def choose(consumer, folder, count):
    """-> so many undamaged pictures in which it finds something."""
    found = []
    for seen in consumer.pictures(folder, count):
        if consumer.finds(seen):
            found.append(seen)
        if len(found) == count:
            return found
    if not found:
        raise LeftOut("it finds nothing in the undamaged pictures")
    return found


def look(consumer, args, treatments, corruptor, scores_path):
    """-> rows of one consumer; "all" is the mean over the damages. treatments: {name:
    (what its scores are kept under, what does it)}."""
    seen = choose(consumer, args.data, args.pictures)
    sources = [one.source for one in seen]
    kept, scores = Scores(scores_path, seen), {}
    for damage in ["clean", *args.damages]:
        damaged = by_size([one.picture for one in seen],
                          lambda same: spoil(same, damage, corruptor))
        scores[damage, "none"] = kept.get(
            damage, "none", lambda: consumer.judge_all(damaged, seen))
        for name, (key, treatment) in treatments.items():
            scores[damage, name] = kept.get(damage, key, lambda: consumer.judge_all(
                by_size(damaged, treatment.enhance_all), seen))
        print(f"{consumer.name}: {damage}", file=sys.stderr, flush=True)
    rows = []
    for name in treatments:
        for damage in ["clean", *args.damages]:
            rows.append(row_of(consumer.name, damage, name, scores[damage, "none"],
                               scores[damage, name], sources))
        both = [np.mean([scores[damage, which] for damage in args.damages], 0)
                for which in ("none", name)]
        rows.append(row_of(consumer.name, "all", name, *both, sources))
    return rows


def work(job):
    """A process's: -> rows, or why there are none."""
    from corrupt import Corruptor
    name, args = job
    cv2.setNumThreads(1)
    frost = os.path.join(args.data, "frost")
    try:
        consumer = CONSUMERS[name]()
        if isinstance(consumer, Segments):
            consumer.evaluate.torch.set_num_threads(1)
        with Corruptor(scale=0, frost_folder=frost if os.path.isdir(frost) else None) \
                as corruptor:
            return look(consumer, args, load_treatments(args.weights), corruptor,
                        os.path.join(args.out, "scores", f"{name}.json"))
    except LeftOut as why:
        return str(why)


def load_treatments(weights):
    with open(weights, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"SyMPIE": (f"SyMPIE {digest[:16]}", rivals.SyMPIE(weights)),
            **{name: (name, rival) for name, rival in rivals.load().items()}}


# ---- Report ----------------------------------------------------------------

def write_csv(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{value:.2f}" if isinstance(value, float) else value
                             for key, value in row.items()})


def gain_cell(row, is_best):
    if not any(round(row[key], 1) for key in ("gain", "low", "high")):
        return "0"
    bold = "**" * is_best
    return f"{bold}{row['gain']:+.1f}{bold} [{row['low']:+.1f}, {row['high']:+.1f}]"


def markdown(rows, times, left_out):
    lines = []
    treatments = list(dict.fromkeys(row["treatment"] for row in rows))
    def table(title, chosen, first):
        lines.extend([f"\n{title}\n", "| " + " | ".join([first, "without", *treatments]) + " |",
                      "|---|" + "---:|" * (1 + len(treatments))])
        for key in dict.fromkeys(row[first] for row in chosen):
            of = {row["treatment"]: row for row in chosen if row[first] == key}
            best = max(of.values(), key=lambda row: row["gain"])
            best = best["treatment"] if best["gain"] > 0 else None
            cells = [gain_cell(of[name], name == best) for name in treatments]
            lines.append(f"| {key} | {of[treatments[0]]['without']:.1f} | "
                         + " | ".join(cells) + " |")
    if rows:
        table("Over all damages: the score without, and what each adds to it",
              [row for row in rows if row["damage"] == "all"], "consumer")
        table("Undamaged pictures", [row for row in rows if row["damage"] == "clean"],
              "consumer")
        for consumer in dict.fromkeys(row["consumer"] for row in rows):
            row = next(row for row in rows if row["consumer"] == consumer)
            table(f"{consumer}: {row['pictures']} pictures from {row['sources']} sources",
                  [row for row in rows if row["consumer"] == consumer
                   and row["damage"] not in ("all", "clean")], "damage")
    if times:
        lines.extend(["\nProcessor time of a full HD frame, ms\n",
                      "| " + " | ".join(times) + " |", "|" + "---:|" * len(times),
                      "| " + " | ".join(f"{value:.1f}" for value in times.values()) + " |"])
    lines.extend(["", *(f"Left out: {name}: {why}." for name, why in left_out.items())])
    return "\n".join(lines).strip() + "\n"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--data", required=True, help="folder with images/, clips/, videos/ and models/")
    add("--out", required=True)
    add("--weights", default=os.path.join(ROOT, "weights", "nem.safetensors"))
    add("--consumers", default=",".join(CONSUMERS), metavar="C,C...")
    add("--damages", default=",".join(DAMAGES), metavar="D,D...")
    add("--pictures", type=int, default=16, metavar="N", help="for each consumer")
    add("-j", "--jobs", type=int, default=os.cpu_count(), metavar="N",
        help="consumers at a time (one for each processor)")
    add("--no-times", action="store_true", help="do not time the treatments")
    args = parser.parse_args()
    for option, known in (("consumers", CONSUMERS), ("damages", DAMAGES)):
        names = getattr(args, option).split(",")
        for name in names:
            if name not in known:
                parser.error(f"--{option}: {name} is none of {', '.join(known)}")
        setattr(args, option, names)
    return args


def main():
    args = arguments()
    os.makedirs(os.path.join(args.out, "scores"), exist_ok=True)
    rows, left_out = [], {}
    with multiprocessing.get_context("spawn").Pool(args.jobs) as pool:
        for name, found in zip(args.consumers, pool.imap(
                work, [(name, args) for name in args.consumers], chunksize=1)):
            if isinstance(found, str):
                left_out[name] = found
                print(f"left out: {name}: {found}", file=sys.stderr)
            else:
                rows += found
    times = {} if args.no_times else {
        name: treatment.milliseconds()
        for name, (_, treatment) in load_treatments(args.weights).items()}
    if rows:
        write_csv(os.path.join(args.out, "consumers.csv"), rows)
    if times:
        write_csv(os.path.join(args.out, "times.csv"),
                  [{"treatment": name, "ms": value} for name, value in times.items()])
    text = markdown(rows, times, left_out)
    with open(os.path.join(args.out, "consumers.md"), "w", encoding="utf-8") as file:
        file.write(text)
    print(text, end="")
    return 0 if rows else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, RuntimeError) as why:
        sys.exit(f"consumers.py: {why}")
