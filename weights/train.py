#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains NEM as in Algorithm 1 of the SyMPIE paper (section 3.4).

    weights/train.py --data ../shared/data --out build/train/run --steps 2000

A frozen classifier f judges pictures that U (NEM, then DWM) enhanced. U learns
from the loss of its own output and, so that enhancing twice does no harm, from
the loss of its output on what its moving average U_EMA enhanced already.

The paper's budget is 50 000 steps of 384 pictures. For smaller ones there are
further losses, off by default: --restore pulls the enhanced picture to the
clean one, which needs no classifier and favours none; --name lets NEM's
features name each corruption and its severity; --wrong counts f's mistakes.
--frozen trains the last of NEM's layers alone, for a fraction of the cost; --anchor
moves it, after all steps, to where undamaged pictures stay as they are.

The run resumes from what it finds in --out, exactly as if never interrupted.
"""

import argparse
import copy
import json
import math
import os
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from torch import nn
    from tqdm import tqdm
    import trainlog  # matplotlib
except ImportError as why:
    sys.exit(f"train.py: {why}; see setup.sh --all")

import data
import tensorfile
from checkpoint import (commit, export, fill, history, load_checkpoint, load_weights,
                        save_checkpoint)
from model import (BLOCKS, IDENTITY, N_PARAMS, STEM, Sight, Sympie, clamped, dwm,
                   nem_crop, standardise)
from upstream import Upstream, load_upstreams


# ---- Algorithm 1 -----------------------------------------------------------

@dataclass
class Losses:
    """Weights of the losses; the defaults are the paper's."""
    first: float = 1.0     # CE(f(U(x)), y)
    second: float = 0.5    # CE(f(U(U_EMA(x))), y)
    wrong: float = 0.0     # 1 - f's probability of y for U(x)
    restore: float = 0.0   # distance from the clean picture
    table: float = 0.0     # from what the corruption's fitted set makes
    name: float = 0.0      # corruption and severity from NEM's features
    share: float = 1.0     # of the batch that f judges; the rest costs less


def train_step(u, u_ema, namer, f, optimiser, batch, sight, weights, ema_rate,
               even=False, centred=False, terms=None):
    """One step of Algorithm 1. -> the losses by name. even: on no picture's 37
    numbers does f's gradient exceed the batch's median; centred, terms: see
    step_about()."""
    losses = {}
    judged = math.ceil(weights.share * len(batch.x))
    y = batch.y[:judged]
    features = (u.features(sight.view(batch.x)) if batch.front is None else
                u.back(batch.front, batch.frozen))
    x, clean = sight.window(batch.x), sight.window(batch.clean)
    params = u.colm.out(features)
    if weights.first or weights.wrong:
        shown = params[:judged].clone()
        if even:
            shown.register_hook(at_most_median)
        logits = f(dwm(x[:judged], shown))
    if weights.first:
        losses["first"] = cross_entropy(logits, y)
    if weights.wrong:
        losses["wrong"] = mistakes(logits, y)
    if weights.second:
        with torch.no_grad():
            x_ema = u_ema(batch.x[:judged], Sight())
        losses["second"] = cross_entropy(f(u(x_ema, sight)), y)
    if weights.restore or weights.table:
        x, clean = corner(x), corner(clean)
        enhanced = dwm(x, params)
    if weights.restore:
        losses["restore"] = restoration(enhanced, x, clean)
    if weights.table:
        known = batch.aim.isfinite().all(1)
        losses["table"] = restoration(enhanced[known], x[known],
                                      dwm(x[known], batch.aim[known]))
    if weights.name:
        losses["name"] = naming(namer(features), batch.damage)

    optimiser.zero_grad()
    sum(getattr(weights, name) * loss for name, loss in losses.items()).backward()
    if centred:
        step_about(features.detach().mean(0), u, optimiser, terms, batch.whitening)
    else:
        clip_each_gradient(u)
        optimiser.step()
    update_ema(u_ema, u, ema_rate)
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
def step_about(centre, u, optimiser, terms=None, whitening=None):
    """A step as if the last layer read features - centre. ReLU's features all
    have positive means, which make a plain step nearly the same for all weights.
    terms, (37, 37): as if the last layer's output were in terms that make the 37
    numbers when multiplied by it. whitening, (512, 512): as if it read the features
    multiplied by it."""
    out = u.colm.out
    if terms is not None:
        out.weight.grad, out.bias.grad = terms.T @ out.weight.grad, terms.T @ out.bias.grad
    out.weight.grad.addr_(out.bias.grad, centre, alpha=-1)
    if whitening is not None:
        out.weight.grad = out.weight.grad @ whitening
    clip_each_gradient(u)
    weight, bias = out.weight.clone(), out.bias.clone()
    optimiser.step()
    if terms is not None:
        out.weight.copy_(weight + terms @ (out.weight - weight))
        out.bias.copy_(bias + terms @ (out.bias - bias))
    if whitening is not None:
        out.weight.copy_(weight + (out.weight - weight) @ whitening)
    out.bias.sub_((out.weight - weight) @ centre)


