# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the gate learns from: pictures, clips and screens, undamaged, corrupted and as
codecs leave them. Clips are split by clip, pictures by class; none that is locked or held
back is among them."""

import glob
import itertools
import os
import string
import subprocess
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
import yaml
from PIL import Image, ImageDraw, ImageFont

import codec
import corrupt
import data
from corrupt import Corruptor

# How the study encodes: encoder and options, worst CRF; and its rates.
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pipelines", "study",
                       "config.yaml"), encoding="utf-8") as _file:
    _study = yaml.safe_load(_file)
CODECS = {name: ([how["encoder"], *how["options"]], how["scale"])
          for name, how in _study["codecs"].items()}
RATES = tuple(_study["rates"])
SHOWN = (5, 17, 29)  # frames of an encode
WHOLE = 150  # frames of a clip
SMALL = (144, 240, 288)  # smaller sides to which clips are brought
SMALL_SHOWN = (5, 11)
# What enhancing is no help for: clips with it say nothing, pictures by their benefit.
HOPELESS = {"elastic_transform", "glass_blur", "jpeg_compression", "saturate", "spatter",
            "zoom_blur"}


@dataclass
class Sample:
    frame: np.ndarray   # uint8 (H, W, 3)
    clean: np.ndarray   # the same without damage
    kind: str           # "clean", a corruption or a codec
    severity: int       # or the rate
    source: str         # the picture's or clip's name
    label: int = data.NO_LABEL


def frames(path, wanted):
    """-> the frames of these numbers, which ascend; the last one found for those beyond
    the end."""
    def run(*command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode or not done.stdout:
            raise ValueError(f"{path}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout
    size = run("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
               "stream=width,height", "-of", "default=nk=1:nw=1", path)
    width, height = map(int, size.split()[:2])
    last = max(wanted)
    chosen = "+".join(f"eq(n,{i})" for i in wanted)
    raw = run("ffmpeg", "-v", "error", "-i", path, "-vf", f"trim=end_frame={last + 1},"
              f"select='{chosen}'", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt",
              "rgb24", "-")
    found = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    return [found[min(i, len(found) - 1)] for i in range(len(wanted))]


def whole(path, count):
    """Yields a clip's first frames."""
    size = frames(path, [0])[0].shape
    command = ["ffmpeg", "-v", "error", "-i", path, "-frames:v", str(count), "-f", "rawvideo",
               "-pix_fmt", "rgb24", "-"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as process:
        while raw := process.stdout.read(np.prod(size)):
            yield np.frombuffer(raw, np.uint8).reshape(size)
    if process.returncode:
        raise ValueError(f"ffmpeg failed on {path}")


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


def scaled(clip, side):
    """(N, H, W, 3) -> the same, the smaller side `side`, both even."""
    scale = side / min(clip.shape[1:3])
    height, width = (max(side, 2 * round(n * scale / 2)) for n in clip.shape[1:3])
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
                     for frame in clip])


