# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a training leaves: checkpoints, folders of safetensors files of which none is
above 16 MiB, and the library's weights."""

import json
import os
import subprocess

import numpy as np
import torch

import tensorfile
from model import Sympie

PART_SIZE = 15 << 20


def save_checkpoint(folder, step, recipe, tensors):
    parts, size = [{}], 0
    for name, tensor in tensors.items():
        values = tensor.detach().cpu().numpy()
        if size + values.nbytes > PART_SIZE and parts[-1]:
            parts.append({})
            size = 0
        parts[-1][name] = values
        size += values.nbytes
    unfinished, old = folder + ".new", folder + ".old"
    _remove_folder(unfinished)
    os.makedirs(unfinished)
    metadata = {"step": str(step), "recipe": json.dumps(recipe),
                "parts": str(len(parts))}
    for i, part in enumerate(parts):
        tensorfile.save(os.path.join(unfinished, f"{i:02}.safetensors"), part, metadata)
    if os.path.exists(folder):
        _remove_folder(old)
        os.rename(folder, old)
    os.rename(unfinished, folder)
    _remove_folder(old)


def _remove_folder(folder):
    if os.path.isdir(folder):
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))
        os.rmdir(folder)


def load_checkpoint(folder):
    """-> step, recipe, tensors."""
    tensors, names = {}, sorted(os.listdir(folder))
    for name in names:
        part, metadata = tensorfile.load(os.path.join(folder, name))
        tensors.update(part)
    if not names or int(metadata.get("parts", 0)) != len(names):
        raise ValueError(f"{folder} is no complete checkpoint")
    return (int(metadata["step"]), json.loads(metadata["recipe"]),
            {name: torch.from_numpy(values) for name, values in tensors.items()})


def fill(module, tensors, prefix, source):
    """Loads a module's state; says what is wrong as kernels/safetensors.c does."""
    for name, value in module.state_dict().items():
        full = prefix + name
        if name.endswith("num_batches_tracked") and full not in tensors:
            continue
        fault, found = None, tensors.get(full)
        if found is None:
            fault = "is missing"
        elif found.shape != value.shape:
            fault = f"has the shape {list(found.shape)}, not {list(value.shape)}"
        elif found.dtype not in (value.dtype, torch.float16):
            names = [tensorfile.NAMES[x.numpy().dtype] for x in (found, value.cpu())]
            fault = f"has the dtype {names[0]}, not {names[1]} or F16"
        elif not found.isfinite().all():
            first = found.isfinite().flatten().int().argmin()
            fault = f"holds NaN or infinity at element {first}"
        elif name.endswith("running_var") and (found < 0).any():
            fault = f"holds the negative variance {found[found < 0][0]:g}"
        if fault:
            raise ValueError(f"{source}: tensor '{full}' {fault}")
        value.copy_(found)


def export(path, u, metadata):
    """The library's file: convolutions in F16, the rest in F32."""
    tensors = {}
    for name, value in u.state_dict().items():
        if value.is_floating_point():
            half = value.dim() == 4
            tensors[name] = value.cpu().numpy().astype(np.float16 if half else np.float32)
    tensorfile.save(path, tensors, metadata)


def load_weights(*paths):
    """-> Sympie with the weights of a file for the library, or the mean of several, which
    has no gate: each was fitted to its own file's features."""
    u = Sympie()
    means = {name: torch.zeros_like(value) for name, value in u.state_dict().items()
             if value.is_floating_point()}
    with torch.no_grad():
        for path in paths:
            tensors, _ = tensorfile.load(path)
            u.gate = None
            if "gate.weight" in tensors or "gate.bias" in tensors:
                u.add_gate()
            fill(u, {name: torch.from_numpy(values) for name, values in tensors.items()}, "",
                 path)
            for name, mean in means.items():
                mean += u.state_dict()[name] / len(paths)
        if len(paths) > 1:
            u.gate = None
            fill(u, means, "", paths[0])
    return u.eval()


def history(paths):
    """The recipes of the files that a run starts from, and of those before them; where
    those are the same, with the first file alone."""
    files = [tensorfile.load(path)[1] for path in paths.split(",") if path]
    runs = [{"recipe": json.loads(m.get("recipe", "null")), "step": m.get("step"),
             "commit": m.get("commit"), "start": json.loads(m.get("history", "[]"))}
            for m in files]
    for run in runs[1:]:
        if run["start"] == runs[0]["start"]:
            del run["start"]
    return runs


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"],
                          cwd=os.path.dirname(os.path.abspath(__file__)),
                          capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