def kernel_terms():
    """The kernel in terms of its sum, in the centre's place, and the other 24 taps:
    to sharpen is one step of these, not 25 that must agree to keep the sum. The
    matrix has a gain already, so the sum moves at a quarter of the rate."""
    terms, centre = torch.eye(N_PARAMS), int(IDENTITY[12:].argmax()) + 12
    terms[centre, 12:] = -1
    terms[centre, centre] = 0.25
    return terms


def whitening_of(features):
    """(N, 512) -> symmetric (512, 512) that makes their variance about 1 in every
    direction where it exceeds the mean. It does a hundredfold in some, along which
    plain steps would mostly go."""
    variance, direction = torch.linalg.eigh(features.T.cov())
    return direction / (variance + variance.mean()).sqrt() @ direction.T


@torch.no_grad()
def update_ema(u_ema, u, rate):
    """Every floating tensor of the state dict, batch-norm statistics too."""
    for average, value in zip(u_ema.state_dict().values(), u.state_dict().values()):
        if average.is_floating_point():
            average.mul_(rate).add_(value, alpha=1 - rate)
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
    damaged = torch.from_numpy(np.concatenate([b.damage.any(1) for b in batches])).to(device)
    if damaged.all() or not damaged.any():
        raise ValueError(f"--anchor {len(batches)} draws only damaged pictures or only "
                         "undamaged ones; it takes more")
    features = torch.cat([u.features(nem_crop(standardise(b.corrupted, device)))
                          for b in batches])
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
    labels = labels.copy()
    for part in np.array_split(np.flatnonzero(labels == data.NO_LABEL), 32):
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
    aim: torch.Tensor = None       # (N, 37) of the table, NaN where it has none
    front: torch.Tensor = None     # Nem.front() of the `frozen` blocks, where it is
    frozen: int = 0                # known already
    whitening: torch.Tensor = None  # of the features, where those are known


def to_tensors(batch, device, table=None):
    damage = torch.from_numpy(batch.damage).to(device)
    aim = None if table is None else aims(table.to(device), damage)
    return Tensors(standardise(batch.corrupted, device),
                   torch.from_numpy(batch.label).to(device),
                   standardise(batch.clean, device), damage, aim)


def load_table(path, damages):
    """ceiling.py's sets -> (damages, 6, 37); severity 0 is the identity."""
    fitted, _ = tensorfile.load(path)
    for name in damages:
        if name not in fitted or fitted[name].shape != (5, N_PARAMS):
            raise ValueError(f"{path} has no five sets of {N_PARAMS} for {name}")
    return torch.stack([torch.cat([IDENTITY[None], torch.from_numpy(fitted[name])])
                        for name in damages])


