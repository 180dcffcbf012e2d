# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The frozen classifier that teaches."""

import os
import sys

import torch
import torch.nn.functional as F
from torch import nn

import efficientnet_lite
from model import MEAN, NEM_SIDE, STD


class Upstream:
    """A frozen classifier on standardised pictures. `side`: the size it sees;
    None is its own. `clamp`: colours out of range are cut, as in use."""

    def __init__(self, network, side=None, bf16=False, clamp=False):
        self.network, self.bf16 = network.eval().requires_grad_(False), bf16
        self.clamp = clamp
        self.side = side or getattr(network, "input_size", NEM_SIDE)

    def __call__(self, x):
        x = x * STD.to(x.device) + MEAN.to(x.device)
        if self.clamp:
            x = x.clamp(0, 1)
        if self.side != x.shape[-1]:
            x = F.interpolate(x, (self.side, self.side), mode="bilinear",
                              align_corners=False, antialias=True)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            return self.network(x.contiguous(memory_format=torch.channels_last))


def load_upstreams(names, folder, device="cpu"):
    """The networks of several names, separated by commas."""
    return [load_upstream(name, folder).to(device) for name in names.split(",")]


def load_upstream(name, folder):
    if name == "resnet50":
        from torchvision.models import resnet50
        network = resnet50(weights="IMAGENET1K_V1")

        class Resnet(nn.Module):  # torchvision's networks want standardised input
            input_size = NEM_SIDE

            def __init__(self):
                super().__init__()
                self.network = network

            def forward(self, x):
                return self.network((x - MEAN.to(x.device)) / STD.to(x.device))
        return Resnet()
    sys.path.insert(0, os.path.join(folder, "models"))
    import classifiers
    if name in efficientnet_lite.INPUT:
        network = efficientnet_lite.EfficientNetLite(name, classifiers.bottlenecks)
    else:
        network = classifiers.load_classifier(name, os.path.join(folder, "models"))
    for layer in network.modules():
        if getattr(layer, "act", None) == "relu6":
            layer.act = None
            layer.register_forward_hook(lambda layer, args, y: Relu6.apply(y))
    return network.to(memory_format=torch.channels_last)


class Relu6(torch.autograd.Function):
    """clamp(0, 6): PyTorch 1.13 takes half of the network's time to differentiate
    its own in bfloat16."""

    @staticmethod
    def forward(context, x):
        y = x.clamp(0, 6)
        context.save_for_backward(y)
        return y

    @staticmethod
    def backward(context, gradient):
        y, = context.saved_tensors
        gradient = torch.ops.aten.threshold_backward(gradient, y, 0)
        return torch.ops.aten.threshold_backward(gradient, 6 - y, 0)
