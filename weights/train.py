#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains NEM as in Algorithm 1 of the SyMPIE paper (section 3.4).

    weights/train.py --data ../shared/data --out build/train/run --steps 2000

A frozen classifier f judges pictures that U (NEM, then DWM) enhanced. U learns
from the loss of its own output and, so that enhancing twice does no harm, from
the loss of its output on what its moving average U_EMA enhanced already. The
paper's budget is 50 000 steps of 384 pictures; recipe.sh makes nem.safetensors
with less, by further losses and in several stages.

The run resumes from what it finds in --out, exactly as if never interrupted.
"""

import argparse
import copy
import json
import math
import os
import sys
from dataclasses import dataclass, fields

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import cv2
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import nn
    from tqdm import tqdm
    import trainlog  # matplotlib
except ImportError as why:
    sys.exit(f"train.py: {why}; see setup.sh --all")

import codec
import data
from checkpoint import (commit, export, fill, history, load_checkpoint, load_weights,
                        save_checkpoint)
from model import (IDENTITY, N_PARAMS, STEM, Sight, Sympie, clamped, dwm, nem_crop,
                   standardise)
from upstream import Upstream, load_upstreams

# What every stage shares; EXPERIMENTS.md has what it was measured against.
EMA = 0.98          # the paper: 0.9, with batches twelve times as large
HEAD_RATE = 0.2     # of the last layer, which is trained about its features' mean
WARM_UP = 20        # steps until the rate is full
MIXED = 0.15        # share of samples with two or three corruptions
CODEC_SHARE = 0.1   # with --codec, of samples that a codec damages
WINDOW = 192        # side of the random square that DWM and the classifier get
SIZES = (160, 192)  # at which the classifier judges, in turn
FROZEN = 1          # blocks of NEM that --frozen leaves alone: four fifths of its work
KEEP, REUSE = 90, 6  # with --frozen: batches held at a time, steps with each of them
SETTLING = 16       # batches of which what is judged and written has the statistics
JUDGED = 8          # batches that judge
SAVE_EVERY, LOG_EVERY, JUDGE_EVERY = 100, 20, 1000  # steps


# ---- Algorithm 1 -----------------------------------------------------------

@dataclass
class Losses:
    """Weights of the losses; the defaults are the paper's."""
    first: float = 1.0     # CE(f(U(x)), y)
    second: float = 0.5    # CE(f(U(U_EMA(x))), y)
    wrong: float = 0.0     # 1 - f's probability of y for U(x)
    restore: float = 0.0   # distance from the clean picture: favours no classifier
    name: float = 0.0      # corruption and severity from NEM's features

    @staticmethod
    def parse(text):
        """"first=1,restore=0.5": what is not named is 0."""
        known = [field.name for field in fields(Losses)]
        weights = dict.fromkeys(known, 0.0)
        for part in text.split(","):
            name, _, weight = part.partition("=")
            if name not in known:
                raise ValueError(f"--losses: {name} is none of {', '.join(known)}")
            try:
                weights[name] = float(weight)
            except ValueError:
                raise ValueError(f"--losses: {part} has no number") from None
        return Losses(**weights)


def train_step(u, u_ema, namer, f, optimiser, batch, sight, weights):
    """One step of Algorithm 1. -> the losses by name."""
    losses = {}
    features = (u.features(sight.view(batch.x)) if batch.front is None else
                u.back(batch.front, FROZEN))
    x, clean = sight.window(batch.x), sight.window(batch.clean)
    params = u.colm.out(features)
    if weights.first or weights.wrong:
        shown = params.clone()
        shown.register_hook(at_most_median)
        logits = f(dwm(x, shown))
    if weights.first:
        losses["first"] = cross_entropy(logits, batch.y)
    if weights.wrong:
        losses["wrong"] = mistakes(logits, batch.y)
    if weights.second:
        with torch.no_grad():
            x_ema = u_ema(batch.x, Sight())
        losses["second"] = cross_entropy(f(u(x_ema, sight)), batch.y)
    if weights.restore:
        x, clean = corner(x), corner(clean)
        losses["restore"] = restoration(dwm(x, params), x, clean)
    if weights.name:
        losses["name"] = naming(namer(features), batch.damage)

    optimiser.zero_grad()
    sum(getattr(weights, name) * loss for name, loss in losses.items()).backward()
    step_about(features.detach().mean(0), u, optimiser)
    update_ema(u_ema, u)
    return {name: loss.item() for name, loss in losses.items()}


