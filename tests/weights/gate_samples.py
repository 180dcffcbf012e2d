#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the gate learns from: how it is read, and errors that name the file."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = os.path.join(HERE, "..", "..", "weights")
sys.path.insert(0, WEIGHTS)
try:
    import cv2
    import numpy as np
    import torch
    import gate
    import samples
except (ImportError, SystemExit) as why:
    print(f"skipped: {why}")
    sys.exit(77)
if not shutil.which("ffmpeg"):
    print("skipped: no ffmpeg")
    sys.exit(77)

import tinydata


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.data = os.path.join(cls.folder.name, "data")
        tinydata.make(cls.data)

    def path(self, *parts):
        return os.path.join(self.folder.name, *parts)

    def test_ffmpeg_leaves_standard_input_alone(self):
        """A script's loop over a list would lose lines of it."""
        program = ("import sys, samples\n"
                   "samples.frames(sys.argv[1], [0, 3])\n"
                   "list(samples.whole(sys.argv[1], 3))\n"
                   "print(sys.stdin.read())")
        done = subprocess.run(
            [sys.executable, "-c", program, os.path.join(self.data, "clips", "moving.mp4")],
            input="all of it", capture_output=True, text=True,
            env=dict(os.environ, PYTHONPATH=WEIGHTS))
        self.assertEqual((done.stdout, done.returncode), ("all of it\n", 0), done.stderr)

    def photographs(self, *paths):
        source = samples.Source(self.data, self.path("cache"), wallpapers=paths)
        return gate.gather(source, "wallpapers", gate.model.Sympie().eval(), None)

    def test_photographs(self):
        rng = np.random.default_rng(0)
        large, small, torn = (self.path(name) for name in ("l.png", "s.png", "torn.jpg"))
        cv2.imwrite(large, tinydata.picture(rng, 320, 330))
        cv2.imwrite(small, tinydata.picture(rng, 100, 120))
        with open(torn, "w") as file:
            file.write("torn")
        self.assertEqual(set(self.photographs(small, large).source), {"l.png"})
        with self.assertRaisesRegex(ValueError, "torn.jpg is missing or no picture"):
            self.photographs(large, torn)
        with self.assertRaisesRegex(ValueError, "no sample of wallpapers among the photographs$"):
            self.photographs(small)
        # What a shell hands over that knows no **.
        pattern = self.path("none", "**", "*.jpg")
        done = subprocess.run(
            [os.path.join(WEIGHTS, "gate.py"), "--data", self.data, "--cache", self.path("c"),
             "--weights", os.path.join(WEIGHTS, "nem.safetensors"), "--limit", "1", "--out",
             self.path("out"), "--wallpapers", pattern], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(pattern, done.stderr.splitlines()[-1])
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
