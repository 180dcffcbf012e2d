#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is kept of an earlier run is used again only if it would come out the same: encodes
of samples.py, features of gate.py."""

import inspect
import os
import shutil
import sys
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "weights"))
try:
    import numpy as np
    import codec
    import corrupt
    import data
    import gate
    import model
    import samples
    import upstream
except (ImportError, SystemExit) as why:
    print(f"skipped: {why}")
    sys.exit(77)
if not shutil.which("ffmpeg"):
    print("skipped: no ffmpeg")
    sys.exit(77)

import tinydata


class Cache(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data, self.cache = (os.path.join(folder.name, name) for name in ("data", "cache"))
        tinydata.make(self.data)

    def path(self, *parts):
        return os.path.join(self.data, *parts)


class Encodes(Cache):
    def encode(self, folder="clips"):
        """-> the file, and whether it was made now."""
        before = set(os.listdir(self.cache)) if os.path.isdir(self.cache) else set()
        path = samples.encoded(self.path(folder, "moving.mp4"), "h264", 45, self.cache)
        return path, os.path.basename(path) not in before

    def test_one_for_each_way_and_clip(self):
        paths = [self.encode()[0]]
        self.assertEqual(self.encode(), (paths[0], False))
        shutil.copytree(self.path("clips"), self.path("copy"))
        self.assertEqual(self.encode("copy"), (paths[0], False))
        options, worst = samples.CODECS["h264"]

        def another():
            path, new = self.encode()
            self.assertTrue(new)
            self.assertNotIn(path, paths)
            paths.append(path)
        for changed in ((options, worst - 5), ([*options[:-1], "ultrafast"], worst)):
            with mock.patch.dict(samples.CODECS, h264=changed):
                another()
        with mock.patch.object(samples, "SHOWN", (5, 17, 20)):
            another()
        shutil.copy(self.path("clips", tinydata.CLIPS["locked"]), self.path("clips", "moving.mp4"))
        another()
        self.assertEqual(len({Path(path).read_bytes() for path in paths}), len(paths))


class Features(Cache):
    def setUp(self):
        super().setUp()
        self.pictures = [self.path("images", "train", f"000{i}_n{i}.png") for i in (0, 1, 2)]
        self.u = model.Sympie().eval()
        self.args = types.SimpleNamespace(data=self.data, cache=self.cache, seed=0, limit=1,
                                          wallpapers=self.pictures[:1])

    def gathered(self):
        """-> the groups that the cache did not have."""
        nothing = gate.Group(*[np.zeros(1)] * 6)
        with mock.patch.object(gate, "gather", return_value=nothing) as gather:
            groups = gate.groups_of(self.args, self.u)
        self.assertLessEqual({call.args[1] for call in gather.mock_calls}, set(groups))
        return {call.args[1] for call in gather.mock_calls}

    def test_of_the_same(self):
        every = set(gate.WEIGHTS)
        clips = {name for name in every if name.startswith("clips")}
        pictures = {name for name in every if name.startswith("pictures")}
        damaged = {"clips-damaged", "pictures-damaged"}

        def spoil(*parts):
            with open(self.path(*parts), "ab") as file:
                file.write(b"\n")
        self.assertEqual(self.gathered(), every)
        self.assertEqual(self.gathered(), set())
        self.args.seed = 1
        self.assertEqual(self.gathered(), every)
        self.args.limit = 2
        self.assertEqual(self.gathered(), every)
        self.u.add_gate()
        self.assertEqual(self.gathered(), set())
        self.u.colm.out.bias.data[3] += 1
        self.assertEqual(self.gathered(), every)
        self.args.wallpapers = self.pictures[:2]
        self.assertEqual(self.gathered(), {"wallpapers"})
        self.args.wallpapers = []
        self.assertEqual(self.gathered(), set())
        self.assertNotIn("wallpapers", gate.groups_of(self.args, self.u))
        for parts, want in ((("images", "train", "0000_n0.png"), pictures),
                            (("images", "train", "0004_n4.png"), set()),
                            (("images", "extra", "index.csv"), pictures),
                            (("clips", tinydata.CLIPS["training"]), clips),
                            (("clips", tinydata.CLIPS["locked"]), set()),
                            (("frost", "frost3.jpg"), damaged),
                            (("models", "classifiers.py"), {"pictures-damaged"})):
            spoil(*parts)
            self.assertEqual(self.gathered(), want, parts)
        shutil.copytree(self.data, self.data + "2")
        self.args.data += "2"
        self.assertEqual(self.gathered(), set())
        os.remove(os.path.join(self.args.data, "images", "train", "0001_n1.png"))
        self.assertEqual(self.gathered(), pictures)

    def test_by_the_same_code(self):
        source = inspect.getsource
        before = self.gathered()
        for changed in (samples, data, codec, corrupt, model, upstream, gate.crop, gate.measure):
            with mock.patch.object(inspect, "getsource",
                                   lambda of: source(of) + "#" * (of is changed)):
                self.assertEqual(self.gathered(), before, changed)
        with mock.patch.dict(samples.CODECS, av1=(["libsvtav1"], 60)):
            self.assertEqual(self.gathered(), before)
        with mock.patch.object(samples, "RATES", (45, 50)):
            self.assertEqual(self.gathered(), before)
        with mock.patch.object(inspect, "getsource",
                               lambda of: source(of) + "#" * (of is gate.fit)):
            self.assertEqual(self.gathered(), set())


if __name__ == "__main__":
    unittest.main()
