#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training on a folder laid out as ImageNet is, whose pictures would not fit into the
memory that is allowed: they are decoded when they are needed, and those that training must
not see never: nothing could decode them."""

import os
import resource
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = os.path.join(HERE, "..", "..", "weights")
sys.path.insert(0, WEIGHTS)
try:
    import cv2
    import matplotlib
    import numpy as np
    import torch
    import tqdm
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

import data
import tinydata

CLASSES = 1000
LIMIT = 1 << 30  # of what a process allocates; two thirds of the pictures to be seen

# Trains, after the modules are there, with so many bytes of memory.
TRAIN = """
import resource, sys
sys.path.insert(0, {weights!r})
import train
resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit}))
sys.argv[0] = "train.py"
train.main()
"""
HOLD = """
import resource, sys
sys.path.insert(0, {weights!r})
import data
resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit}))
held = [data.decode(p.path) for p in data.split(data.read_imagenet(sys.argv[1])).training]
"""


class Streaming(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.data = os.path.join(cls.folder.name, "data")
        cls.imagenet = os.path.join(cls.folder.name, "imagenet")
        tinydata.make(cls.data)
        # Small files of long pictures, which decoding enlarges.
        rng = np.random.default_rng(0)
        _, jpeg = cv2.imencode(".jpg", tinydata.picture(rng, 64, 768))
        for label in range(CLASSES):
            folder = os.path.join(cls.imagenet, f"n{label:08}")
            os.makedirs(folder)
            unseen = label % 5 == data.HELD_BACK or label % 10 == 9  # held back or locked
            with open(os.path.join(folder, "a.JPEG"), "wb") as file:
                file.write(b"no picture" if unseen else jpeg.tobytes())

    def python(self, program, *arguments):
        return subprocess.run(
            [sys.executable, "-c", program.format(weights=WEIGHTS, limit=LIMIT), *arguments],
            stderr=subprocess.PIPE, text=True, env=dict(os.environ, OMP_NUM_THREADS="1"))

    def test_trains_on_more_than_fits(self):
        one = data.decode(os.path.join(self.imagenet, "n00000000", "a.JPEG"))
        self.assertGreater(one.nbytes * 0.7 * CLASSES, 1.5 * LIMIT)
        out = os.path.join(self.folder.name, "out")
        done = self.python(TRAIN, "--data", self.data, "--imagenet", self.imagenet, "--out",
                           out, "--steps", "2", "--batch", "2", "--threads", "1",
                           "--device", "cpu", "--losses", "first=1,restore=1")
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        self.assertTrue(os.path.exists(os.path.join(out, "nem.safetensors")))

    def test_they_do_not_fit(self):
        done = self.python(HOLD, self.imagenet)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "MemoryError|Insufficient memory|Cannot allocate")


if __name__ == "__main__":
    unittest.main()
