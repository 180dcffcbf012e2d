#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The recipe's smallest form: from random weights to gated ones and tables, to the same
bytes whether it was interrupted or not; and what it refuses."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = os.path.normpath(os.path.join(HERE, "..", "..", "weights"))
RECIPE = os.path.join(WEIGHTS, "recipe.sh")
sys.path.insert(0, WEIGHTS)
try:
    import cv2
    import numpy as np
    import torch
    import tqdm
    import matplotlib
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)
if not shutil.which("ffmpeg"):
    print("skipped: no ffmpeg")
    sys.exit(77)

import checkpoint
import data
import gate
import tensorfile
import tinydata
from sympie import Sympie

RESULTS = ["nem.safetensors", "gate.md", "clips.md", "pictures/results.csv",
           "pictures/outcomes.csv"]


def tiny_vgg19(path):
    """Its layers, two channels each."""
    rng, tensors, before = np.random.default_rng(0), {}, 3
    for layer in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34):
        tensors[f"features.{layer}.weight"] = rng.normal(0, 0.5, (2, before, 3, 3)).astype(
            np.float32)
        tensors[f"features.{layer}.bias"] = np.full(2, 0.1, np.float32)
        before = 2
    tensorfile.save(path, tensors, {})


class Recipe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        tinydata.make(os.path.join(cls.folder.name, "data"))
        tiny_vgg19(os.path.join(cls.folder.name, "vgg19.safetensors"))

    def path(self, *parts):
        return os.path.join(self.folder.name, *parts)

    def recipe(self, out, recipe=RECIPE, options=("--smallest",), **environment):
        return subprocess.Popen(
            [recipe, *options, "data", out], stderr=subprocess.PIPE, text=True,
            cwd=self.folder.name,
            env=dict(os.environ, SYMPIE_VGG19_WEIGHTS="vgg19.safetensors", **environment))

    def finish(self, process):
        _, said = process.communicate()
        self.assertEqual(process.returncode, 0, said)

    def at_work(self, out):
        """-> {stage: process} of the training in this folder."""
        found = {}
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{process}/cwd") == self.path(out):
                    with open(f"/proc/{process}/cmdline", encoding="utf-8") as file:
                        words = file.read().split("\0")
                    if "--out" in words:
                        found[words[words.index("--out") + 1]] = int(process)
            except OSError:  # it has ended
                pass
        return found

    def test_same_bytes_however_it_went(self):
        self.finish(self.recipe("through"))
        # Another one is stopped with two stages at work, then one of the two is killed.
        for stop in (lambda recipe, train: recipe.send_signal(signal.SIGTERM),
                     lambda recipe, train: os.kill(train, signal.SIGKILL)):
            recipe = self.recipe("stopped")
            while len(trains := self.at_work("stopped")) < 2:
                self.assertIsNone(recipe.poll(), "it ended early")
                time.sleep(0.05)
            stop(recipe, trains["teachers2"])
            recipe.wait()
            end = time.monotonic() + 10  # Python was told, but takes a moment
            while self.at_work("stopped") and time.monotonic() < end:
                time.sleep(0.05)
            self.assertEqual(self.at_work("stopped"), {})
            self.assertNotEqual(recipe.returncode, 0)
            recipe.stderr.close()
            self.assertFalse(os.path.exists(self.path("stopped", "teachers2",
                                                      "nem.safetensors")))
        self.finish(self.recipe("stopped"))
        for name in RESULTS:
            with open(self.path("through", name), "rb") as one, \
                    open(self.path("stopped", name), "rb") as other:
                self.assertEqual(one.read(), other.read(), name)
        self.check_gate(self.path("through", "nem.safetensors"))

    def check_gate(self, path):
        """The library's gate is the line that gate.py fitted, on features that PyTorch
        computes; nothing else of the file has changed."""
        gated, metadata = tensorfile.load(path)
        plain, _ = tensorfile.load(self.path("through", "mean", "nem.safetensors"))
        for name, values in plain.items():
            np.testing.assert_array_equal(gated.pop(name), values)
        self.assertEqual({name: values.shape for name, values in gated.items()},
                         {"gate.weight": (1, 512), "gate.bias": (1,)})
        self.assertRegex(metadata["gate"], "1 pictures-damaged")
        line = gated["gate.weight"][0], gated["gate.bias"][0]
        u, rng = checkpoint.load_weights(path), np.random.default_rng(3)
        values = []
        with Sympie(path) as sympie, torch.no_grad():
            for shade in np.linspace(0.05, 1, 20):
                image = (shade * tinydata.picture(rng, 232, 240)).astype(np.uint8)
                features = u.features(gate.to_tensor([gate.crop(image)])).numpy()[0]
                values.append(np.clip(features @ line[0] + line[1], 0, 1))
                self.assertAlmostEqual(sympie.gate(image), values[-1], delta=0.02)
        self.assertGreater(np.ptp(values), 0.1)

    def test_refuses(self):
        """A tree that is not committed, another commit's folder, photographs that are
        missing, and no VGG19."""
        tree = self.path("tree")
        os.mkdir(tree)
        shutil.copy(RECIPE, tree)

        def git(*words):
            subprocess.run(["git", "-C", tree, "-c", "user.name=x", "-c", "user.email=x@x",
                            *words], check=True, stdout=subprocess.DEVNULL)
        git("init", "-q")
        git("add", ".")
        git("commit", "-qm", "a")
        copy = os.path.join(tree, "recipe.sh")
        os.makedirs(self.path("begun"))
        with open(self.path("begun", "commit"), "w") as file:
            file.write("v0\n")
        process = self.recipe("begun", copy, ())
        self.assertIn("begun with commit v0", process.communicate()[1])
        self.assertEqual(process.returncode, 1)
        with open(self.path("dpkg-query"), "w") as file:
            file.write("#!/bin/sh\necho \"dpkg-query: package '$3' is not installed\" >&2\nexit 1\n")
        os.chmod(self.path("dpkg-query"), 0o755)
        process = self.recipe("bare", copy, (), PATH=f"{self.folder.name}:{os.environ['PATH']}")
        said = process.communicate()[1]
        self.assertIn("package 'lomiri-wallpapers-16.04' is not installed", said)
        self.assertRegex(said, "no photographs: apt-get install gnome-backgrounds .*ukui-w")
        self.assertEqual(process.returncode, 1)
        with open(copy, "a") as file:
            file.write("# more\n")
        process = self.recipe("new", copy, ())
        self.assertIn("tree is dirty; commit first:\n M recipe.sh", process.communicate()[1])
        self.assertEqual(process.returncode, 1)
        self.assertFalse(os.path.exists(self.path("new")))
        for variable, path in (("SYMPIE_VGG19_WEIGHTS", "none"),
                               ("XDG_DATA_HOME", "none/gst-sympie/vgg19.safetensors")):
            environment = {name: value for name, value in os.environ.items()
                           if name != "SYMPIE_VGG19_WEIGHTS"}
            done = subprocess.run([RECIPE, self.path("data"), self.path("new")], text=True,
                                  stderr=subprocess.PIPE,
                                  env=dict(environment, **{variable: self.path("none")}))
            self.assertIn(f"no VGG19 in {self.path(path)}: run weights/fetch-vgg19.sh",
                          done.stderr)
            self.assertEqual(done.returncode, 1)

    def test_the_made_up_data_has_every_split(self):
        split = data.split(data.read_index(self.path("data")))
        self.assertEqual([len(part) for part in split], [5, 2, 2])
        clips = data.split_clips(tinydata.CLIPS.values())
        self.assertEqual([len(part) for part in clips], [1, 0, 1])


if __name__ == "__main__":
    unittest.main()
