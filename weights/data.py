# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures, labels and corrupted batches for training and evaluation.

A data folder has images/train/<class, 4 digits>_<wnid>.webp and
images/extra/index.csv with the pictures it names; class -1 means no label. Clips are
any videos. Who may see what is decided here: by class and by clip, never by picture or
frame.
`ImageFolder` reads the usual ImageNet layout, <wnid>/<picture>, instead.
"""

import csv
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from ahead import made_ahead
from corrupt import Corruptor

SIDE = 224            # of the pictures that are corrupted and classified
SMALLER_SIDE = 256    # to which a picture is resized before the crop
NO_LABEL = -1
WITHHELD = -2         # of a picture whose label was taken away: its class is held back
HELD_BACK = 2         # classes with index % 5 == 2 belong to other judges
VALIDATION = 4        # classes with index % 5 == 4 are ours to judge by
# Corruptions that move pixels, which DWM cannot undo: the clean picture, as the
# aim of restoration, moves with them.
MOVING = {"elastic_transform"}


@dataclass(slots=True)  # ImageNet has 1.3 million of them
class Picture:
    path: str
    label: int        # ImageNet-1k class, NO_LABEL or WITHHELD


class Split(NamedTuple):
    """Which pictures or clips are for what."""
    training: list
    development: list  # decisions are taken on these
    locked: list       # for the model card, which says what was decided by them all the same


def read_index(folder):
    """All pictures of a data folder. Those of BSDS500 never had a label; another one
    with neither a class nor a WordNet id had one that is held back."""
    images = os.path.join(folder, "images")
    train = os.path.join(images, "train")
    pictures = []
    for name in sorted(os.listdir(train)):
        if not name[:4].isdigit() or int(name[:4]) > 999:
            raise ValueError(f"{train}/{name}: the name must start with a "
                             "class index, 0000 to 0999")
        pictures.append(Picture(os.path.join(train, name), int(name[:4])))
    index = os.path.join(images, "extra", "index.csv")
    with open(index, newline="") as file:
        rows = csv.DictReader(file)
        for row in rows:
            try:
                name, wnid, label = row["file"], row["wnid"], int(row["class_index"])
            except (KeyError, TypeError, ValueError):
                raise ValueError(f"{index}, line {rows.line_num}: not file,class_index,wnid "
                                 "with a number in the middle") from None
            if not NO_LABEL <= label <= 999:
                raise ValueError(f"{index}: {name} has class {label}, not -1 to 999")
            if label == NO_LABEL and not wnid and not name.startswith("bsds_"):
                label = WITHHELD
            pictures.append(Picture(os.path.join(images, "extra", name), label))
    return pictures


def read_imagenet(folder):
    """<folder>/<wnid>/<picture>: the classes are the folders in sorted order."""
    wnids = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    if len(wnids) != 1000:
        raise ValueError(f"{folder} has {len(wnids)} class folders, not the 1000 "
                         "of ImageNet-1k")
    return [Picture(os.path.join(folder, wnid, name), label)
            for label, wnid in enumerate(wnids)
            for name in sorted(os.listdir(os.path.join(folder, wnid)))]


def split(pictures):
    """By class; held-back classes are in none of the three. Pictures without a label
    can only serve training."""
    training = [p for p in pictures if p.label == NO_LABEL or
                (p.label >= 0 and p.label % 5 not in (HELD_BACK, VALIDATION))]
    validation = [p for p in pictures if p.label >= 0 and p.label % 5 == VALIDATION]
    return Split(training, *([p for p in validation if p.label // 5 % 2 == half]
                             for half in (0, 1)))


def split_clips(paths):
    """By the file's name alone, so that further clips move none of the others."""
    def fifth(path):
        return zlib.crc32(os.path.basename(path).encode()) % 5
    paths = sorted(paths, key=os.path.basename)
    return Split([p for p in paths if fifth(p) not in (1, 4)],
                 [p for p in paths if fifth(p) == 1], [p for p in paths if fifth(p) == 4])


