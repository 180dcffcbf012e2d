#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a gain has to be measured against: controls.py ENCODE EVERY WEIGHTS OUT.json

A control is one set of DWM's 37 numbers for all frames of an encode, so that the element
that applies them is the same:

  contrast0.95, contrast0.9  contrast about the encode's mean colour: VGG19's feature
                             MSE falls when contrast does, whatever becomes of a picture
  blur                       a Gaussian of SIGMA pixels
  mean                       the mean of what the network estimates for these frames:
                             what is left of SyMPIE when it does not look

OUT.json gets them by these names. The mean colour and the mean of the network's numbers
are over every EVERYth frame.
"""

import json
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "weights"))
from sympie import Sympie
from video import read_frames

MEAN = np.array([0.485, 0.456, 0.406])  # DWM's standardised space
STD = np.array([0.229, 0.224, 0.225])
SIGMA = 0.5
NAMES = ["contrast0.95", "contrast0.9", "blur", "mean"]


def numbers(matrix, shift, kernel):
    """-> the 37, in their order."""
    return np.concatenate([np.ravel(matrix), shift, np.ravel(kernel)])


def centre():
    kernel = np.zeros((5, 5))
    kernel[2, 2] = 1
    return kernel


def contrast(factor, colour):
    """x -> colour + factor (x - colour), colour in R, G, B from 0 to 1."""
    standard = (colour - MEAN) / STD
    return numbers(factor * np.eye(3), (1 - factor) / factor * standard, centre())


def blur(sigma):
    weights = np.exp(-np.arange(-2, 3) ** 2 / (2 * sigma ** 2))
    kernel = np.outer(weights, weights)
    return numbers(np.eye(3), np.zeros(3), kernel / kernel.sum())


def main():
    encode, every, weights, out = sys.argv[1:]
    colours, estimates = [], []
    with Sympie(weights) as sympie:
        for frame in read_frames(encode, int(every)):
            colours.append(frame.mean((0, 1)) / 255)
            estimates.append(sympie.estimate(frame))
    colour = np.mean(colours, 0)
    found = [contrast(0.95, colour), contrast(0.9, colour), blur(SIGMA),
             np.mean(estimates, 0)]
    with open(out, "w", encoding="utf-8") as file:
        json.dump({name: [round(float(value), 7) for value in values]
                   for name, values in zip(NAMES, found)}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
