#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges weights by what they do for networks: the tables of the SyMPIE paper.

    weights/evaluate.py --data ../shared/data --weights weights/nem.safetensors \\
        --out build/evaluation

Labelled pictures are corrupted, enhanced by libsympie and classified by three
networks, of which train.py uses none but mobilenet_v2. Each accuracy comes without and
with SyMPIE, each gain with a bootstrap 95 % interval over the pictures. Writes
results.csv, results.md and results.png, and outcomes.csv with what each picture came to:
with --against another run's, the two weights are compared picture by picture.
"""

import argparse
import csv
import os
import sys
import zlib
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import matplotlib
    import numpy as np
    import torch
    import torch.nn.functional as F
    from tqdm import tqdm
except ImportError as why:
    sys.exit(f"evaluate.py: {why}; see setup.sh --all")

import codec
import data
import rivals
from corrupt import Corruptor
from sympie import Sympie

IMAGENET_C = ["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur",
              "glass_blur", "motion_blur", "zoom_blur", "snow", "frost", "fog",
              "brightness", "contrast", "elastic_transform", "pixelate",
              "jpeg_compression"]
NEW = ["darken", "horizon", "night", "white_point"]
CODECS = list(codec.RATES)
# What is averaged in the table.
GROUPS = {"ImageNet-C": IMAGENET_C, "the four new": NEW, "codec damage": CODECS}
CONDITIONS = ["clean", *IMAGENET_C, *NEW, "mixed", *CODECS]
CLASSIFIERS = ["mobilenet_v2", "squeezenet1_0", "mobilenet_v1_075"]
BATCH = 32


# ---- Pictures --------------------------------------------------------------

def damaged(pictures, condition, severities, corruptor):
    """uint8 (N, SIDE, SIDE, 3), one severity each -> the same, damaged. The
    draw depends on the picture's place, the condition and the severity."""
    if condition == "clean":
        return pictures
    kind = CONDITIONS.index(condition)
    if condition in CODECS:
        out = np.empty_like(pictures)
        for severity in np.unique(severities):
            at = np.flatnonzero(severities == severity)
            out[at] = codec.damage_pictures(pictures[at], data.SIDE, condition,
                                            int(severity), [(kind, severity, i) for i in at])
        return out
    seeds = [1_000_000 * kind + 10 * i + int(severity)
             for i, severity in enumerate(severities)]
    return corruptor(pictures, condition, severities, seeds)


def severities_of(condition, count):
    """-> each picture's: neighbours differ, and each of the five has as many."""
    if condition == "clean":
        return np.zeros(count, int)
    return 1 + (np.arange(count) + CONDITIONS.index(condition)) % 5


# ---- Networks --------------------------------------------------------------

def load_networks(folder, loader, names):
    sys.path.insert(0, os.path.join(folder, "models"))
    import classifiers
    load = getattr(classifiers, loader)
    return {name: load(name, os.path.join(folder, "models")).to(
        memory_format=torch.channels_last) for name in names}


def to_network(pictures, side):
    x = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255
    if x.shape[-1] != side:
        x = F.interpolate(x, (side, side), mode="bilinear", align_corners=False,
                          antialias=True)
    return x.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def run_network(network, pictures, side):
    """-> the outputs, a batch at a time. PyTorch has slow 1x1 convolutions for
    fewer than 16 pictures: a short batch is filled up."""
    outputs = []
    for i in range(0, len(pictures), BATCH):
        part = pictures[i:i + BATCH]
        full = np.concatenate([part, np.zeros((max(0, 16 - len(part)), *part.shape[1:]),
                                              np.uint8)])
        outputs.append(network(to_network(full, side))[:len(part)])
    return torch.cat(outputs)


def segment(network, pictures, side):
    """-> the class of each pixel, (N, side, side)."""
    logits = run_network(network, pictures, side)
    return torch.stack([F.interpolate(one[None], (side, side), mode="bilinear",
                                      align_corners=True)[0].argmax(0) for one in logits])


