#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The study's arithmetic: controls and Bjontegaard's difference."""

import os
import sys
import unittest

try:
    import numpy as np
    import scipy
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path[:0] = [os.path.join(ROOT, "pipelines", "study"), os.path.join(ROOT, "weights")]
import aggregate
import controls
from sympie import Sympie


class Controls(unittest.TestCase):
    """What DWM makes of a control's numbers, against the control itself."""

    @classmethod
    def setUpClass(cls):
        rng = np.random.default_rng(5)
        cls.picture = rng.integers(40, 200, (48, 64, 3)).astype(np.uint8)
        cls.sympie = cls.enterClassContext(Sympie())

    def assert_makes(self, numbers, wanted):
        """Away from the border, where DWM sees a colour of its own outside."""
        made = self.sympie.apply(self.picture, numbers)
        inside = slice(2, -2), slice(2, -2)
        off = np.abs(made[inside].astype(float) - np.clip(wanted, 0, 255)[inside])
        self.assertLessEqual(off.max(), 1)

    def test_contrast(self):
        colour = self.picture.mean((0, 1))
        for factor in (0.95, 0.9, 0.5):
            self.assert_makes(controls.contrast(factor, colour / 255),
                              colour + factor * (self.picture - colour))

    def test_blur(self):
        weights = np.exp(-np.arange(-2, 3) ** 2 / (2 * controls.SIGMA ** 2))
        weights /= weights.sum()
        blurred = self.picture.astype(float)
        for axis in (0, 1):
            blurred = sum(w * np.roll(blurred, shift, axis)
                          for w, shift in zip(weights, range(-2, 3)))
        self.assert_makes(controls.blur(controls.SIGMA), blurred)

    def test_nothing(self):
        """A control of no strength leaves a picture as it is."""
        for numbers in (controls.contrast(1, np.full(3, 0.3)), controls.blur(0.01)):
            np.testing.assert_array_equal(self.sympie.apply(self.picture, numbers),
                                          self.picture)


class Bjontegaard(unittest.TestCase):
    rates = np.log([100, 210, 390, 820])
    decibels = np.array([3.0, 4.5, 5.1, 7.0])

    def test_the_same(self):
        self.assertEqual(aggregate.bjontegaard(self.rates, self.decibels, self.decibels), 0)
        self.assertEqual(aggregate.bjontegaard_rate(self.rates, self.decibels, self.decibels),
                         0)

    def test_a_shift(self):
        self.assertAlmostEqual(
            aggregate.bjontegaard(self.rates, self.decibels, self.decibels + 0.7), 0.7)
        # Where a curve is straight, a shift by its slope is a factor of the bit rate.
        straight = 2 * self.rates
        self.assertAlmostEqual(
            aggregate.bjontegaard_rate(self.rates, straight, straight + 2 * np.log(1.1)),
            100 * (1 / 1.1 - 1))

    def test_in_any_order(self):
        turned = slice(None, None, -1)
        self.assertAlmostEqual(
            aggregate.bjontegaard(self.rates[turned], self.decibels[turned],
                                  self.decibels[turned] + 0.7), 0.7)

    def test_curves_that_do_not_meet(self):
        for other in (self.decibels + 10, self.decibels[::-1], [np.inf] * 4):
            self.assertTrue(np.isnan(
                aggregate.bjontegaard_rate(self.rates, self.decibels, other)))
        self.assertTrue(np.isnan(aggregate.bjontegaard(self.rates[:1], [1], [2])))

    def test_no_error_has_no_decibels(self):
        none = np.full(len(self.rates), np.inf)
        with np.errstate(all="raise"):
            for a, b in ((none, none), (none, self.decibels), (self.decibels, none)):
                for of in (aggregate.bjontegaard, aggregate.bjontegaard_rate):
                    self.assertTrue(np.isnan(of(self.rates, a, b)))


class Bootstrap(unittest.TestCase):
    def test_clips_are_drawn(self):
        """Frames that are all alike leave the clips as the only chance."""
        pairs = [(np.full(50, 1.0), np.full(50, 1.0 + i)) for i in range(4)]
        row = aggregate.bootstrap(pairs)
        self.assertEqual((row["frames"], row["plain"], row["delta"]), (200, 1, 1.5))
        self.assertLess(row["delta_low"], 0.75)
        self.assertGreater(row["delta_high"], 2.25)

    def test_frames_are_drawn_anew(self):
        """Clips that are all alike leave the frames as the only chance: that of all
        frames together, however often a clip is drawn."""
        pairs = [(np.ones(50), np.tile([1.0, 2.0], 25)) for _ in range(8)]
        row = aggregate.bootstrap(pairs)
        expected = 2 * 1.96 * 0.5 / np.sqrt(8 * 50)
        self.assertAlmostEqual(row["delta_high"] - row["delta_low"], expected,
                               delta=0.1 * expected)

    def test_length_does_not_count(self):
        pairs = [(np.ones(2), np.zeros(2)), (np.ones(98), np.full(98, 3.0))]
        self.assertEqual(aggregate.bootstrap(pairs)["delta"], 0.5)


if __name__ == "__main__":
    unittest.main()
