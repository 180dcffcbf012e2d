#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Do classifiers still say what they say of the clip? agreement.py CLIP OUT.json

For every Nth frame of the clip (config.json's subsample), of its encodes and of their
versions (see measure.py; not those that reuse parameters): the share of frames whose
top-1 is that of the clip's own frame, by network. The networks are those of
weights/evaluate.py, from config.json's `models`; without that folder OUT.json says so.
"""

import json
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "weights"))
from video import read_frames


def tops(networks, frames):
    """-> {network: the class of each frame}."""
    import data
    import evaluate

    pictures = np.stack([data.centre_crop(frame) for frame in frames])
    return {name: evaluate.run_network(network, pictures, network.input_size)
            .argmax(1).numpy() for name, network in networks.items()}


def shares(networks, clean, versions):
    """-> {version: {network: share}}; all versions together, as networks take batches."""
    count = len(next(iter(versions.values())))
    found = tops(networks, [frame for frames in versions.values() for frame in frames])
    return {version: {name: float((tops_of[i * count:(i + 1) * count] == clean[name]).mean())
                      for name, tops_of in found.items()}
            for i, version in enumerate(versions)}


def judge(clip, config, networks):
    from sympie import Sympie

    every, found = config["subsample"], {}
    clean = tops(networks, list(read_frames(f"clips/{clip}.mkv", every)))
    with Sympie(config["weights"]) as sympie:
        for codec in config["codecs"]:
            for rate in config["rates"]:
                frames = list(read_frames(f"encodes/{clip}/{codec}-{rate}.mkv", every))
                with open(f"controls/{clip}/{codec}-{rate}.json", encoding="utf-8") as file:
                    controls = json.load(file)
                versions = {"plain": frames, "reuse1": [sympie.enhance(f) for f in frames]}
                for name, values in controls.items():
                    versions[name] = [sympie.apply(f, values) for f in frames]
                found[f"{codec}-{rate}"] = shares(networks, clean, versions)
    return found


def main():
    clip, out = sys.argv[1:]
    with open("config.json", encoding="utf-8") as file:
        config = json.load(file)
    folder = config["models"]
    told = {"skipped": "" if folder else "--models names no folder"}
    if folder:
        sys.path.insert(0, folder)
        import classifiers
        import evaluate

        told["encodes"] = judge(clip, config, {
            name: classifiers.load_classifier(name, folder) for name in evaluate.CLASSIFIERS})
    with open(out, "w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
