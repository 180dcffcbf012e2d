#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges weights by what they do to clips, undamaged and encoded, through libsympie.

    weights/clips.py --data ../shared/data --cache build/gate --split locked \\
        --weights weights/nem.safetensors --vgg19 ~/.local/share/gst-sympie/vgg19.safetensors

--split left-out takes all clips, each by a gate that is fitted without it; for that it wants
what gate.py wants. Tables: each clip, the worst first; by how much enhancing changes the
distance of VGG19's features to the clean frame, each codec and rate; how often networks say
of a frame what they say of the clean one.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from tqdm import tqdm
except ImportError as why:
    sys.exit(f"clips.py: {why}; see setup.sh --all")

import checkpoint
import evaluate
import gate
import samples
import tensorfile
from samples import CODECS, RATES, SHOWN, WHOLE, encoded, frames, whole
from sympie import Sympie

UNTOUCHED = 80.0  # dB, of what is the same


@torch.no_grad()
def vgg19(tensors, x):
    """Standardised pictures -> VGG19's pool5, flat."""
    for block in ((0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25), (28, 30, 32, 34)):
        for layer in block:
            name = f"features.{layer}."
            x = F.relu(F.conv2d(x, tensors[name + "weight"], tensors[name + "bias"], padding=1))
        x = F.max_pool2d(x, 2)
    return x.flatten(1)


def distance(tensors, clean, seen):
    """The mean squared error of VGG19's features, over all frames."""
    return sum((vgg19(tensors, gate.to_tensor(pair)).diff(dim=0) ** 2).mean().item()
               for pair in zip(clean, seen))


def psnr(frame, other):
    error = np.square(other.astype(np.float64) - frame).mean()
    return min(10 * np.log10(255 ** 2 / max(error, 1e-6)), UNTOUCHED)


@dataclass
class Clip:
    """What became of one. The cells are codecs and rates."""
    name: str
    gates: np.ndarray  # of undamaged frames
    psnr: np.ndarray   # of what became of them
    opened: np.ndarray  # the gates of encoded frames
    change: dict       # cell: per cent of the distance to the clean frames
    agreement: dict    # (network, cell): shares of the frames, encoded and enhanced


def judged(path, sympie, vgg, networks, args):
    undamaged, opened, change, agreement = [], [], {}, {}
    for frame in whole(path, args.limit or WHOLE):
        opening = sympie.gate(frame)
        undamaged.append((opening, psnr(frame, sympie.enhance(frame)) if opening else UNTOUCHED))

    clean = [gate.crop(frame) for frame in frames(path, SHOWN)]
    views, places = list(clean), {}  # where those of a cell begin, encoded and enhanced
    for name in CODECS:
        for rate in RATES[:args.limit or None]:
            seen = frames(encoded(path, name, rate, args.cache), SHOWN)
            gates = [sympie.gate(frame) for frame in seen]
            opened += gates
            before = [gate.crop(frame) for frame in seen]
            places[name, rate] = [len(views), len(views)]
            views += before
            change[name, rate] = 0.0
            if any(gates):
                after = [gate.crop(sympie.enhance(frame)) for frame in seen]
                change[name, rate] = 100 * (distance(vgg, clean, after)
                                            / distance(vgg, clean, before) - 1)
                places[name, rate][1] = len(views)
                views += after
    views = np.stack([view.round().astype(np.uint8) for view in views])
    for network, classify in networks.items():
        said = evaluate.run_network(classify, views, classify.input_size).argmax(1).numpy()
        for cell, firsts in places.items():
            agreement[network, *cell] = [(said[i:i + len(clean)] == said[:len(clean)]).mean()
                                         for i in firsts]
    return Clip(os.path.basename(path), *np.array(undamaged).T, np.array(opened), change,
                agreement)


def to_judge(args, folder):
    """Yields clips and the weights to judge them by: for --split left-out a file in
    `folder`, whose gate was fitted without those clips."""
    split = samples.split_of_clips(args.data)
    if args.split != "left-out":
        yield getattr(split, args.split)[:args.limit or None], args.weights
        return
    tensors, metadata = tensorfile.load(args.weights)
    groups = gate.groups_of(args, checkpoint.load_weights(args.weights))
    clips = (split.training + split.development)[:args.limit or None]
    folds = [clips[i::gate.FOLDS] for i in range(min(gate.FOLDS, len(clips)))]
    for fold in folds + [split.locked[:args.limit or None]]:
        line = gate.fit(*gate.examples(groups, [os.path.basename(path) for path in fold]))
        path = os.path.join(folder, "nem.safetensors")
        tensorfile.save(path, gate.with_gate(tensors, line, args.fade), metadata)
        yield fold, path


def tables(clips):
    lines = ["| clip | undamaged: frames that open the gate | most | PSNR, dB: mean | worst | "
             "encoded: gate, mean | most | feature MSE, worst of 16, % |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    lines += [f"| {c.name} | {np.count_nonzero(c.gates)} of {len(c.gates)} | "
              f"{c.gates.max():.2f} | {c.psnr.mean():.1f} | {c.psnr.min():.1f} | "
              f"{c.opened.mean():.3f} | {c.opened.max():.2f} | {max(c.change.values()):+.2f} |"
              for c in sorted(clips, key=lambda c: (-max(c.change.values()), c.psnr.min(), c.name))]
    rates = sorted({rate for c in clips for _, rate in c.change})
    lines += ["", "| feature MSE | " + " | ".join(f"rate {rate}" for rate in rates) + " |",
              "| --- |" + " ---: |" * len(rates)]
    lines += [f"| {codec} | " + " | ".join(
        f"{np.mean([c.change[codec, rate] for c in clips]):+.2f} %" for rate in rates) + " |"
        for codec in CODECS]
    networks = list(dict.fromkeys(network for network, _, _ in clips[0].agreement))
    lines += ["", "| top-1 as of the clean frame | " + " | ".join(networks) + " |",
              "| --- |" + " ---: |" * len(networks)]
    for codec in CODECS:
        cells = []
        for network in networks:
            before, after = 100 * np.mean([both for c in clips for (n, name, _), both in
                                           c.agreement.items() if (n, name) == (network, codec)], 0)
            cells.append(f"{before:.1f} -> {after:.1f}: {after - before:+.2f}")
        lines.append(f"| {codec} | " + " | ".join(cells) + " |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    gate.options(parser)
    parser.add_argument("--split", choices=["development", "locked", "left-out"], required=True)
    parser.add_argument("--vgg19", required=True, help="VGG19's weights, for the distance of "
                        "features")
    parser.add_argument("--networks", default=",".join(evaluate.CLASSIFIERS))
    args = parser.parse_args()
    vgg = {name: torch.from_numpy(values)
           for name, values in tensorfile.load(args.vgg19)[0].items()}
    networks = evaluate.load_networks(args.data, "load_classifier", args.networks.split(","))
    clips = []
    with tempfile.TemporaryDirectory() as folder:
        for paths, weights in to_judge(args, folder):
            with Sympie(weights) as sympie:
                clips += [judged(path, sympie, vgg, networks, args)
                          for path in tqdm(paths, "clips", unit="", leave=False)]
    if not clips:
        raise ValueError(f"{args.data} has no clip of {args.split}")
    print("\n".join(tables(clips)))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, RuntimeError) as why:
        sys.exit(f"clips.py: {why}")
