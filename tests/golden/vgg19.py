#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes vgg19.txt and vgg19_pool5.f32: features that PyTorch computes with
seeded weights (tests/kernels/vgg19_seed.h says how they are made).

  tests/golden/vgg19.py            writes both beside this file
  tests/golden/vgg19.py --time     milliseconds of a 224x224 pair on one thread
                                   (call it with MALLOC_MMAP_THRESHOLD_ and
                                   MALLOC_TRIM_THRESHOLD_ at a gigabyte or more:
                                   otherwise it measures the kernel's paging)

A line of vgg19.txt is: input, layer, number of values, their norm, and 16
projections, the sums of the values with signs + or -. Projection j of value i
has the sign - where bit 48 + j of number i of SplitMix64, started at 0, is set.
The root mean square of the projections' differences estimates the norm of the
values' differences, whatever they look like.

That is what a hash of rounded values would be for, and it tells more. A hash
must stay the same where a sum was taken in another order, so no value may lie
near an edge of the grid: with a million values, each off by 1e-5 at most, that
takes a grid so coarse (units, where the values themselves are units) that an
error a thousand times the tolerance may cross no edge. And it says no more than
"different". Projections tell by how much, against the tolerance that is asked
for, and every value counts in each of the 16: what is wrong by more than the
tolerance in the norm passes only by the luck of all of them at once.
"""
import math
import pathlib
import sys
import time

import numpy as np
import torch

SEED = 1
STAGES = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)]
CROP_IMAGE = (232, 232)
FULL_IMAGE = (150, 131)


def splitmix(seed, n):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def seeded(index, shape, scale):
    k = (splitmix(SEED + (index << 32), math.prod(shape)) >> np.uint64(53)).astype(int)
    return torch.tensor((2 * k + 1 - 2048) / 2048 * scale, dtype=torch.float).view(shape)


def network():
    """Pairs of the name of a layer and the modules that lead to it."""
    layers, n_in, index = [], 3, 0
    for stage, (n_out, n_convs) in enumerate(STAGES, 1):
        for place in range(1, n_convs + 1):
            conv = torch.nn.Conv2d(n_in, n_out, 3, padding=1)
            scale = 2.0 ** round(math.log2(math.sqrt(2 / (3 * n_in))))
            conv.weight.data = seeded(index, (n_out, n_in, 3, 3), scale)
            conv.bias.data = seeded(index + 1, (n_out,), 2.0**-4)
            modules = [conv, torch.nn.ReLU(inplace=True)]
            if place == 1 and stage > 1:
                modules.insert(0, torch.nn.MaxPool2d(2, 2))
            layers.append((f"relu{stage}_{place}", torch.nn.Sequential(*modules)))
            n_in, index = n_out, index + 2
    layers.append(("pool5", torch.nn.MaxPool2d(2, 2)))
    return layers


def picture(width, height):
    """Gradients and noise, standardised."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    noise = (splitmix(width, height * width * 3) >> np.uint64(58)).reshape(x.shape)
    codes = ((x * 3 + y * 2 + c * 50) // 8 + noise.astype(int)) & 255
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return torch.tensor((codes / 255 - mean) / std).float().permute(2, 0, 1)[None]


def line(kind, layer, values):
    flat = values.numpy().astype(np.float64).ravel()
    bits = splitmix(0, flat.size)
    projections = [
        np.sum(np.where(bits >> np.uint64(48 + j) & np.uint64(1), -flat, flat))
        for j in range(16)
    ]
    numbers = [np.linalg.norm(flat), *projections]
    return f"{kind} {layer} {flat.size} " + " ".join(f"{v:.9g}" for v in numbers)


def measure():
    torch.set_num_threads(1)
    model = torch.nn.Sequential(*(modules for _, modules in network())).eval()
    pair = torch.cat([picture(*CROP_IMAGE)[:, :, 4:228, 4:228]] * 2)
    best = math.inf
    for _ in range(10):
        begin = time.perf_counter()
        model(pair)
        best = min(best, time.perf_counter() - begin)
    print(f"{1000 * best:.1f}")


def main():
    if sys.argv[1:] == ["--time"]:
        return measure()
    folder = pathlib.Path(__file__).parent
    lines = []
    for kind, values in [
        ("crop224", picture(*CROP_IMAGE)[:, :, 4:228, 4:228]),
        ("full", picture(*FULL_IMAGE)),
    ]:
        for layer, modules in network():
            values = modules(values)
            if kind == "crop224" or layer in ("relu1_2", "relu3_1", "relu5_1", "pool5"):
                lines.append(line(kind, layer, values))
        if kind == "crop224":
            values.numpy().astype("<f4").tofile(folder / "vgg19_pool5.f32")
    (folder / "vgg19.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