def decode(path):
    """-> RGB, uint8 (height, width, 3), smaller side SMALLER_SIDE."""
    image = cv2.imread(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ValueError(f"{path} is missing or no picture that OpenCV can decode")
    height, width = image.shape[:2]
    scale = SMALLER_SIDE / min(height, width)
    size = (max(SMALLER_SIDE, round(width * scale)),
            max(SMALLER_SIDE, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.cvtColor(cv2.resize(image, size, interpolation=how), cv2.COLOR_BGR2RGB)


def decode_all(pictures, workers):
    """-> all of them, which takes memory: 0.25 MB each."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda picture: decode(picture.path), pictures))


class Streamed:
    """Pictures by number, decoded when they are asked for and not kept."""

    def __init__(self, pictures):
        self.pictures = pictures

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, i):
        return decode(self.pictures[i].path)


def centre_crop(image, side=SIDE):
    top, left = ((n - side) // 2 for n in image.shape[:2])
    return image[top:top + side, left:left + side]


class Corruptions:
    """The library's corruptions; frost is half of the time photographs (where there is a
    folder of them), half grown ice."""

    def __init__(self, frost_folder):
        folders = [None, frost_folder if os.path.isdir(frost_folder) else None]
        self.corruptors = [Corruptor(frost_folder=folder) for folder in folders]
        self.names = self.corruptors[0].pool

    def __call__(self, images, names, severities, seeds):
        return self.corruptors[int(seeds[0]) % 2](images, names, severities, seeds)


@dataclass
class Batch:
    """One step's samples. `damage` is what the auxiliary loss has to name."""
    clean: np.ndarray      # uint8 (N, SIDE, SIDE, 3)
    corrupted: np.ndarray  # the same shape
    label: np.ndarray      # int64 (N,)
    damage: np.ndarray     # float32 (N, damages): severity / 5 of each corruption


class Batches:
    """Batches by step number: the same seed and step give the same batch, so a
    resumed run sees what an uninterrupted one would have.

    `images` gives uint8 (H, W, 3) by number: a list or Streamed.
    `corrupt(images, names, severities, seeds)` is Corruptions or another function;
    `codec(images, severity, seed)` is codec.damage_any or None. A
    sample takes one corruption, drawn uniformly, severity 0 to 5; a `mixed` share of them
    takes two or three, a `codec_share` codec damage instead.
    """

    def __init__(self, images, labels, names, corrupt, *, codec=None, codec_share=0.0,
                 size=32, mixed=0.0, seed=0, workers=2):
        self.images, self.labels = images, np.asarray(labels, np.int64)
        self.names, self.corrupt, self.codec = list(names), corrupt, codec
        self.codec_share = codec_share if codec else 0.0
        self.damages = self.names + (["codec"] if codec else [])
        self.size, self.mixed, self.seed, self.workers = size, mixed, seed, workers

    def batch(self, step):
        rng = np.random.default_rng((self.seed, step))
        clean = np.empty((self.size, SIDE, SIDE, 3), np.uint8)
        damage = np.zeros((self.size, len(self.damages)), np.float32)
        chosen = rng.integers(len(self.images), size=self.size)
        coded = np.flatnonzero(rng.random(self.size) < self.codec_share)
        images = {i: self.images[picture] for i, picture in enumerate(chosen)}
        corrupted = np.empty_like(clean)
        if len(coded):
            severity = int(rng.integers(1, 6))  # one for all: it is one call of FFmpeg
            pairs = self.codec([images[i] for i in coded], severity,
                               int(rng.integers(1 << 63)))
            damage[coded, -1] = severity / 5
            for i, pair in zip(coded, pairs):
                crops = random_crop(np.concatenate(pair, axis=2), rng)
                clean[i], corrupted[i] = crops[..., :3], crops[..., 3:]
        rounds = [([], [], []), ([], [], []), ([], [], [])]  # where, name, severity
        for i in np.setdiff1d(np.arange(self.size), coded):
            clean[i] = corrupted[i] = random_crop(images[i], rng)
            count = rng.integers(2, 4) if rng.random() < self.mixed else 1
            kinds = rng.choice(len(self.names), min(count, len(self.names)), False)
            for kind, (where, name, strength) in zip(kinds, rounds):
                severity = int(rng.integers(6))
                if severity:
                    damage[i, kind] = severity / 5
                    where.append(i)
                    name.append(self.names[kind])
                    strength.append(severity)
        mirrored = np.flatnonzero(rng.random(self.size) < 0.5)
        for pictures in (clean, corrupted):
            pictures[mirrored] = pictures[mirrored, :, ::-1]
        for where, name, strength in rounds:
            if where:
                seeds = rng.integers(1 << 63, size=len(where), dtype=np.uint64)
                corrupted[where] = self.corrupt(corrupted[where], name, strength, seeds)
                moved = [k for k, what in enumerate(name) if what in MOVING]
                if moved:
                    at = [where[k] for k in moved]
                    clean[at] = self.corrupt(clean[at], [name[k] for k in moved],
                                             [strength[k] for k in moved], seeds[moved])
        return Batch(clean, corrupted, self.labels[chosen], damage)

    def iterate(self, first, last):
        """The batches of the steps first..last - 1, made ahead by the workers."""
        def make(step):
            batch = self.batch(step)
            return np.stack([batch.clean, batch.corrupted]), (batch.label, batch.damage)
        for pictures, rest in made_ahead(make, range(first, last),
                                         (2, self.size, SIDE, SIDE, 3), self.workers):
            yield Batch(*pictures, *rest)


def random_crop(image, rng, side=SIDE):
    top, left = (rng.integers(n - side + 1) for n in image.shape[:2])
    return image[top:top + side, left:left + side]