# ---- Scores ----------------------------------------------------------------

# What a picture can be judged by, and 100 times the mean of it. All but top-1 also see
# what falls short of changing an answer, so fewer pictures tell as much.
MEASURES = {"top-1": "Top-1 in per cent",
            "probability": "Probability of the label in per cent",
            "cross-entropy": "Cross entropy (less is better) in hundredths of a nat"}


def judge(network, pictures, labels, measure="top-1"):
    """-> a value for each picture, as in MEASURES."""
    logits = run_network(network, pictures, network.input_size)
    if measure == "top-1":
        return (logits.argmax(1).numpy() == labels).astype(float)
    loss = F.cross_entropy(logits, torch.from_numpy(labels), reduction="none")
    return (loss if measure == "cross-entropy" else loss.neg().exp()).double().numpy()


@dataclass
class Score:
    """100 times a measure, without and with SyMPIE; the gain with its interval."""
    network: str
    condition: str
    times: int         # how often SyMPIE was applied
    pictures: int
    without: float
    enhanced: float
    gain: float
    low: float
    high: float
    relative: float    # gain in per cent of `without`


def score(network, condition, times, without, enhanced, seed=0):
    """without, enhanced: a value for each picture."""
    rng = np.random.default_rng(seed)
    gain = 100 * (enhanced - without)
    picks = rng.integers(len(gain), size=(2000, len(gain)))
    low, high = np.percentile(gain[picks].mean(1), [2.5, 97.5])
    before = 100 * without.mean()
    relative = 100 * gain.mean() / before if before else float("nan")
    return Score(network, condition, times, len(gain), before, 100 * enhanced.mean(),
                 gain.mean(), low, high, relative)


def enhanced(treatment, pictures):
    """treatment: Sympie or one of rivals.py's."""
    if hasattr(treatment, "enhance_all"):
        return np.stack(treatment.enhance_all(list(pictures)))
    return np.stack([treatment.enhance(picture) for picture in pictures])


def evaluate(pictures, labels, corruptor, sympie, networks, conditions, iterations, measure):
    """-> values[network][condition][times, picture], for 0 to `iterations` passes."""
    values = {name: {} for name in networks}
    for condition in tqdm(conditions, "conditions", unit=""):
        seen = damaged(pictures, condition, severities_of(condition, len(pictures)), corruptor)
        for times in range(iterations + 1):
            if times:
                seen = enhanced(sympie, seen)
            for name, network in networks.items():
                values[name].setdefault(condition, []).append(
                    judge(network, seen, labels, measure))
    return {name: {condition: np.stack(rows) for condition, rows in of.items()}
            for name, of in values.items()}


def with_groups(conditions):
    """{condition: values}, and the means of whole groups."""
    rows = dict(conditions)
    for group, members in GROUPS.items():
        if all(member in conditions for member in members):
            rows[group] = np.mean([conditions[member] for member in members], 0)
    return rows


def scores_of(values):
    """-> scores of conditions and whole groups, for each time but none."""
    return [score(name, condition, times, row[0], row[times])
            for name, conditions in values.items()
            for condition, row in with_groups(conditions).items()
            for times in range(1, len(row))]


def are_of_the_same(ours, others):
    """Values (times, pictures): whether both saw the same pictures, damaged alike."""
    return ours.shape[1] == others.shape[1] and np.allclose(ours[0], others[0], 1e-5)


def scores_against(values, others):
    """The same pictures through two files of weights: how much more the first ones do
    for each picture than the others."""
    scores = []
    for name, conditions in values.items():
        rows, theirs = (with_groups(c) for c in (conditions, others.get(name, {})))
        for condition in [c for c in rows if c in theirs]:
            ours, other = rows[condition], theirs[condition]
            if not are_of_the_same(ours, other):
                raise ValueError(f"{name}, {condition}: the outcomes to compare with are "
                                 "of other pictures or other damage")
            scores.append(score(name, condition, 1, other[1], ours[1]))
    if not scores:
        raise ValueError("the outcomes to compare with share no network and condition")
    return scores


