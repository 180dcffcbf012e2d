#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes dwm.golden: frames before and after DWM, by PyTorch in double.

A case is a line "FORMAT WIDTH HEIGHT KR KB FULL SITE", the 37 parameters as
float32, the bytes of the planes before and those after, all little-endian. SITE
has the bits of SympieChromaSite. YUV frames are smooth pictures with edges and
texture and parameters as NEM gives them; RGB frames are noise too, and their
parameters go to extremes.
"""

import argparse
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(3, 1, 1)
BT601, BT709, BT2020 = (0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)
LEFT, TOP = 1, 2

# subsampling across and down, bits, words shifted by, planes as components
YUV = {
    "I420": (1, 1, 8, 0, ((0,), (1,), (2,))),
    "YV12": (1, 1, 8, 0, ((0,), (2,), (1,))),
    "NV12": (1, 1, 8, 0, ((0,), (1, 2))),
    "NV21": (1, 1, 8, 0, ((0,), (2, 1))),
    "Y42B": (1, 0, 8, 0, ((0,), (1,), (2,))),
    "Y444": (0, 0, 8, 0, ((0,), (1,), (2,))),
    "I420_10LE": (1, 1, 10, 0, ((0,), (1,), (2,))),
    "P010_10LE": (1, 1, 10, 6, ((0,), (1, 2))),
}


def dwm(rgb, params):
    """The definition, on (3, height, width) in [0, 1]."""
    matrix = params[:9].view(3, 3)
    t = (rgb - MEAN) / STD + params[9:12].view(3, 1, 1)
    u = torch.einsum("dhw,dc->chw", t, matrix)
    kernel = params[12:].view(1, 1, 5, 5)
    v = F.conv2d(u.unsqueeze(1), kernel, padding=2).squeeze(1)
    return (v * STD + MEAN).clamp(0, 1)


def picture(rng, width, height):
    """Gradients, an edged disc, a grating and a little grain."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    x, y = x / width, y / height
    planes = []
    for _ in range(3):
        a, b, phase = rng.uniform(-0.4, 0.4, 3)
        planes.append(0.5 + a * (x - 0.5) + b * (y - 0.5)
                      + 0.08 * np.sin(20 * x + 13 * y + 6 * phase))
    rgb = np.stack(planes)
    disc = (x - rng.uniform(0.3, 0.7)) ** 2 + (y - rng.uniform(0.3, 0.7)) ** 2
    rgb += 0.25 * (disc < 0.06) * rng.uniform(-1, 1, (3, 1, 1))
    rgb += rng.normal(0, 0.01, rgb.shape)
    return torch.from_numpy(rgb.clip(0, 1))


def upsampling(size, sub, cosited):
    """Matrix (size, samples): bilinear from the site, the edge repeated."""
    n = (size + sub) >> sub
    matrix = torch.zeros(size, n, dtype=torch.float64)
    for i in range(size):
        at = (i if cosited else i - 0.5) / 2 if sub else i
        first = int(np.floor(at))
        for j, weight in ((first, first + 1 - at), (first + 1, at - first)):
            matrix[i, min(max(j, 0), n - 1)] += weight
    return matrix


def averaging(size, sub, cosited):
    """Matrix (samples, size): the mean around the site, the edge repeated."""
    n = (size + sub) >> sub
    taps = [(0, 1)] if not sub else [(-1, .25), (0, .5), (1, .25)]
    if sub and not cosited:
        taps = [(0, .5), (1, .5)]
    matrix = torch.zeros(n, size, dtype=torch.float64)
    for i in range(n):
        for offset, weight in taps:
            at = (i << sub) + offset
            matrix[i, min(max(at, 0), size - 1)] += weight
    return matrix


def ranges(depth, full):
    """Black, white less black, grey and the swing of chroma, in codes."""
    unit, top = 1 << (depth - 8), (1 << depth) - 1
    if full:
        return 0, top, 128 * unit, top
    return 16 * unit, 219 * unit, 128 * unit, 224 * unit