def aims(table, damage):
    """(N, damages) -> (N, 37); mixed damage has no set."""
    strength, kind = damage.max(1)
    found = table[kind, (5 * strength).round().long()]
    return torch.where(((damage > 0).sum(1) <= 1)[:, None], found, torch.nan)


def kept_batches(run, batches, device, table=None):
    """For --frozen: `keep` batches at a time, all of them `reuse` times, then others.
    What costs is done once a batch: corruption, and what the frozen layers, which are
    most of NEM's work, make of the library's crop."""
    frozen, keep, reuse, steps = (run.recipe[name]
                                  for name in ("frozen", "keep", "reuse", "steps"))
    kept, whitening = [], None
    for step in range(run.step, steps):
        if not kept or step % (keep * reuse) == 0:
            kept = []
            first = step // (keep * reuse) * keep
            for batch in tqdm(batches.iterate(first, first + keep), "frozen layers", keep,
                              unit="batch", leave=False):
                with torch.no_grad():
                    x = nem_crop(standardise(batch.corrupted, device))
                    kept.append((batch, run.u.front(x, frozen)))
            if frozen == BLOCKS:
                whitening = whitening_of(torch.cat([front for _, front in kept]))
        batch, front = kept[step % keep]
        tensors = to_tensors(batch, device, table)
        tensors.front, tensors.frozen, tensors.whitening = front, frozen, whitening
        yield tensors


class Run:
    """The state of a training: everything a checkpoint holds."""

    def __init__(self, recipe, n_damages, device, start=None):
        torch.manual_seed(recipe["seed"])
        self.recipe, self.step = recipe, 0
        self.u = load_weights(*start.split(",")) if start else Sympie()
        self.u.bf16 = recipe["bf16"]
        self.u = self.u.to(device, memory_format=torch.channels_last).train()
        if recipe["frozen"]:
            self.u.eval().colm.backbone[:STEM + recipe["frozen"]].requires_grad_(False)
        self.u_ema = copy.deepcopy(self.u).eval().requires_grad_(False)
        self.namer = nn.Linear(512, n_damages).to(device)
        head = list(self.u.colm.out.parameters())
        self.optimiser = torch.optim.Adam([
            {"params": list(self.u.colm.backbone.parameters()), "scale": 1.0},
            {"params": head, "scale": recipe["head_rate"]},
            {"params": list(self.namer.parameters()), "scale": 1.0}],
            lr=recipe["rate"])

    def set_rate(self):
        """Cosine annealing to 0 over the steps, after a linear warm-up."""
        cosine = (1 + math.cos(math.pi * self.step / self.recipe["steps"])) / 2
        warmth = min(1.0, (self.step + 1) / (self.recipe["warm_up"] + 1))
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
        different = [name for name in recipe if recipe[name] != self.recipe.get(name)]
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
    """-> upstream top-1 without and with U, and the restoration left."""
    right, enhanced_right, left = 0, 0, []
    with torch.no_grad():
        for batch in batches:
            t = to_tensors(batch, device)
            enhanced = clamped(u(t.x))
            right += (f(t.x).argmax(1) == t.y).float().mean().item()
            enhanced_right += (f(enhanced).argmax(1) == t.y).float().mean().item()
            left.append(restoration(enhanced, t.x, t.clean).item())
    return {"top1": 100 * right / len(batches),
            "top1_enhanced": 100 * enhanced_right / len(batches),
            "validation_restore": sum(left) / len(left)}


