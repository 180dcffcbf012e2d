#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's binding: weights that training exports give the same 37 numbers
and the same picture in C as in PyTorch; errors arrive as exceptions."""

import os
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "weights"))
try:
    import numpy as np
    import torch
    import checkpoint
    import model
except (ImportError, SystemExit) as why:
    print(f"skipped: {why}")
    sys.exit(77)

from sympie import Sympie

torch.set_num_threads(1)


def standardise(picture):
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    return (x - model.MEAN) / model.STD


def some_picture(rng, height, width):
    """Soft shapes and a little noise."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(rng.uniform(2, 20) * x + rng.uniform(2, 20) * y + c)
             for c in range(3)]
    noise = rng.normal(0, 10, (height, width, 3))
    return (128 + 90 * np.stack(waves, 2) + noise).clip(0, 255).astype(np.uint8)


class Library(unittest.TestCase):
    def export(self, folder):
        """Weights as training leaves them: no layer at its start."""
        torch.manual_seed(5)
        u = model.Sympie()
        with torch.no_grad():
            for name, value in u.state_dict().items():
                if "running_var" in name:
                    value.uniform_(0.5, 2)
                elif "running_mean" in name:
                    value.normal_(0, 0.2)
            u.colm.out.weight.normal_(0, 0.02)
        path = os.path.join(folder, "w.safetensors")
        checkpoint.export(path, u, {"format": "pt"})
        return path

    def test_same_in_c_as_in_pytorch(self):
        rng = np.random.default_rng(2)
        with tempfile.TemporaryDirectory() as folder:
            path = self.export(folder)
            u = checkpoint.load_weights(path)
            with Sympie(path) as sympie:
                for size in ((224, 224), (160, 301), (464, 928)):
                    picture = some_picture(rng, *size)
                    x = standardise(picture)
                    with torch.no_grad():
                        want = u.colm.out(u.colm(model.nem_crop(x)))
                        got = sympie.estimate(picture)
                        np.testing.assert_allclose(got, want[0], atol=2e-3)
                        self.assertGreater((want[0] - model.IDENTITY).abs().max(), 0.1)
                        out = model.dwm(x, torch.from_numpy(got)[None])[0]
                        out = 255 * (out * model.STD + model.MEAN).clamp(0, 1)
                    far = np.abs(sympie.apply(picture, got) - out.permute(1, 2, 0).numpy())
                    self.assertLess(far.max(), 1.5)

    def test_enhance_feeds_back(self):
        picture = some_picture(np.random.default_rng(3), 64, 80)
        with tempfile.TemporaryDirectory() as folder, Sympie(self.export(folder)) as s:
            twice = s.enhance(s.enhance(picture))
            np.testing.assert_array_equal(s.enhance(picture, 2), twice)
            self.assertFalse(np.array_equal(twice, picture))

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "gone.safetensors"):
            Sympie("gone.safetensors")
        with Sympie() as sympie:
            with self.assertRaisesRegex(ValueError, "no weights"):
                sympie.estimate(np.zeros((8, 8, 3), np.uint8))
            with self.assertRaisesRegex(ValueError, "not finite"):
                sympie.apply(np.zeros((8, 8, 3), np.uint8), [float("nan")] * 37)
            with self.assertRaisesRegex(ValueError, "not uint8"):
                sympie.apply(np.zeros((8, 8, 3)), model.IDENTITY)


if __name__ == "__main__":
    unittest.main()
