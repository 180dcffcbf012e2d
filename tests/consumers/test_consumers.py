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

WEIGHTS = os.path.join(consumers.ROOT, "weights", "nem.safetensors")


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True,
                   stdin=subprocess.DEVNULL)


class Arguments:
    damages, pictures = ["vp9"], 2

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

    def no_photographs(self):
        for folder in ("images/train", "images/extra"):
            os.makedirs(f"{self.data}/{folder}")
        with open(f"{self.data}/images/extra/index.csv", "w", encoding="utf-8") as file:
            file.write("file,class_index,wnid\n")

    def assert_left_out(self, consumer, words):
        with self.assertRaisesRegex(consumers.LeftOut, words):
            consumers.look(consumer, Arguments(self.data), {}, None, f"{self.data}/scores")

    def test_nothing_to_find(self):
        ffmpeg("-f", "lavfi", "-i", "color=gray:size=160x160:duration=1", self.clip)
        self.no_photographs()
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
            list(consumers.frames_of(self.data, ["clips/one.mkv"], 2))
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
        fixed = Fixed()
        boxes = [(0, 0, 10, 10), (50, 50, 20, 20)]
        for found, wanted in ((boxes, 1), (boxes[:1], 2 / 3), ([], 0),
                              ([(0, 0, 10, 6), (90, 0, 5, 5)], 0.5)):
            self.assertAlmostEqual(fixed.judge(found, consumers.Seen(boxes, "")), wanted)
        self.assertTrue(fixed.finds(consumers.Seen(boxes, "")))
        self.assertFalse(fixed.finds(consumers.Seen([], "")))

    def test_interval(self):
        low, high = consumers.interval(np.array([1.0] * 50), [str(i) for i in range(50)])
        self.assertEqual((low, high), (1, 1))
        # Frames of a clip are no pictures by themselves.
        gains = np.repeat([0.0, 1.0, 0.0, 1.0], 25)
        wide = consumers.interval(gains, np.repeat(list("abcd"), 25))
        narrow = consumers.interval(gains, [str(i) for i in range(100)])
        self.assertEqual(tuple(wide), (0, 1))
        self.assertGreater(narrow[0], 0.3)
        self.assertLess(narrow[1], 0.7)


class Echo(consumers.Consumer):
    """Scores how bright a picture still is; counts what it is asked."""
    name, asked = "brightness", 0

    def __init__(self, pictures):
        self.seen = [consumers.Seen(picture, str(i)) for i, picture in enumerate(pictures)]

    def pictures(self, data, count):
        return iter(self.seen)

    def judge(self, picture, seen):
        self.asked += 1
        return picture.mean() / 255


class Dim:
    def enhance_all(self, pictures):
        return [picture // 2 for picture in pictures]


class Look(unittest.TestCase):
    def look(self, folder, key):
        rng = np.random.default_rng(5)
        echo = Echo(rng.integers(0, 256, (2, 64, 96, 3)).astype(np.uint8))
        rows = consumers.look(echo, Arguments(""), {"dim": (key, Dim())}, None,
                              os.path.join(folder, "echo.json"))
        return rows, echo.asked

    def test_a_codec_and_what_is_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            rows, asked = self.look(folder, "dim 1")
            self.assertEqual([row["damage"] for row in rows], ["clean", "vp9", "all"])
            for row in rows:
                self.assertAlmostEqual(row["with"], row["without"] / 2, delta=0.5)
                self.assertLess(row["low"], 0)
                self.assertLessEqual(row["low"], row["gain"])
                self.assertLessEqual(row["gain"], row["high"])
            self.assertNotEqual(rows[0]["without"], rows[1]["without"])
            self.assertEqual(asked, 2 + 2 * 4) # to choose; two damages, without and with
            self.assertEqual(self.look(folder, "dim 1"), (rows, 2))
            self.assertEqual(self.look(folder, "dim 2"), (rows, 2 + 2 * 2))


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

    def test_times(self):
        rivals.HD, rivals.TIMED, kept = (256, 192), 4, (rivals.HD, rivals.TIMED)
        try:
            for name, rival in {**rivals.load(), "SyMPIE": rivals.SyMPIE(WEIGHTS)}.items():
                self.assertGreaterEqual(rival.milliseconds(), 0, name)
        finally:
            rivals.HD, rivals.TIMED = kept

    def test_one_that_fails(self):
        with self.assertRaisesRegex(RuntimeError, "ffmpeg: "):
            rivals.run(["ffmpeg", "-v", "error", "-i", "/nowhere", "-f", "null", "-"])


if __name__ == "__main__":
    unittest.main()