RECIPE = ["steps", "batch", "rate", "head_rate", "warm_up", "ema", "seed", "crop",
          "upstream", "window", "sizes", "frozen", "keep", "reuse", "mixed", "first",
          "second", "wrong", "restore", "name", "table", "fitted", "even", "centred",
          "terms", "clamp", "own_labels", "share", "bf16", "codec", "codec_share", "settle",
          "anchor", "start"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--data", required=True, help="folder with images/ and models/, or ImageNet's "
        "train folder with --imagenet")
    add("--imagenet", action="store_true", help="--data is <wnid>/<picture>")
    add("--models", help="folder that holds models/ and frost/ (default: --data)")
    add("--out", required=True, help="folder of checkpoints, log, plot and weights")
    add("--steps", type=int, default=50000)
    add("--batch", type=int, default=384)
    add("--rate", type=float, default=1e-3, help="of Adam, before annealing")
    add("--head-rate", type=float, default=1.0, help="the head's, relative to --rate")
    add("--warm-up", type=int, default=0, help="steps until the rate is full")
    add("--ema", type=float, default=0.9)
    add("--seed", type=int, default=0)
    add("--crop", type=int, default=0, help="side of a random crop that NEM sees; "
        "0: the library's 224x224")
    add("--upstream", default="mobilenet_v2", help="several, separated by commas, "
        "teach in turn; the first one judges")
    add("--window", type=int, default=0, help="side of a random square that DWM and "
        "the upstream get; 0: everything")
    add("--sizes", default="", help="at which the upstream judges, in turn, separated "
        "by commas; default: its own or --window")
    add("--frozen", type=int, default=0, metavar="BLOCKS", choices=range(BLOCKS + 1),
        help="leave NEM's stem, its first blocks and all batch-norm statistics as they "
        "are; 3: train the last layer alone")
    add("--keep", type=int, default=160, help="with --frozen: batches held at a time")
    add("--reuse", type=int, default=4, help="with --frozen: steps with each of them")
    add("--mixed", type=float, default=0.0, help="share with two or three corruptions")
    add("--codec", default="", help="add codec damage, made once into this folder")
    add("--codec-share", type=float, default=0.0, help="of the samples that start with "
        "codec damage; 0: as many as of another kind")
    for name, value in vars(Losses()).items():
        add(f"--{name}", type=float, default=value, help="see the class Losses")
    add("--fitted", default="", metavar="FILE", help="ceiling.py's table.safetensors")
    add("--even", action="store_true", help="clip the classifier's gradient on each "
        "picture's parameters to the batch's median")
    add("--clamp", action="store_true", help="cut what the upstream sees to the "
        "range of colours; the paper does not")
    add("--centred", action="store_true", help="train the last layer about the mean "
        "of its features; with --frozen 3 also in whitened ones")
    add("--settle", type=int, default=0, metavar="N", help="what is judged and written has "
        "the batch-norm statistics of N batches at the library's crop; 0: training's")
    add("--anchor", type=int, default=0, metavar="N", help="what is judged and written has "
        "a last layer that N batches teach to leave undamaged pictures alone")
    add("--terms", action="store_true", help="with --centred: train the kernel in terms of "
        "its sum and 24 taps")
    add("--own-labels", action="store_true", help="what has no label takes the "
        "upstream's word")
    add("--bf16", action="store_true", help="autocast of NEM and upstream")
    add("--start", default="", help="weights to start from; of several, separated by "
        "commas, their mean: runs of different seeds side by side")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add("--threads", type=int, default=0, help="of PyTorch on the CPU")
    add("--workers", type=int, default=2, help="threads that corrupt pictures")
    add("--minutes", type=float, default=math.inf, help="stop, to be resumed, after")
    add("--save-every", type=int, default=100)
    add("--log-every", type=int, default=20)
    add("--validate-every", type=int, default=200)
    args = parser.parse_args()
    if args.table and not args.fitted:
        parser.error("--table needs --fitted")
    if args.frozen and args.crop:
        parser.error("--frozen does not go with --crop")
    if args.keep < 1 or args.reuse < 1:
        parser.error("--keep and --reuse must be at least 1")
    if args.settle < 0 or args.anchor < 0:
        parser.error("--settle and --anchor must not be negative")
    if args.codec_share and not args.codec:
        parser.error("--codec-share needs --codec")
    if args.terms and not args.centred:
        parser.error("--terms needs --centred")
    return args


