#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
# SPDX-License-Identifier: LGPL-2.1-or-later
"""NEM, DWM and VGG19 as PyTorch modules, run on request: sympie-bench's peer.

Started as `peer_torch.py WEIGHTS THREADS WIDTH HEIGHT cpu|wall`, it answers each
line of its input with one line:

  module | frame | nem | dwm | vgg
                              one run; the milliseconds that it took
  check-nem CROP              the 37 numbers for a file of 3x224x224 floats
  check-dwm FRAME PARAMS OUT  "ok": OUT has the RGBA bytes of FRAME after DWM
  check-vgg PAIR              the feature MSE of two RGB images of 232x232
"""
import functools
import json
import pathlib
import struct
import sys
import time

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError as error:
    sys.exit(f"{error.name} is missing: ./setup.sh --all installs it")

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.pool = nn.AvgPool2d(5, 4, 1)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = self.conv1(self.pool(x))
        y = F.relu(self.bn1(x))
        return x + F.relu(self.bn2(self.conv2(y)))


class Nem(nn.Module):
    """3x224x224, standardised, to 37 numbers."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
            Block(64, 128), Block(128, 256), Block(256, 512))
        self.out = nn.Linear(512, 37)

    def forward(self, x):
        return self.out(self.backbone(x).mean((2, 3)))


class Dwm(nn.Module):
    """Standardised planes and 37 numbers to standardised planes."""

    def forward(self, x, params):
        # Of several ways to write it, the fastest on a CPU.
        matrix = params[:9].view(3, 3).t().reshape(3, 3, 1, 1)
        kernel = params[12:].expand(3, 25).reshape(3, 1, 5, 5)
        x = F.conv2d(x + params[9:12].view(1, 3, 1, 1), matrix)
        x = F.conv2d(x, kernel, padding=2, groups=3)
        return torch.maximum(torch.minimum(x, (1 - MEAN) / STD), -MEAN / STD)


class Sympie(nn.Module):
    """Planes in [0, 1] to planes in [0, 1]."""

    def __init__(self):
        super().__init__()
        self.colm = Nem()
        self.dwm = Dwm()

    def forward(self, x):
        x = (x - MEAN) / STD
        height, width = x.shape[2:]
        scale = 232 / min(height, width)
        small = F.interpolate(
            x, (int(height * scale), int(width * scale)), mode="area")
        top, left = (small.shape[2] - 224) // 2, (small.shape[3] - 224) // 2
        params = self.colm(small[:, :, top:top + 224, left:left + 224])[0]
        return self.dwm(x, params) * STD + MEAN


@functools.cache
def vgg19():
    """VGG19's features, the layers of torchvision, with seeded weights."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "golden"))
    from vgg19 import network

    return nn.Sequential(*(modules for _, modules in network())).eval()


def load_safetensors(path):
    types = {"F32": np.float32, "F16": np.float16}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            array = (np.frombuffer(data[first:end], np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            array = np.frombuffer(data[first:end], types[entry["dtype"]])
        tensors[name] = torch.from_numpy(array.astype(np.float32).reshape(entry["shape"]))
    return tensors


def main():
    weights, threads, width, height = sys.argv[1], *map(int, sys.argv[2:5])
    clock = time.process_time if sys.argv[5] == "cpu" else time.perf_counter
    torch.set_num_threads(threads)
    model = Sympie().eval()
    model.load_state_dict(load_safetensors(weights), strict=False)

    bytes_in = torch.randint(0, 256, (height, width, 4), dtype=torch.uint8)
    planes = bytes_in[:, :, :3].permute(2, 0, 1)[None].float().contiguous() / 255
    standard = (planes - MEAN) / STD
    crop = torch.randn(1, 3, 224, 224)
    pair = torch.randn(2, 3, 224, 224)
    params = model.colm(crop)[0]

    def frame():
        x = bytes_in[:, :, :3].permute(2, 0, 1)[None].float() / 255
        out = bytes_in.clone()
        out[:, :, :3] = (model(x)[0] * 255).round().byte().permute(1, 2, 0)
        return out

    runs = {
        "module": lambda: model(planes),
        "frame": frame,
        "nem": lambda: model.colm(crop),
        "dwm": lambda: model.dwm(standard, params),
        "vgg": lambda: vgg19()(pair),
    }

    def check_nem(path):
        x = torch.from_numpy(np.fromfile(path, np.float32).reshape(1, 3, 224, 224))
        return " ".join(f"{value:.9g}" for value in model.colm(x)[0].tolist())

    def check_dwm(path, params_path, out_path):
        rgba = torch.from_numpy(np.fromfile(path, np.uint8).reshape(height, width, 4))
        params = torch.from_numpy(np.fromfile(params_path, np.float32))
        x = (rgba[:, :, :3].permute(2, 0, 1)[None].float() / 255 - MEAN) / STD
        y = model.dwm(x, params) * STD + MEAN
        rgba[:, :, :3] = (y[0] * 255).round().byte().permute(1, 2, 0)
        rgba.numpy().tofile(out_path)
        return "ok"

    def check_vgg(path):
        rgb = torch.from_numpy(np.fromfile(path, np.uint8).reshape(2, 232, 232, 3))
        x = (rgb.permute(0, 3, 1, 2).float() / 255 - MEAN) / STD
        a, b = vgg19()(x[:, :, 4:228, 4:228]).double()
        return f"{((a - b) ** 2).mean().item():.9g}"

    checks = {"check-nem": check_nem, "check-dwm": check_dwm, "check-vgg": check_vgg}
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        what, *arguments = line.split()
        if what in runs:
            start = clock()
            runs[what]()
            print(f"{1e3 * (clock() - start):.6f}", flush=True)
        else:
            print(checks[what](*arguments), flush=True)


with torch.inference_mode():
    main()
