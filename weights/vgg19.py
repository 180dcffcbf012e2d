#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks weights of VGG19 and writes the part that sympieprobe reads.

    weights/vgg19.py SOURCE TARGET SHA256

SOURCE is a .pth file or a safetensors file with torchvision's names. TARGET holds
the convolutions, as float32, and SHA256, that of SOURCE, as metadata.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import numpy as np
except ImportError as why:
    sys.exit(f"vgg19.py: {why}; see setup.sh --all")

import tensorfile

CONVS = [(0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256),
         (12, 256, 256), (14, 256, 256), (16, 256, 256), (19, 256, 512)]
CONVS += [(index, 512, 512) for index in (21, 23, 25, 28, 30, 32, 34)]


def load(path):
    """-> {name: array}. ValueError names the file."""
    if not path.endswith(".pth"):
        return tensorfile.load(path)[0]
    import convert  # needs PyTorch

    state = convert.load(path)
    if not isinstance(state, dict):
        raise ValueError(f"{path} is no state dict")
    return {name: value.numpy() for name, value in state.items()}


def select(path, tensors):
    """-> the convolutions. ValueError names the tensor at fault."""
    selected = {}
    for index, n_in, n_out in CONVS:
        for part, shape in (("weight", (n_out, n_in, 3, 3)), ("bias", (n_out,))):
            name = f"features.{index}.{part}"
            if name not in tensors:
                raise ValueError(f"{path}: tensor {name} is missing")
            values = np.asarray(tensors[name], dtype=np.float32)
            if values.shape != shape:
                raise ValueError(
                    f"{path}: tensor {name} has the shape {values.shape}, not {shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{path}: tensor {name} is not finite")
            selected[name] = values
    return selected


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, target, sha256 = sys.argv[1:]
    try:
        tensors = select(source, load(source))
    except (ValueError, OSError, ImportError) as why:
        sys.exit(f"vgg19.py: {why}")
    tensorfile.save(target, tensors, {"source_sha256": sha256})


if __name__ == "__main__":
    main()
