#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures all versions of an encode against its clip:
measure.py CLIP ENCODE CONTROLS.json LAYER/INPUT REUSE OUT.json

The versions are the encode itself, `plain`, the controls, and `reuseN`, which is
sympieenhance with reuse-interval=N, for each N of REUSE (1,4,...). One sympieprobe has
them all, each at a pad of its own, so that VGG19 looks at the clip once. Properties come
from config.json in the current folder. OUT.json is sympieprobe's, with the names of the
versions in the place of its pads'.
"""

import json
import subprocess
import sys

DECODE = ["decodebin", "force-sw-decoders=true"]  # the same everywhere


def enhance(config, *properties):
    return ["sympieenhance", "n-threads=1", f"device={config['device']}",
            f"weights={config['weights']}", "smoothing=0", *properties]


def versions(config, controls, reuse):
    """-> {version: the elements that make it of the encode}."""
    found = {"plain": ["identity"]}
    for name, values in controls.items():
        text = ", ".join(f"{value:.7g}" for value in values)
        found[name] = enhance(config, f"parameters=<{text}>")
    for interval in reuse:
        found[f"reuse{interval}"] = enhance(config, f"reuse-interval={interval}")
    return found


def main():
    clip, encode, controls, measure, reuse, out = sys.argv[1:]
    with open("config.json", encoding="utf-8") as file:
        config = json.load(file)
    with open(controls, encoding="utf-8") as file:
        made = versions(config, json.load(file), reuse.split(","))
    layer, seen = measure.split("/")
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={clip}", "!", *DECODE, "!",
               "probe.ref_sink", "filesrc", f"location={encode}", "!", *DECODE, "!",
               "tee", "name=encode"]
    pads = ["dist_sink"] + [f"dist_sink_{i}" for i in range(len(made) - 1)]
    for pad, elements in zip(pads, made.values()):
        command += ["encode.", "!", "queue", "max-size-bytes=0", "!", *elements, "!",
                    f"probe.{pad}"]
    command += ["sympieprobe", "name=probe", "n-threads=1", "strict=true",
                f"weights={config['vgg19']}", f"device={config['device']}",
                f"layer={layer}", f"input={seen}", f"subsample={config['subsample']}",
                "results-format=json", f"results-filename={out}", "!", "fakesink"]
    if subprocess.run(command).returncode:
        sys.exit("gst-launch-1.0 failed")
    with open(out, encoding="utf-8") as file:
        results = json.load(file)
    names = dict(zip(pads, made))
    for part in results["frames"] + results["pooled"]:
        part["version"] = names[part.pop("pad")]
    with open(out, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
