#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's binding: weights give the same 37 numbers, the same gate and the same
picture in C as in PyTorch, which refuse the same files in the same words; errors arrive
as exceptions."""

import os
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path[1:1] = [os.path.join(ROOT, "weights"), os.path.join(ROOT, "tests", "golden")]
try:
    import numpy as np
    import torch
    import checkpoint
    import model
    import tensorfile
except (ImportError, SystemExit) as why:
    print(f"skipped: {why}")
    sys.exit(77)

import make_nem
from sympie import Sympie

SHIPPED = os.path.join(ROOT, "weights", "nem.safetensors")
torch.set_num_threads(1)


def standardise(picture):
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    return (x - model.MEAN) / model.STD


def some_picture(rng, height, width):
    """Soft shapes and a little noise."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(rng.uniform(2, 20) * x + rng.uniform(2, 20) * y + c)
             for c in range(3)]
    noise = rng.normal(0, 10, (height, width, 3))
    return (128 + 90 * np.stack(waves, 2) + noise).clip(0, 255).astype(np.uint8)


def gate_about(u, features):
    """A gate that is half open for these features, and soft about them."""
    slope = torch.randn(len(features)) / features.abs().sum()
    u.gate = torch.nn.Linear(len(features), 1)
    u.gate.weight.copy_(slope[None])
    u.gate.bias.fill_(0.5 - slope @ features)