def agreement(a, b):
    """Of two segmentations: the mean, over the classes there are, of intersection over
    union."""
    ious = [((a == c) & (b == c)).sum().item() / ((a == c) | (b == c)).sum().item()
            for c in torch.unique(torch.cat([a.flatten(), b.flatten()]))]
    return sum(ious) / len(ious)


# ---- Reports ---------------------------------------------------------------

def write_csv(path, scores):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = list(Score.__dataclass_fields__)
        writer.writerow(names)
        for s in scores:
            row = [getattr(s, name) for name in names]
            writer.writerow([f"{v:.3f}" if isinstance(v, float) else v for v in row])


OUTCOME = ["picture", "network", "condition", "times", "value"]


def write_outcomes(path, names, values):
    """A row for each picture and time."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(OUTCOME)
        for network, conditions in values.items():
            for condition, rows in conditions.items():
                for times, row in enumerate(rows):
                    writer.writerows([picture, network, condition, times, f"{value:.6g}"]
                                     for picture, value in zip(names, row))


def read_outcomes(path):
    """-> the pictures' names, values[network][condition] (times, pictures)."""
    names, values = [], {}
    try:
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                at = values.setdefault(row["network"], {}).setdefault(row["condition"], {})
                at.setdefault(int(row["times"]), {})[row["picture"]] = float(row["value"])
        for conditions in values.values():
            for condition, rows in conditions.items():
                names = names or list(rows[0])
                conditions[condition] = np.array([[rows[t][name] for name in names]
                                                  for t in range(len(rows))])
    except (KeyError, TypeError, ValueError) as why:
        raise ValueError(f"{path} holds no outcomes of evaluate.py: {why!r}")
    return names, values


def kept_path(folder, name):
    """-> where a rival's outcomes are kept, as rivals.py has it now."""
    with open(rivals.__file__, "rb") as file:
        return os.path.join(folder, f"outcomes of {name}-{zlib.crc32(file.read()):08x}.csv")


def kept_outcomes(path, names, values):
    """-> what a run before wrote there, where that is of the same networks, pictures and
    damage as `values`; else None."""
    if not os.path.exists(path):
        return None
    kept_names, kept = read_outcomes(path)
    fits = kept_names == names and kept.keys() == values.keys() and all(
        kept[network].keys() == conditions.keys() and
        all(are_of_the_same(row, kept[network][name]) for name, row in conditions.items())
        for network, conditions in values.items())
    return kept if fits else None


def write_markdown(path, scores, title, measure="top-1"):
    networks = list(dict.fromkeys(s.network for s in scores))
    once = {(s.network, s.condition): s for s in scores if s.times == 1}
    rows = list(dict.fromkeys(s.condition for s in scores))
    with open(path, "w") as file:
        say = lambda *cells: print("| " + " | ".join(cells) + " |", file=file)
        print(f"# {title}\n\n{MEASURES[measure]}, without -> with SyMPIE, the gain with "
              "its\n95 % interval, and the gain in per cent of the former.\n", file=file)
        say("condition", *networks)
        say("---", *["---:"] * len(networks))
        for condition in rows:
            cells = []
            for network in networks:
                s = once[network, condition]
                cells.append(f"{s.without:.1f} -> {s.enhanced:.1f}: {s.gain:+.1f} "
                             f"[{s.low:+.1f}, {s.high:+.1f}], {s.relative:+.1f} %")
            name = f"**{condition}**" if condition in GROUPS else condition
            say(name, *cells)
        most = max(s.times for s in scores)
        if most > 1:
            print("\nApplied again to its own output, gain:\n", file=file)
            say("condition", "network", *(f"{t} times" for t in range(1, most + 1)))
            say("---", "---", *["---:"] * most)
            for condition in [c for c in rows if c in ("clean", "mixed", *GROUPS)]:
                for network in networks:
                    say(condition, network, *(
                        f"{s.gain:+.1f}" for s in scores
                        if (s.network, s.condition) == (network, condition)))


