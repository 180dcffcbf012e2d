#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""consumers.py and weights/rivals.py: what is left out is said in words, and rivals return
what they were given, changed."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import numpy as np
    import consumers
except (ImportError, SystemExit) as why:
    print(f"skipped: {why}")
    sys.exit(77)
import rivals


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True,
                   stdin=subprocess.DEVNULL)


class Arguments:
    damages, pictures = ["darken"], 2

    def __init__(self, data):
        self.data = data


class Clips(unittest.TestCase):
    def setUp(self):
        self.data = self.enterContext(tempfile.TemporaryDirectory())
        os.mkdir(f"{self.data}/clips")
        self.clip = f"{self.data}/clips/one.mkv"

    def people(self):
        people = consumers.People()
        people.clips = ["clips/one.mkv"]
        return people

    def assert_left_out(self, consumer, words):
        with self.assertRaisesRegex(consumers.LeftOut, words):
            consumers.look(consumer, Arguments(self.data), {}, None)

    def test_nothing_to_find(self):
        ffmpeg("-f", "lavfi", "-i", "color=gray:size=160x160:duration=1", self.clip)
        self.assert_left_out(self.people(), "finds nothing in the undamaged pictures")

    def test_a_clip_that_does_not_decode(self):
        with open(self.clip, "wb") as file:
            file.write(bytes(5000))
        self.assert_left_out(self.people(), f"no video in {self.clip}")
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=96x64:duration=2", "-f", "mpegts",
               "-c:v", "mpeg2video", "-q:v", "2", self.clip)
        with open(self.clip, "r+b") as file:
            file.seek(os.path.getsize(self.clip) // 4)
            file.write(os.urandom(os.path.getsize(self.clip) // 2))
        try: # what decodes in spite of it is no fault
            list(self.people().pictures(self.data, 2))
        except consumers.LeftOut as why:
            self.assertIn("does not decode", str(why))

    def test_no_clip(self):
        self.assert_left_out(self.people(), f"no clip {self.clip}")


class NotInstalled(unittest.TestCase):
    def test_in_words(self):
        class Faces(consumers.Faces):
            model = "/nowhere/faces.xml"
        with self.assertRaisesRegex(consumers.LeftOut, "opencv-data is not installed"):
            Faces()
        path, os.environ["PATH"] = os.environ["PATH"], "/nowhere"
        try:
            with self.assertRaisesRegex(consumers.LeftOut, "tesseract-ocr"):
                consumers.Text()
        finally:
            os.environ["PATH"] = path
        sys.modules["zbar"] = None
        try:
            with self.assertRaisesRegex(consumers.LeftOut, "python3-zbar is not installed"):
                consumers.QR()
        finally:
            del sys.modules["zbar"]


class Scores(unittest.TestCase):
    def test_distance(self):
        for a, b, wanted in (("", "", 0), ("kitten", "sitting", 3), ("", "ab", 2)):
            self.assertEqual(consumers.distance(a, b), wanted)

    def test_boxes(self):
        class Fixed(consumers.Boxes):
            def find(self, picture):
                return picture
        boxes = [(0, 0, 10, 10), (50, 50, 20, 20)]
        for found, wanted in ((boxes, 1), (boxes[:1], 2 / 3), ([], 0),
                              ([(0, 0, 10, 6), (90, 0, 5, 5)], 0.5)):
            self.assertAlmostEqual(Fixed().judge(found, boxes, None), wanted)
        self.assertIsNone(Fixed().judge(boxes, [], None))

    def test_interval(self):
        low, high = consumers.interval(np.array([1.0] * 50))
        self.assertEqual((low, high), (1, 1))


class Rivals(unittest.TestCase):
    def test_each(self):
        rng = np.random.default_rng(1)
        pictures = list(rng.integers(40, 160, (3, 34, 37, 3)).astype(np.uint8))
        found = rivals.load()
        self.assertEqual(len(found), 7)
        for name, rival in found.items():
            made = rival.enhance_all(pictures)
            self.assertEqual(len(made), 3, name)
            for before, after in zip(pictures, made):
                self.assertEqual((after.shape, after.dtype), (before.shape, before.dtype), name)
                self.assertGreater(np.abs(after.astype(int) - before).max(), 0, name)
            # Each picture alone gives the same: no filter remembers the one before.
            np.testing.assert_array_equal(rival.enhance_all(pictures[2:])[0], made[2], name)

    def test_one_that_fails(self):
        with self.assertRaisesRegex(RuntimeError, "ffmpeg: "):
            rivals.run(["ffmpeg", "-v", "error", "-i", "/nowhere", "-f", "null", "-"])


if __name__ == "__main__":
    unittest.main()
