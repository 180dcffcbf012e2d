#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later

"""weights/corrupt.py: batches come back as they should, errors are clear."""

import sys
import threading
import time
import unittest
from pathlib import Path

try:
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "weights"))
from corrupt import Corruptor  # noqa: E402


def batch(n=6, height=37, width=50):
    random = np.random.default_rng(1)
    return random.integers(0, 256, (n, height, width, 3), dtype=np.uint8)


class Binding(unittest.TestCase):
    def test_pool(self):
        with Corruptor() as corruptor:
            self.assertEqual(len(corruptor.pool), 23)
            self.assertEqual(corruptor.names[0], "none")
            self.assertEqual(corruptor.names[-1], "mixed")

    def test_each_by_itself(self):
        images = batch()
        kept = images.copy()
        names = ["none", "fog", "mixed", "elastic-transform", "frost", "night"]
        severities, seeds = [5, 0, 3, 2, 1, 4], [0, 1, 2, 2**64 - 1, 4, 5]
        phases = [0, 0.5, 1.5, 0, 0.25, 7]
        with Corruptor() as one, Corruptor(threads=3) as three:
            out = one(images, names, severities, seeds, phases)
            self.assertTrue(np.array_equal(images, kept))
            self.assertEqual((out.shape, out.dtype), (images.shape, images.dtype))
            self.assertTrue(np.array_equal(out[:2], images[:2]))
            for i in range(2, 6):
                single = one(
                    images[i : i + 1], names[i], severities[i], seeds[i], phases[i])
                self.assertTrue(np.array_equal(single[0], out[i]), names[i])
                self.assertFalse(np.array_equal(out[i], images[i]), names[i])
            again = three(images, names, severities, seeds, phases)
            self.assertTrue(np.array_equal(out, again))

    def test_views_and_empty_batches(self):
        images = batch()
        with Corruptor() as corruptor:
            view = corruptor(images[::2, ::-1, :30], "snow", 3, 1)
            copy = corruptor(images[::2, ::-1, :30].copy(), "snow", 3, 1)
            self.assertTrue(np.array_equal(view, copy))
            self.assertEqual(corruptor(images[:0], "snow", 3, 1).shape, (0, 37, 50, 3))

    def test_scale(self):
        images = batch()
        with Corruptor(scale=0) as small, Corruptor(scale=1) as full:
            self.assertFalse(np.array_equal(
                small(images, "gaussian_blur", 5, 0),
                full(images, "gaussian_blur", 5, 0)))

    def test_lock_is_released(self):
        images = batch(1, 1500, 1500)
        ticks = []
        with Corruptor() as corruptor:
            thread = threading.Thread(
                target=corruptor, args=(images, "defocus_blur", 5, 0))
            thread.start()
            while thread.is_alive():
                ticks.append(time.monotonic())
                time.sleep(0.001)
        # Held, the lock would let no more than the first and the last pass.
        self.assertGreater(len(ticks), 4)

    def test_errors(self):
        images = batch(2)
        with Corruptor() as corruptor:
            for message, arguments in (
                ("'smog'", (images, "smog", 1, 0)),
                ("6 among severities", (images, "fog", 6, 0)),
                ("-1 among severities", (images, "fog", [1, -1], 0)),
                ("-1 among seeds", (images, "fog", 1, -1)),
                ("phase -2", (images, "fog", 1, 0, -2)),
                ("3 names for 2 pictures", (images, ["fog"] * 3, 1, 0)),
                ("float64", (images / 255, "fog", 1, 0)),
                (r"\(37, 50, 3\)", (images[0], "fog", 1, 0)),
            ):
                with self.assertRaisesRegex(ValueError, message):
                    corruptor(*arguments)
        with self.assertRaisesRegex(ValueError, "closed"):
            corruptor(images, "fog", 1, 0)
        with self.assertRaisesRegex(ValueError, "scale of 2"):
            Corruptor(scale=2)
        with self.assertRaisesRegex(ValueError, "/nonexistent"):
            Corruptor(frost_folder="/nonexistent")
        with self.assertRaisesRegex(ValueError, "0 threads"):
            Corruptor(threads=0)
        with self.assertRaisesRegex(FileNotFoundError, "/nonexistent.so"):
            Corruptor(library="/nonexistent.so")


if __name__ == "__main__":
    unittest.main()
