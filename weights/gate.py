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
and pictures count against. The logistic regression is judged on clips that its fold did
not see, by which --fade was chosen. Features and encodes are kept in --cache: all but they
takes seconds.
"""

import argparse
import glob
import inspect
import os
import sys
import zlib
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import cv2
    import numpy as np
    import torch
    import torch.nn.functional as F
    from tqdm import tqdm
except ImportError as why:
    sys.exit(f"gate.py: {why}; see setup.sh --all")

import checkpoint
import codec
import corrupt
import data
import model
import samples
import tensorfile
import upstream

BATCH = 32
# How much a sample of each group counts.
WEIGHTS = {"clips": 4.0, "clips-whole": 6.0, "clips-flat": 4.0, "clips-codec": 3.0,
           "clips-small": 1.0, "clips-damaged": 1.0, "pictures": 1.0, "pictures-codec": 1.0,
           "pictures-damaged": 2.0, "wallpapers": 0.1, "screens": 0.3}
TEACHER, TAUGHT = "mobilenet_v2", "pictures-damaged"  # it judges samples of this group
RIDGE = 1e-3
FOLDS = 7


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
def measure(u, teacher, batch):
    """A batch of samples -> rows of what Group keeps."""
    seen = to_tensor([crop(s.frame) for s in batch])
    features = u.features(seen)
    enhanced = model.clamped(model.dwm(seen, u.colm.out(features)))
    error = ((enhanced - seen) * model.STD).square().mean((1, 2, 3))
    benefit = torch.zeros(len(batch))
    if teacher:
        clean, before, after = (
            teacher(x).float().log_softmax(1)
            for x in (to_tensor([crop(s.clean) for s in batch]), seen, enhanced))
        wanted = clean.exp()
        for row, sample in zip(wanted, batch):
            if sample.label >= 0:
                row *= 0.5
                row[sample.label] += 0.5
        benefit = (wanted * (after - before)).sum(1)
    return (features.numpy(), benefit.numpy(),
            -10 * np.log10(np.maximum(error.numpy(), 1e-8)))


def gather(source, name, u, teacher):
    """-> a Group of the source's samples of that name."""
    kept, columns, batch = [], [], []

    def flush():
        if batch:
            kept.append(measure(u, teacher, batch))
            columns.extend((s.kind, s.severity, s.source) for s in batch)
            batch.clear()
    for sample in tqdm(source.samples(name), name, unit="", leave=False):
        batch.append(sample)
        if len(batch) == BATCH:
            flush()
    flush()
    if not kept:
        where = "the photographs" if name == "wallpapers" else source.data
        raise ValueError(f"there is no sample of {name} among {where}")
    kind, severity, names = zip(*columns)
    return Group(*(np.concatenate(part) for part in zip(*kept)), np.array(kind),
                 np.array(severity), np.array(names))


# What features depend on, beside PyTorch, OpenCV and FFmpeg.
CODE = [samples, data, codec, corrupt, model, upstream, Group, crop, to_tensor, measure, gather]


def groups_of(args, u):
    """-> {name: Group}, from the cache where they are there already: of the same
    parameters and pictures, by the same code and options."""
    os.makedirs(args.cache, exist_ok=True)
    code, parameters = "".join(map(inspect.getsource, CODE)), 0
    for value in u.colm.state_dict().values():
        parameters = zlib.crc32(value.numpy().tobytes(), parameters)
    source = samples.Source(args.data, args.cache, args.seed, args.limit, args.wallpapers)
    paths = {}  # all of them first: to name a file that is missing takes no hour
    for name in WEIGHTS:
        if name == "wallpapers" and not args.wallpapers:
            continue
        files = source.files(name)
        if name == TAUGHT:  # models/ may have a __pycache__, too
            files = files + sorted(glob.glob(os.path.join(args.data, "models", "*.*")))
        key = samples.key([code, samples.CODECS, samples.RATES, parameters, args.seed,
                           args.limit], files)
        paths[name] = os.path.join(args.cache, f"{name}-{key}.npz")
    for name, path in paths.items():
        if not os.path.exists(path):
            teacher = upstream.Upstream(upstream.load_upstream(
                TEACHER, args.data), 160, clamp=True) if name == TAUGHT else None
            gather(source, name, u, teacher).save(path)
    return {name: Group.load(path) for name, path in paths.items()}


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
        if name == TAUGHT:
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


