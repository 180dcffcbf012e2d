#!/usr/bin/python3
"""Writes nem.txt, what NEM's definition gives for crops and frames.

    tests/golden/make_nem.py > tests/golden/nem.txt

Each line is a case, its 37 numbers and the gate, which those have not gone
through; tests/kernels/nem.c builds the same inputs from the case alone:
    crop WEIGHTS SEED
    frame FORMAT WIDTH HEIGHT FULL_RANGE KR KB CHROMA_SITE
WEIGHTS is 0 for the shipped file, otherwise the seed of tests/kernels/
nem_file.c, which makes no gate of 1. Networks run in PyTorch, frames are brought to RGB and resized in
double precision by cumulative sums, not by taps as in the library.
"""

import json
import os
import struct
import sys

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    sys.exit(f'make_nem.py needs {missing.name}; on Debian: apt-get install '
             f'python3-{missing.name}')

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])
SHIPPED = os.path.join(os.path.dirname(__file__), '../../weights/nem.safetensors')


class Random:
    """SplitMix64, as check_random_float of tests/kernels/check.h."""

    def __init__(self, seed):
        self.state = seed

    def floats(self, n, low, high):
        with np.errstate(over='ignore'):
            z = np.uint64(self.state) + np.uint64(0x9e3779b97f4a7c15) * np.arange(
                1, n + 1, dtype=np.uint64)
            self.state = int(z[-1])
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
            z ^= z >> np.uint64(31)
        unit = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
        low, high = np.float32(low), np.float32(high)
        return low + (high - low) * unit


# ---- Weights ---------------------------------------------------------------

def shapes(gate):
    """Names, shapes and bounds in the order in which they are drawn."""
    def conv(name, n_in, n_out):
        bound = 0.8 / (9 * n_in) ** 0.5 * 3 ** 0.5
        yield f'{name}.weight', (n_out, n_in, 3, 3), -bound, bound
        yield f'{name}.bias', (n_out,), -0.1, 0.1

    def norm(name, n):
        yield f'{name}.weight', (n,), 0.5, 1.5
        yield f'{name}.bias', (n,), -0.2, 0.2
        yield f'{name}.running_mean', (n,), -0.2, 0.2
        yield f'{name}.running_var', (n,), 0.5, 1.5

    yield from conv('colm.backbone.0', 3, 64)
    yield from norm('colm.backbone.1', 64)
    for i, n in enumerate((128, 256, 512)):
        block = f'colm.backbone.{i + 3}'
        yield from conv(f'{block}.conv1', n // 2, n)
        yield from norm(f'{block}.bn1', n)
        yield from conv(f'{block}.conv2', n, n)
        yield from norm(f'{block}.bn2', n)
    yield 'colm.out.weight', (37, 512), -0.05, 0.05
    yield 'colm.out.bias', (37,), -0.1, 0.1
    if gate:
        yield 'gate.weight', (1, 512), -0.01, 0.01
        yield 'gate.bias', (1,), 0.2, 0.8


def seeded(seed):
    random = Random(seed)
    return {name: torch.from_numpy(
        random.floats(int(np.prod(shape)), low, high).reshape(shape))
        for name, shape, low, high in shapes(seed != 1)}


def shipped():
    data = open(SHIPPED, 'rb').read()
    size = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + size])
    weights = {}
    for name, tensor in header.items():
        if name != '__metadata__':
            begin, end = tensor['data_offsets']
            dtype = {'F32': '<f4', 'F16': '<f2'}[tensor['dtype']]
            values = np.frombuffer(data[8 + size + begin:8 + size + end], dtype)
            weights[name] = torch.from_numpy(
                values.astype(np.float32).reshape(tensor['shape']))
    return weights


# ---- NEM -------------------------------------------------------------------

def nem(w, crop):
    def conv(x, name):
        return F.conv2d(x, w[name + '.weight'], w[name + '.bias'], padding=1)

    def norm(x, name):
        return F.batch_norm(x, w[name + '.running_mean'], w[name + '.running_var'],
                            w[name + '.weight'], w[name + '.bias'], False, 0, 1e-5)

    x = torch.from_numpy(np.ascontiguousarray(crop, np.float32))[None]
    x = F.relu(norm(conv(x, 'colm.backbone.0'), 'colm.backbone.1'))
    for i in (3, 4, 5):
        block = f'colm.backbone.{i}'
        x0 = conv(F.avg_pool2d(x, 5, 4, 1), block + '.conv1')
        y = F.relu(norm(x0, block + '.bn1'))
        x = x0 + F.relu(norm(conv(y, block + '.conv2'), block + '.bn2'))
    features = x.mean((2, 3))
    params = F.linear(features, w['colm.out.weight'], w['colm.out.bias'])[0]
    gate = torch.ones(1)
    if 'gate.weight' in w:
        gate = F.linear(features, w['gate.weight'], w['gate.bias'])[0].clamp(0, 1)
    return torch.cat([params, gate]).numpy()


# ---- Frames ----------------------------------------------------------------

