#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Converts a PyTorch checkpoint of SyMPIE to the safetensors libsympie reads.

    weights/convert.py sympie.pth build/sympie.safetensors --dtype f16

The checkpoint is a state dict with the names of the SyMPIE authors, or holds one
under a usual key. A classifier's tensors are ignored, and so is "module." before
names. A .pth file is a pickle, which can run any code: PyTorch is asked for
weights alone (weights_only), unless --trust lifts that. Version 1.13 then refuses
even a learning rate beside the weights; later ones do not.
"""

import argparse
import inspect
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import numpy as np
    import torch
except ImportError as why:
    sys.exit(f"convert.py: {why}; see setup.sh --all")

import tensorfile

KEYS = ["state_dict", "model_state_dict", "model"]
DTYPES = {"f16": np.float16, "f32": np.float32}


def nem_shapes():
    """-> {name: shape} of what kernels/nem_weights.c reads."""
    shapes = {}

    def conv(name, n_in, n_out):
        shapes[name + ".weight"] = (n_out, n_in, 3, 3)
        shapes[name + ".bias"] = (n_out,)

    def bn(name, n):
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (n,)

    conv("colm.backbone.0", 3, 64)
    bn("colm.backbone.1", 64)
    for block, n in ((3, 128), (4, 256), (5, 512)):
        for i, n_in in ((1, n // 2), (2, n)):
            conv(f"colm.backbone.{block}.conv{i}", n_in, n)
            bn(f"colm.backbone.{block}.bn{i}", n)
    shapes["colm.out.weight"], shapes["colm.out.bias"] = (37, 512), (37,)
    return shapes


def load(path, trust=False):
    """-> what torch.save() wrote. ValueError names the file."""
    restricts = "weights_only" in inspect.signature(torch.load).parameters
    if not restricts and not trust:
        raise ValueError(f"{path}: PyTorch {torch.__version__} runs whatever code a "
                         "checkpoint holds; --trust allows that")
    options = {"weights_only": not trust} if restricts else {}
    try:
        return torch.load(path, map_location="cpu", **options)
    except OSError as why:
        raise ValueError(f"{path}: {why.strerror or why}")
    except Exception as why:  # damaged pickles raise anything
        # Behind its own advice, which PyTorch 2.6 ends with the line.
        refused, _, reason = str(why).rpartition("WeightsUnpickler error: ")
        if not refused and reason.startswith("Weights only load failed"):
            refused, _, reason = reason.partition("\n")
        advice = ("; --trust reads more, and runs what code is in the file"
                  if refused else "")
        reason = (reason.splitlines() or [type(why).__name__])[0]
        raise ValueError(f"{path} is not a checkpoint of weights: {reason}{advice}")


def find_state(path, checkpoint):
    """-> the state dict in the checkpoint, names without "module."."""
    places = [checkpoint]
    if isinstance(checkpoint, dict):
        places += [checkpoint.get(key) for key in KEYS]
    for place in places:
        if not isinstance(place, dict):
            continue
        state = {}
        for full, value in place.items():
            name = str(full)
            while name.startswith("module."):
                name = name[len("module."):]
            if name in state:
                raise ValueError(f"{path}: tensor {name} is there with and without "
                                 "'module.'")
            state[name] = value
        if any(name.startswith("colm.") for name in state):
            return state
    raise ValueError(f"{path}: no tensors named colm.*, directly or under "
                     + ", ".join(KEYS))


def to_array(what, value, shape, dtype):
    """-> a checked tensor as an array; `what` names it in errors."""
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"{what} is of type {type(value).__name__}, not a tensor")
    if not value.is_floating_point() or value.layout != torch.strided:
        raise ValueError(f"{what} has dtype {value.dtype}, {value.layout}, not a dense "
                         "floating one")
    if tuple(value.shape) != shape:
        raise ValueError(f"{what} has shape {list(value.shape)}, not {list(shape)}")
    values = value.detach().double().numpy()  # NumPy has no bfloat16
    if not np.isfinite(values).all():
        raise ValueError(f"{what} holds NaN or infinity")
    with np.errstate(over="ignore"):
        array = values.astype(dtype)
    if not np.isfinite(array).all():
        raise ValueError(f"{what} overflows {tensorfile.NAMES[array.dtype]}: it holds "
                         f"{values[~np.isfinite(array)][0]:g}")
    return array


def convert(path, out, dtype="f16", metadata=None, trust=False):
    """Writes `out`. -> ({name: array}, [names ignored])."""
    state = find_state(path, load(path, trust))
    tensors = {}
    for name, shape in nem_shapes().items():
        if name not in state:
            raise ValueError(f"{path} has no tensor {name}")
        is_conv = len(shape) == 4
        tensors[name] = to_array(f"{path}: tensor {name}", state[name], shape,
                                 DTYPES[dtype] if is_conv else np.float32)
    tensorfile.save(out, tensors, {"format": "pt", "model": "SyMPIE NEM",
                                   "source": os.path.basename(path), **(metadata or {})})
    return tensors, [name for name in state if name not in tensors
                     and not name.endswith("num_batches_tracked")]


def pair(text):
    """"key=value" -> (key, value)."""
    key, equals, value = text.partition("=")
    if not key or not equals or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is not key=value")
    return key, value


def summary(names):
    """"classifier.* (2), colm.odd": what is outside NEM by its first part."""
    groups = {}
    for name in names:
        first, dot, _ = name.partition(".")
        group = first + ".*" if dot and first != "colm" else name
        groups[group] = groups.get(group, 0) + 1
    return ", ".join(f"{group} ({n})" if group.endswith(".*") else group
                     for group, n in groups.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("checkpoint", help="the .pth file")
    add("out", help="the safetensors file to write")
    add("--dtype", choices=DTYPES, default="f16",
        help="of the convolutions' weights; the rest is F32 (default: %(default)s)")
    add("--metadata", type=pair, action="append", default=[], metavar="KEY=VALUE",
        help="a fact to note in the file; may be repeated")
    add("--trust", action="store_true",
        help="read checkpoints that hold more than weights; runs what code is in them")
    args = parser.parse_args()
    try:
        tensors, ignored = convert(args.checkpoint, args.out, args.dtype,
                                   dict(args.metadata), args.trust)
    except ValueError as why:
        sys.exit(f"convert.py: {why}")
    except OSError as why:
        sys.exit(f"convert.py: cannot write {args.out}: {why.strerror}")
    if ignored:
        print(f"ignored: {summary(ignored)}")
    print(f"{args.out}: {len(tensors)} tensors, convolutions in {args.dtype.upper()}")


if __name__ == "__main__":
    main()
