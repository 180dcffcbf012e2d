#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fit of one set of parameters a severity: it finds what undoes a damage that
can be undone, and its table is what train.py reads."""

import os
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "weights"))
try:
    import numpy as np
    import torch
    import ceiling
except (ImportError, SystemExit) as why:
    print(f"skipped: {why}")
    sys.exit(77)

import model
import tensorfile
import train
import upstream
from torch import nn

torch.set_num_threads(1)


def darker(images, names, severities, seeds):
    return np.stack([(image / (1 + 0.5 * severity)).astype(np.uint8)
                     for image, severity in zip(images, severities)])


def smooth_pictures():
    rng = np.random.default_rng(0)
    x, y = np.mgrid[:256, :256] / 40
    return [np.stack([128 + 100 * np.sin(a * x + b * y + c) for a, b, c in
                      rng.normal(0, 1, (3, 3))], 2).astype(np.uint8) for _ in range(4)]


class Fit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.manual_seed(7)
        network = nn.Sequential(nn.Conv2d(3, 4, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                                nn.Flatten(), nn.Linear(4, 10))
        network[-1].weight.data.mul_(0.1)  # random weights have no say in colours
        cls.fitted = ceiling.fit(ceiling.Source(darker), "darken",
                                 smooth_pictures(), np.array([1, 2, -1, 4]),
                                 [upstream.Upstream(network, 56, clamp=True)], 25, 10,
                                 np.random.default_rng(1))

    def test_darkened_pictures_become_lighter(self):
        self.assertEqual(self.fitted.shape, (5, model.N_PARAMS))
        gains = self.fitted[:, [0, 4, 8]].mean(1) * self.fitted[:, 12:].sum(1)
        self.assertTrue((gains[2:] > 1.3).all(), gains)
        pictures = np.stack(smooth_pictures())
        for severity in (3, 5):
            dark = darker(pictures, [""] * 4, [severity] * 4, None)
            light = ceiling.enhance(dark, self.fitted[[severity - 1] * 4])
            before, after = (np.abs(p.astype(float) - pictures).mean()
                             for p in (dark, light))
            self.assertLess(after, 0.8 * before, severity)

    def test_kernel_is_mirrored(self):
        kernels = self.fitted[:, 12:].view(5, 5, 5)
        self.assertTrue(torch.equal(kernels, kernels.flip(1)))
        self.assertTrue(torch.equal(kernels, kernels.flip(2)))
        self.assertFalse(torch.equal(kernels, torch.zeros(5, 5, 5)))

    def test_trains_from_its_table(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "table.safetensors")
            tensorfile.save(path, {"darken": self.fitted.numpy()}, {"format": "pt"})
            table = train.load_table(path, ["darken"])
        self.assertTrue(torch.equal(table[0, 1:], self.fitted))
        self.assertTrue(torch.equal(table[0, 0], model.IDENTITY))

    def test_identity_changes_nothing(self):
        pictures = np.stack(smooth_pictures())
        level = torch.randn(5, 3)
        sets = ceiling.parameters(ceiling.identity(), level)
        same = ceiling.enhance(pictures, sets[[0] * 4])
        np.testing.assert_array_equal(same, pictures)


if __name__ == "__main__":
    unittest.main()