class Library(unittest.TestCase):
    def export(self, folder, gate_for=None):
        """Weights as training leaves them: no layer at its start. With a gate where there
        is a picture for it."""
        torch.manual_seed(5)
        u = model.Sympie().eval()
        with torch.no_grad():
            for name, value in u.state_dict().items():
                if "running_var" in name:
                    value.uniform_(0.5, 2)
                elif "running_mean" in name:
                    value.normal_(0, 0.2)
            u.colm.out.weight.normal_(0, 0.02)
            if gate_for is not None:
                gate_about(u, u.features(model.nem_crop(standardise(gate_for)))[0])
        path = os.path.join(folder, "w.safetensors")
        checkpoint.export(path, u, {"format": "pt"})
        return path

    def same_in_c(self, path, picture):
        """-> the 37 numbers and the gate that C and PyTorch agree on."""
        u, x = checkpoint.load_weights(path), standardise(picture)
        with Sympie(path) as sympie, torch.no_grad():
            features = u.features(model.nem_crop(x))
            want, gate = u.params(features)[0], u.opening(features).item()
            got = sympie.estimate(picture)
            np.testing.assert_allclose(got, want, atol=2e-3)
            self.assertAlmostEqual(sympie.gate(picture), gate, delta=2e-3)
            out = model.dwm(x, torch.from_numpy(got)[None])[0]
            out = 255 * (out * model.STD + model.MEAN).clamp(0, 1)
            far = np.abs(sympie.apply(picture, got) - out.permute(1, 2, 0).numpy())
            self.assertLess(far.max(), 1.5)
            np.testing.assert_allclose(u(x)[0], model.dwm(x, want[None])[0], atol=1e-5)
        return want, gate

    def test_same_in_c_as_in_pytorch(self):
        rng = np.random.default_rng(2)
        with tempfile.TemporaryDirectory() as folder:
            for size in ((224, 224), (160, 301), (464, 928)):
                params, gate = self.same_in_c(self.export(folder), some_picture(rng, *size))
                self.assertGreater((params - model.IDENTITY).abs().max(), 0.1)
                self.assertEqual(gate, 1)

    def test_a_gate_is_the_same(self):
        rng = np.random.default_rng(4)
        picture = some_picture(rng, 240, 320)
        with tempfile.TemporaryDirectory() as folder:
            path = self.export(folder)
            raw, _ = self.same_in_c(path, picture)
            params, gate = self.same_in_c(self.export(folder, picture), picture)
            self.assertAlmostEqual(gate, 0.5, delta=0.01)
            half = (raw + model.IDENTITY) / 2
            self.assertLess((params - half).abs().max(), 0.02)
            gates = [self.same_in_c(path, some_picture(rng, 240, 320) // n)[1]
                     for n in (1, 2, 4)]
            self.assertGreater(np.ptp(gates), 0.01)

    def test_a_gate_goes_through_files(self):
        """Not through the mean of several, whose features are others."""
        tensors, _ = tensorfile.load(SHIPPED)
        self.assertIsNone(checkpoint.load_weights(SHIPPED, SHIPPED).gate)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "w.safetensors")
            checkpoint.export(path, checkpoint.load_weights(SHIPPED), {})
            written, _ = tensorfile.load(path)
        self.assertEqual(set(written), set(tensors))
        for name, values in tensors.items():
            np.testing.assert_array_equal(written[name], values, name)
            self.assertEqual(written[name].dtype, values.dtype)

    def test_golden_numbers(self):
        """Those that tests/kernels/nem.c holds the library to."""
        with open(os.path.join(ROOT, "tests", "golden", "nem.txt")) as file:
            cases = [line.split()[1:] for line in file if line.startswith("crop ")]
        self.assertEqual(len(cases), 3)
        with tempfile.TemporaryDirectory() as folder:
            for weights, seed, *numbers in cases:
                path = SHIPPED
                if weights != "0":
                    path = os.path.join(folder, "seeded.safetensors")
                    tensorfile.save(path, {name: values.numpy() for name, values in
                                           make_nem.seeded(int(weights)).items()}, {})
                u = checkpoint.load_weights(path)
                crop = make_nem.Random(int(seed)).floats(3 * 224 * 224, -2, 2)
                with torch.no_grad():
                    features = u.features(torch.from_numpy(crop.reshape(1, 3, 224, 224)))
                    got = [*u.colm.out(features)[0], u.opening(features).item()]
                np.testing.assert_allclose(got, np.array(numbers, float), atol=1e-5)

    def test_enhance_feeds_back(self):
        picture = some_picture(np.random.default_rng(3), 64, 80)
        with tempfile.TemporaryDirectory() as folder, Sympie(self.export(folder)) as s:
            twice = s.enhance(s.enhance(picture))
            np.testing.assert_array_equal(s.enhance(picture, 2), twice)
            self.assertFalse(np.array_equal(twice, picture))

    def test_errors(self):
        with self.assertRaisesRegex(ValueError, "gone.safetensors"):
            Sympie("gone.safetensors")
        with Sympie() as sympie:
            with self.assertRaisesRegex(ValueError, "no weights"):
                sympie.estimate(np.zeros((8, 8, 3), np.uint8))
            with self.assertRaisesRegex(ValueError, "not finite"):
                sympie.apply(np.zeros((8, 8, 3), np.uint8), [float("nan")] * 37)
            with self.assertRaisesRegex(ValueError, "not uint8"):
                sympie.apply(np.zeros((8, 8, 3)), model.IDENTITY)

    def test_refuses_what_c_refuses(self):
        def put(tensors, name, value):
            tensors[name].flat[5 % tensors[name].size] = value

        tensors, _ = tensorfile.load(SHIPPED)
        faults = [(name, f"{name}, {value}", lambda t, n=name, v=value: put(t, n, v))
                  for name in ("gate.weight", "gate.bias", "colm.out.bias",
                               "colm.backbone.0.weight")
                  for value in (float("nan"), float("inf"), float("-inf"))]
        for name, values in tensors.items():
            if name.startswith("gate.") or name == "colm.out.weight":
                faults += [
                    (name, f"without {name}", lambda t, n=name: t.pop(n)),
                    (name, f"{name}, another shape", lambda t, n=name: t.update(
                        {n: t[n].reshape(-1 if t[n].ndim > 1 else ())})),
                    (name, f"{name}, more of it", lambda t, n=name: t.update(
                        {n: np.concatenate([t[n], t[n]])})),
                    (name, f"{name} of I64", lambda t, n=name: t.update(
                        {n: t[n].astype(np.int64)})),
                    (name, f"{name} of F64", lambda t, n=name: t.update(
                        {n: t[n].astype(np.float64)}))]
        variance = "colm.backbone.3.bn2.running_var"
        faults.append((variance, "variance", lambda t: put(t, variance, -1)))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "w.safetensors")
            for name, what, spoil in faults:
                spoilt = {name: values.copy() for name, values in tensors.items()}
                spoil(spoilt)
                tensorfile.save(path, spoilt, {})
                with self.subTest(what):
                    said = []
                    for load in (Sympie, checkpoint.load_weights):
                        with self.assertRaises(ValueError) as caught:
                            load(path)
                        said.append(str(caught.exception))
                    # The library reads BF16 as well.
                    self.assertEqual(said[0].replace("F32, F16 or BF16", "F32 or F16"), said[1])
                    self.assertIn(f"{path}: tensor '{name}' ", said[1])


if __name__ == "__main__":
    unittest.main()
