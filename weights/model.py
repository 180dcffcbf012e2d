# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""NEM and DWM in PyTorch, to be trained; names as in the authors' state dict."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
N_PARAMS, KERNEL, FEATURES = 37, 5, 512
IDENTITY = torch.cat([torch.eye(3).flatten(), torch.zeros(3 + KERNEL * KERNEL)])
IDENTITY[12 + KERNEL * KERNEL // 2] = 1
NEM_RESIZE, NEM_SIDE = 232, 224
STEM, BLOCKS = 3, 3  # layers of NEM's stem, blocks after it


def standardise(pictures, device):
    """uint8 (N, H, W, 3) -> (N, 3, H, W)."""
    x = torch.from_numpy(np.ascontiguousarray(pictures)).to(device)
    x = x.permute(0, 3, 1, 2).float() / 255
    return ((x - MEAN.to(device)) / STD.to(device)).contiguous()


def clamped(x):
    """Standardised pictures, cut to the range of colours."""
    low, high = (((v - MEAN) / STD).to(x.device) for v in (0, 1))
    return torch.min(torch.max(x, low), high)


class Block(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(n_out)

    def forward(self, x):
        return self.convolved(self.pooled(x))

    @staticmethod
    def pooled(x):
        return F.avg_pool2d(x, 5, 4, 1)

    def convolved(self, x):
        x = self.conv1(x)
        y = F.relu(self.bn1(x))
        return x + F.relu(self.bn2(self.conv2(y)))


class Nem(nn.Module):
    """Standardised pictures (N, 3, H, W) -> features (N, 512); `out` makes
    them 37 numbers, at first the identity."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
            Block(64, 128), Block(128, 256), Block(256, 512))
        self.out = nn.Linear(FEATURES, N_PARAMS)
        nn.init.zeros_(self.out.weight)
        with torch.no_grad():
            self.out.bias.copy_(IDENTITY)

    def forward(self, x):
        return self.front(x, BLOCKS)

    def front(self, x, blocks):
        """What `back` reads: of the stem and the first `blocks` blocks, pooled as the
        next block does first (16 times less); after all blocks, the features."""
        x = self.backbone[:STEM + blocks](x)
        return Block.pooled(x) if blocks < BLOCKS else x.float().mean((2, 3))

    def back(self, x, blocks):
        """The rest of the way from `front` to the features."""
        if blocks == BLOCKS:
            return x
        x = self.backbone[STEM + blocks].convolved(x)
        return self.backbone[STEM + blocks + 1:](x).float().mean((2, 3))


def dwm(x, params):
    """Standardised pictures (N, 3, H, W), (N, 37) -> enhanced, not clamped."""
    n, _, height, width = x.shape
    matrix, shift = params[:, :9].view(n, 3, 3), params[:, 9:12].view(n, 3, 1, 1)
    kernel = params[:, 12:].view(n, 1, 1, KERNEL, KERNEL).expand(n, 3, 1, -1, -1)
    x = torch.einsum("ndhw,ndc->nchw", x + shift, matrix)
    x = F.conv2d(x.reshape(1, 3 * n, height, width),
                 kernel.reshape(3 * n, 1, KERNEL, KERNEL), padding=KERNEL // 2,
                 groups=3 * n)
    return x.view(n, 3, height, width)


class Sympie(nn.Module):
    """U: standardised pictures -> enhanced ones. `gate`, where there is one, makes one more
    number of NEM's features; without one every picture is enhanced."""

    bf16 = False

    def __init__(self):
        super().__init__()
        self.colm = Nem()
        self.gate = None

    def add_gate(self):
        self.gate = nn.Linear(FEATURES, 1)

    def features(self, seen):
        return self.front(seen, BLOCKS)

    def front(self, seen, blocks):
        with self._autocast(seen):
            return self.colm.front(seen.contiguous(memory_format=torch.channels_last),
                                   blocks)

    def back(self, front, blocks):
        with self._autocast(front):
            return self.colm.back(front, blocks)

    def _autocast(self, x):
        return torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16)

    def forward(self, x, sight=None):
        """By default NEM sees the library's crop of x, and all of x comes back."""
        sight = sight or Sight()
        return dwm(sight.window(x), self.params(self.features(sight.view(x))))

    def opening(self, features):
        """(N, 512) -> (N,): how far the gate is open, 0 to 1."""
        if self.gate is None:
            return features.new_ones(len(features))
        return self.gate(features)[:, 0].clamp(0, 1)

    def params(self, features):
        """(N, 512) -> (N, 37), blended from the identity by the gate."""
        params = self.colm.out(features)
        if self.gate is None:
            return params
        opening = self.opening(features)[:, None]
        return (1 - opening) * IDENTITY.to(params.device) + opening * params


def nem_crop(x):
    """The library's preprocessing: smaller side to 232, central 224x224."""
    scale = NEM_RESIZE / min(x.shape[2:])
    size = [max(NEM_RESIZE, round(n * scale)) for n in x.shape[2:]]
    x = (F.interpolate(x, size, mode="area") if scale < 1 else
         F.interpolate(x, size, mode="bilinear", align_corners=False))
    top, left = ((n - NEM_SIDE) // 2 for n in size)
    return x[:, :, top:top + NEM_SIDE, left:left + NEM_SIDE]


class Sight:
    """What of a batch is looked at in a step. NEM's `view` is the library's
    crop or, with `crop`, a random square of that side: half of the time of the
    library's crop, half of the time of the picture at its own scale, as it would
    be in a larger frame. DWM and the upstream get a random square of the side
    `window`, or everything."""

    def __init__(self, rng=None, crop=0, window=0):
        self.crop, self.side = crop, window
        if crop or window:
            self.enlarged, self.places = rng.random() < 0.5, rng.random((2, 2))

    def view(self, x):
        if not self.crop:
            return nem_crop(x)
        x = nem_crop(x) if self.enlarged else x
        return _square(x, self.crop, self.places[0])

    def window(self, x):
        return _square(x, self.side, self.places[1]) if self.side else x


def _square(x, side, place):
    top, left = (int(at * (n - side + 1)) for at, n in zip(place, x.shape[2:]))
    return x[:, :, top:top + side, left:left + side].contiguous()
