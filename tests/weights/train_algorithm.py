#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The training: its step against one written out by hand, DWM's gradient, exact
resume, and errors that name what is wrong."""

import copy
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "weights"))
try:
    import cv2
    import matplotlib
    import numpy as np
    import torch
    import tqdm
except ImportError as why:
    print(f"skipped: {why}")
    sys.exit(77)

import checkpoint
import data
import efficientnet_lite
import model
import tensorfile
import train
import trainlog
import upstream
from ahead import made_ahead
from torch import nn

torch.set_num_threads(1)
cv2.setLogLevel(0)
cv2.setNumThreads(1)
train.WARM_UP, train.KEEP, train.REUSE = 2, 2, 3
RECIPE = {"seed": 3, "rate": 1e-3, "steps": 10, "frozen": False, "start": ""}
CROP, WINDOW = 64, 56
DAMAGES = ["dark", "grey"]


def darker(images, names, severities, seeds):
    """A corruption that needs no library: noise, then less light or colour."""
    out = []
    for image, name, severity, seed in zip(images, names, severities, seeds):
        x = image + np.random.default_rng(int(seed)).normal(0, 5, image.shape)
        x = x / (1 + severity) if name == "dark" else 128 + (x - 128) / (1 + severity)
        out.append(x.clip(0, 255).astype(np.uint8))
    return np.stack(out)


def small_batches(seed=0):
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 256, (256, 256, 3), np.uint8) for _ in range(4)]
    return data.Batches(images, [1, 2, data.NO_LABEL, 4], DAMAGES, darker, size=2,
                        mixed=0.5, seed=seed, workers=2)


def small_upstream():
    torch.manual_seed(7)
    network = nn.Sequential(nn.Conv2d(3, 4, 7, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                            nn.Flatten(), nn.Linear(4, 10))
    return upstream.Upstream(network, side=56)


def new_run(recipe=RECIPE):
    return train.Run(recipe, len(DAMAGES), torch.device("cpu"))


def go(run, batches, f, steps, weights=train.Losses(restore=0.5, name=0.25)):
    """-> the losses of each step."""
    return [step(run, train.to_tensors(batch, "cpu"),
                 model.Sight(np.random.default_rng(run.step), CROP, WINDOW), weights, f)
            for batch in batches.iterate(run.step, steps)]


def step(run, tensors, sight=model.Sight(), weights=train.Losses(0, 0, restore=1), f=None):
    """The run's next one; by default by the distance alone, which needs no f.
    -> its losses."""
    run.set_rate()
    losses = train.train_step(run.u, run.u_ema, run.namer, f, run.optimiser, tensors, sight,
                              weights)
    run.step += 1
    return losses


class Step(unittest.TestCase):
    def test_step_equals_one_by_hand(self):
        """Algorithm 1 spelt out with autograd alone, no optimiser, no module
        but NEM's forward pass."""
        run, f = new_run(), small_upstream()
        with torch.no_grad():  # off the identity, and U_EMA off U
            run.u.colm.out.weight.normal_(0, 0.05)
            for value in run.u_ema.state_dict().values():
                if value.is_floating_point():
                    value.mul_(1.01)
        other = new_run()
        other.u.load_state_dict(run.u.state_dict())
        other.u_ema.load_state_dict(run.u_ema.state_dict())
        other.namer.load_state_dict(run.namer.state_dict())
        t = train.to_tensors(small_batches().batch(0), "cpu")
        t.y = torch.tensor([3, 7])
        sight = model.Sight(np.random.default_rng(1), CROP, WINDOW)
        run.set_rate()
        losses = train.train_step(run.u, run.u_ema, run.namer, f, run.optimiser, t,
                                  sight, train.Losses())

        u, u_ema, terms = other.u, other.u_ema, train.kernel_terms()

        def features_of(u, x, sight):
            return u.colm.backbone(sight.view(x)).mean((2, 3))

        def applied(p, x, sight):
            x = sight.window(x)
            out = torch.zeros_like(x)
            for n in range(len(x)):
                moved = x[n] + p[n, 9:12].view(3, 1, 1)
                mixed = (p[n, :9].view(3, 3).T @ moved.flatten(1)).view_as(x[n])
                wide = nn.functional.pad(mixed, (2, 2, 2, 2))
                height, width = x.shape[2:]
                out[n] = sum(p[n, 12 + 5 * i + j] * wide[:, i:i + height, j:j + width]
                             for i in range(5) for j in range(5))
            return out

        def surprise(logits):
            return (logits.logsumexp(1) - logits[[0, 1], t.y]).mean()

        # The last layer as it is trained: of features about their mean, in terms of
        # the kernel's sum.
        features = features_of(u, t.x, sight)
        centre = features.detach().mean(0)
        weight = (torch.linalg.inv(terms) @ u.colm.out.weight).detach().requires_grad_()
        bias = (torch.linalg.inv(terms) @ (u.colm.out.bias + u.colm.out.weight @ centre)
                ).detach().requires_grad_()

        def out(features):
            return ((features - centre) @ weight.T + bias) @ terms.T
        params = out(features)
        first = surprise(f(applied(params, t.x, sight)))
        with torch.no_grad():
            once = applied(u_ema.colm.out(features_of(u_ema, t.x, model.Sight())), t.x,
                           model.Sight())
        second = surprise(f(applied(out(features_of(u, once, sight)), once, sight)))
        self.assertAlmostEqual(losses["first"], first.item(), places=4)
        self.assertAlmostEqual(losses["second"], second.item(), places=4)

        parameters = [p for name, p in u.named_parameters() if "out" not in name]
        parameters += [weight, bias]
        # No picture's numbers get more of the first loss than the median picture's.
        shown, = torch.autograd.grad(first, params, retain_graph=True)
        norms = shown.norm(dim=1)
        self.assertGreater(norms.max() / norms.min(), 1.01)
        even = shown * (norms.min() / norms)[:, None]  # of two the lower is the median
        gradients = [a + b for a, b in zip(
            torch.autograd.grad(params, parameters, even, retain_graph=True),
            torch.autograd.grad(0.5 * second, parameters))]
        clipped, clear = 0, {}
        rate = {id(p): 1e-3 / 3 for p in parameters}  # first of two warm-up steps
        rate.update({id(p): train.HEAD_RATE * 1e-3 / 3 for p in (weight, bias)})
        average = {name: value.clone() for name, value in u_ema.state_dict().items()}
        with torch.no_grad():
            for p, g in zip(parameters, gradients):
                norm = g.square().sum().sqrt()
                clipped += norm > 1
                g = g / max(norm, 1)
                # Adam's first step: both moments, corrected, are g and g^2.
                p -= rate[id(p)] * g / (g.abs() + 1e-8)
                clear[id(p)] = g.abs() > 1e-4
        self.assertGreater(clipped, 0)
        self.assertLess(clipped, len(parameters))

        seen = 0
        with torch.no_grad():
            moved = torch.linalg.inv(terms) @ run.u.colm.out.weight
            parts = [p for name, p in run.u.named_parameters() if "out" not in name]
            parts += [moved, torch.linalg.inv(terms) @ (
                run.u.colm.out.bias + run.u.colm.out.weight @ centre)]
        for got, want in zip(parts, parameters):
            # Where a gradient is noise about 0, Adam's first step has its sign.
            where = clear[id(want)]
            seen += where.sum().item()
            self.assertLess((got - want)[where].abs().sum().item(), 1e-6 * where.numel())
        self.assertGreater(seen, 1000000)
        for name, got in run.u_ema.state_dict().items():
            if got.is_floating_point():
                want = train.EMA * average[name] + (1 - train.EMA) * run.u.state_dict()[name]
                self.assertLess((got - want).abs().max().item(), 1e-6, name)

    def test_unlabelled_pictures_do_not_count(self):
        logits = torch.randn(3, 10)
        some = train.cross_entropy(logits, torch.tensor([1, data.NO_LABEL, 2]))
        both = train.cross_entropy(logits[[0, 2]], torch.tensor([1, 2]))
        self.assertAlmostEqual(some.item(), both.item(), places=6)
        none = train.cross_entropy(logits, torch.full((3,), data.NO_LABEL))
        self.assertEqual(none.item(), 0)

    def test_unlabelled_pictures_take_the_upstreams_word(self):
        batches, f = small_batches(), small_upstream()
        labels = train.own_labels(f, batches.images, batches.labels, "cpu")
        np.testing.assert_array_equal(labels[[0, 1, 3]], [1, 2, 4])
        x = data.centre_crop(batches.images[2])[None]
        self.assertEqual(labels[2], f(model.standardise(x, "cpu")).argmax())
        self.assertEqual(batches.labels[2], data.NO_LABEL)

    def test_starts_from_the_mean_of_several(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in "ab"]
            runs = [new_run(dict(RECIPE, seed=seed)) for seed in (1, 2)]
            for run, path in zip(runs, paths):
                checkpoint.export(path, run.u,
                             {"recipe": json.dumps({"seed": run.recipe["seed"]}),
                              "history": '["before"]'})
            mean = checkpoint.load_weights(*paths).state_dict()
            history = checkpoint.history(",".join(paths))
            self.assertEqual([run["recipe"] for run in history], [{"seed": 1}, {"seed": 2}])
            self.assertEqual([run.get("start") for run in history], [["before"], None])
            alone = [checkpoint.load_weights(path).state_dict() for path in paths]
        for name in ("colm.backbone.0.weight", "colm.backbone.5.bn2.running_var"):
            want = (alone[0][name] + alone[1][name]) / 2
            self.assertLess((mean[name] - want).abs().max().item(), 1e-6)
        self.assertFalse(torch.equal(alone[0]["colm.backbone.0.weight"],
                                     alone[1]["colm.backbone.0.weight"]))

    def test_a_gate_does_not_train(self):
        shipped = os.path.join(ROOT, "weights", "nem.safetensors")
        run = new_run(dict(RECIPE, start=shipped))
        want = checkpoint.load_weights(shipped).state_dict()
        self.assertIn("gate.weight", want)
        for module in (run.u, run.u_ema):
            self.assertEqual(set(want) - set(module.state_dict()), {"gate.weight", "gate.bias"})

    def test_settled_norms_are_those_of_the_librarys_crop(self):
        u, rng = new_run().u, np.random.default_rng(5)
        pictures = [torch.from_numpy(rng.normal(k, 1 + k, (2, 3, 256, 256))).float()
                    for k in range(2)]
        before = {name: value.clone() for name, value in u.state_dict().items()}
        settled = train.settled(u, pictures).colm.backbone[1]
        with torch.no_grad():
            seen = [u.colm.backbone[0](model.nem_crop(x)) for x in pictures]
        mean = sum(x.mean((0, 2, 3)) for x in seen) / 2
        variance = sum(x.var((0, 2, 3)) for x in seen) / 2
        self.assertLess((settled.running_mean - mean).abs().max().item(), 1e-4)
        self.assertLess((settled.running_var / variance - 1).abs().max().item(), 1e-3)
        for name, value in u.state_dict().items():  # a copy was settled
            self.assertTrue(torch.equal(value, before[name]), name)

    def test_anchored_leaves_undamaged_pictures_alone(self):
        """What is least squares, no other last layer has less of."""
        class Features(model.Sympie):
            def features(self, seen):  # the first of a picture's values
                return seen.flatten(1)[:, :512]
        torch.manual_seed(4)
        rng, u = np.random.default_rng(4), Features()
        nn.init.normal_(u.colm.out.weight, 0, 0.05)
        out = copy.deepcopy(u.colm.out)
        batches = [data.Batch(None, rng.integers(0, 256, (64, 256, 256, 3), np.uint8), None,
                              rng.integers(0, 2, (64, 1)).astype(np.float32))
                   for _ in range(2)]
        damaged = np.concatenate([b.damage[:, 0] for b in batches]) > 0
        features = torch.cat([u.features(model.nem_crop(model.standardise(b.corrupted, "cpu")))
                              for b in batches]).double()
        with torch.no_grad():
            before = out(features.float()).double()
        about = features - features.mean(0)
        ridge = 0.01 * sum(about[d].square().mean() for d in (damaged, ~damaged))

        def left(layer):
            after = features @ layer.weight.double().T + layer.bias.double()
            return ((after - model.IDENTITY)[~damaged].square().sum() / (~damaged).sum()
                    + (after - before)[damaged].square().sum() / damaged.sum()
                    + ridge * (layer.weight.double() - out.weight.double()).square().sum())

        anchored = train.anchored(u, batches, "cpu").colm.out
        loss = left(anchored)
        self.assertLess(loss, 0.5 * left(out))
        # The gradient vanishes where it did not before.
        steep = [torch.autograd.grad(left(layer), list(layer.parameters()))
                 for layer in (anchored, out)]
        for least, first in zip(*steep):
            self.assertLess(least.norm().item(), 1e-3 * first.norm().item())
        self.assertTrue(torch.equal(u.colm.out.weight, out.weight))  # a copy was anchored
        for damage in (0, 1):
            for batch in batches:
                batch.damage[:] = damage
            with self.assertRaisesRegex(ValueError, "--anchor draws only"):
                train.anchored(u, batches, "cpu")

    def test_starts_at_the_identity(self):
        x = torch.randn(2, 3, 40, 50)
        enhanced = model.Sympie().eval()(x)
        self.assertLess((enhanced - x).abs().max().item(), 1e-6)

    def test_codec_share(self):
        def coded(images, severity, seed):
            side = data.SIDE
            return [[np.full((side, side, 3), value, np.uint8) for value in (0, severity)]
                    for _ in images]
        batches = small_batches()
        batches = data.Batches(batches.images, batches.labels, DAMAGES, darker,
                               codec=coded, codec_share=0.8, size=50)
        batch = batches.batch(0)
        drawn = batch.damage > 0
        self.assertGreater(drawn[:, 2].mean(), 0.6)
        self.assertLess(drawn[:, :2].any(1).mean(), 0.35)
        self.assertFalse(drawn[drawn[:, 2]][:, :2].any())
        for i in np.flatnonzero(drawn[:, 2]):
            self.assertEqual(batch.clean[i].max(), 0)
            self.assertTrue((batch.corrupted[i] == round(5 * batch.damage[i, 2])).all())

    def test_losses_fall(self):
        """Dark pictures, again and again, become lighter."""
        run, batch = new_run(dict(RECIPE, rate=1e-3, steps=20)), small_batches().batch(0)
        batch.corrupted = batch.clean // 3
        sight = model.Sight(np.random.default_rng(1), CROP)
        losses = [step(run, train.to_tensors(batch, "cpu"), sight)["restore"]
                  for _ in range(20)]
        self.assertLess(losses[-1], 0.9 * losses[0])

    def test_even_gradients(self):
        gradient = torch.tensor([[3.0, 4], [0, 1], [0, 0], [0, 2], [60, 80]])
        want = torch.tensor([[1.2, 1.6], [0, 1], [0, 0], [0, 2], [1.2, 1.6]])
        self.assertLess((train.at_most_median(gradient) - want).abs().max().item(), 1e-6)

    def test_centred_step_moves_the_mean_by_the_bias_alone(self):
        run, centre = new_run(), torch.rand(512) + 1
        features = centre + 0.1 * torch.randn(8, 512)
        before = run.u.colm.out(centre).detach()
        run.set_rate()
        run.u.colm.out(features).square().sum().backward()
        gradient = run.u.colm.out.bias.grad.clone()
        train.step_about(centre, run.u, run.optimiser)
        moved = run.u.colm.out(centre).detach() - before
        rate = train.HEAD_RATE * 1e-3 / 3  # Adam's first step, of two warm-up steps
        want = -rate * train.TERMS @ (train.TERMS.T @ gradient).sign()
        self.assertLess((moved - want).abs().max().item(), 1e-4)

    def test_kernel_terms_keep_its_sum(self):
        terms = train.kernel_terms()
        moved = terms @ torch.eye(model.N_PARAMS)[:, 12]  # the kernel's first tap
        self.assertEqual(moved[12], 1)
        self.assertEqual(moved[12:].sum(), 0)

    def test_front_and_back_are_the_whole(self):
        u, x = new_run().u.eval(), torch.randn(2, 3, 224, 224)
        with torch.no_grad():
            want = u.colm.backbone(x).mean((2, 3))
            for blocks in range(model.BLOCKS + 1):
                got = u.back(u.front(x, blocks), blocks)
                self.assertLess((got - want).abs().max().item(), 1e-5, blocks)

    def test_frozen_leaves_the_rest_alone(self):
        """Each batch is met REUSE times, and only what is behind the frozen layers
        changes, by as much as if nothing had been kept."""
        run = new_run(dict(RECIPE, frozen=True))
        with torch.no_grad():  # off the identity, or no gradient reaches NEM
            run.u.colm.out.weight.normal_(0, 0.05)
        plain = new_run(dict(RECIPE, frozen=True))
        plain.u.load_state_dict(run.u.state_dict())
        before = {k: v.clone() for k, v in run.u.state_dict().items()}
        fronts = []
        for batch in train.kept_batches(run, small_batches(), "cpu"):
            fronts.append(batch.front)
            step(run, batch)
            if run.step <= 2:
                batch.front = None
                step(plain, batch)
                for got, want in zip(run.u.state_dict().values(),
                                     plain.u.state_dict().values()):
                    self.assertLess((got - want).abs().float().max().item(), 1e-5)
        self.assertEqual(len(fronts), RECIPE["steps"])
        self.assertIs(fronts[0], fronts[2])
        self.assertIs(fronts[0], fronts[4])
        self.assertIsNot(fronts[0], fronts[6])
        changed = {k for k, v in run.u.state_dict().items()
                   if not torch.equal(v, before[k])}
        still = tuple(f"colm.backbone.{i}." for i in range(model.STEM + train.FROZEN))
        want = {k for k, _ in run.u.named_parameters() if not k.startswith(still)}
        self.assertEqual(changed, want)

    def test_mistakes(self):
        logits = torch.tensor([[0.0, 2, 1], [3, 0, 0], [5, 5, 5]])
        p = logits.softmax(1)
        got = train.mistakes(logits, torch.tensor([1, 2, data.NO_LABEL]))
        self.assertAlmostEqual(got.item(), 1 - (p[0, 1] + p[1, 2]).item() / 2, places=6)
        none = train.mistakes(logits, torch.full((3,), data.NO_LABEL))
        self.assertEqual(none.item(), 0)

    def test_mistakes_train_as_cross_entropy_does(self):
        """The gradient of 1 - p(y) is p(y) times that of the cross entropy."""
        logits, y = torch.randn(1, 10, requires_grad=True), torch.tensor([3])
        of_mistakes, of_entropy = (torch.autograd.grad(loss(logits, y), logits)[0]
                                   for loss in (train.mistakes, train.cross_entropy))
        want = logits.softmax(1)[0, 3] * of_entropy
        self.assertLess((of_mistakes - want).abs().max().item(), 1e-6)

        gradients = []
        for weights in (train.Losses(1, 0), train.Losses(0, 0, wrong=1)):
            run = new_run()
            t = train.to_tensors(small_batches().batch(0), "cpu")
            t.x, t.y = t.x[:1], y
            step(run, t, weights=weights, f=small_upstream())
            gradients.append(run.u.colm.out.bias.grad)
        for gradient in gradients:  # what was clipped has lost its length
            self.assertGreater(gradient.norm().item(), 0)
        a, b = (g / g.norm() for g in gradients)
        self.assertLess((a - b).abs().max().item(), 1e-4)