def cut(clip, side):
    """(N, H, W, 3) -> the central part of each, 4:3, its smaller side `side`."""
    width = min(2 * round(side * 2 / 3), clip.shape[2] // 2 * 2)
    top, left = ((n - m) // 2 for n, m in zip(clip.shape[1:3], (side, width)))
    return clip[:, top:top + side, left:left + width]


def key(words, paths=()):
    """-> eight digits by which the name of a file in a cache tells of what it was made: of
    these words, and of what these files are called and hold."""
    digest = zlib.crc32(repr([words, *map(os.path.basename, paths)]).encode())
    for path in paths:
        with open(path, "rb") as file:
            digest = zlib.crc32(file.read(), digest)
    return f"{digest:08x}"


def fonts():
    """-> the machine's, of which pages of text are made."""
    return sorted(glob.glob("/usr/share/fonts/**/*.ttf", recursive=True))


def encoded(path, name, rate, folder):
    """-> the path of the clip's first frames, encoded as the study does and kept in
    `folder`."""
    encoder, worst = CODECS[name]
    how = ["-frames:v", str(SHOWN[-1] + 1), "-an", "-pix_fmt", "yuv420p", "-c:v", *encoder,
           "-threads", "1", "-crf", f"{rate * worst / 63:.4g}"]
    out = os.path.join(folder, f"{os.path.splitext(os.path.basename(path))[0]}"
                               f"+{name}+{rate}-{key(how, [path])}.mkv")
    if not os.path.exists(out):
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", path, *how, out + ".part.mkv"],
            capture_output=True, env=dict(os.environ, SVT_LOG="1"))
        if done.returncode:
            raise RuntimeError(f"ffmpeg failed on {path}: "
                               f"{done.stderr.decode(errors='replace').strip()}")
        os.rename(out + ".part.mkv", out)
    return out


def split_of_clips(folder):
    """A data folder's, by clip."""
    return data.split_clips(glob.glob(os.path.join(folder, "clips", "*.mp4"))
                            + glob.glob(os.path.join(folder, "videos", "*.mp4")))


class Source:
    """Where samples come from: every group is a method that yields them. `limit`, for
    tests, cuts each of its loops."""

    def __init__(self, folder, cache, seed=0, limit=0, wallpapers=()):
        self.data, self.cache, self.seed, self.limit = folder, cache, seed, limit or None
        self.photographs = wallpapers
        self.training = data.split(data.read_index(folder)).training
        clips = split_of_clips(folder)
        self.videos = (clips.training + clips.development)[:self.limit]
        frost = os.path.join(folder, "frost")
        self.frost = sorted(glob.glob(os.path.join(frost, "*")))
        self.corruptors = [Corruptor(), Corruptor(frost_folder=frost), Corruptor(scale=0)]
        self.names = self.corruptors[0].pool + ["mixed"]

    def files(self, group):
        """What its samples are made of."""
        if group == "wallpapers":
            return sorted(self.photographs)
        if group == "screens":
            return fonts()
        files = (self.videos if group.startswith("clips") else
                 [os.path.join(self.data, "images", "extra", "index.csv"),
                  *(picture.path for picture in self.training)])
        return files + [corrupt.library_path(), *self.frost] * group.endswith("damaged")

    def corrupted(self, image, kind, severity, rng):
        which = self.corruptors[rng.integers(3 if min(image.shape[:2]) > 260 else 2)]
        seed = rng.integers(1 << 63, size=1, dtype=np.uint64)
        return [which(one[None], [kind], [severity], seed)[0]
                for one in ([image, image] if kind in data.MOVING else [image])]

    def samples(self, group):
        rng = np.random.default_rng((self.seed, zlib.crc32(group.encode())))
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
            for frame in frames(path, range(0, 200, 25)[:self.limit]):
                for view in (frame, square(frame, rng, 0.35), square(frame, rng, 0.35)):
                    yield Sample(view, view, "clean", 0, os.path.basename(path))

    def clips_whole(self, rng):
        """A clip's every fifth frame: what happens in one between few."""
        for path in self.videos:
            for frame in itertools.islice(whole(path, self.limit or WHOLE), 0, None, 5):
                yield Sample(frame, frame, "clean", 0, os.path.basename(path))

    def clips_flat(self, rng):
        for path in self.videos:
            for frame in frames(path, (0, 2, 9, 14, 19, 22)[:self.limit]):
                for view in flattest(frame, rng, 20, (0, 1, 2, 4, 7)):
                    yield Sample(view, view, "clean", 0, os.path.basename(path))

    def clips_codec(self, rng):
        for path in self.videos:
            clean = frames(path, SHOWN)
            for name in CODECS:
                for rate in RATES[:self.limit]:
                    file = encoded(path, name, rate, self.cache)
                    for seen, aim in zip(frames(file, SHOWN), clean):
                        yield Sample(seen, aim, name, rate, os.path.basename(path))

    def clips_small(self, rng):
        """Low resolutions, undamaged and encoded: what is soft and blocky there, is so
        for good."""
        for path in self.videos:
            clip = np.stack(frames(path, range(SMALL_SHOWN[-1] + 1)))
            native = min(clip.shape[1:3])
            views = [scaled(clip, side) for side in SMALL if side < native]
            views.append(cut(clip, SMALL[0]))
            for k, view in enumerate(views[:self.limit]):
                clean = [view[i] for i in SMALL_SHOWN]
                for frame in clean:
                    yield Sample(frame, frame, "clean", 0, os.path.basename(path))
                for name, (encoder, worst) in CODECS.items():
                    for rate in RATES[k % 2::2][:self.limit]:
                        seen = codec.through(view[None], encoder, rate * worst / 63)[0]
                        for i, aim in zip(SMALL_SHOWN, clean):
                            yield Sample(seen[i], aim, name, rate, os.path.basename(path))

    def pictures_codec(self, rng):
        """Small pictures as a codec leaves them; some undamaged."""
        draws = {}
        for i, picture, image in self._pictures(rng, len(self.training)):
            side = int(rng.choice([144, 192, 240]))
            what = str(rng.choice(list(codec.RATES))), int(rng.integers(6)), side
            draws.setdefault(what, []).append((i, picture, scaled(image[None], side)[0]))
        for (name, severity, side), drawn in sorted(draws.items()):
            small = [image for _, _, image in drawn]
            clean = seen = [data.centre_crop(image, side) for image in small]
            if severity:
                seen = codec.damage_pictures(small, side, name, severity,
                                             [(self.seed, i) for i, _, _ in drawn])
            for (_, picture, _), one, aim in zip(drawn, seen, clean):
                yield Sample(one, aim, name if severity else "clean", severity,
                             os.path.basename(picture.path))

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
        """Large photographs, for what is flat, hazy or coloured by nature in them."""
        for path in sorted(self.photographs)[:self.limit]:
            image = cv2.imread(path)
            if image is None:
                raise ValueError(f"{path} is missing or no picture that OpenCV can decode")
            if min(image.shape[:2]) < 300:  # a thumbnail
                continue
            image = reduced(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), 1080)
            for view in [image, *flattest(image, rng, 24, (0, 1, 3, 6, 12))]:
                if view.std() > 3:
                    yield Sample(view, view, "clean", 0, os.path.basename(path))

    def screens(self, rng):
        """Pages of text, dark and pale."""
        letters = list(string.ascii_lowercase)
        faces = fonts()
        words = ["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(80)]
        for i in range(self.limit or 160):
            size = [(1280, 720), (1024, 768), (640, 480), (1920, 1080)][rng.integers(4)]
            dark = rng.random() < 0.35
            shade = rng.integers(0, 60, 3) if dark else rng.integers(215, 256, 3)
            page = Image.new("RGB", size, tuple(map(int, shade)))
            draw = ImageDraw.Draw(page)
            for _ in range(rng.integers(1, 5)):
                height = int(rng.integers(10, 40))
                font = (ImageFont.truetype(faces[rng.integers(len(faces))], height)
                        if faces else ImageFont.load_default())
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