def cross_entropy(logits, y):
    return over_labelled(logits.float().log_softmax(1), y)


def mistakes(logits, y):
    """1 - p(y): cross entropy gains as much from doubt about what is wrong anyway as
    from being right."""
    return over_labelled(logits.float().softmax(1) - 1, y)


def over_labelled(scores, y):
    """(N, classes): the mean of -scores[y] over the labelled pictures; 0 where there
    are none."""
    return F.nll_loss(scores, y, ignore_index=data.NO_LABEL,
                      reduction="sum") / (y != data.NO_LABEL).sum().clamp(min=1)


def corner(x, side=112):
    """What distances are taken from: less than everything tells as much."""
    return x[..., :side, :side]


def restoration(enhanced, x, clean):
    """What is left of the distance to the clean picture, and of its gradients'
    (edges weigh little in the former). A shift of a whole channel counts a
    twentieth: networks bear it, and to fear it would keep contrast low. The
    floor is for pictures where nothing was to be gained."""
    def distance(a, b):
        error = a - b
        shift = error.mean((2, 3), keepdim=True)
        return (error - shift).square().mean((1, 2, 3)) + 0.05 * shift.square().mean((1, 2, 3))

    def left(a, b, c, floor=0.01):
        return (distance(a, c) / (distance(b, c) + floor)).mean()

    def edges(p):
        return torch.cat([p[..., 1:, :-1] - p[..., :-1, :-1],
                          p[..., :-1, 1:] - p[..., :-1, :-1]], 1)
    return left(enhanced, x, clean) + 0.3 * left(edges(enhanced), edges(x), edges(clean))


def naming(logits, damage):
    """Severities in [0, 1] of each corruption against their estimates."""
    return F.binary_cross_entropy_with_logits(logits, damage,
                                              reduction="sum") / len(logits)


def at_most_median(gradient):
    """(N, 37): rows longer than the median are scaled down to it. A few pictures
    at the brink between two classes would outweigh all others."""
    norm = gradient.norm(dim=1, keepdim=True)
    return gradient * (norm.median() / norm.clamp(min=1e-12)).clamp(max=1)


def clip_each_gradient(module):
    """Each parameter's gradient is divided by its norm where that exceeds 1."""
    for parameter in module.parameters():
        if parameter.grad is not None:
            norm = parameter.grad.norm()
            parameter.grad.div_(norm.clamp(min=1))


@torch.no_grad()
def step_about(centre, u, optimiser):
    """A step as if the last layer read features - centre: ReLU's features all have
    positive means, which make a plain step nearly the same for all weights. And as if
    its output were in terms that make the 37 numbers when multiplied by TERMS."""
    out, terms = u.colm.out, TERMS.to(centre.device)
    out.weight.grad, out.bias.grad = terms.T @ out.weight.grad, terms.T @ out.bias.grad
    out.weight.grad.addr_(out.bias.grad, centre, alpha=-1)
    clip_each_gradient(u)
    weight, bias = out.weight.clone(), out.bias.clone()
    optimiser.step()
    out.weight.copy_(weight + terms @ (out.weight - weight))
    out.bias.copy_(bias + terms @ (out.bias - bias))
    out.bias.sub_((out.weight - weight) @ centre)


def kernel_terms():
    """The kernel in terms of its sum, in the centre's place, and the other 24 taps:
    to sharpen is one step of these, not 25 that must agree to keep the sum. The
    matrix has a gain already, so the sum moves at a quarter of the rate."""
    terms, centre = torch.eye(N_PARAMS), int(IDENTITY[12:].argmax()) + 12
    terms[centre, 12:] = -1
    terms[centre, centre] = 0.25
    return terms


TERMS = kernel_terms()


@torch.no_grad()
def update_ema(u_ema, u):
    """Every floating tensor of the state dict, batch-norm statistics too."""
    for average, value in zip(u_ema.state_dict().values(), u.state_dict().values()):
        if average.is_floating_point():
            average.mul_(EMA).add_(value, alpha=1 - EMA)
        else:
            average.copy_(value)


