#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the gate learns from, and how it is read."""

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


if __name__ == "__main__":
    unittest.main()
