#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fits one set of 37 numbers to each corruption and severity, without NEM: the
ceiling that NEM can reach by telling corruptions apart, and the targets of
train.py --fitted.

    weights/ceiling.py --data ../shared/data --out build/ceiling

The five severities of a corruption are fitted at once, as a straight line, to
the upstream's loss on training pictures at three sizes and to the distance from
the clean pictures: what pleases one network at one resolution does not win.
With --judge, the sets are tried on validation pictures and networks that the
fit never saw. Writes table.safetensors, results.csv and results.md.
"""

import argparse
import os
import sys
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from tqdm import tqdm
except ImportError as why:
    sys.exit(f"ceiling.py: {why}; see setup.sh --all")

import checkpoint
import codec
import data
import evaluate
import model
import tensorfile
import train
import upstream

SEVERITIES = (1, 2, 3, 4, 5)
SIZES = (160, 192, 224)  # at which the upstream judges, in turn
KEEP = 0.1               # weight of the distance to the clean picture
# Adam's rates, annealed to 0. The gain gets far, where contrast is lost.
RATES = {"gain": 0.1, "matrix": 0.01, "level": 0.02, "taps": 0.04}
# The kernel's 25 taps from the 9 that differ: pictures come mirrored as often as
# not, and what is blurred is so upwards as well as downwards. The last one is the
# centre, which makes the sum 1: with a sum to be fitted as well as a gain, what
# sharpens is lost in what brightens.
MIRRORED = torch.arange(9).view(3, 3)[[0, 1, 2, 1, 0]][:, [0, 1, 2, 1, 0]].flatten()


@dataclass
class Source:
    """What damages pictures."""
    corrupt: data.Corruptions
    cache: codec.CodecCache = None  # for "codec"


def pairs(source, name, severities, images, chosen, rng):
    """-> clean and corrupted pictures, uint8 (N, SIDE, SIDE, 3)."""
    if name == "codec":
        both = [source.cache.pair(i, s, rng) for i, s in zip(chosen, severities)]
        return tuple(np.stack(side) for side in zip(*both))
    clean = np.stack([data.random_crop(images[i], rng) for i in chosen])
    seeds = rng.integers(1 << 63, size=len(chosen), dtype=np.uint64)
    corrupted = source.corrupt(clean, [name] * len(chosen), list(severities), seeds)
    if name in data.MOVING:
        clean = source.corrupt(clean, [name] * len(chosen), list(severities), seeds)
    return clean, corrupted


def standardised(pictures):
    return model.standardise(pictures, "cpu")


def identity():
    """-> what is fitted, at the identity: values at the middle severity and slopes,
    (2, n) each."""
    middle = {"gain": torch.zeros(1), "matrix": torch.eye(3).flatten(),
              "level": torch.zeros(3), "taps": torch.zeros(8)}
    return {key: torch.stack([value, torch.zeros_like(value)])
            for key, value in middle.items()}


def parameters(fitted, level):
    """-> (5, 37). Colours are stretched about the mean colours `level`, (5, 3),
    which move by fitted["level"]: a gain alone would push dark pictures into black."""
    at = (torch.tensor(SEVERITIES) - 3.0)[:, None] / 2
    line = {key: value[0] + at * value[1] for key, value in fitted.items()}
    matrix = (line["matrix"] * line["gain"].exp()).view(-1, 3, 3)
    # (level + shift) @ matrix = level + what it moves by
    shift = torch.linalg.solve(matrix.transpose(1, 2), (level + line["level"])[..., None])
    kernel = F.pad(line["taps"], (0, 1))[:, MIRRORED]
    kernel = kernel + (1 - kernel.sum(1, keepdim=True)) * model.IDENTITY[12:]
    return torch.cat([matrix.flatten(1), shift[..., 0] - level, kernel], 1)


def fit(source, name, images, labels, upstreams, steps, batch, rng):
    """-> (5, 37), one set a severity."""
    order = np.arange(batch) % len(SEVERITIES)
    severities = np.array(SEVERITIES)[order]
    _, corrupted = pairs(source, name, severities, images,
                         rng.integers(len(images), size=batch), rng)
    means = standardised(corrupted).mean((2, 3))
    level = torch.stack([means[order == i].mean(0) for i in range(len(SEVERITIES))])
    fitted = {key: value.requires_grad_() for key, value in identity().items()}
    optimiser = torch.optim.Adam([{"params": [value], "lr": RATES[key]}
                                  for key, value in fitted.items()])
    annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        chosen = rng.integers(len(images), size=batch)
        clean, corrupted = map(standardised, pairs(source, name, severities, images,
                                                   chosen, rng))
        f = upstreams[step % len(upstreams)]
        with torch.no_grad():
            # What f says of the clean picture, and the label where there is one.
            wanted = f(clean).float().softmax(1)
            known = labels[chosen] != data.NO_LABEL
            wanted[known] *= 0.5
            wanted[known, labels[chosen][known]] += 0.5
        sets = parameters(fitted, level)[order]
        each = sets.detach().requires_grad_()
        enhanced = model.dwm(corrupted, each)
        loss = F.cross_entropy(f(enhanced).float(), wanted)
        part = model.Sight(rng, 0, 112)
        loss = loss + KEEP * train.restoration(*map(part.window, (
            enhanced, corrupted, clean)))
        optimiser.zero_grad()
        loss.backward()
        sets.backward(train.at_most_median(each.grad))
        optimiser.step()
        annealing.step()
    return parameters(fitted, level).detach()


def enhance(pictures, sets):
    """uint8 (N, H, W, 3), (N, 37) -> uint8: DWM as the definition has it."""
    x = model.clamped(model.dwm(standardised(pictures), sets)) * model.STD + model.MEAN
    return (255 * x).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def judge(table, names, data_folder, count, corruptor):
    """-> evaluate's scores of the sets on `count` validation pictures."""
    development = data.split(data.read_index(data_folder)).development
    pictures, labels = evaluate.load(evaluate.spread(development, count))
    networks = evaluate.load_networks(data_folder, "load_classifier", evaluate.CLASSIFIERS)
    right = {name: {} for name in networks}
    conditions = [c for c in evaluate.CONDITIONS
                  if c in names or (c in evaluate.CODECS and "codec" in names)]
    for condition in tqdm(conditions, "judged", unit=""):
        sets = table[names.index("codec" if condition in evaluate.CODECS else condition)]
        severities = evaluate.severity_rounds(condition, len(pictures), False)[0]
        seen = evaluate.damaged(pictures, condition, severities, corruptor)
        better = enhance(seen, sets[severities - 1])
        for name, network in networks.items():
            right[name][condition] = np.array(
                [evaluate.judge(network, p, labels) for p in (seen, better)])
    return evaluate.scores_of(right)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", required=True, help="folder with images/, models/ and frost/")
    add("--out", required=True)
    add("--codec", default="", help="train.py's folder of codec damage; fit it too")
    add("--upstream", default="mobilenet_v2")
    add("--steps", type=int, default=40)
    add("--batch", type=int, default=40)
    add("--only", default="", help="these corruptions; the rest from what --out has")
    add("--judge", type=int, default=0, metavar="N", help="try on N validation pictures")
    add("--seed", type=int, default=0)
    add("--bf16", action="store_true")
    add("--threads", type=int, default=0)
    return parser.parse_args()


