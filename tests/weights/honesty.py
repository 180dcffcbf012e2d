#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who sees what: no held-back and no locked picture or clip trains, and what a codec does
to a picture does not depend on the pictures beside it."""

import os
import shutil
import sys
import tempfile
import types
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "weights"))
try:
    import cv2
    import numpy as np
    import codec
    import clips
    import data
    import gate
    import samples
    import tensorfile
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

if not shutil.which("ffmpeg"):
    print("skipped: no ffmpeg")
    sys.exit(77)

import tinydata


class LeftOut(unittest.TestCase):
    """clips.py --split left-out."""
    CLIPS = data.Split(list("abcdefgh"), ["i"], ["x", "y"])

    def judges(self, odd=None):
        """-> each clip's gate, where the features of `odd` are others."""
        rng = np.random.default_rng(1)
        features, source = rng.normal(0, 1, (90, 512)), np.array(list("abcdefghi") * 10)
        zeros, pictures = np.zeros(90), rng.normal(0.5, 1, (90, 512))
        features[source == odd] += 3
        groups = {"clips": gate.Group(features, zeros, zeros, zeros, zeros, source),
                  "pictures-damaged": gate.Group(pictures, zeros + 1, zeros, zeros, zeros, zeros)}
        args = types.SimpleNamespace(split="left-out", data="", limit=0, fade=(-0.5, 0.5))
        found = {}
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.object(gate, "groups_of", return_value=groups), \
                mock.patch.object(gate.samples, "split_of_clips", return_value=self.CLIPS), \
                mock.patch.object(gate.checkpoint, "load_weights"):
            args.weights = os.path.join(folder, "without.safetensors")
            tensorfile.save(args.weights, {}, {})
            for those, path in clips.to_judge(args, folder):
                for clip in those:
                    self.assertNotIn(clip, found)
                    found[clip] = tensorfile.load(path)[0]["gate.weight"]
        self.assertEqual(sorted(found), list("abcdefghixy"))
        return found

    def test_a_clip_says_nothing_about_its_own_gate(self):
        plain, odd = self.judges(), self.judges("c")
        np.testing.assert_array_equal(plain["c"], odd["c"])
        for clip in "abdfgxy":  # c is beside none of them
            self.assertGreater(np.abs(plain[clip] - odd[clip]).max(), 1e-3, clip)


class Classes(unittest.TestCase):
    def test_by_class(self):
        pictures = [data.Picture("", label) for label in range(data.WITHHELD, 1000)]
        split = data.split(pictures)
        self.assertEqual({p.label % 5 for p in split.training if p.label >= 0}, {0, 1, 3})
        self.assertEqual(min(p.label for p in split.training), data.NO_LABEL)
        self.assertEqual(len(split.training), 601)
        self.assertEqual({p.label % 10 for p in split.development}, {4})
        self.assertEqual({p.label % 10 for p in split.locked}, {9})


class Clips(unittest.TestCase):
    def test_by_name_alone(self):
        names = [f"folder/clip{i}.mp4" for i in range(200)]
        split = data.split_clips(names)
        self.assertEqual(sorted(sum(split, [])), sorted(names))
        self.assertTrue(all(len(part) > 20 for part in split))
        some = data.split_clips([name.replace("folder", "other") for name in names[:50]])
        for few, many in zip(some, split):
            self.assertLessEqual({os.path.basename(p) for p in few},
                                 {os.path.basename(p) for p in many})


class Gate(unittest.TestCase):
    def test_sees_nothing_that_is_locked_or_held_back(self):
        """Nothing could decode it."""
        with tempfile.TemporaryDirectory() as parent:
            folder = os.path.join(parent, "data")
            tinydata.make(folder)
            cache = os.path.join(parent, "cache")
            unseen = [os.path.join(folder, "clips", tinydata.CLIPS["locked"])]
            unseen += [p.path for p in data.split(data.read_index(folder)).locked]
            unseen.append(os.path.join(folder, "images", "train", "0002_n2.png"))
            for path in unseen:
                with open(path, "w") as file:
                    file.write("nothing")
            source = samples.Source(folder, cache, limit=9)
            seen = set()
            for group in ("clips", "clips-flat", "pictures", "pictures-codec",
                          "pictures-damaged"):
                seen |= {sample.source for sample in source.samples(group)}
            self.assertEqual(seen, {"moving.mp4", "bsds_1.png", *(
                f"{label:04}_n{label}.png" for label in (0, 1, 3, 5))})
            self.assertEqual([os.path.basename(p) for p in source.videos], ["moving.mp4"])
            with self.assertRaises(ValueError):
                samples.frames(unseen[0], [0])


class Companions(unittest.TestCase):
    def pictures(self, count):
        rng = np.random.default_rng(2)
        y, x = np.mgrid[:80, :96] / 9
        return [(128 + 90 * np.sin(x * a + b)[..., None] * np.cos(y[..., None] * b + np.arange(3))
                 + rng.normal(0, 9, (80, 96, 3))).clip(0, 255).astype(np.uint8)
                for a, b in rng.uniform(0.3, 2, (count, 2))]

    def test_same_bytes_whatever_stands_beside(self):
        pictures = self.pictures(codec.TOGETHER + 3)
        others = self.pictures(5)[::-1]
        seeds = [(7, i) for i in range(len(pictures))]
        for name in codec.RATES:
            many = codec.damage_pictures(pictures, 64, name, 4, seeds)
            for i in (0, 1, codec.TOGETHER - 1, codec.TOGETHER + 2):
                few = codec.damage_pictures([others[0], pictures[i], others[1]], 64, name, 4,
                                            [(1, 1), seeds[i], (2, 2)])
                np.testing.assert_array_equal(few[1], many[i], f"{name}, picture {i}")
            wrong = np.abs(many.astype(int) - [data.centre_crop(p, 64) for p in pictures])
            self.assertGreater(wrong.mean(), 1, name)
            self.assertLess(wrong.mean(), 40, name)

    def test_training_draws_by_the_seed_alone(self):
        """A picture in its place."""
        big = [np.tile(p, (4, 4, 1))[:256, :256] for p in self.pictures(5)]
        pairs = codec.damage_any(big[:3], 4, 5)
        for place in range(3):
            others = [big[3], big[4], big[3]]
            others[place] = big[place]
            for count in range(place + 1, 4):
                got = codec.damage_any(others[:count], 4, 5)[place]
                np.testing.assert_array_equal(got, pairs[place], f"{place} of {count}")
        clean, damaged = pairs[0]
        self.assertEqual(clean.shape, (codec.SIDE, codec.SIDE, 3))
        self.assertGreater(np.abs(clean.astype(int) - damaged).mean(), 1)
        different = codec.damage_any(big[:1], 4, 6)
        self.assertFalse(np.array_equal(different[0][1], damaged))


if __name__ == "__main__":
    unittest.main()