def write_rivals(folder, found, times):
    """found: {treatment: its scores}; times: {treatment: ms a full HD frame}."""
    columns = list(Score.__dataclass_fields__)
    with open(os.path.join(folder, "rivals.csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["treatment", "ms", *columns])
        for name, scores in found.items():
            for s in scores:
                values = [getattr(s, column) for column in columns]
                writer.writerow([name, f"{times[name]:.2f}", *(
                    f"{v:.3f}" if isinstance(v, float) else v for v in values)])
    wanted = ("clean", "mixed", *GROUPS)
    with open(os.path.join(folder, "rivals.md"), "w") as file:
        print("# Rivals\n\nGain over the untouched pictures in points, with its 95 % interval; "
              "the best is bold.\nTime: of a processor, for a full HD frame.\n", file=file)
        print("| network | condition | without | " + " | ".join(found) + " |\n|---|---|---:|"
              + "---:|" * len(found), file=file)
        rows = {}
        for name, scores in found.items():
            for s in scores:
                if s.times == 1 and s.condition in wanted:
                    rows.setdefault((s.network, s.condition), {})[name] = s
        for (network, condition), of in rows.items():
            best = max(of, key=lambda name: of[name].gain)
            best = best if of[best].gain > 0 else None
            cells = [f"{'**' * (name == best)}{s.gain:+.1f}{'**' * (name == best)} "
                     f"[{s.low:+.1f}, {s.high:+.1f}]" for name, s in of.items()]
            print(f"| {network} | {condition} | {next(iter(of.values())).without:.1f} | "
                  + " | ".join(cells) + " |", file=file)
        print("| | ms a frame | | " + " | ".join(f"{times[name]:.1f}" for name in found)
              + " |", file=file)


def draw(path, scores, title, measure):
    matplotlib.use("Agg")
    from matplotlib import pyplot
    networks = list(dict.fromkeys(s.network for s in scores))
    rows = list(dict.fromkeys(s.condition for s in scores))
    figure, axis = pyplot.subplots(figsize=(8, 0.32 * len(rows) + 1.5))
    for i, network in enumerate(networks):
        found = {s.condition: s for s in scores if s.network == network and s.times == 1}
        at = np.arange(len(rows)) + 0.25 * (i - (len(networks) - 1) / 2)
        gain = np.array([found[c].gain for c in rows])
        ends = np.array([[found[c].low, found[c].high] for c in rows])
        axis.barh(at, gain, 0.22, label=network,
                  xerr=np.abs(ends - gain[:, None]).T, error_kw={"lw": 0.7})
    axis.set_yticks(range(len(rows)), rows)
    axis.invert_yaxis()
    axis.axvline(0, color="black", lw=0.7)
    axis.set_xlabel(f"{MEASURES[measure]}: gain, 95 % interval")
    axis.set_title(title, fontsize=9)
    axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


# ---- Command line ----------------------------------------------------------

def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    here = os.path.dirname(os.path.abspath(__file__))
    add("--data", required=True, help="folder with images/ and models/")
    add("--imagenet", help="judge by this folder, <wnid>/<picture>, instead")
    add("--weights", default=os.path.join(here, "nem.safetensors"))
    add("--out", required=True)
    add("--split", choices=[*data.Split._fields, "all"], default="development",
        help="by class, as in data.py; locked: for the model card alone")
    add("--limit", type=int, default=0, help="use so many pictures; 0: all")
    add("--conditions", default=",".join(CONDITIONS))
    add("--networks", default=",".join(CLASSIFIERS))
    add("--against", metavar="OUTCOMES", help="outcomes.csv of a run with other weights: "
        "compare picture by picture, into against.csv")
    add("--measure", choices=MEASURES, default="top-1", help="what to judge by")
    add("--rivals", action="store_true", help="judge what a user would pick instead, too: "
        "rivals.md; their outcomes are kept in --out for other weights")
    add("--iterations", type=int, default=1, help="apply SyMPIE 1 to so many times")
    add("--threads", type=int, default=0, help="of PyTorch")
    args = parser.parse_args()
    for option, known in (("conditions", CONDITIONS), ("networks", CLASSIFIERS)):
        names = getattr(args, option).split(",")
        wrong = [name for name in names if name not in known]
        if wrong:
            parser.error(f"--{option}: {wrong[0]} is none of {', '.join(known)}")
        setattr(args, option, names)
    return args


def choose(args):
    pictures = data.read_imagenet(args.imagenet) if args.imagenet else data.read_index(args.data)
    if args.split != "all":
        pictures = getattr(data.split(pictures), args.split)
    pictures = [p for p in pictures if p.label >= 0]
    if not pictures:
        raise ValueError("there is no labelled picture to judge by")
    return spread(pictures, args.limit) if args.limit else pictures


def spread(pictures, count):
    """`count` of the pictures at even distances, or all where there are fewer."""
    at = np.linspace(0, len(pictures) - 1, min(count, len(pictures)))
    return [pictures[i] for i in at.round().astype(int)]


def load(pictures):
    """-> uint8 (N, SIDE, SIDE, 3) and their labels."""
    return (np.stack([data.centre_crop(data.decode(p.path)) for p in pictures]),
            np.array([p.label for p in pictures]))


def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    chosen = choose(args)
    names = [os.path.basename(p.path) for p in chosen]
    pictures, labels = load(chosen)
    others = read_outcomes(args.against) if args.against else None
    if others and others[0] != names:
        raise ValueError(f"{args.against} is of other pictures")
    networks = load_networks(args.data, "load_classifier", args.networks)
    os.makedirs(args.out, exist_ok=True)
    frost = os.path.join(args.data, "frost")
    with Sympie(args.weights) as sympie, Corruptor(
            frost_folder=frost if os.path.isdir(frost) else None) as corruptor:
        values = evaluate(pictures, labels, corruptor, sympie, networks,
                          args.conditions, args.iterations, args.measure)
        scores = scores_of(values)
        if args.rivals:
            found, times = {"SyMPIE": scores}, {
                "SyMPIE": rivals.SyMPIE(args.weights).milliseconds()}
            for name, rival in rivals.load().items():
                times[name] = rival.milliseconds()
                path = kept_path(args.out, name)
                its = kept_outcomes(path, names, values)
                if its is None:
                    its = evaluate(pictures, labels, corruptor, rival, networks,
                                   args.conditions, 1, args.measure)
                    write_outcomes(path, names, its)
                found[name] = scores_of(its)
            write_rivals(args.out, found, times)
    title = f"{os.path.basename(args.weights)} on {len(pictures)} pictures"
    write_csv(os.path.join(args.out, "results.csv"), scores)
    write_outcomes(os.path.join(args.out, "outcomes.csv"), names, values)
    if others:
        paired = scores_against(values, others[1])
        write_csv(os.path.join(args.out, "against.csv"), paired)
        for s in paired:
            print(f"against: {s.network:18} {s.condition:14} {s.without:5.1f} -> "
                  f"{s.enhanced:5.1f}  {s.gain:+5.1f} [{s.low:+.1f}, {s.high:+.1f}]")
    write_markdown(os.path.join(args.out, "results.md"), scores, title, args.measure)
    draw(os.path.join(args.out, "results.png"), scores, title, args.measure)
    for s in scores:
        if s.times == 1 and (s.condition in ("clean", "mixed") or s.condition in GROUPS):
            print(f"{s.network:18} {s.condition:14} {s.without:5.1f} -> {s.enhanced:5.1f}"
                  f"  {s.gain:+5.1f} [{s.low:+.1f}, {s.high:+.1f}]")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, RuntimeError) as why:
        sys.exit(f"evaluate.py: {why}")
