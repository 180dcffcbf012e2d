#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Does it help who looks at the frames? Consumers that took no part in training judge
damaged pictures as they are, enhanced, and after what a user would pick instead.

    tests/consumers/consumers.py --data ../shared/data --out build/consumers

Writes consumers.csv (a line for each consumer, damage and treatment: the score in per cent,
and the gain over no treatment with a bootstrap 95 % interval over the pictures),
times.csv and consumers.md. A consumer that is not installed, that has nothing to look at or
finds nothing in undamaged pictures is left out, and said why. README.md beside this file
tells what the consumers are.
"""

import argparse
import csv
import glob
import os
import subprocess
import sys

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
#
# Each has pictures(data, count) -> uint8 RGB pictures, each with what is true of it or
# None, and judge(picture, clean, truth) -> from 0 to 1.

def backgrounds(data, count, width=448, height=448):
    paths = sorted(glob.glob(os.path.join(data, "images", "extra", "bsds_*")))[:count]
    if not paths:
        raise LeftOut(f"no pictures {data}/images/extra/bsds_*")
    return [cv2.resize(cv2.imread(path), (width, height))[..., ::-1].copy() for path in paths]


class QR:
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
        for i, picture in enumerate(backgrounds(data, count)):
            text = f"https://example.org/{7919 * (i + 1)}"
            code = cv2.QRCodeEncoder.create().encode(text)
            code = cv2.copyMakeBorder(code, *[4] * 4, cv2.BORDER_CONSTANT, value=255)
            side = 150 + 20 * (i % 6)
            code = cv2.resize(code, (side, side), interpolation=cv2.INTER_NEAREST)
            y, x = (37 * i) % (448 - side), (91 * i) % (448 - side)
            picture[y:y + side, x:x + side] = code[..., None]
            yield picture, text

    def judge(self, picture, clean, truth):
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        image = self.zbar.Image(gray.shape[1], gray.shape[0], "Y800", gray.tobytes())
        self.scanner.scan(image)
        return float(any(symbol.data == truth for symbol in image))


class Text:
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
            yield np.array(image), text

    def judge(self, picture, clean, truth):
        image = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
        done = subprocess.run(["tesseract", "-", "-", "--psm", "6"], input=image,
                              capture_output=True, env=dict(os.environ, OMP_THREAD_LIMIT="1"))
        found = " ".join(done.stdout.decode(errors="replace").split())
        return max(0.0, 1 - distance(found, truth) / len(truth))


def distance(a, b):
    """Letters to insert, delete or change."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        last, row[0] = row[0], i
        for k, other in enumerate(b, 1):
            last, row[k] = row[k], min(row[k] + 1, row[k - 1] + 1, last + (one != other))
    return row[-1]