def with_gate(tensors, line, fade):
    """The same tensors, and those of a gate that opens as `gates` says."""
    (slope, bias), (low, high) = line, fade
    return {**tensors, "gate.weight": (slope / (high - low)).astype(np.float32)[None],
            "gate.bias": np.array([(bias - low) / (high - low)], np.float32)}


def report(groups, fade):
    """Each clip, where there are several, by a gate that was fitted without it
    -> lines of text."""
    clips = sorted(set(groups["clips"].source))
    rows = []
    folds = min(FOLDS, len(clips)) if len(clips) > 1 else 0
    for fold in [clips[i::folds] for i in range(folds)]:
        line = fit(*examples(groups, fold))
        for clip in fold:
            def of(name):
                at = groups[name].source == clip
                return gates(line, groups[name], fade)[at], groups[name].psnr[at]
            gate, psnr = of("clips")
            # The error grows as the gate; a frame alone has no error: 80 dB.
            psnr = np.minimum(psnr - 20 * np.log10(np.maximum(gate, 1e-6)), 80).min()
            own, small = (of(name)[0] for name in ("clips-codec", "clips-small"))
            rows.append((psnr, clip, own.mean(), own.max(), small.mean() if len(small) else 0,
                         small.max(initial=0)))
    lines = ["| clip | undamaged: worst PSNR, dB | gate, encoded: mean | most | made small: "
             "mean | most |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    lines += [f"| {clip} | {psnr:.1f} | {mean:.3f} | {most:.2f} | {small:.3f} | {top:.2f} |"
              for psnr, clip, mean, most, small, top in sorted(rows)]
    line, damaged = fit(*examples(groups)), groups[TAUGHT]
    kept = (gates(line, damaged, fade) * damaged.benefit).sum() / damaged.benefit.sum()
    lines.append(f"\nOf the teacher's gain on damaged training pictures it keeps {kept:.2f}.")
    return lines


# ---- Command line ----------------------------------------------------------

def options(parser):
    """What groups_of and a fit need."""
    add = parser.add_argument
    add("--data", required=True, help="folder with images/, clips/, videos/, models/")
    add("--weights", required=True, help="NEM's, with or without a gate")
    add("--cache", required=True, help="folder of features and encodes")
    add("--wallpapers", nargs="*", default=[], metavar="PICTURE",
        help="large undamaged photographs")
    add("--fade", type=fade, default="-0.4,0.4",
        help="logits where the gate begins to open and is open")
    add("--seed", type=int, default=0)
    add("--limit", type=int, default=0, help="samples of a group, for tests; 0: all")


def fade(text):
    low, high = map(float, text.split(","))
    if low >= high:
        raise argparse.ArgumentTypeError(f"{text}: the smaller logit first")
    return low, high


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options(parser)
    parser.add_argument("--out", required=True, help="write the same weights with the gate")
    args = parser.parse_args()
    tensors, metadata = tensorfile.load(args.weights)
    groups = groups_of(args, checkpoint.load_weights(args.weights))
    tensors = with_gate(tensors, fit(*examples(groups)), args.fade)
    counts = ", ".join(f"{len(g.kind)} {name}" for name, g in groups.items())
    metadata["gate"] = f"fade {args.fade[0]:g} to {args.fade[1]:g}, seed {args.seed}; {counts}"
    text = report(groups, args.fade)
    tensorfile.save(args.out, tensors, metadata)
    print("\n".join([counts, *text]))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, RuntimeError) as why:
        sys.exit(f"gate.py: {why}")