# Component subsampling and bits; where the bytes lie is the test's business.
FORMATS = {
    'RGB': (False, 0, 0, 8), 'RGBA': (False, 0, 0, 8), 'BGRx': (False, 0, 0, 8),
    'ARGB': (False, 0, 0, 8), 'GBR': (False, 0, 0, 8), 'I420': (True, 1, 1, 8),
    'YV12': (True, 1, 1, 8), 'NV12': (True, 1, 1, 8), 'NV21': (True, 1, 1, 8),
    'Y42B': (True, 1, 0, 8), 'Y444': (True, 0, 0, 8),
    'I420_10LE': (True, 1, 1, 10), 'P010_10LE': (True, 1, 1, 10),
}
LEFT, TOP = 1, 2


def codes(component, width, height, yuv, depth, full):
    """A saw-tooth pattern that stays where RGB needs no clamp."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    pattern = (3 * x + 5 * y + 40 * component + ((x * y) >> 5)) & 255
    if yuv and component == 0:
        pattern = 80 + (pattern * 90 >> 8)
    elif yuv:
        pattern = 110 + (pattern * 36 >> 8)
    elif not full:
        pattern = 16 + (pattern * 219 >> 8)
    return pattern << 2 | (x & 3) if depth == 10 else pattern


def upsample(plane, size, axis, sited):
    """Chroma to `size` pixels along the axis, bilinearly, edges repeated."""
    pixels = np.arange(size)
    at = pixels / 2 if sited else (pixels - 0.5) / 2
    return np.apply_along_axis(
        lambda line: np.interp(at, np.arange(len(line)), line), axis, plane)


def to_rgb(planes, yuv, depth, full, kr, kb):
    unit = 2 ** (depth - 8)
    black, luma, chroma = (0, 2 ** depth - 1, 2 ** depth - 1) if full else (
        16 * unit, 219 * unit, 224 * unit)
    if not yuv:
        rgb = (planes - black) / luma
    else:
        y = (planes[0] - black) / luma
        u = (planes[1] - 128 * unit) / chroma
        v = (planes[2] - 128 * unit) / chroma
        r = y + 2 * (1 - kr) * v
        b = y + 2 * (1 - kb) * u
        rgb = np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b])
    assert rgb.min() >= 0 and rgb.max() <= 1
    return rgb


def resize(x, size, axis):
    n = x.shape[axis]
    x = np.moveaxis(x, axis, -1)
    if size <= n:
        total = np.concatenate([np.zeros(x.shape[:-1] + (1,)), np.cumsum(x, -1)], -1)
        edges = np.arange(size + 1) * n / size
        below = np.minimum(edges.astype(int), n - 1)
        at = total[..., below] + (edges - below) * x[..., below]
        x = np.diff(at, axis=-1) / (n / size)
    else:
        at = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
        below = np.minimum(at.astype(int), max(n - 2, 0))
        above = np.minimum(below + 1, n - 1)
        x = x[..., below] + (at - below) * (x[..., above] - x[..., below])
    return np.moveaxis(x, -1, axis)


def crop_of(name, width, height, full, kr, kb, site):
    yuv, sub_x, sub_y, depth = FORMATS[name]
    planes = []
    for c in range(3):
        sx, sy = (sub_x, sub_y) if c else (0, 0)
        plane = codes(c, (width + sx) >> sx, (height + sy) >> sy, yuv, depth,
                      full)
        plane = plane.astype(float)
        if sx:
            plane = upsample(plane, width, 1, site & LEFT)
        if sy:
            plane = upsample(plane, height, 0, site & TOP)
        planes.append(plane)
    rgb = to_rgb(np.stack(planes), yuv, depth, full, kr, kb)
    smaller = min(width, height)
    w, h = width * 232 // smaller, height * 232 // smaller
    rgb = resize(resize(rgb, w, 2), h, 1)
    top, left = (h - 224) // 2, (w - 224) // 2
    rgb = rgb[:, top:top + 224, left:left + 224]
    return (rgb - MEAN[:, None, None]) / STD[:, None, None]


FRAMES = [
    ('RGBA', 640, 480, 1, 0, 0, 0),
    ('RGB', 1920, 1080, 1, 0, 0, 0),
    ('BGRx', 300, 500, 1, 0, 0, 0),
    ('GBR', 37, 61, 0, 0, 0, 0),
    ('ARGB', 1, 40, 1, 0, 0, 0),
    ('RGB', 232, 232, 1, 0, 0, 0),
    ('NV12', 641, 359, 0, 0.2126, 0.0722, LEFT),
    ('I420', 223, 225, 1, 0.299, 0.114, 0),
    ('Y42B', 385, 289, 0, 0.299, 0.114, LEFT),
    ('Y444', 1, 1, 0, 0.2126, 0.0722, 0),
    ('NV21', 3, 7, 1, 0.299, 0.114, TOP),
    ('YV12', 500, 5, 0, 0.2126, 0.0722, LEFT | TOP),
    ('I420_10LE', 352, 288, 0, 0.2627, 0.0593, LEFT | TOP),
    ('P010_10LE', 400, 300, 1, 0.2627, 0.0593, LEFT),
]


def main():
    networks = {0: shipped(), 1: seeded(1), 2: seeded(2)}

    def line(case, values):
        print(*case, *(f'{value:.9g}' for value in values))

    with torch.no_grad():
        for weights in networks:
            seed = 11 + weights
            crop = Random(seed).floats(3 * 224 * 224, -2, 2)
            line(('crop', weights, seed),
                 nem(networks[weights], crop.reshape(3, 224, 224)))
        for frame in FRAMES:
            line(('frame', *frame), nem(networks[0], crop_of(*frame)))


if __name__ == '__main__':
    main()