class Dwm(unittest.TestCase):
    def test_gradient(self):
        torch.manual_seed(0)
        x = torch.randn(2, 3, 6, 7, dtype=torch.double, requires_grad=True)
        params = torch.randn(2, 37, dtype=torch.double, requires_grad=True)
        self.assertTrue(torch.autograd.gradcheck(model.dwm, (x, params)))


class EfficientNetLite(unittest.TestCase):
    def test_batch_norm_is_folded_in(self):
        torch.manual_seed(4)
        conv, norm = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8, eps=1e-3)
        for value in (norm.weight, norm.bias, norm.running_mean):
            nn.init.normal_(value)
        nn.init.uniform_(norm.running_var, 0.1, 2)
        state = {f"{prefix}.{name}": value for prefix, module in (("c", conv), ("n", norm))
                 for name, value in module.state_dict().items()}
        weight, bias = map(torch.from_numpy, efficientnet_lite.folded(state, "c", "n"))
        x = torch.randn(2, 3, 9, 9)
        with torch.no_grad():
            want = norm.eval()(conv(x))
        got = nn.functional.conv2d(x, weight, bias)
        self.assertLess((got - want).abs().max().item(), 1e-5)

    def test_absent_package(self):
        with self.assertRaisesRegex(ValueError, "no efficientnet_lite9_pytorch_model"):
            efficientnet_lite.checkpoint_path("efficientnet_lite9")