@torch.no_grad()
def settled(u, pictures):
    """A copy of U whose batch norm has the statistics of these pictures, batches of
    standardised ones, at the library's crop. Training's small crops leave others, and
    so does a mean of weights."""
    u = copy.deepcopy(u).train()
    for layer in u.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # all batches count alike
    for x in pictures:
        u.features(nem_crop(x))
    return u.eval()


@torch.no_grad()
def anchored(u, batches, device):
    """A copy of U whose last layer takes undamaged pictures for what they are, by least
    squares: what its parameters still do to those, and what changes of its parameters for
    damaged ones, count alike."""
    u = copy.deepcopy(u).eval()
    features, damaged = [], []
    for batch in batches:
        damaged.append(torch.from_numpy(batch.damage.any(1)).to(device))
        features.append(u.features(nem_crop(standardise(batch.corrupted, device))))
    damaged, features = torch.cat(damaged), torch.cat(features)
    if damaged.all() or not damaged.any():
        raise ValueError(f"--anchor draws only damaged pictures or only undamaged ones "
                         f"among {len(damaged)}; it takes more")
    effect = (u.colm.out(features) - IDENTITY.to(device)).double()
    features = features.double()
    centre, size = features.mean(0), features.shape[1]
    seen = torch.cat([features - centre, torch.ones_like(features[:, :1])], 1)
    alone, kept = (x.T @ x / len(x) for x in (seen[~damaged], seen[damaged]))
    normal = alone + kept
    ridge = 0.01 * normal.diagonal()[:size].mean()
    normal.diagonal()[:size] += ridge  # not the bias
    effect = seen[~damaged].T @ effect[~damaged] / (~damaged).sum()
    change = torch.linalg.solve(normal, -effect).to(u.colm.out.weight.dtype)
    weight, bias = change[:size].T, change[size]
    u.colm.out.weight.add_(weight)
    u.colm.out.bias.add_(bias - weight @ centre.to(weight.dtype))
    return u


# ---- A run -----------------------------------------------------------------