def main():
    args = arguments()
    import codec
    began = time.monotonic()
    if args.threads:
        torch.set_num_threads(args.threads)
    pictures = data.read_imagenet(args.data) if args.imagenet else data.read_index(args.data)
    training, development, _ = data.split(pictures)
    images = [data.decode(p.path) for p in tqdm(training, "pictures", unit="")]
    cache = codec.CodecCache(args.codec, images,
                             [p.path for p in training]) if args.codec else None
    corrupt = data.Corruptions(os.path.join(args.models or args.data, "frost"))
    judged = data.Batches([data.decode(p.path) for p in development],
                          [p.label for p in development], corrupt.names, corrupt,
                          size=32)
    judged = [judged.batch(i) for i in range(8)]

    recipe = {name: getattr(args, name) for name in RECIPE}
    device = torch.device(args.device)
    networks = load_upstreams(args.upstream, args.models or args.data, device)
    judge = Upstream(networks[0], bf16=args.bf16)
    sizes = [int(size) for size in args.sizes.split(",") if size] or [args.window or judge.side]
    upstreams = [Upstream(network, size, args.bf16, args.clamp)
                 for size in sizes for network in networks]
    labels = np.array([p.label for p in training])
    if args.own_labels:
        labels = own_labels(judge, images, labels, device)
    batches = data.Batches(images, labels, corrupt.names, corrupt, codec=cache,
                           codec_share=args.codec_share, size=args.batch,
                           mixed=args.mixed, seed=args.seed, workers=args.workers)
    settling = [standardise(batch.corrupted, device)
                for batch in batches.iterate(args.steps, args.steps + args.settle)]
    anchoring = list(tqdm(batches.iterate(args.steps, args.steps + args.anchor), "anchor",
                          args.anchor, unit="batch", leave=False))
    table = load_table(args.fitted, batches.damages) if args.fitted else None
    terms = kernel_terms().to(device) if args.terms else None
    run = Run(recipe, len(batches.damages), device, args.start)
    checkpoint = os.path.join(args.out, "checkpoint")
    os.makedirs(args.out, exist_ok=True)
    if os.path.isdir(checkpoint):
        run.load(checkpoint)
    log = trainlog.Log(os.path.join(args.out, "log.csv"), run.step)
    weights = Losses(**{name: getattr(args, name) for name in vars(Losses())})

    def final():
        u = settled(run.u_ema, settling) if settling else run.u_ema
        return anchored(u, anchoring, device) if anchoring else u

    bar = tqdm(total=args.steps, initial=run.step, unit="step")
    scores = {}
    tensors = (kept_batches(run, batches, device, table) if args.frozen else
               (to_tensors(b, device, table) for b in batches.iterate(run.step, args.steps)))
    for batch in tensors:
        run.set_rate()
        rng = np.random.default_rng((args.seed, run.step, 1))
        sight = Sight(rng, args.crop, args.window)
        f = upstreams[run.step % len(upstreams)]
        losses = train_step(run.u, run.u_ema, run.namer, f, run.optimiser, batch, sight,
                            weights, args.ema, args.even, args.centred, terms)
        run.step += 1
        if not all(math.isfinite(value) for value in losses.values()):
            sys.exit(f"train.py: a loss at step {run.step} is not finite: {losses}")
        log.add(losses)
        bar.update()
        bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()})
        last = run.step == args.steps
        late = time.monotonic() - began > 60 * args.minutes
        judging = run.step % args.validate_every == 0 or last
        if judging:
            scores = validate(final(), judge, judged, device)
        if judging or late or run.step % args.log_every == 0:
            log.write(run.step, scores if judging else {})
        if last or late or run.step % args.save_every == 0:
            run.save(checkpoint)
        if late:
            break
    bar.close()

    u = final()
    scores = scores or validate(u, judge, judged, device)
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