def frames_of(data, names, count):
    """Frames of clips, as many from each. LeftOut names a clip that does not decode."""
    from video import read_frames
    found, each = [], -(-count // len(names))
    for name in names:
        path = os.path.join(data, name)
        if not os.path.isfile(path):
            raise LeftOut(f"no clip {path}")
        try:
            frames = list(read_frames(path, 6))
        except SystemExit as why:
            raise LeftOut(str(why)) from why
        at = np.linspace(0, len(frames) - 1, each).round().astype(int)
        found += [frames[i] for i in at]
    return found[:count]


class Boxes:
    """F1 of the boxes that a detector finds, against those of the undamaged frame."""

    def pictures(self, data, count):
        for frame in frames_of(data, self.clips, count):
            height, width = (side // 2 * 2 for side in frame.shape[:2])
            yield np.ascontiguousarray(frame[:height, :width]), None

    def judge(self, picture, clean, truth):
        wanted, found = self.find(clean), list(self.find(picture))
        if not len(wanted):
            return None
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
    clips = ["clips/street-shops.mp4", "clips/dog-walkway.mp4", "clips/archery-hall.mp4",
             "clips/railway-crossing.mp4"]

    def __init__(self):
        self.hog = cv2.HOGDescriptor()
        self.hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())

    def find(self, picture):
        boxes, weights = self.hog.detectMultiScale(picture[..., ::-1], winStride=(8, 8),
                                                   scale=1.05)
        return [box for box, weight in zip(boxes, np.ravel(weights)) if weight > 0.3]


class Segments:
    """Agreement with the segmentation of the undamaged frame: the mean of intersection
    over union."""

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
        for frame in frames_of(data, self.clips, count):
            side = min(frame.shape[:2])
            top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
            yield cv2.resize(frame[top:top + side, left:left + side], (400, 400)), None

    def classes(self, picture):
        return self.evaluate.segment(self.network, picture[None])[0]

    def judge(self, picture, clean, truth):
        key = clean.tobytes()
        if key not in self.clean:
            self.clean[key] = self.classes(clean)
        return self.evaluate.agreement(self.clean[key], self.classes(picture))


class Pascal(Segments):
    name, model = "objects, deeplab (PASCAL)", "deeplab_mnv2_pascal"
    clips = ["videos/cockatoo.mp4", "clips/dog-skateboard-concrete.mp4", "videos/bikes.mp4"]


class Cityscapes(Segments):
    name, model = "streets, deeplab (Cityscapes)", "deeplab_edgetpu_cityscapes"
    clips = ["clips/dashcam-rain.mp4", "clips/street-shops.mp4", "clips/street-red-tree.mp4"]


CONSUMERS = {"zbar": QR, "tesseract": Text, "faces": Faces, "people": People,
             "pascal": Pascal, "cityscapes": Cityscapes}


# ---- Damage and treatment --------------------------------------------------

def spoil(pictures, damage, corruptor):
    """All of one size, at SEVERITY; the draw depends on the place and the damage."""
    import codec
    if damage == "clean":
        return pictures
    if damage in codec.RATES:
        return [codec.damage(picture[None], damage, SEVERITY)[0] for picture in pictures]
    kind = DAMAGES.index(damage)
    return list(corruptor(np.stack(pictures), damage, SEVERITY,
                          [1000 * kind + i for i in range(len(pictures))]))


def by_size(pictures, function):
    """Applies `function` to lists of pictures of one size."""
    out = [None] * len(pictures)
    for shape in {picture.shape for picture in pictures}:
        at = [i for i, picture in enumerate(pictures) if picture.shape == shape]
        for i, made in zip(at, function([pictures[i] for i in at])):
            out[i] = np.ascontiguousarray(made)
    return out


def interval(gains):
    picks = np.random.default_rng(0).integers(len(gains), size=(2000, len(gains)))
    return np.percentile(np.asarray(gains)[picks].mean(1), [2.5, 97.5])


def row_of(consumer, damage, treatment, before, after):
    gain = after - before
    low, high = interval(gain)
    return {"consumer": consumer, "damage": damage, "treatment": treatment,
            "pictures": len(gain), "without": 100 * before.mean(), "with": 100 * after.mean(),
            "gain": 100 * gain.mean(), "low": 100 * low, "high": 100 * high}


def look(consumer, args, treatments, corruptor):
    """-> rows of one consumer; "all" is the mean over the damages."""
    found = list(consumer.pictures(args.data, args.pictures))
    pictures = [picture for picture, _ in found]
    scores = {}
    def judge(seen):
        return [consumer.judge(one, clean, truth) for one, (clean, truth) in zip(seen, found)]
    useful = [i for i, value in enumerate(judge(pictures)) if value]
    if not useful:
        raise LeftOut("it finds nothing in the undamaged pictures")
    found = [found[i] for i in useful]
    pictures = [pictures[i] for i in useful]
    for damage in ["clean", *args.damages]:
        seen = by_size(pictures, lambda same: spoil(same, damage, corruptor))
        scores[damage, "none"] = np.array(judge(seen))
        for name, treatment in treatments.items():
            scores[damage, name] = np.array(judge(by_size(seen, treatment.enhance_all)))
        print(f"{consumer.name}: {damage}", file=sys.stderr, flush=True)
    rows = []
    for name in treatments:
        for damage in ["clean", *args.damages]:
            rows.append(row_of(consumer.name, damage, name, scores[damage, "none"],
                               scores[damage, name]))
        both = [np.mean([scores[damage, which] for damage in args.damages], 0)
                for which in ("none", name)]
        rows.append(row_of(consumer.name, "all", name, *both))
    return rows


# ---- Report ----------------------------------------------------------------

def write_csv(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{value:.2f}" if isinstance(value, float) else value
                             for key, value in row.items()})


def markdown(rows, times, left_out):
    lines = []
    treatments = list(dict.fromkeys(row["treatment"] for row in rows))
    def table(title, chosen, first):
        lines.extend([f"\n{title}\n", "| " + " | ".join([first, "without", *treatments]) + " |",
                      "|---|" + "---:|" * (1 + len(treatments))])
        for key in dict.fromkeys(row[first] for row in chosen):
            of = {row["treatment"]: row for row in chosen if row[first] == key}
            best = max(of.values(), key=lambda row: row["gain"])["treatment"]
            cells = [f"{'**' * (name == best)}{of[name]['gain']:+.1f}{'**' * (name == best)} "
                     f"[{of[name]['low']:+.1f}, {of[name]['high']:+.1f}]" for name in treatments]
            lines.append(f"| {key} | {of[treatments[0]]['without']:.1f} | "
                         + " | ".join(cells) + " |")
    if rows:
        table("Over all damages: the score without, and what each adds to it",
              [row for row in rows if row["damage"] == "all"], "consumer")
        table("Undamaged pictures", [row for row in rows if row["damage"] == "clean"],
              "consumer")
        for consumer in dict.fromkeys(row["consumer"] for row in rows):
            count = next(row["pictures"] for row in rows if row["consumer"] == consumer)
            table(f"{consumer}, {count} pictures",
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
    add("--pictures", type=int, default=24, metavar="N", help="for each consumer")
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
    from corrupt import Corruptor
    args = arguments()
    treatments = {"SyMPIE": rivals.SyMPIE(args.weights), **rivals.load()}
    frost = os.path.join(args.data, "frost")
    rows, left_out = [], {}
    with Corruptor(scale=0, frost_folder=frost if os.path.isdir(frost) else None) as corruptor:
        for name in args.consumers:
            try:
                rows += look(CONSUMERS[name](), args, treatments, corruptor)
            except LeftOut as why:
                left_out[name] = why
                print(f"left out: {name}: {why}", file=sys.stderr)
    times = {} if args.no_times else {
        name: treatment.milliseconds() for name, treatment in treatments.items()}
    os.makedirs(args.out, exist_ok=True)
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
