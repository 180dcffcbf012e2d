#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""evaluate.py on ten pictures against a table that was frozen, and its
statistics. `evaluate_table.py --freeze` writes the table anew: when the weights
or the corruptions change."""

import csv
import os
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = os.path.join(HERE, "..", "..", "weights")
sys.path.insert(0, WEIGHTS)
try:
    import numpy as np
    import evaluate
except (ImportError, SystemExit) as why:
    print(f"skipped: {why}")
    sys.exit(77)

DATA = os.environ.get("SYMPIE_TEST_DATA", os.path.join(HERE, "..", "..", "..", "shared", "data"))
TABLE = os.path.join(HERE, "evaluate_table.csv")
# No JPEG and no video codec, whose bytes depend on other libraries.
CONDITIONS = "clean,gaussian_noise,contrast,mixed"
PICTURES = 10
if not os.path.isdir(os.path.join(DATA, "images")):
    print(f"skipped: no pictures in {DATA}")
    sys.exit(77)


def run(out, *more):
    return subprocess.run(
        [sys.executable, os.path.join(WEIGHTS, "evaluate.py"), "--data", DATA,
         "--out", out, "--threads", "1", *more], capture_output=True, text=True)


def ten(out):
    return run(out, "--limit", str(PICTURES), "--conditions", CONDITIONS,
               "--iterations", "2")


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class Table(unittest.TestCase):
    def test_ten_pictures(self):
        with tempfile.TemporaryDirectory() as out:
            done = ten(out)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = read(os.path.join(out, "results.csv"))
            with open(os.path.join(out, "results.md")) as file:
                text = file.read()
            self.assertGreater(os.path.getsize(os.path.join(out, "results.png")), 5000)
            names, values = evaluate.read_outcomes(os.path.join(out, "outcomes.csv"))
        self.assertEqual(len(set(names)), PICTURES)
        for row in rows:
            if row["condition"] in evaluate.GROUPS:
                continue
            seen = values[row["network"]][row["condition"]]
            self.assertEqual(seen.shape, (3, PICTURES))
            for key, times in (("without", 0), ("enhanced", int(row["times"]))):
                self.assertAlmostEqual(float(row[key]), 100 * seen[times].mean(), 2)
        want = read(TABLE)
        self.assertEqual([(r["network"], r["condition"], r["times"]) for r in rows],
                         [(r["network"], r["condition"], r["times"]) for r in want])
        for row, frozen in zip(rows, want):
            for key in ("without", "enhanced"):
                # One picture on the edge may fall to either side elsewhere.
                self.assertLessEqual(abs(float(row[key]) - float(frozen[key])),
                                     100 / PICTURES + 0.01, frozen)
        same = sum(row == frozen for row, frozen in zip(rows, want))
        self.assertGreaterEqual(same, 0.9 * len(want))
        clean = want[0]
        self.assertIn(f"| clean | {float(clean['without']):.1f} -> ", text)


class Statistics(unittest.TestCase):
    def test_interval(self):
        rng = np.random.default_rng(0)
        without = rng.integers(0, 2, 400).astype(float)
        enhanced = np.where(rng.random(400) < 0.2, 1.0, without)
        s = evaluate.score("n", "c", 1, without, enhanced)
        gain = 100 * (enhanced - without)
        self.assertAlmostEqual(s.gain, gain.mean())
        self.assertAlmostEqual(s.relative, 100 * gain.mean() / s.without)
        half = 1.96 * gain.std() / 20  # the normal interval of the mean
        self.assertAlmostEqual(s.low, s.gain - half, delta=0.4)
        self.assertAlmostEqual(s.high, s.gain + half, delta=0.4)

    def test_measures(self):
        import torch
        logits = torch.tensor([[2.0, 0, 0], [0, 3, 0], [0, 0, 1]])
        network = lambda x: torch.cat([logits, torch.zeros(len(x) - 3, 3)])
        network.input_size = 8
        pictures, labels = np.zeros((3, 8, 8, 3), np.uint8), np.array([0, 1, 0])
        right = np.exp([2, 3, 0]) / (np.exp([2, 3, 1]) + 2)
        for measure, want in (("top-1", [1, 1, 0]), ("probability", right),
                              ("cross-entropy", -np.log(right))):
            got = evaluate.judge(network, pictures, labels, measure)
            np.testing.assert_allclose(got, want, atol=1e-6)

    def test_against(self):
        """What pairs win: gains that differ by 0.1 on every picture, among pictures
        that differ by much more."""
        rng = np.random.default_rng(1)
        without = rng.random(200)
        others = {"n": {"fog": np.stack([without, without + rng.normal(0, 1, 200)])}}
        ours = {"n": {"fog": others["n"]["fog"] + [[0], [0.1]]}}
        s, = evaluate.scores_against(ours, others)
        self.assertAlmostEqual(s.gain, 10)
        self.assertAlmostEqual(s.high - s.low, 0, 6)
        ours["n"]["fog"][0, 3] += 0.01
        with self.assertRaisesRegex(ValueError, "n, fog: .* other damage"):
            evaluate.scores_against(ours, others)
        with self.assertRaisesRegex(ValueError, "no network and condition"):
            evaluate.scores_against(ours, {"m": others["n"]})

    def test_outcomes(self):
        with tempfile.TemporaryDirectory() as out:
            path = os.path.join(out, "outcomes.csv")
            values = {"n": {"fog": np.array([[0.0, 1], [1, 0.123456]])}}
            evaluate.write_outcomes(path, ["b", "a"], values)
            names, read = evaluate.read_outcomes(path)
            self.assertEqual(names, ["b", "a"])
            np.testing.assert_array_equal(read["n"]["fog"], values["n"]["fog"])
            for text in ("what,else\n1,2\n", "picture,network,condition,times,value\n"
                         "a,n,fog,0,x\n"):
                with open(path, "w") as file:
                    file.write(text)
                with self.assertRaisesRegex(ValueError, "outcomes.csv holds no outcomes"):
                    evaluate.read_outcomes(path)

    def test_kept_outcomes(self):
        """A rival is judged anew unless its outcomes are of the same."""
        names, without = ["a", "b"], np.array([0.25, 1])
        rival = {"n": {"fog": np.stack([without, without + 1])}}
        ours = lambda first: {"n": {"fog": np.stack([first, without])}}
        with tempfile.TemporaryDirectory() as out:
            path = os.path.join(out, "outcomes.csv")
            self.assertIsNone(evaluate.kept_outcomes(path, names, ours(without)))
            evaluate.write_outcomes(path, names, rival)
            kept = evaluate.kept_outcomes(path, names, ours(without))
            np.testing.assert_array_equal(kept["n"]["fog"], rival["n"]["fog"])
            for other in ((["b", "a"], ours(without)), (names, ours(without + 0.1)),
                          (names, {"n": {}}), (names, {}),
                          (names, {**ours(without), "m": {}})):
                self.assertIsNone(evaluate.kept_outcomes(path, *other))

    def test_outcomes_are_kept_of_the_same_rivals(self):
        """They are other files where rivals.py is another."""
        paths = [evaluate.kept_path("out", "3x3 median") for _ in range(2)]
        self.assertEqual(*paths)
        with tempfile.NamedTemporaryFile() as other, \
                mock.patch.object(evaluate.rivals, "__file__", other.name):
            self.assertNotEqual(evaluate.kept_path("out", "3x3 median"), paths[0])

    def test_severities(self):
        self.assertEqual(list(evaluate.severities_of("clean", 3)), [0, 0, 0])
        drawn = evaluate.severities_of("fog", 10)
        self.assertEqual(sorted(drawn), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
        self.assertTrue(np.diff(drawn).all())
        self.assertNotEqual(drawn[0], evaluate.severities_of("snow", 10)[0])

    def test_agreement(self):
        import torch
        a = torch.tensor([[0, 0], [1, 1]])
        b = torch.tensor([[0, 1], [1, 1]])
        self.assertEqual(evaluate.agreement(a, a), 1)
        self.assertAlmostEqual(evaluate.agreement(a, b), (1 / 2 + 2 / 3) / 2)


class BadInput(unittest.TestCase):
    def test_errors(self):
        with tempfile.TemporaryDirectory() as out:
            for more, message in (
                    (["--weights", "gone.safetensors"], "gone.safetensors"),
                    (["--conditions", "hail"], "hail is none of"),
                    (["--imagenet", out], "0 class folders, not the 1000")):
                done = run(out, "--limit", "1", *more)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(message, done.stderr)
                self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    if sys.argv[1:] == ["--freeze"]:
        with tempfile.TemporaryDirectory() as out:
            done = ten(out)
            sys.stderr.write(done.stderr)
            done.check_returncode()
            os.replace(os.path.join(out, "results.csv"), TABLE)
    else:
        unittest.main()