def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    frost = os.path.join(args.data, "frost")
    corrupt = data.Corruptions(frost)
    names = corrupt.names + (["codec"] if args.codec else [])
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, "table.safetensors")
    fitted = {}
    if os.path.exists(path):
        fitted = {n: torch.from_numpy(v) for n, v in tensorfile.load(path)[0].items()}
    wanted = args.only.split(",") if args.only else [n for n in names if n not in fitted]
    wrong = [n for n in wanted if n not in names]
    if wrong:
        raise ValueError(f"--only: {wrong[0]} is none of {', '.join(names)}")
    if wanted:
        pictures = data.split(data.read_index(args.data)).training
        images = [data.decode(p.path) for p in tqdm(pictures, "pictures", unit="")]
        cache = codec.CodecCache(args.codec, images,
                                 [p.path for p in pictures]) if args.codec else None
        labels = np.array([p.label for p in pictures])
        networks = upstream.load_upstreams(args.upstream, args.data)
        upstreams = [upstream.Upstream(network, size, args.bf16, clamp=True)
                     for size in SIZES for network in networks]
        for name in tqdm(wanted, "fitted", unit=""):
            rng = np.random.default_rng((args.seed, names.index(name)))
            fitted[name] = fit(Source(corrupt, cache), name, images, labels, upstreams,
                               args.steps, args.batch, rng)
            tensorfile.save(path, {n: v.numpy() for n, v in fitted.items()},
                            {"format": "pt", "commit": checkpoint.commit(),
                             "steps": str(args.steps), "batch": str(args.batch)})
    if args.judge:
        known = [n for n in names if n in fitted]
        table = torch.stack([fitted[n] for n in known])
        with evaluate.Corruptor(frost_folder=frost) as corruptor:
            scores = judge(table, known, args.data, args.judge, corruptor)
        title = f"One fitted set for each corruption and severity, {args.judge} pictures"
        evaluate.write_csv(os.path.join(args.out, "results.csv"), scores)
        evaluate.write_markdown(os.path.join(args.out, "results.md"), scores, title)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, RuntimeError) as why:
        sys.exit(f"ceiling.py: {why}")