@torch.no_grad()
def own_labels(f, images, labels, device):
    """Pictures without a label get what f says of them as they are."""
    labels = np.array(labels, np.int64)
    unknown = np.flatnonzero(labels == data.NO_LABEL)
    for part in np.array_split(unknown, len(unknown) // 32 + 1):
        if len(part):
            x = np.stack([data.centre_crop(images[i]) for i in part])
            labels[part] = f(standardise(x, device)).argmax(1).cpu()
    return labels


@dataclass
class Tensors:
    """A batch as tensors, pictures standardised. y is -1 without a label."""
    x: torch.Tensor
    y: torch.Tensor
    clean: torch.Tensor
    damage: torch.Tensor
    front: torch.Tensor = None  # Nem.front() of the FROZEN blocks, where it is known


def to_tensors(batch, device):
    return Tensors(standardise(batch.corrupted, device),
                   torch.from_numpy(batch.label).to(device),
                   standardise(batch.clean, device),
                   torch.from_numpy(batch.damage).to(device))


def kept_batches(run, batches, device):
    """For --frozen: KEEP batches at a time, all of them REUSE times, then others. What
    costs is done once a batch: corruption, and what the frozen layers, which are most of
    NEM's work, make of the library's crop."""
    kept, steps = [], run.recipe["steps"]
    for step in range(run.step, steps):
        if not kept or step % (KEEP * REUSE) == 0:
            turn = step // (KEEP * REUSE)
            count = min(KEEP, steps - turn * KEEP * REUSE)  # a short last round needs less
            kept = []
            for batch in tqdm(batches.iterate(turn * KEEP, turn * KEEP + count),
                              "frozen layers", count, unit="batch", leave=False):
                with torch.no_grad():
                    x = nem_crop(standardise(batch.corrupted, device))
                    kept.append((batch, run.u.front(x, FROZEN)))
        batch, front = kept[step % KEEP]
        tensors = to_tensors(batch, device)
        tensors.front = front
        yield tensors


class Run:
    """The state of a training: everything a checkpoint holds."""

    def __init__(self, recipe, n_damages, device):
        torch.manual_seed(recipe["seed"])
        self.recipe, self.step = recipe, 0
        start = recipe["start"]
        self.u = load_weights(*start.split(",")) if start else Sympie()
        self.u.gate = None  # it was fitted to features that change
        self.u.bf16 = device.type == "cuda"
        self.u = self.u.to(device, memory_format=torch.channels_last).train()
        if recipe["frozen"]:
            self.u.eval().colm.backbone[:STEM + FROZEN].requires_grad_(False)
        self.u_ema = copy.deepcopy(self.u).eval().requires_grad_(False)
        self.namer = nn.Linear(512, n_damages).to(device)
        head = list(self.u.colm.out.parameters())
        self.optimiser = torch.optim.Adam([
            {"params": list(self.u.colm.backbone.parameters()), "scale": 1.0},
            {"params": head, "scale": HEAD_RATE},
            {"params": list(self.namer.parameters()), "scale": 1.0}],
            lr=recipe["rate"])

    def set_rate(self):
        """Cosine annealing to 0 over the steps, after a linear warm-up."""
        cosine = (1 + math.cos(math.pi * self.step / self.recipe["steps"])) / 2
        warmth = min(1.0, (self.step + 1) / (WARM_UP + 1))
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe["rate"] * group["scale"] * cosine * warmth

    def tensors(self):
        named = {}
        for prefix, module in (("u.", self.u), ("u_ema.", self.u_ema),
                               ("namer.", self.namer)):
            for name, value in module.state_dict().items():
                named[prefix + name] = value
        for i, state in self.optimiser.state_dict()["state"].items():
            for name, value in state.items():
                named[f"adam.{i}.{name}"] = value
        return named

    def save(self, folder):
        save_checkpoint(folder, self.step, self.recipe, self.tensors())

    def load(self, folder):
        step, recipe, tensors = load_checkpoint(folder)
        different = [name for name in {**recipe, **self.recipe}
                     if recipe.get(name) != self.recipe.get(name)]
        if different:
            raise ValueError(f"{folder} was made with another --"
                             + ", --".join(n.replace("_", "-") for n in different))
        with torch.no_grad():
            fill(self.u, tensors, "u.", folder)
            fill(self.u_ema, tensors, "u_ema.", folder)
            fill(self.namer, tensors, "namer.", folder)
        state = self.optimiser.state_dict()
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, i, key = name.split(".")
                state["state"].setdefault(int(i), {})[key] = value
        self.optimiser.load_state_dict(state)
        self.step = step


def validate(u, f, batches, device):
    """-> the classifier's top-1 without and with U, and the restoration left."""
    right, enhanced_right, left, count = 0, 0, [], 0
    with torch.no_grad():
        for batch in batches:
            t = to_tensors(batch, device)
            enhanced = clamped(u(t.x))
            right += (f(t.x).argmax(1) == t.y).sum().item()
            enhanced_right += (f(enhanced).argmax(1) == t.y).sum().item()
            left.append(restoration(enhanced, t.x, t.clean).item())
            count += len(t.y)
    return {"top1": 100 * right / count, "top1_enhanced": 100 * enhanced_right / count,
            "validation_restore": sum(left) / len(left)}


# What two runs must share for one to go on where the other stopped.
RECIPE = ["start", "steps", "batch", "rate", "seed", "teachers", "losses", "crop", "frozen",
          "codec", "anchor"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", required=True, help="folder with images/, models/ and frost/")
    add("--imagenet", metavar="FOLDER", help="train on its <wnid>/<picture> instead of "
        "images/")
    add("--out", required=True, help="folder of checkpoint, log, plot and weights")
    add("--start", default="", help="weights to start from; of several, separated by "
        "commas, their mean")
    add("--steps", type=int, default=50000)
    add("--batch", type=int, default=384)
    add("--rate", type=float, default=1e-3, help="of Adam, before annealing")
    add("--seed", type=int, default=0)
    add("--teachers", default="mobilenet_v2", help="several, separated by commas, teach in "
        "turn; the first one judges")
    add("--losses", default="first=1,second=0.5", help="and their weights, of "
        + ", ".join(field.name for field in fields(Losses)))
    add("--crop", type=int, default=0, help="side of a random square that NEM sees; 0: the "
        "library's crop")
    add("--frozen", action="store_true", help="leave NEM's stem, its first block and all "
        "batch-norm statistics as they are, for a fifth of the cost")
    add("--keep", action="store_true", help="decode all pictures at first and keep them, "
        "0.25 MB each, instead of each one when it is needed")
    add("--codec", action="store_true", help="damage some pictures by video codecs")
    add("--anchor", type=int, default=0, metavar="N", help="in the end move the last layer "
        "to where N batches' undamaged pictures stay as they are")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--threads", type=int, default=os.cpu_count(), help="of the CPU, and processes that "
        "make batches; on the CPU the result depends on their number")
    args = parser.parse_args()
    if args.frozen and args.crop:
        parser.error("--frozen does not go with --crop")
    if min(args.steps, args.anchor) < 0 or min(args.batch, args.threads) < 1:
        parser.error("--steps and --anchor must not be negative, --batch and --threads at "
                     "least 1")
    try:
        Losses.parse(args.losses)
    except ValueError as why:
        parser.error(str(why))
    return args


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    device, steps = torch.device(args.device), args.steps
    pictures = data.read_imagenet(args.imagenet) if args.imagenet else data.read_index(args.data)
    training, development, _ = data.split(pictures)
    images = (data.decode_all(training, args.threads) if args.keep else
              data.Streamed(training))
    corrupt = data.Corruptions(os.path.join(args.data, "frost"))
    networks = load_upstreams(args.teachers, args.data, device)
    judge = Upstream(networks[0], bf16=device.type == "cuda")
    teachers = [Upstream(network, size, device.type == "cuda", clamp=True)
                for size in SIZES for network in networks]
    labels = own_labels(judge, images, [p.label for p in training], device)
    batches = data.Batches(images, labels, corrupt.names, corrupt, size=args.batch,
                           codec=codec.damage_any if args.codec else None,
                           codec_share=CODEC_SHARE, mixed=MIXED, seed=args.seed,
                           workers=args.threads)
    judged = data.Batches(data.Streamed(development), [p.label for p in development],
                          corrupt.names, corrupt, size=args.batch, workers=args.threads)
    recipe = {name: getattr(args, name) for name in RECIPE}
    run = Run(recipe, len(batches.damages), device)
    checkpoint = os.path.join(args.out, "checkpoint")
    os.makedirs(args.out, exist_ok=True)
    if os.path.isdir(checkpoint):
        run.load(checkpoint)
    log = trainlog.Log(os.path.join(args.out, "log.csv"), run.step)
    weights = Losses.parse(args.losses)

    def final():
        """What is judged and written, and its scores."""
        u = settled(run.u_ema, (standardise(batch.corrupted, device)
                                for batch in batches.iterate(steps, steps + SETTLING)))
        if args.anchor:
            u = anchored(u, tqdm(batches.iterate(steps, steps + args.anchor), "anchor",
                                 args.anchor, unit="batch", leave=False), device)
        return u, validate(u, judge, judged.iterate(0, JUDGED), device)

    bar = tqdm(total=steps, initial=run.step, unit="step")
    tensors = (kept_batches(run, batches, device) if args.frozen else
               (to_tensors(b, device) for b in batches.iterate(run.step, steps)))
    for batch in tensors:
        run.set_rate()
        sight = Sight(np.random.default_rng((args.seed, run.step, 1)), args.crop, WINDOW)
        losses = train_step(run.u, run.u_ema, run.namer, teachers[run.step % len(teachers)],
                            run.optimiser, batch, sight, weights)
        run.step += 1
        if not all(math.isfinite(value) for value in losses.values()):
            raise ValueError(f"a loss at step {run.step} is not finite: {losses}")
        log.add(losses)
        bar.update()
        bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()})
        last = run.step == steps
        if run.step % LOG_EVERY == 0 and not last:
            log.write(run.step, final()[1] if run.step % JUDGE_EVERY == 0 else {})
        if run.step % SAVE_EVERY == 0 or last:
            run.save(checkpoint)
    bar.close()

    u, scores = final()
    log.write(run.step, scores)
    trainlog.plot(log.path, os.path.join(args.out, "losses.png"))
    export(os.path.join(args.out, "nem.safetensors"), u, {
        "format": "pt", "model": "SyMPIE NEM", "step": str(run.step),
        "recipe": json.dumps(recipe), "commit": commit(),
        "history": json.dumps(history(args.start)),
        "data": f"{len(training)} pictures, {sum(p.label >= 0 for p in training)} labelled",
        "scores": json.dumps(scores)})


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, RuntimeError) as why:
        sys.exit(f"train.py: {why}")
