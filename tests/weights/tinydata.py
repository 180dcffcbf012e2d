# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A data folder as ../shared/data is one, made up: a few pictures of every split, two
clips and classifiers that are a convolution. What the scripts of weights/ need to run."""

import os
import subprocess

import cv2
import numpy as np

# The names decide who sees a clip: one trains, one is locked (data.split_clips).
CLIPS = {"training": "moving.mp4", "locked": "still.mp4"}
LABELS = (0, 1, 3, 4, 5, 9, 14, 19)  # pictures of each split by class
CLASSIFIERS = '''
import torch
from torch import nn

def load_classifier(name, folder):
    torch.manual_seed(len(name))
    network = nn.Sequential(nn.Conv2d(3, 8, 7, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                            nn.Flatten(), nn.Linear(8, 1000))
    network.input_size = 64
    return network.eval().requires_grad_(False)
'''


def picture(rng, height, width):
    """Waves, smooth and of many colours."""
    y, x = np.mgrid[:height, :width] / 20
    waves = [np.sin(a * x + b * y + c) for a, b, c in rng.normal(0, 1, (3, 3))]
    return (128 + 100 * np.stack(waves, 2)).astype(np.uint8)


def make(folder):
    rng = np.random.default_rng(1)
    images = os.path.join(folder, "images")
    for part in ("images/train", "images/extra", "models", "clips", "videos", "frost"):
        os.makedirs(os.path.join(folder, part))
    for label in LABELS:
        cv2.imwrite(os.path.join(images, "train", f"{label:04}_n{label}.png"),
                    picture(rng, 260, 300))
    cv2.imwrite(os.path.join(images, "extra", "bsds_1.png"), picture(rng, 256, 256))
    with open(os.path.join(images, "extra", "index.csv"), "w") as file:
        file.write("file,class_index,wnid\nbsds_1.png,-1,\n")
    with open(os.path.join(folder, "models", "classifiers.py"), "w") as file:
        file.write(CLASSIFIERS)
    for i in range(1, 7):
        cv2.imwrite(os.path.join(folder, "frost", f"frost{i}.jpg"), picture(rng, 320, 320))
    for name in CLIPS.values():
        clip(os.path.join(folder, "clips", name), rng)


def clip(path, rng):
    wide = picture(rng, 160, 260)
    frames = np.stack([wide[:, t:t + 200] for t in range(30)])
    subprocess.run(["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s",
                    "200x160", "-i", "-", "-c:v", "libx264", "-qp", "5", "-threads", "1", path],
                   input=frames.tobytes(), check=True)