class Yuv:
    def __init__(self, name, width, height, weights, full, site):
        self.sub_x, self.sub_y, self.depth, self.shift, self.planes = YUV[name]
        self.kr, self.kb = weights
        self.range = ranges(self.depth, full)
        self.up = (upsampling(height, self.sub_y, site & TOP),
                   upsampling(width, self.sub_x, site & LEFT))
        self.down = (averaging(height, self.sub_y, site & TOP),
                     averaging(width, self.sub_x, site & LEFT))

    def encode(self, rgb):
        black, white, grey, swing = self.range
        r, g, b = rgb
        y = self.kr * r + (1 - self.kr - self.kb) * g + self.kb * b
        u = (b - y) / (2 * (1 - self.kb))
        v = (r - y) / (2 * (1 - self.kr))
        rows, columns = self.down
        codes = [black + white * y]
        codes += [grey + swing * (rows @ c @ columns.T) for c in (u, v)]
        return [c.round().clamp(0, (1 << self.depth) - 1) for c in codes]

    def decode(self, codes):
        black, white, grey, swing = self.range
        rows, columns = self.up
        y = (codes[0] - black) / white
        u, v = ((rows @ c @ columns.T - grey) / swing for c in codes[1:])
        r = y + 2 * (1 - self.kr) * v
        b = y + 2 * (1 - self.kb) * u
        g = (y - self.kr * r - self.kb * b) / (1 - self.kr - self.kb)
        return torch.stack([r, g, b]).clamp(0, 1)

    def pack(self, codes):
        data = b""
        for plane in self.planes:
            words = torch.stack([codes[c] for c in plane], -1).numpy()
            words = words.astype(np.uint16) << self.shift
            data += words.astype("<u2" if self.depth > 8 else "u1").tobytes()
        return data


def write(file, name, width, height, weights, full, site, params, before,
          after):
    kr, kb = weights
    file.write(f"{name} {width} {height} {kr} {kb} {int(full)} {site}\n"
               .encode())
    file.write(params.numpy().astype("<f4").tobytes())
    file.write(before)
    file.write(after)


def random_params(rng, matrix, shift, kernel):
    """Identity and normal noise of these deviations, exact in float32."""
    identity = np.zeros(37)
    identity[[0, 4, 8, 24]] = 1
    noise = np.concatenate([rng.normal(0, matrix, 9), rng.normal(0, shift, 3),
                            rng.normal(0, kernel, 25)])
    return torch.from_numpy((identity + noise).astype(np.float32)).double()


def rgb_cases(rng, file):
    spreads = [(0, 0, 0), (.05, .1, .02), (.3, .5, .1), (1, 1, 1),
               (30, 3, 30), (0, 0, 3), (1e4, 1e4, 1e4)]
    for i, spread in enumerate(spreads):
        for full in (True, False):
            width, height = ((31, 23), (5, 4), (3, 7))[i % 3]
            black, white, _, _ = ranges(8, full)
            rgb = picture(rng, width, height)
            if i % 2:
                rgb = torch.from_numpy(rng.uniform(0, 1, rgb.shape))
            codes = (black + white * rgb).round()
            params = random_params(rng, *spread)
            out = dwm((codes - black) / white, params)
            write(file, "RGB", width, height, BT709, full, 0, params,
                  *(c.round().numpy().transpose(1, 2, 0).astype("u1").tobytes()
                    for c in (codes, black + white * out)))


def yuv_cases(rng, file):
    sites = (LEFT, 0, LEFT | TOP, TOP)
    n = 0
    for name in YUV:
        for weights in (BT601, BT709, BT2020):
            for full in (True, False):
                width, height = ((48, 40), (47, 33), (40, 45))[n % 3]
                site = sites[n % 4]
                n += 1
                yuv = Yuv(name, width, height, weights, full, site)
                before = yuv.encode(picture(rng, width, height))
                params = random_params(rng, .05, .1, .03)
                after = yuv.encode(dwm(yuv.decode(before), params))
                write(file, name, width, height, weights, full, site, params,
                      yuv.pack(before), yuv.pack(after))


def main():
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=37)
    parser.add_argument("--output", type=pathlib.Path,
                        default=here / "dwm.golden")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    with open(args.output, "wb") as file:
        rgb_cases(rng, file)
        yuv_cases(rng, file)


if __name__ == "__main__":
    main()
