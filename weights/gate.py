#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fits the gate: one more linear output on NEM's features, cut to [0, 1], by which the
library blends the parameters towards the identity.

    weights/gate.py --data ../shared/data --cache build/gate \\
        --weights weights/nem.safetensors --out build/gated.safetensors

It learns benefit. A corrupted picture counts by how much enhancing it lowers the
teacher's cross entropy; undamaged pictures, clips, screens and what codecs left of clips
count against. The logistic regression is judged on clips that its fold did not see, by
which --fade was chosen. Features are kept in --cache, the only part that takes minutes.
"""

import argparse
import glob
import os
import subprocess
import sys
import zlib
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import cv2
    import numpy as np
    import torch
    import torch.nn.functional as F
    from PIL import Image, ImageDraw, ImageFont
    from tqdm import tqdm
except ImportError as why:
    sys.exit(f"gate.py: {why}; see setup.sh --all")

import checkpoint
import data
import model
import tensorfile
import upstream
from corrupt import Corruptor
from sympie import Sympie

BATCH = 32
# How pipelines/study/config.yaml encodes: encoder, worst CRF, options.
CODECS = {
    "h264": ("libx264", 51, ["-preset", "medium"]),
    "hevc": ("libx265", 51, ["-preset", "fast", "-x265-params",
                             "log-level=error:pools=none:frame-threads=1"]),
    "vp9": ("libvpx-vp9", 63, ["-b:v", "0", "-deadline", "good", "-cpu-used", "4"]),
    "av1": ("libsvtav1", 63, ["-preset", "8", "-svtav1-params", "lp=1"])}
RATES = (45, 50, 55, 60)
SHOWN = (5, 17, 29)  # frames of an encode
# What enhancing is no help for: clips with it say nothing, pictures by their benefit.
HOPELESS = {"elastic_transform", "glass_blur", "jpeg_compression", "saturate", "spatter",
            "zoom_blur"}
# How much a sample of each group counts.
WEIGHTS = {"clips": 4.0, "clips-flat": 4.0, "clips-codec": 3.0, "clips-damaged": 1.0,
           "pictures": 1.0, "pictures-damaged": 2.0, "wallpapers": 0.1, "screens": 0.3}
RIDGE = 1e-3
FOLDS = 7


# ---- Samples ---------------------------------------------------------------

@dataclass
class Sample:
    frame: np.ndarray   # uint8 (H, W, 3)
    clean: np.ndarray   # the same without damage
    kind: str           # "clean", a corruption or a codec
    severity: int       # or the rate
    source: str         # the picture's or clip's name
    label: int = data.NO_LABEL


def frames(path, wanted):
    """-> the frames of these numbers, the last one for those beyond it."""
    def run(*command):
        done = subprocess.run(command, capture_output=True)
        if done.returncode or not done.stdout:
            raise ValueError(f"{path}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout
    size = run("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
               "stream=width,height", "-of", "csv=p=0", path).decode()
    width, height = map(int, size.split(",")[:2])
    raw = run("ffmpeg", "-v", "error", "-i", path, "-frames:v", str(max(wanted) + 1),
              "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    all_frames = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    return [all_frames[min(i, len(all_frames) - 1)] for i in wanted]


def square(image, rng, smallest):
    """A random square of at least this share of the smaller side."""
    side = int(min(image.shape[:2]) * rng.uniform(smallest, 1))
    return data.random_crop(image, rng, side)


def flattest(image, rng, tries, ranks):
    """Of random squares, those of these ranks by contrast: asphalt, sky, walls."""
    squares = [square(image, rng, 0.3) for _ in range(tries)]
    order = np.argsort([s.std() for s in squares])
    return [squares[i] for i in order[list(ranks)]]


def reduced(image, side):
    """The smaller side becomes `side` where it is larger, 224 where it is smaller."""
    scale = max(224, min(side, min(image.shape[:2]))) / min(image.shape[:2])
    height, width = (max(224, round(n * scale)) for n in image.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=how)


def encoded(path, codec, rate, folder):
    """-> the path of the clip's first frames, encoded as the study does."""
    encoder, worst, options = CODECS[codec]
    out = os.path.join(folder, f"{os.path.splitext(os.path.basename(path))[0]}"
                               f"+{codec}+{rate}.mkv")
    if not os.path.exists(out):
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", path, "-frames:v",
             str(SHOWN[-1] + 1), "-an", "-pix_fmt", "yuv420p", "-c:v", encoder, *options,
             "-threads", "1", "-crf", f"{rate * worst / 63:.4g}", out + ".part.mkv"],
            capture_output=True, env=dict(os.environ, SVT_LOG="1"))
        if done.returncode:
            raise RuntimeError(f"ffmpeg failed on {path}: "
                               f"{done.stderr.decode(errors='replace').strip()}")
        os.rename(out + ".part.mkv", out)
    return out


