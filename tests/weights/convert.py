#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The conversion of checkpoints: what PyTorch saved is what libsympie opens, and
each thing that can be wrong has an error of one line that names it."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CONVERT = os.path.join(ROOT, "weights", "convert.py")
sys.path[0] = os.path.dirname(CONVERT)  # not this folder: this file has the same name
try:
    import numpy as np
    import torch
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

import convert
import tensorfile
from sympie import Sympie

torch.set_num_threads(1)
SHIPPED = os.path.join(ROOT, "weights", "nem.safetensors")
CONV, BN, OUT = ("colm.backbone.3.conv1.weight", "colm.backbone.4.bn2.running_var",
                 "colm.out.bias")


def shipped_state():
    """The shipped weights as a state dict, of F32 as PyTorch trains them, without
    the gate, which the authors' checkpoints do not have."""
    tensors, _ = tensorfile.load(SHIPPED)
    state = {name: torch.from_numpy(values.astype(np.float32))
             for name, values in tensors.items() if not name.startswith("gate.")}
    state["colm.backbone.1.num_batches_tracked"] = torch.tensor(350)
    return state


class Trap:
    """A pickle of it makes a folder when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.state = shipped_state()
        self.pth, self.out = self.path("c.pth"), self.path("out.safetensors")

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_script(self, *arguments, **environment):
        return subprocess.run([sys.executable, CONVERT, *arguments], text=True,
                              capture_output=True, env={**os.environ, **environment})


class Converts(Case):
    def check(self, checkpoint, dtype="f32", atol=1e-4, **options):
        """Converts, opens in the library, compares. -> the names ignored."""
        torch.save(checkpoint, self.pth)
        _, ignored = convert.convert(self.pth, self.out, dtype, **options)
        tensors, _ = tensorfile.load(self.out)
        want = {name: value for name, value in self.state.items()
                if not name.endswith("num_batches_tracked")}
        self.assertEqual(set(tensors), set(want))
        for name, value in want.items():
            half = dtype == "f16" and value.dim() == 4
            self.assertEqual(tensors[name].dtype, np.float16 if half else np.float32)
            np.testing.assert_array_equal(
                tensors[name], value.float().numpy().astype(tensors[name].dtype), name)
        with Sympie(self.out) as got, Sympie(SHIPPED, ignore_gate=True) as shipped:
            picture = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
            np.testing.assert_allclose(got.estimate(picture), shipped.estimate(picture),
                                       atol=atol)
        return ignored

    def test_state_dict_itself(self):
        for dtype in ("f16", "f32"):
            self.assertEqual(self.check(self.state, dtype), [])

    def test_under_each_usual_key(self):
        for key in ("state_dict", "model", "model_state_dict"):
            self.check({"epoch": 3, key: self.state, "optimizer": {"state": {}}})

    def test_prefix_and_classifier(self):
        model = {"module." + name: value for name, value in self.state.items()}
        model["module.classifier.fc.weight"] = torch.zeros(10, 4)
        model["module.classifier.fc.bias"] = torch.full((10,), float("nan"))
        model["module.classifier.bn.num_batches_tracked"] = torch.tensor(1)
        self.assertEqual(self.check({"model": model}),
                         ["classifier.fc.weight", "classifier.fc.bias"])

    def test_other_floating_dtypes_and_parameters(self):
        saved = dict(self.state)
        saved[OUT] = self.state[OUT].double()
        saved[CONV] = torch.nn.Parameter(self.state[CONV])
        self.state[BN] = saved[BN] = self.state[BN].bfloat16()
        self.check(saved, atol=2e-3)  # for what bfloat16 has rounded

    def test_older_pickles(self):
        torch.save(self.state, self.pth, _use_new_zipfile_serialization=False)
        convert.convert(self.pth, self.out)
        Sympie(self.out).close()

    def test_rounds_to_f16(self):
        self.state[CONV].add_(1e-5)
        torch.save(self.state, self.pth)
        tensors, _ = convert.convert(self.pth, self.out, "f16")
        self.assertTrue((tensors[CONV] == self.state[CONV].half().numpy()).all())
        self.assertFalse((tensors[CONV] == self.state[CONV].numpy()).all())

    def test_command(self):
        torch.save({**self.state, "net.a": torch.zeros(1), "net.b": torch.zeros(1),
                    "colm.odd": torch.zeros(1)}, self.pth)
        done = self.run_script(self.pth, self.out, "--dtype", "f32",
                               "--metadata", "licence=a = b", "--metadata", "step=350")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("ignored: net.* (2), colm.odd\n", done.stdout)
        tensors, metadata = tensorfile.load(self.out)
        self.assertEqual(tensors[CONV].dtype, np.float32)
        self.assertEqual(metadata, {"format": "pt", "model": "SyMPIE NEM",
                                    "source": "c.pth", "licence": "a = b", "step": "350"})


class Refuses(Case):
    def refuses(self, pattern, checkpoint=None, dtype="f16", **options):
        if checkpoint is not None:
            torch.save(checkpoint, self.pth)
        with self.assertRaisesRegex(ValueError, pattern) as caught:
            convert.convert(self.pth, self.out, dtype, **options)
        self.assertIn(self.pth, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))
        self.assertFalse(os.path.exists(self.out))

    def with_tensor(self, name, value):
        return {**self.state, name: value}

    def with_element(self, name, value):
        tensor = self.state[name].clone()
        tensor.view(-1)[7] = value
        return self.with_tensor(name, tensor)

    def test_no_checkpoint(self):
        self.refuses("c.pth: No such file or directory$")
        os.mkdir(self.pth)
        self.refuses("c.pth: Is a directory$")
        os.rmdir(self.pth)
        torch.save(self.state, self.pth)
        with open(self.pth, "rb") as file:
            whole = file.read()
        for content in (b"", b"garbage", b"\xff" * 64, whole[:200], whole[:-200]):
            with open(self.pth, "wb") as file:
                file.write(content)
            self.refuses("c.pth is not a checkpoint of weights: .")

    def test_no_state_dict(self):
        for other in ([1, 2], torch.zeros(3), {}, {"state_dict": 5},
                      {"weights": self.state}, {"fc.weight": torch.zeros(1)}):
            self.refuses(r"c.pth: no tensors named colm.\*, directly or under "
                         "state_dict, model_state_dict, model$", other)

    def test_missing_tensor(self):
        for name in (CONV, BN, OUT):
            self.refuses(f"c.pth has no tensor {name}$",
                         {key: v for key, v in self.state.items() if key != name})

    def test_tensor_twice(self):
        self.refuses(f"tensor {OUT} is there with and without 'module.'",
                     self.with_tensor("module." + OUT, self.state[OUT]))

    def test_wrong_shape(self):
        self.refuses(rf"tensor {OUT} has shape \[36\], not \[37\]$",
                     self.with_tensor(OUT, torch.zeros(36)))
        self.refuses(rf"tensor {CONV} has shape \[128, 64, 9\], not \[128, 64, 3, 3\]$",
                     self.with_tensor(CONV, self.state[CONV].flatten(2)))

    def test_wrong_dtype(self):
        self.refuses(f"tensor {OUT} has dtype torch.int64, ",
                     self.with_tensor(OUT, torch.zeros(37, dtype=torch.int64)))
        self.refuses(f"tensor {OUT} has dtype torch.complex64, ",
                     self.with_tensor(OUT, torch.zeros(37, dtype=torch.complex64)))
        self.refuses(f"tensor {OUT} has dtype torch.float32, torch.sparse_coo, ",
                     self.with_tensor(OUT, torch.zeros(37).to_sparse()), trust=True)
        self.refuses(f"tensor {OUT} is of type list, not a tensor$",
                     self.with_tensor(OUT, [0] * 37))

    def test_not_finite(self):
        for name in (CONV, BN, OUT):
            for value in (float("nan"), float("inf"), float("-inf")):
                self.refuses(f"tensor {name} holds NaN or infinity$",
                             self.with_element(name, value))

    def test_overflow(self):
        self.refuses(f"tensor {CONV} overflows F16: it holds -70000$",
                     self.with_element(CONV, -70000.0))
        torch.save(self.with_element(CONV, -70000.0), self.pth)
        convert.convert(self.pth, self.out, "f32")
        os.remove(self.out)
        self.state[OUT] = self.state[OUT].double()
        self.refuses(rf"tensor {OUT} overflows F32: it holds 1e\+40$",
                     self.with_element(OUT, 1e40))

    def test_code_runs_only_when_trusted(self):
        trap = self.path("sprung")
        checkpoint = {"state_dict": self.state, "more": Trap(trap)}
        self.refuses("not a checkpoint of weights: .*mkdir.*; --trust reads more",
                     checkpoint)
        self.assertFalse(os.path.exists(trap))
        convert.convert(self.pth, self.out, trust=True)
        self.assertTrue(os.path.exists(trap))

    def test_command(self):
        def fails(pattern, *arguments, status=1, **environment):
            done = self.run_script(*arguments, **environment)
            self.assertEqual((done.returncode, done.stdout), (status, ""))
            self.assertRegex(done.stderr, pattern)
            return done.stderr.count("\n")

        gone = self.path("gone.pth")
        self.assertEqual(fails(r"^convert.py: .*gone.pth: No such", gone, self.out), 1)
        torch.save(self.state, self.pth)
        self.assertEqual(fails("^convert.py: cannot write .*/no/out: No such file",
                               self.pth, self.path("no/out")), 1)
        for wrong in ("licence", "=a", "a=\n"):
            fails("is not key=value", self.pth, self.out, "--metadata", wrong, status=2)
        fails("invalid choice: 'f64'", self.pth, self.out, "--dtype", "f64", status=2)
        with open(self.path("torch.py"), "w") as file:
            file.write("raise ImportError(\"No module named 'torch'\")")
        self.assertEqual(fails("^convert.py: No module named 'torch'; see setup.sh --all$",
                               self.pth, self.out, PYTHONPATH=self.folder), 1)


if __name__ == "__main__":
    unittest.main()