class Resume(unittest.TestCase):
    def test_resume_equals_no_interruption(self):
        f = small_upstream()
        through = new_run()
        go(through, small_batches(), f, 6)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "checkpoint")
            first = new_run()
            go(first, small_batches(), f, 2)
            first.save(path)
            go(first, small_batches(), f, 3)
            first.save(path)  # over an older one
            sizes = [os.path.getsize(os.path.join(path, n)) for n in os.listdir(path)]
            self.assertLessEqual(max(sizes), 16 << 20)
            self.assertEqual(os.listdir(folder), ["checkpoint"])
            second = new_run()
            second.load(path)
            self.assertEqual(second.step, 3)
            go(second, small_batches(), f, 6)
        want = through.tensors()
        self.assertEqual(set(want), set(second.tensors()))
        for name, got in second.tensors().items():
            self.assertTrue(torch.equal(got, want[name]), name)

    def test_frozen_resumes_in_the_midst_of_kept_batches(self):
        recipe = dict(RECIPE, frozen=True, steps=9)
        through, first, second = (new_run(recipe) for _ in range(3))
        for batch in train.kept_batches(through, small_batches(), "cpu"):
            step(through, batch)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "checkpoint")
            for batch in train.kept_batches(first, small_batches(), "cpu"):
                step(first, batch)
                if first.step == 7:
                    first.save(path)
                    break
            second.load(path)
        for batch in train.kept_batches(second, small_batches(), "cpu"):
            step(second, batch)
        self.assertEqual(second.step, 9)
        for name, got in second.tensors().items():
            self.assertTrue(torch.equal(got, through.tensors()[name]), name)

    def test_batches_depend_on_the_step_alone(self):
        a, b = small_batches(), small_batches()
        for want, got in zip(a.iterate(0, 4), [b.batch(i) for i in range(4)]):
            np.testing.assert_array_equal(want.corrupted, got.corrupted)
        self.assertFalse(np.array_equal(a.batch(0).corrupted, a.batch(1).corrupted))

    def test_log_forgets_steps_after_the_checkpoint(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log.csv")
            log = trainlog.Log(path, 0)
            for step in (20, 40):
                log.add({"first": 1.0})
                log.write(step, {})
            trainlog.Log(path, 20)
            with open(path) as file:
                self.assertEqual([row.split(",")[0] for row in file], ["step", "20"])
            trainlog.plot(path, os.path.join(folder, "losses.png"))
            self.assertGreater(os.path.getsize(os.path.join(folder, "losses.png")), 1000)


def made(number):
    return np.full((2, 3), number, np.uint8), {"twice": 2 * number}


def refused(number):
    if number == 5:
        raise ValueError("no 5")
    return made(number)


def killed(number):
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return made(number)


class Ahead(unittest.TestCase):
    def got(self, make, workers=3):
        return list(made_ahead(make, range(2, 13), (2, 3), workers))

    def test_results_come_in_order(self):
        for workers in (1, 3, 20):
            for number, (array, rest) in zip(range(2, 13), self.got(made, workers)):
                np.testing.assert_array_equal(array, np.full((2, 3), number))
                self.assertEqual(rest, {"twice": 2 * number})

    def test_an_error_comes_through(self):
        with self.assertRaisesRegex(ValueError, "no 5"):
            self.got(refused)

    def test_a_killed_process_is_an_error(self):
        with self.assertRaisesRegex(RuntimeError, "killed"):
            self.got(killed)

    def test_who_stops_early_leaves_no_process(self):
        results = made_ahead(made, range(100), (2, 3), 3)
        next(results)
        self.assertEqual(len(multiprocessing.active_children()), 3)
        results.close()
        self.assertEqual(multiprocessing.active_children(), [])


class BadInput(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, *parts):
        return os.path.join(self.folder.name, *parts)

    def test_picture_that_does_not_decode(self):
        with open(self.path("torn.webp"), "wb") as file:
            file.write(b"RIFF....WEBP")
        with self.assertRaisesRegex(ValueError, "torn.webp.*OpenCV can decode"):
            data.decode(self.path("torn.webp"))
        with self.assertRaisesRegex(ValueError, "gone.webp is missing"):
            data.decode(self.path("gone.webp"))

    def test_class_list_that_does_not_match(self):
        for wnid in ("n01", "n02"):
            os.mkdir(self.path(wnid))
        with self.assertRaisesRegex(ValueError, "2 class folders, not the 1000"):
            data.read_imagenet(self.folder.name)
        os.makedirs(self.path("images", "train"))
        os.makedirs(self.path("images", "extra"))
        index = self.path("images", "extra", "index.csv")
        with open(index, "w") as file:
            file.write("file,class_index,wnid\na.webp,1000,n1\n")
        with self.assertRaisesRegex(ValueError, "a.webp has class 1000"):
            data.read_index(self.folder.name)
        for text in ("file,class_index,wnid\na.webp,1,n1\nb.webp,,n1\n",
                     "file,class_index,wnid\na.webp,1,n1\nb.webp\n",
                     "file,label,wnid\na.webp,1,n1\n"):
            with open(index, "w") as file:
                file.write(text)
            with self.assertRaisesRegex(ValueError, r"index.csv, line [23]: not file,class_i"):
                data.read_index(self.folder.name)
        open(self.path("images", "train", "tench.webp"), "w").close()
        with self.assertRaisesRegex(ValueError, "tench.webp: the name must start"):
            data.read_index(self.folder.name)

    def test_checkpoint_with_wrong_shapes(self):
        run = new_run()
        tensors = run.tensors()
        tensors["u.colm.out.weight"] = torch.zeros(36, 512)
        checkpoint.save_checkpoint(self.path("checkpoint"), 1, RECIPE, tensors)
        with self.assertRaisesRegex(ValueError, r"checkpoint: tensor 'u.colm.out.weight' has "
                                    r"the shape \[36, 512\], not \[37, 512\]$"):
            run.load(self.path("checkpoint"))

    def test_checkpoint_of_another_recipe(self):
        new_run().save(self.path("checkpoint"))
        with self.assertRaisesRegex(ValueError, "another --rate$"):
            new_run(dict(RECIPE, rate=1.0)).load(self.path("checkpoint"))

    def test_incomplete_checkpoint(self):
        new_run().save(self.path("checkpoint"))
        os.remove(self.path("checkpoint", "01.safetensors"))
        with self.assertRaisesRegex(ValueError, "no complete checkpoint"):
            new_run().load(self.path("checkpoint"))

    def test_weights_that_are_none(self):
        with open(self.path("w.safetensors"), "wb") as file:
            file.write(b"\xff" * 64)
        with self.assertRaisesRegex(ValueError, "w.safetensors is not a readable"):
            checkpoint.load_weights(self.path("w.safetensors"))
        tensorfile.save(self.path("w.safetensors"), {"a": np.zeros(1, np.float32)}, {})
        with self.assertRaisesRegex(ValueError, "tensor 'colm.backbone.0.weight' is missing"):
            checkpoint.load_weights(self.path("w.safetensors"))

    def test_losses(self):
        self.assertEqual(train.Losses.parse("restore=0.5,first=1"),
                         train.Losses(1, 0, restore=0.5))
        with self.assertRaisesRegex(ValueError, "tabel is none of first, second"):
            train.Losses.parse("tabel=1")
        with self.assertRaisesRegex(ValueError, "first=x has no number"):
            train.Losses.parse("first=x")


if __name__ == "__main__":
    unittest.main()