class Source:
    """Where samples come from. Every group is a method that yields them; `limit` is for
    tests."""

    def __init__(self, args):
        self.args, self.limit = args, args.limit or None
        split = data.split(data.read_index(args.data))
        self.training = split.training
        clips = data.split_clips(glob.glob(os.path.join(args.data, "clips", "*.mp4"))
                                 + glob.glob(os.path.join(args.data, "videos", "*.mp4")))
        self.videos = (clips.training + clips.development)[:self.limit]
        frost = os.path.join(args.data, "frost")
        self.corruptors = [Corruptor(), Corruptor(frost_folder=frost), Corruptor(scale=0)]
        self.names = self.corruptors[0].pool + ["mixed"]

    def corrupted(self, image, kind, severity, rng):
        which = self.corruptors[rng.integers(3 if min(image.shape[:2]) > 260 else 2)]
        seed = rng.integers(1 << 63, size=1, dtype=np.uint64)
        return [which(one[None], [kind], [severity], seed)[0]
                for one in ([image, image] if kind in data.MOVING else [image])]

    def samples(self, group):
        rng = np.random.default_rng((self.args.seed, zlib.crc32(group.encode())))
        return getattr(self, group.replace("-", "_"))(rng)

    def _pictures(self, rng, count):
        order = rng.permutation(len(self.training))
        for i in range(self.limit or count):
            picture = self.training[order[i % len(order)]]
            yield i, picture, data.decode(picture.path)

    def pictures_damaged(self, rng):
        for i, picture, image in self._pictures(rng, 2880):
            clean = data.random_crop(image, rng)
            kind, severity = self.names[i % len(self.names)], int(rng.integers(1, 6))
            seen, *moved = self.corrupted(clean, kind, severity, rng)
            yield Sample(seen, moved[0] if moved else clean, kind, severity,
                         os.path.basename(picture.path), picture.label)

    def pictures(self, rng):
        for _, picture, image in self._pictures(rng, 800):
            view = rng.random()
            if view < 0.8:
                image = data.centre_crop(image) if view < 0.6 else square(image, rng, 0.6)
            yield Sample(image, image, "clean", 0, os.path.basename(picture.path))

    def clips(self, rng):
        for path in self.videos:
            for frame in frames(path, range(0, 200, 25)):
                for view in (frame, square(frame, rng, 0.35), square(frame, rng, 0.35)):
                    yield Sample(view, view, "clean", 0, os.path.basename(path))

    def clips_flat(self, rng):
        for path in self.videos:
            for frame in frames(path, (0, 2, 9, 14, 19, 22)):
                for view in flattest(frame, rng, 20, (0, 1, 2, 4, 7)):
                    yield Sample(view, view, "clean", 0, os.path.basename(path))

    def clips_codec(self, rng):
        for path in self.videos:
            clean = frames(path, SHOWN)
            for codec in CODECS:
                for rate in RATES[:self.limit]:
                    file = encoded(path, codec, rate, self.args.cache)
                    for seen, aim in zip(frames(file, SHOWN), clean):
                        yield Sample(seen, aim, codec, rate, os.path.basename(path))

    def clips_damaged(self, rng):
        kinds = [name for name in self.names if name not in HOPELESS][:self.limit]
        for path in self.videos:
            for frame in frames(path, (1, 3, 7, 11, 14, 17, 21, 23)):
                clean = reduced(frame, int(rng.choice([224, 256, 360])))
                for kind in kinds:
                    if rng.random() < 0.45:
                        severity = int(rng.integers(1, 6))
                        yield Sample(self.corrupted(clean, kind, severity, rng)[0], clean,
                                     kind, severity, os.path.basename(path))

    def wallpapers(self, rng):
        for path in sorted(self.args.wallpapers)[:self.limit]:
            image = cv2.imread(path)
            if image is None or min(image.shape[:2]) < 300:
                continue
            image = reduced(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), 1080)
            for view in [image, *flattest(image, rng, 24, (0, 1, 3, 6, 12))]:
                if view.std() > 3:
                    yield Sample(view, view, "clean", 0, os.path.basename(path))

    def screens(self, rng):
        """Pages of text, dark and pale."""
        words = self.__doc__.split() + __doc__.split()
        fonts = sorted(glob.glob("/usr/share/fonts/**/*.ttf", recursive=True))
        for i in range(self.limit or 160):
            size = [(1280, 720), (1024, 768), (640, 480), (1920, 1080)][rng.integers(4)]
            dark = rng.random() < 0.35
            shade = rng.integers(0, 60, 3) if dark else rng.integers(215, 256, 3)
            page = Image.new("RGB", size, tuple(map(int, shade)))
            draw = ImageDraw.Draw(page)
            for _ in range(rng.integers(1, 5)):
                height = int(rng.integers(10, 40))
                font = (ImageFont.truetype(fonts[rng.integers(len(fonts))], height)
                        if fonts else ImageFont.load_default())
                left, top = (int(rng.integers(n // 2)) for n in size)
                right, bottom = (int(rng.integers(a + 60, n + 1))
                                 for a, n in zip((left, top), size))
                if rng.random() < 0.4:
                    draw.rectangle([left, top, right, bottom],
                                   fill=tuple(map(int, rng.integers(0, 256, 3))))
                ink = rng.integers(150, 256, 3) if dark else rng.integers(0, 110, 3)
                for y in range(top, bottom, int(1.4 * height)):
                    line = " ".join(rng.choice(words, 12))
                    draw.text((left + 4, y), line, fill=tuple(map(int, ink)), font=font)
            page = np.array(page)
            for view in (page, square(page, rng, 0.4)):
                yield Sample(view, view, "clean", 0, f"screen {i}")


# ---- Features --------------------------------------------------------------

@dataclass
class Group:
    """What is kept of a group's samples."""
    features: np.ndarray  # (N, 512)
    benefit: np.ndarray   # of cross entropy, where there is a teacher; else 0
    psnr: np.ndarray      # of what NEM makes of the frame to the frame
    kind: np.ndarray
    severity: np.ndarray
    source: np.ndarray

    def save(self, path):
        np.savez(path + ".part.npz", **vars(self))
        os.rename(path + ".part.npz", path)

    @staticmethod
    def load(path):
        with np.load(path) as arrays:
            return Group(**{name: arrays[name] for name in arrays.files})


def crop(frame):
    """The library's: smaller side to 232, central 224x224. -> float32, 0 to 255."""
    size = [n * model.NEM_RESIZE // min(frame.shape[:2]) for n in frame.shape[:2]]
    how = cv2.INTER_AREA if min(frame.shape[:2]) >= model.NEM_RESIZE else cv2.INTER_LINEAR
    seen = cv2.resize(frame.astype(np.float32), size[::-1], interpolation=how)
    return data.centre_crop(seen, model.NEM_SIDE)


def to_tensor(crops):
    x = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2) / 255
    return ((x - model.MEAN) / model.STD).contiguous()


@torch.no_grad()
def measure(u, teacher, samples):
    """A batch of samples -> rows of what Group keeps."""
    seen = to_tensor([crop(s.frame) for s in samples])
    features = u.features(seen)
    enhanced = model.clamped(model.dwm(seen, u.colm.out(features)))
    error = ((enhanced - seen) * model.STD).square().mean((1, 2, 3))
    benefit = torch.zeros(len(samples))
    if teacher:
        clean, before, after = (
            teacher(x).float().log_softmax(1)
            for x in (to_tensor([crop(s.clean) for s in samples]), seen, enhanced))
        wanted = clean.exp()
        for row, sample in zip(wanted, samples):
            if sample.label >= 0:
                row *= 0.5
                row[sample.label] += 0.5
        benefit = (wanted * (after - before)).sum(1)
    return (features.numpy(), benefit.numpy(),
            -10 * np.log10(np.maximum(error.numpy(), 1e-8)))


def gather(source, group, u, teacher):
    kept, columns, batch = [], [], []

    def flush():
        if batch:
            kept.append(measure(u, teacher if group == "pictures-damaged" else None, batch))
            columns.extend((s.kind, s.severity, s.source) for s in batch)
            batch.clear()
    for sample in tqdm(source.samples(group), group, unit="", leave=False):
        batch.append(sample)
        if len(batch) == BATCH:
            flush()
    flush()
    if not kept:
        return None
    kind, severity, names = zip(*columns)
    return Group(*(np.concatenate(part) for part in zip(*kept)), np.array(kind),
                 np.array(severity), np.array(names))


def groups_of(args, u):
    """-> {name: Group}, from the cache where they are there already."""
    os.makedirs(args.cache, exist_ok=True)
    backbone = b"".join(v.numpy().tobytes() for v in u.state_dict().values())
    key = zlib.crc32(f"{args.seed} {args.limit}".encode(), zlib.crc32(backbone))
    source = teacher = None
    groups = {}
    for name in WEIGHTS:
        path = os.path.join(args.cache, f"{name}-{key:08x}.npz")
        if not os.path.exists(path):
            if name == "wallpapers" and not args.wallpapers:
                continue
            source = source or Source(args)
            teacher = teacher or upstream.Upstream(
                upstream.load_upstream("mobilenet_v2", args.data), 160, clamp=True)
            group = gather(source, name, u, teacher)
            if group is None:
                continue
            group.save(path)
        groups[name] = Group.load(path)
    return groups


# ---- The fit ---------------------------------------------------------------

def examples(groups, out_of=()):
    """-> features, damaged or not, weights; without the clips in `out_of`."""
    parts = []
    for name, group in groups.items():
        use = ~np.isin(group.source, out_of)
        weight = np.full(len(use), WEIGHTS[name])
        damaged = np.zeros(len(use))
        if name == "clips-damaged":
            damaged += 1
        if name == "pictures-damaged":
            # Half by the picture, half by what its kind and severity are worth.
            own = group.benefit.clip(-2, 2)
            worth = np.zeros_like(own)
            for kind, severity in set(zip(group.kind, group.severity)):
                same = (group.kind == kind) & (group.severity == severity)
                worth[same] = own[same].mean()
            worth = (own + worth) / 2
            damaged, weight = (worth > 0).astype(float), weight * np.abs(worth).clip(max=1)
        parts.append((group.features[use], damaged[use], weight[use]))
    return tuple(np.concatenate(part).astype(np.float64) for part in zip(*parts))


def fit(features, damaged, weight, ridge=RIDGE):
    """Logistic regression on standardised features. -> (512,), bias: logits."""
    if not 0 < damaged.mean() < 1:
        raise ValueError("the gate needs damaged and undamaged samples")
    mean, deviation = np.average(features, 0, weight), features.std(0) + 1e-6
    x = torch.from_numpy((features - mean) / deviation)
    sign, share = torch.from_numpy(2 * damaged - 1), torch.from_numpy(weight / weight.sum())
    line = torch.zeros(x.shape[1] + 1, dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=200, history_size=20,
                                  line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        logits = x @ line[:-1] + line[-1]
        value = (share * F.softplus(-sign * logits)).sum() + ridge * line[:-1].square().sum()
        value.backward()
        return value
    optimiser.step(loss)
    line = line.detach().numpy()
    slope = line[:-1] / deviation
    return slope, line[-1] - slope @ mean


def gates(line, group, fade):
    """The gate opens from the logit fade[0] to fade[1]."""
    logits = group.features.astype(np.float64) @ line[0] + line[1]
    return ((logits - fade[0]) / (fade[1] - fade[0])).clip(0, 1)


def report(groups, fade):
    """Each clip by a gate that was fitted without it -> lines of text."""
    clips = sorted(set(groups["clips"].source))
    lines = ["| clip | undamaged: worst PSNR, dB | gate, encoded: mean | most |",
             "| --- | ---: | ---: | ---: |"]
    rows = []
    for fold in [clips[i::FOLDS] for i in range(min(FOLDS, len(clips)))]:
        line = fit(*examples(groups, fold))
        for clip in fold:
            def of(name):
                at = groups[name].source == clip
                return gates(line, groups[name], fade)[at], groups[name].psnr[at]
            gate, psnr = of("clips")
            # The error grows as the gate; a frame alone has no error: 80 dB.
            psnr = np.minimum(psnr - 20 * np.log10(np.maximum(gate, 1e-6)), 80)
            encoded_gate, _ = of("clips-codec")
            rows.append((psnr.min(), clip, encoded_gate.mean(), encoded_gate.max()))
    lines += [f"| {clip} | {psnr:.1f} | {mean:.3f} | {most:.2f} |"
              for psnr, clip, mean, most in sorted(rows)]
    line, damaged = fit(*examples(groups)), groups["pictures-damaged"]
    kept = (gates(line, damaged, fade) * damaged.benefit).sum() / damaged.benefit.sum()
    lines.append(f"\nOf the teacher's gain on damaged training pictures it keeps {kept:.2f}.")
    return lines


# ---- What it does to clips -------------------------------------------------

@torch.no_grad()
def vgg19(tensors, x):
    """Standardised pictures -> VGG19's pool5, flat."""
    for block in ((0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25), (28, 30, 32, 34)):
        for layer in block:
            name = f"features.{layer}."
            x = F.relu(F.conv2d(x, tensors[name + "weight"], tensors[name + "bias"], padding=1))
        x = F.max_pool2d(x, 2)
    return x.flatten(1)


def judged(args):
    """-> a table, the worst clip first: undamaged frames, and by how much enhancing
    changes the encoded frames' distance to the clean ones, each codec's rates together."""
    split = data.split_clips(glob.glob(os.path.join(args.data, "clips", "*.mp4"))
                             + glob.glob(os.path.join(args.data, "videos", "*.mp4")))
    tensors = {name: torch.from_numpy(values)
               for name, values in tensorfile.load(args.vgg19)[0].items()}
    rows, cells = [], {}
    with Sympie(args.weights) as sympie:
        for path in tqdm(getattr(split, args.judge), "clips", unit="", leave=False):
            psnr = []
            for frame in frames(path, range(0, 200, 25)):
                error = np.square(sympie.enhance(frame).astype(np.float64) - frame).mean()
                psnr.append(10 * np.log10(255 ** 2 / max(error, 1e-3)))
            clean = frames(path, SHOWN)
            change, opened = {}, []
            for codec in CODECS:
                for rate in RATES:
                    seen = frames(encoded(path, codec, rate, args.cache), SHOWN)
                    gate = [sympie.gate(frame) for frame in seen]
                    opened += gate
                    change[codec, rate] = 0.0  # where no frame was touched
                    if any(gate):
                        away = np.zeros(2)
                        for frame, aim in zip(seen, clean):
                            views = [crop(v) for v in (aim, frame, sympie.enhance(frame))]
                            deep = vgg19(tensors, to_tensor(views))
                            away += (deep[1:] - deep[0]).square().mean(1).numpy()
                        change[codec, rate] = 100 * (away[1] / away[0] - 1)
                    cells.setdefault((codec, rate), []).append(change[codec, rate])
            rows.append((max(change.values()), os.path.basename(path), np.mean(psnr),
                         min(psnr), np.mean(opened), max(opened)))
    lines = ["| clip | undamaged: PSNR, dB: mean | worst frame | encoded: gate, mean | most | "
             "feature MSE, worst of 16, % |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    lines += [f"| {clip} | {mean:.1f} | {worst:.1f} | {gate:.3f} | {most:.2f} | {harm:+.2f} |"
              for harm, clip, mean, worst, gate, most in sorted(rows, reverse=True)]
    lines += ["", "| codec | " + " | ".join(f"rate {rate}" for rate in RATES) + " |",
              "| --- |" + " ---: |" * len(RATES)]
    lines += [f"| {codec} | " + " | ".join(f"{np.mean(cells[codec, rate]):+.2f} %"
                                           for rate in RATES) + " |" for codec in CODECS]
    return lines


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", required=True, help="folder with images/, clips/, videos/, models/")
    add("--weights", required=True, help="NEM's, with or without a gate")
    add("--out", help="write the same with the gate")
    add("--judge", choices=["development", "locked"], help="what the weights do to these "
        "clips, undamaged and encoded, through libsympie")
    add("--vgg19", help="with --judge: VGG19's weights, for the distance of features")
    add("--cache", required=True, help="folder of features and encodes")
    add("--wallpapers", nargs="*", default=[], metavar="PICTURE",
        help="large undamaged pictures, for their flat parts")
    add("--fade", default="-0.7,0.1", help="logits where the gate begins to open and is open")
    add("--seed", type=int, default=0)
    add("--limit", type=int, default=0, help="samples of a group, for tests; 0: all")
    args = parser.parse_args()
    try:
        args.fade = tuple(map(float, args.fade.split(",")))
        assert len(args.fade) == 2 and args.fade[0] < args.fade[1]
    except (ValueError, AssertionError):
        parser.error(f"--fade {args.fade}: not two logits, the smaller first")
    if bool(args.out) == bool(args.judge):
        parser.error("either --out or --judge is needed")
    if args.judge and not args.vgg19:
        parser.error("--judge needs --vgg19")
    return args


def main():
    args = arguments()
    if args.judge:
        print("\n".join(judged(args)))
        return
    tensors, metadata = tensorfile.load(args.weights)
    groups = groups_of(args, checkpoint.load_weights(args.weights))
    slope, bias = fit(*examples(groups))
    low, high = args.fade
    tensors["gate.weight"] = (slope / (high - low)).astype(np.float32)[None]
    tensors["gate.bias"] = np.array([(bias - low) / (high - low)], np.float32)
    counts = ", ".join(f"{len(g.kind)} {name}" for name, g in groups.items())
    metadata["gate"] = f"fade {low:g} to {high:g}, seed {args.seed}; {counts}"
    text = report(groups, args.fade)
    tensorfile.save(args.out, tensors, metadata)
    print("\n".join([counts, *text]))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, RuntimeError) as why:
        sys.exit(f"gate.py: {why}")
